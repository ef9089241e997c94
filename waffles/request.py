"""What a request asks for, read once and shared by all waffles.

The first waffle that needs it makes the :class:`ComputeRequest` and leaves it
in the environ; the waffles below use the same one.  Everything in it is read
as Nova 34 reads it (``nova/api/openstack/wsgi.py``), and only when asked for.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import microversion_parse
import webob

from waffles import body, caller, exceptions, operations, subrequest

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

REQUEST = "waffles.request"

_UNREAD = object()


class Microversion(NamedTuple):
    """A microversion of the compute API; ``latest`` is :data:`LATEST`."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


OLDEST = Microversion(2, 1)
LATEST = Microversion(2, 1_000_000)


class ComputeRequest:
    """One request to the compute API.

    ``operation`` is a name of :data:`waffles.operations.NAMES`, or None for
    what no waffle guards.  Where nobody can say, it is
    :data:`waffles.operations.UNKNOWN` and ``unjudged`` has the reason.
    ``ids`` are those of the path.
    """

    def __init__(self, environ: "WSGIEnvironment") -> None:
        self.environ = environ
        self.changed = False
        self._body: Any = _UNREAD
        self._caller: caller.Caller | None = None
        self.unjudged: exceptions.Malformed | None = None
        match = operations.classify(environ)
        self.operation = match.operation if match else None
        self.ids: Mapping[str, str] = match.ids if match else {}
        try:
            if self.operation == operations.ACTION:
                self.operation = operations.of_action(self._parsed())
            elif self.operation == operations.UNKNOWN:
                raise exceptions.Malformed(
                    "The compute API has no such operation that could be"
                    " judged here."
                )
        except exceptions.Malformed as error:
            self.operation, self.unjudged = operations.UNKNOWN, error
        self._key = _key(environ)

    @classmethod
    def of(cls, environ: "WSGIEnvironment") -> "ComputeRequest":
        """The request in the environ, made anew when something changed it."""
        known: ComputeRequest | None = environ.get(REQUEST)
        if known is None or known._key != _key(environ):
            known = environ[REQUEST] = cls(environ)
        return known

    @property
    def body(self) -> Any:
        """The JSON body, to be changed by :meth:`write` only.

        :raises Malformed: Nova would not read it either: whatever the route
            is, its controllers get a body with POST and PUT only
        """
        if self.environ["REQUEST_METHOD"] not in {"POST", "PUT"}:
            raise exceptions.Malformed("This operation needs a JSON body.")
        return self._parsed()

    def _parsed(self) -> Any:
        if self._body is _UNREAD:
            self._body = body.parsed(self.environ)
            self._key = _key(self.environ)  # webob made the input seekable
        return self._body

    def object_at(self, *path: str) -> dict[str, Any]:
        """The JSON object at a path of the body, such as ("server",).

        :raises Malformed: something else is there, or nothing
        """
        found = self.body
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            where = "/".join(("", *path)) or "The body"
            raise exceptions.Malformed(f"{where} must be a JSON object.")
        return found

    def write(self, path: tuple[str, ...], value: Any) -> None:
        """Set a value in the body; Nova gets it when :meth:`flush` is called.

        The objects on the way are replaced, not touched: what a waffle took
        from the body before stays as it was.
        """
        self._body = _with(self.body, path, value)
        self.changed = True

    def flush(self) -> None:
        """Put a changed body where Nova reads it."""
        if self.changed:
            body.replace(self.environ, json.dumps(self._body).encode())
            self._key, self.changed = _key(self.environ), False

    @property
    def legacy(self) -> bool:
        """Whether it came by ``/v2``, which knows no microversions."""
        return bool(self.environ.get("openstack.legacy_v2"))

    @property
    def microversion(self) -> Microversion | None:
        """What Nova resolves the headers to; None if it cannot (400)."""
        text = None if self.legacy else version_text(self.environ)
        if text is None:
            return OLDEST
        if text == "latest":
            return LATEST
        try:
            major, minor = text.split(".")
            return Microversion(int(major), int(minor))
        except ValueError:
            return None

    @property
    def caller(self) -> caller.Caller:
        """Who asks."""
        if self._caller is None:
            self._caller = caller.of_environ(self.environ)
        return self._caller

    @property
    def request_id(self) -> str | None:
        """The id that the client sees in ``x-openstack-request-id``."""
        return self.environ.get("openstack.request_id")

    def get(
        self, app: "WSGIApplication", path: str, query: str = "", **how: Any
    ) -> dict[str, Any]:
        """Read something below; see :func:`waffles.subrequest.get`."""
        return subrequest.get(app, self.environ, path, query, **how)

    def version_header(self, app: "WSGIApplication") -> str | None:
        """The microversion as Nova's answer would show it.

        None on ``/v2`` and where Nova has not understood the headers.  What
        ``latest`` is only Nova knows: it is asked, as refusals are rare.
        """
        if self.legacy or self.microversion is None:
            return None
        if self.microversion != LATEST:
            return str(self.microversion)
        try:
            return str(self.get(app, "/")["version"]["version"])
        except (exceptions.Unjudged, KeyError, TypeError):
            return None


def _key(environ: "WSGIEnvironment") -> tuple[Any, ...]:
    """What must be as it was for a ComputeRequest to be true still."""
    return (
        environ["REQUEST_METHOD"],
        environ.get("PATH_INFO"),
        environ.get("QUERY_STRING"),
        environ.get("CONTENT_LENGTH"),
        environ.get("wsgi.input"),
    )


def _with(value: Any, path: tuple[str, ...], new: Any) -> Any:
    """A copy of a JSON value with one thing at a path replaced."""
    if not path:
        return new
    held = value.get(path[0], {})
    return {**value, path[0]: _with(held, path[1:], new)}


def version_text(environ: "WSGIEnvironment") -> str | None:
    """The microversion of the headers, as Nova finds it; None for none."""
    return microversion_parse.get_version(
        webob.Request(environ).headers,
        service_type="compute",
        legacy_headers=["X-OpenStack-Nova-API-Version"],
    )
