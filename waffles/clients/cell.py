"""One cell's compute API, asked for one thing at a time.

Each call ends within its time and has one :class:`Outcome`; none raises.  The
outcome tells what the cell has done:

========  =============================================================
answered  what the status says; 5xx may have been done nevertheless
refused   nothing: there was no connection
busy      nothing: too much of ours was under way, so it was not sent
open      nothing: the cell is left alone for a while
late      nobody knows: there was no answer in time
broken    nobody knows: no answer, or none of Nova's
========  =============================================================

Cells may be wrong in any way, and the caller's token is the caller's: it goes
to the endpoint and below it, whatever the cell, the environment (proxies, a
netrc) or a path says.  Redirects are not followed, cookies are not kept, and
answers are not larger, deeper, or otherwise encoded than Nova's.  A 404 has
Nova's id of the request, or is of somebody else.

This uses http.client: it does nothing of that by itself, and costs a third of
urllib3 with a deadline, which 20 cells at once do not leave the time for.
"""

import contextlib
import dataclasses
import enum
import http.client
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib import parse

from waffles import exceptions
from waffles.clients import answers, lines, wire

#: Headers that are between us and the cell, and never the caller's.
_OURS = frozenset(
    """accept-encoding connection content-length cookie expect host keep-alive
    proxy-authorization proxy-connection te trailer transfer-encoding upgrade
    """.split()
)

_PATH = re.compile(r"/[!-~]*")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")


class End(enum.StrEnum):
    """How a call has ended; the table is in the docstring of the module."""

    ANSWERED = enum.auto()
    REFUSED = enum.auto()
    BUSY = enum.auto()
    OPEN = enum.auto()
    LATE = enum.auto()
    BROKEN = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What a cell is asked.

    :param path: quoted, behind the endpoint
    :param query: not quoted
    :raises Malformed: it is not to be sent like this
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes | None = None

    def __post_init__(self) -> None:
        if not _is_below(self.path):
            raise exceptions.Malformed("The path leads nowhere.")
        for name, value in self.headers.items():
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise exceptions.Malformed(f"The header {name!r} is none.")

    @property
    def target(self) -> str:
        """The path with its query."""
        query = parse.urlencode(self.query)
        return f"{self.path}?{query}" if query else self.path


def _is_below(path: str) -> bool:
    """Whether a path stays behind the endpoint, however it is read."""
    if not _PATH.fullmatch(path) or "?" in path or "#" in path:
        return False
    parts = re.split(r"[/\\]", parse.unquote(path))
    return not {".", ".."}.intersection(parts)


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a question.

    :param cell: its name
    :param headers: with names in lower case
    :param why: a sentence for the log and the client; empty if answered
    :param seconds: that it took
    :param json: the body's object; None where there is none
    """

    cell: str
    end: End
    status: int = 0
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""
    why: str = ""
    seconds: float = 0.0
    json: Any = None

    @property
    def sent(self) -> bool:
        """Whether the cell may have heard of it."""
        return self.end not in (End.REFUSED, End.BUSY, End.OPEN)


@dataclasses.dataclass(frozen=True, slots=True)
class Peer:
    """A cell, and what it may cost.

    :param endpoint: ``http://host:8774/v2.1``
    :param connect_timeout: seconds
    :param timeout: seconds for a whole call
    :param connections: at the same time
    :param most_bytes: of an answer
    :param cafile: certificates that are trusted; None for the system's
    """

    name: str
    endpoint: str
    connect_timeout: float = 1.0
    timeout: float = 5.0
    connections: int = 8
    most_bytes: int = 16 * 2**20
    cafile: str | None = None


class Client:
    """Asks one cell; for many threads, in forked processes too."""

    def __init__(self, peer: Peer) -> None:
        url = parse.urlsplit(peer.endpoint)
        self.peer, self._prefix = peer, url.path.rstrip("/")
        self._lines = lines.Lines(
            peer.endpoint, peer.connect_timeout, peer.connections, peer.cafile
        )

    def ask(self, question: Question, seconds: float | None = None) -> Outcome:
        """Ask the cell once.

        Only a GET uses a connection that was kept, and is sent again on a new
        one if the cell has closed that.

        :param seconds: for this call, if less than the cell's time-out
        """
        began, limit = time.monotonic(), self.peer.timeout
        limit = limit if seconds is None else min(limit, seconds)
        outcome = self._asked(question, began + limit)
        return dataclasses.replace(outcome, seconds=time.monotonic() - began)

    def close(self) -> None:
        """Close the connections that this process has kept."""
        self._lines.close()

    def _asked(self, question: Question, end: float) -> Outcome:
        try:
            line, response = self._begun(question, end)
            return self._read(line, response, question)
        except lines.Unreached as error:
            return self._not(End.REFUSED, f"cannot be reached: {error}.")
        except TimeoutError:
            return self._not(End.LATE, "has not answered in time.")
        except answers.Strange as error:
            return self._not(End.BROKEN, f"has answered {error}.")
        except Exception as error:  # of whatever a peer makes of http.client
            return self._not(
                End.BROKEN, f"has broken off: {lines.text(error)}."
            )

    def _not(self, end: End, why: str) -> Outcome:
        return Outcome(self.peer.name, end, why=f"Cell {self.peer.name} {why}")

    def _begun(
        self, question: Question, end: float
    ) -> tuple[wire.Connection, http.client.HTTPResponse]:
        """The beginning of the answer, and what it comes by."""
        if question.method == "GET" and (kept := self._lines.kept()):
            with contextlib.suppress(ConnectionError):
                return kept, self._sent(kept, question, end)
        line = self._lines.new(end)
        return line, self._sent(line, question, end)

    def _sent(
        self, line: wire.Connection, question: Question, end: float
    ) -> http.client.HTTPResponse:
        headers = {
            name: value
            for name, value in question.headers.items()
            if name.lower() not in _OURS
        }
        target = self._prefix + question.target
        line.until(end)
        try:
            line.request(question.method, target, question.body, headers)
            return line.getresponse()
        except BaseException:
            line.close()
            raise

    def _read(
        self,
        line: wire.Connection,
        response: http.client.HTTPResponse,
        question: Question,
    ) -> Outcome:
        """The answer.

        :raises Strange: it is not Nova's
        """
        try:
            status, headers = response.status, answers.headers(response)
            answers.refuse_head(status, headers)
            body = answers.body(response, self.peer.most_bytes)
        except BaseException:
            line.close()
            raise
        finally:
            response.close()
        if response.will_close:
            line.close()
        else:
            self._lines.keep(line)
        data = answers.parsed(question.method, status, headers, body)
        name = self.peer.name
        return Outcome(name, End.ANSWERED, status, headers, body, json=data)
