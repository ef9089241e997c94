"""A read down the same pipeline, on behalf of the request at hand.

A waffle that must know the present server asks the Nova below it, in this
process: the caller's own rights decide what is seen, and no credentials and
no network are needed.
"""

import copy
import io
import json
from typing import TYPE_CHECKING, Any

import webob

from waffles import exceptions

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

#: What a sub-request takes over; all else of an environ may be a cache of
#: the request that it was made for.
_KEPT = ("SERVER_", "REMOTE_", "HTTP_X_", "wsgi.", "keystone.", "openstack.")
_DROPPED = {
    "HTTP_X_OPENSTACK_NOVA_API_VERSION",
    "openstack.legacy_v2",
    "wsgi.input_terminated",
}


def get(
    app: "WSGIApplication",
    environ: "WSGIEnvironment",
    path: str,
    query: str = "",
    *,
    microversion: str = "2.1",
    elevated: bool = False,
) -> dict[str, Any]:
    """GET a path of the compute API, as the caller of the request sees it.

    Returns the JSON body.

    :param path: behind ``/v2.1`` and without project id, as in PATH_INFO
    :param elevated: as an administrator instead, for what only one can see;
        nothing of the answer may be shown to the caller
    :raises Hidden: Nova refuses the read (a status of 400 to 499)
    :raises Unavailable: there is no useful answer
    """
    made = _environ(environ, path, query, microversion, elevated)
    try:
        response = webob.Request(made).get_response(app)
        body = json.loads(response.body) if response.body else None
    except ValueError:
        body = None
    except Exception as error:
        raise exceptions.Unavailable(
            f"Nova could not be asked for {path}: {error}"
        ) from error
    if 400 <= response.status_int < 500 and not elevated:
        raise exceptions.Hidden(response.status_int, _message(body))
    if response.status_int != 200 or not isinstance(body, dict):
        raise exceptions.Unavailable(
            f"Nova answered {response.status_int} when asked for {path}."
        )
    return body


def _message(body: Any) -> str:
    """The message of a fault, as Nova gave it."""
    try:
        (inner,) = body.values()
        return str(inner["message"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return "Nova refused to show what this request is about."


def _environ(
    environ: "WSGIEnvironment",
    path: str,
    query: str,
    microversion: str,
    elevated: bool,
) -> "WSGIEnvironment":
    made = {
        name: value
        for name, value in environ.items()
        if name.startswith(_KEPT) and name not in _DROPPED
    }
    context = environ.get("nova.context")
    if context is not None:
        made["nova.context"] = (
            context.elevated() if elevated else copy.copy(context)
        )
    elif elevated:
        raise exceptions.Unavailable("There is no nova.context to ask with.")
    return made | {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": environ.get("SCRIPT_NAME", ""),
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        "HTTP_HOST": environ.get("HTTP_HOST", "localhost"),
        "HTTP_OPENSTACK_API_VERSION": f"compute {microversion}",
        "wsgi.input": io.BytesIO(),
    }
