"""A refusal in the compute API's own error form.

::

    {"forbidden": {"code": 403, "message": "..."}}

Clients read the message of the first key (python-novaclient) or of every
top-level value (openstacksdk), so the native name is the only key.  Names,
headers and the form follow ``nova/api/openstack/wsgi.py`` (``Fault``).
"""

import json
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

import webob

from waffles import exceptions

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOG = logging.getLogger(__name__)

#: HTTP status code -> the name of the fault; any other is a computeFault.
NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}

#: Seconds after which a caller may try again what could not be judged now.
RETRY_AFTER = 5

_VERSION_HEADERS = ("OpenStack-API-Version", "X-OpenStack-Nova-API-Version")


def fault(
    code: int, message: str, version: str | None = None
) -> webob.Response:
    """A WSGI application that answers with a fault.

    :param version: the microversion that the request resolved to, such as
        "2.90"; None on ``/v2`` and where Nova could not read one.
    """
    body = {
        NAMES.get(code, "computeFault"): {"code": code, "message": message}
    }
    response = webob.Response(
        status=code,
        body=json.dumps(body).encode(),
        headerlist=[("Content-Type", "application/json; charset=UTF-8")],
    )
    if code == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    if version:
        response.headers["OpenStack-API-Version"] = f"compute {version}"
        response.headers["X-OpenStack-Nova-API-Version"] = version
        for header in _VERSION_HEADERS:
            response.headers.add("Vary", header)
    return response


def of_exception(
    error: Exception, version: str | None = None
) -> webob.Response:
    """The answer to a request that ended in an exception: never a pass."""
    if isinstance(error, exceptions.Unjudged):
        return fault(error.code, str(error), version)
    LOG.error("A request could not be judged", exc_info=error)
    return fault(500, "This request could not be judged.", version)


def warned(app: "WSGIApplication", text: str) -> "WSGIApplication":
    """The application, its answers with a ``Warning`` header (RFC 7234)."""
    # json.dumps makes a quoted-string of printable ASCII, whatever is in it;
    # servers and proxies take some kilobytes of headers.
    header = ("Warning", f"299 waffles {json.dumps(text[:1000])}")

    def answer(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        def start(status, headers, *args):  # type: ignore[no-untyped-def]
            return start_response(status, [*headers, header], *args)

        return app(environ, start)

    return answer
