"""Nova, asked for one thing at a time: once, in time, by many threads.

Each call is made once and ends within some seconds.  What it raises tells
what Nova has done:

===========  ============================================================
Hidden       nothing: Nova refused what was asked for (400, 404, 409)
Refused      nothing: it refused us (401, 403)
Busy         nothing: there is too much to do, ask later (413, 429)
Unavailable  nobody knows: 5xx, no answer in time, a connection cut, or an
             answer that is not Nova's
===========  ============================================================

Refused and Busy are kinds of Unavailable, so they are caught first.  Nova puts
an id to each of its answers: a 404 without one is of a proxy, or of a wrong
endpoint, and says nothing of a server.
"""

import collections
import contextlib
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import novaclient
from novaclient import exceptions as novaclient_exceptions

from waffles import exceptions
from waffles.clients import deadline, errors, nova, session

#: Below this, Nova does not tell of a cell that is down.
LEAST = (2, 69)

#: Above this, what was running is stopped when it is evacuated.
MOST = (2, 94)

#: Of a header: the id that Nova gives to a request.
ID = "x-compute-request-id"

#: Answers after which nothing was done, whoever gave them.
_NEVER = {401, 403, 413, 429}

Json = dict[str, Any]


class Answer(NamedTuple):
    """What Nova has answered, and the id that it gave to the request."""

    request_id: str
    body: Any


class _Nova(NamedTuple):
    microversion: str
    http: Any


class Once:
    """Ways to ask Nova, with the rights of ``[waffles]``.

    :param timeout: seconds that one call may take, with a token for it
    :param threads: how many use it at a time
    """

    def __init__(
        self, access: session.Access, timeout: float, threads: int
    ) -> None:
        deadline.widen(access.session, threads)
        self._access, self._timeout = access.at_once(), timeout
        self._nova: _Nova | None = None
        self._lock = threading.Lock()
        self._calls = collections.Counter[str]()

    @property
    def microversion(self) -> str:
        """What Nova is asked at: the newest up to 2.94; asked for once.

        :raises ConfigError: it is below 2.69
        :raises Unavailable: there is no answer
        """
        return self._known().microversion

    @property
    def calls(self) -> dict[str, int]:
        """How many calls were made, by method and kind: ``POST evacuate``."""
        with self._lock:
            return dict(self._calls)

    def listing(self, path: str, key: str, kind: str = "") -> Json:
        """A JSON object that has a list of objects at a key."""
        answer = self.call("GET", path, kind or key)
        return nova.listing(_what("GET", path), answer.body, key)

    def object(
        self, method: str, path: str, key: str, kind: str, body: Any = None
    ) -> Json:
        """The object at a key of the answer."""
        found = self.call(method, path, kind, body).body
        found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise exceptions.Unavailable(
                f"{_what(method, path)}: there is no {key} in it."
            )
        return found

    def call(
        self, method: str, path: str, kind: str, body: Any = None
    ) -> Answer:
        """What Nova answers; the exceptions are those of the module."""
        how = {} if body is None else {"body": body}
        what = _what(method, path)
        with _told(what), deadline.within(self._timeout):
            http = self._known().http
            self._count(f"{method} {kind}")
            found, answer = http.request(path, method, raise_exc=False, **how)
            request_id = found.headers.get(ID, "")
            status = found.status_code
            if not request_id and status not in _NEVER:
                raise exceptions.Unavailable(
                    f"{what}: the answer {status} is of somebody else."
                )
            if status >= 300:
                fault = _fault(answer)
                raise novaclient_exceptions.from_response(found, fault, path)
        return Answer(request_id, answer)

    def _count(self, call: str) -> None:
        with self._lock:
            self._calls[call] += 1

    def _known(self) -> "_Nova":
        """Where Nova is, and what it knows.

        Threads that ask for the first time at once all look for themselves.
        """
        if self._nova is None:
            self._nova = self._found()
        return self._nova

    def _found(self) -> "_Nova":
        what = "Nova, asked for its microversions"
        self._count("GET versions")
        with _told(what), deadline.within(self._timeout):
            http = nova.http("2.1", self._access)
            seen = http.get_endpoint_data()
        newest = seen.max_microversion if seen else None
        if not newest:
            raise exceptions.Unavailable(f"{what}: it shows none.")
        known = novaclient.API_MAX_VERSION
        used = min(newest, MOST, (known.ver_major, known.ver_minor))
        if used < LEAST:
            raise exceptions.ConfigError(
                f"Nova is asked at microversion {_text(used)}, and servers"
                f" are recovered from {_text(LEAST)} on"
            )
        return _Nova(_text(used), nova.http(_text(used), self._access))


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn what clients raise into our own; Keystone tells of no server."""
    try:
        with errors.mapped(what):
            yield
    except exceptions.Hidden as error:
        cause = error.__cause__
        if isinstance(cause, novaclient_exceptions.ClientException):
            raise
        raise exceptions.Unavailable(str(error)) from error


def _fault(body: Any) -> Json | None:
    """The body of a fault of Nova's; None where it is something else."""
    faults = list(body.values()) if isinstance(body, dict) else []
    return body if faults and isinstance(faults[0], dict) else None


def _what(method: str, path: str) -> str:
    return f"Nova, asked to {method} {path}"


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
