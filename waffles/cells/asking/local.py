"""The Nova below the proxy, asked as a cell: in this thread, without HTTP."""

import copy
import io
import json
import logging
import time
from typing import TYPE_CHECKING
from urllib import parse

import webob

from waffles.clients.cell import End, Outcome, Question

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

LOG = logging.getLogger(__name__)

#: What a request takes over from the one that it is made for.
_KEPT = ("SERVER_", "REMOTE_", "HTTP_X_", "wsgi.", "keystone.", "openstack.")
_DROPPED = {
    "openstack.legacy_v2",
    "wsgi.input_terminated",
    "HTTP_X_OPENSTACK_NOVA_API_VERSION",
    "HTTP_X_WAFFLES_CELL",
    "HTTP_X_WAFFLES_HOP",
}


def ask(
    app: "WSGIApplication",
    environ: "WSGIEnvironment",
    cell: str,
    question: Question,
) -> Outcome:
    """What the application below answers.

    :param environ: of the request that it is asked for, as its caller
    """
    began = time.monotonic()
    try:
        found = webob.Request(_environ(environ, question)).get_response(app)
        data = json.loads(found.body) if found.body else None
    except Exception:
        LOG.exception("Cell %s, the Nova below, has failed", cell)
        return Outcome(cell, End.BROKEN, why=f"Cell {cell} has failed.")
    return Outcome(
        cell,
        End.ANSWERED,
        found.status_int,
        {name.lower(): value for name, value in found.headers.items()},
        found.body,
        json=data,
        seconds=time.monotonic() - began,
    )


def _environ(
    environ: "WSGIEnvironment", question: Question
) -> "WSGIEnvironment":
    made = {
        name: value
        for name, value in environ.items()
        if name.startswith(_KEPT) and name not in _DROPPED
    }
    context = environ.get("nova.context")
    if context is not None:
        made["nova.context"] = copy.copy(context)
    body = question.body or b""
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in question.headers.items()
        if name.lower() != "content-type"
    }
    path = parse.unquote_to_bytes(question.path).decode("latin-1")
    return made | {
        **headers,
        "REQUEST_METHOD": question.method,
        "SCRIPT_NAME": environ.get("SCRIPT_NAME", ""),
        "PATH_INFO": path,
        "QUERY_STRING": parse.urlencode(question.query),
        "SERVER_PROTOCOL": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        "HTTP_HOST": environ.get("HTTP_HOST", "localhost"),
        "CONTENT_TYPE": "application/json",
        # Else Nova looks for an extension in the path, which may be no text.
        "nova.best_content_type": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
