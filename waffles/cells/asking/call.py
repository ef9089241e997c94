"""One call of a client, and how the cells are asked for it."""

import dataclasses
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from urllib import parse

from waffles import body, exceptions, operations
from waffles.caller import Caller
from waffles.cells.asking import local
from waffles.cells.asking.fanout import Fan
from waffles.cells.journal.entries import Writes
from waffles.cells.model import Cell, Registry, Reply, Version
from waffles.clients.cell import End, Outcome, Question

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

LOG = logging.getLogger(__name__)

#: Says which cells a call is for; heard from those that may, never sent on.
TARGET = "X-Waffles-Cell"

#: Says how each cell that was asked has answered.
CELLS = "X-Waffles-Cells"

#: A parameter that any request may have.
METHOD = "_method"

#: The most bytes of a header, or of a query, that is sent on.
MOST = 8192

#: Names the proxies that a request has passed.
HOP = "X-Waffles-Hop"

#: Of a request: what cells are told.
_SENT = (
    "X-Auth-Token",
    "X-Service-Token",
    "Accept-Language",
    "X-Forwarded-For",
)

#: Of a cell's answer: what the client is told.
_TOLD = (
    "openstack-api-version",
    "x-openstack-nova-api-version",
    "vary",
    "location",
    "retry-after",
    "www-authenticate",
)

#: Statuses by which a cell other than home says that it is set up wrongly.
_ALIEN = (401, 406)


class Sees(Protocol):
    """What looks at the lists of cells."""

    def see(
        self, home: str, lists: Mapping[str, Iterable[Mapping[str, Any]]]
    ) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Cloud:
    """What all calls share.

    :param name: of this proxy, in :data:`HOP`
    :param on_cell_down: ``skip`` or ``fail``
    :param app: the application below
    :param journal: what keeps the writes of flavors
    :param sightings: of flavors that differ, in lists
    """

    name: str
    registry: Registry
    fan: Fan
    on_cell_down: str
    app: "WSGIApplication"
    journal: Callable[[], Writes]
    sightings: Sees


class Call:
    """One call; made for one request, used by one thread.

    :param version: at which the cells are asked
    :param base: what our own addresses begin with, without a slash behind
    :param targets: the cells that :data:`TARGET` names; None for all
    :ivar seen: how each cell has answered that was asked
    """

    def __init__(
        self,
        cloud: Cloud,
        environ: "WSGIEnvironment",
        caller: Caller,
        ids: Mapping[str, str],
        version: Version,
        base: str,
        targets: tuple[Cell, ...] | None = None,
    ) -> None:
        self.cloud, self.environ, self.caller = cloud, environ, caller
        self.ids, self.version, self.base = ids, version, base
        self.targets = targets
        self.method = operations.method(environ)
        self.seen: dict[str, str] = {}

    @property
    def registry(self) -> Registry:
        """All cells."""
        return self.cloud.registry

    @property
    def on_cell_down(self) -> str:
        """What a list is without a cell: ``skip`` or ``fail``."""
        return self.cloud.on_cell_down

    @cached_property
    def journal(self) -> Writes:
        """What keeps the writes of flavors.

        :raises Unavailable: its database gives no answer
        """
        return self.cloud.journal()

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The parameters, but for a method instead of the request's own.

        :raises Malformed: they are no text, or too long
        """
        text = self.environ.get("QUERY_STRING", "")
        if len(text) > MOST:
            raise exceptions.Malformed("The query string is too long.")
        try:
            found = parse.parse_qsl(
                text, keep_blank_values=True, errors="strict"
            )
        except ValueError:
            raise exceptions.Malformed(
                "Query string is not UTF-8 encoded"
            ) from None
        return tuple(one for one in found if one[0] != METHOD)

    @cached_property
    def data(self) -> Any:
        """The JSON body; None for an empty one.

        :raises Malformed: it is none
        """
        if not body.read(self.environ):
            return None
        return body.parsed(self.environ)

    def cells(self) -> tuple[Cell, ...]:
        """The cells that the call is for."""
        return self.targets or self.registry.cells

    def ask(
        self,
        path: str,
        *,
        cells: Iterable[Cell] | None = None,
        method: str = "GET",
        query: Iterable[tuple[str, str]] = (),
        data: Any = None,
    ) -> dict[str, Outcome]:
        """Ask cells the same, at the same time.

        :param path: quoted, behind the endpoint
        :param cells: all that the call is for where nothing is said
        :returns: by names of cells, in the order of the cells
        """
        asked = self.cells() if cells is None else tuple(cells)
        question = self.question(method, path, tuple(query), data)
        return self.put({cell.name: question for cell in asked})

    def one(self, cell: Cell, path: str, **how: Any) -> Outcome:
        """Ask one cell; as :meth:`ask` does."""
        return self.ask(path, cells=(cell,), **how)[cell.name]

    def put(self, questions: Mapping[str, Question]) -> dict[str, Outcome]:
        """Ask each cell something of its own, at the same time."""
        known = [cell for cell in self.registry if cell.name in questions]
        here = {
            cell.name: self._local(cell, questions[cell.name])
            for cell in known
            if cell.local
        }
        seconds = max((cell.timeout for cell in known), default=0.0)
        found = self.cloud.fan.ask(
            {cell.name: questions[cell.name] for cell in known}, seconds, here
        )
        for outcome in found.values():
            self._remember(outcome)
        return found

    def _local(self, cell: Cell, question: Question) -> Callable[[], Outcome]:
        return lambda: local.ask(
            self.cloud.app, self.environ, cell.name, question
        )

    def question(
        self,
        method: str,
        path: str,
        query: tuple[tuple[str, str], ...] = (),
        data: Any = None,
    ) -> Question:
        """What a cell is asked, with the headers for it."""
        sent = None if data is None else json.dumps(data).encode()
        return Question(method, path, query, self._headers(sent), sent)

    def _headers(self, sent: bytes | None) -> dict[str, str]:
        version, environ = str(self.version), self.environ
        headers = {
            "Accept": "application/json",
            "OpenStack-API-Version": f"compute {version}",
            "X-OpenStack-Nova-API-Version": version,
            HOP: self._hops(),
        }
        if sent is not None:
            headers["Content-Type"] = "application/json"
        if request_id := environ.get("openstack.request_id"):
            headers["X-OpenStack-Request-Id"] = str(request_id)
        for name in _SENT:
            value = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
            if value and len(value) <= MOST:
                headers[name] = value
        return headers

    def _hops(self) -> str:
        before = self.environ.get("HTTP_X_WAFFLES_HOP", "")
        return ", ".join(filter(None, (before, self.cloud.name)))

    def _remember(self, outcome: Outcome) -> None:
        how = state(outcome)
        self.seen[outcome.cell] = how
        if how != "ok":
            LOG.warning(
                "Cell %s: %s: %s [%s]",
                outcome.cell,
                how,
                outcome.why or outcome.status,
                self.environ.get("openstack.request_id", "-"),
            )


def passed_on(outcome: Outcome) -> Reply:
    """A cell's answer as it is.

    :raises Unavailable: there is none
    """
    if outcome.end is not End.ANSWERED:
        raise exceptions.Unavailable(
            outcome.why or f"Cell {outcome.cell} has not answered."
        )
    headers = {
        name: value for name, value in outcome.headers.items() if name in _TOLD
    }
    return Reply(outcome.status, outcome.json, headers)


def state(outcome: Outcome) -> str:
    """How a cell has answered, in a word."""
    if outcome.end is not End.ANSWERED:
        return outcome.end.value
    if outcome.status >= 500 or outcome.status in _ALIEN:
        return str(outcome.status)
    return "ok"
