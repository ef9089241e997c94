"""The body of a request, read once, as Nova reads it, and replaced."""

import io
import json
from typing import TYPE_CHECKING, Any

import webob
import webob.exc

from waffles import exceptions

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


def parsed(environ: "WSGIEnvironment") -> Any:
    """The body, read as WebOb and json read it for Nova.

    :raises Malformed: Nova would not read it either
    """
    try:
        text = read(environ).decode()
        parsed = json.loads(text)
        if "\\u" in text:  # half a surrogate pair is no text
            json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError, OSError, webob.exc.HTTPException):
        # The last is what oslo.middleware raises at its limit of size.
        raise exceptions.Malformed("Malformed request body") from None
    return parsed


def read(environ: "WSGIEnvironment") -> bytes:
    """The bytes of the body, left in the environ to be read again.

    A body that comes in one piece of a known length, as nearly all do, is
    read here, in a fifth of the time that WebOb takes for it.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdecimal()) or length == "0":
        return bytes(webob.Request(environ).body)
    stream = environ["wsgi.input"]
    if environ.get("webob.is_body_seekable"):
        stream.seek(0)
    found = bytes(stream.read(int(length)))
    while len(found) < int(length):
        more = stream.read(int(length) - len(found))
        if not more:
            raise OSError("the client has gone")
        found += more
    replace(environ, found)
    return found


def replace(environ: "WSGIEnvironment", body: bytes) -> None:
    """Have Nova read another body."""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["webob.is_body_seekable"] = True
