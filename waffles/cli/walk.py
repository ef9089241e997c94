"""A walk over the servers of a cloud, and what it could not see."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from waffles import exceptions
from waffles.cli import owners
from waffles.cli.names import Names
from waffles.clients import errors
from waffles.policy import Finding

Server = Mapping[str, Any]
Servers = Iterable[Server]

#: What a server has that Nova shows in full; one of a down cell has not.
SHOWN = frozenset({"id", "name", "tenant_id", "user_id", "flavor", "metadata"})

#: The most sentences on what could not be seen.
MOST_GAPS = 10


class Row(NamedTuple):
    """One rule that one server breaks."""

    project: str
    server_id: str
    name: str
    policy: str
    pointer: str
    reason: str


class Auditor(NamedTuple):
    """A waffle that judges servers.

    :param scope: where names have to be unique: off, project, cloud
    """

    label: str
    scope: str
    judge: owners.Judge
    audit: Callable[[Server, Callable[[str], Iterable[str]]], Finding]


class Cloud(Protocol):
    """What is asked; :class:`waffles.clients.nova.Nova` is one."""

    def servers(self, project_id: str | None = None) -> Servers: ...

    def down_hosts(self) -> list[str]: ...


class Walk:
    """Judges servers one by one, and keeps none of them.

    :param bar: shows the progress of servers that come by, under a title
    """

    def __init__(
        self,
        cloud: Cloud,
        project_id: str | None,
        bar: Callable[[Servers, str], Servers],
    ) -> None:
        self._cloud, self.project_id, self._bar = cloud, project_id, bar
        self.judged = self.found = 0
        self.gaps: list[str] = []
        self._refused = False

    def rows(self, auditors: list[Auditor]) -> Iterator[Row]:
        """What is wrong with the servers, as it is found.

        What could not be seen is in ``gaps`` afterwards.
        """
        self._look_for_down_cells()
        with Names() as names:
            scopes = {auditor.scope for auditor in auditors} - {"off"}
            if scopes:
                whole = "cloud" in scopes
                project_id = None if whole else self.project_id
                names.fill(self._servers(project_id, "names"))
            for server in self._servers(self.project_id, "servers"):
                self.judged += 1
                for row in _of_server(server, auditors, names):
                    self.found += 1
                    yield row
        self._look_for_down_cells()

    def _servers(self, project_id: str | None, title: str) -> Iterator[Server]:
        """The servers that can be seen in full."""
        try:
            for server in self._bar(self._cloud.servers(project_id), title):
                if server.keys() >= SHOWN:
                    yield server
                else:
                    self._miss(
                        f"Server {server.get('id')} is shown in part only, as"
                        f" one of a cell that is down."
                    )
        except exceptions.Unjudged as error:
            self._fail("Not all servers could be listed.", error)

    def _look_for_down_cells(self) -> None:
        try:
            hosts = self._cloud.down_hosts()
        except exceptions.Unjudged as error:
            self._fail("Whether a cell is down is not known.", error)
            return
        if hosts:
            shown = ", ".join(hosts[:5]) + (", …" if len(hosts) > 5 else "")
            self._miss(
                f"A cell is down: the servers of its {len(hosts)} hosts"
                f" ({shown}) cannot be seen."
            )

    def _fail(self, what: str, error: exceptions.Unjudged) -> None:
        if not isinstance(error, errors.Refused):
            self._miss(f"{what} {error}")
        elif not self._refused:  # one answer explains them all
            self._refused = True
            self._miss(str(error))

    def _miss(self, sentence: str) -> None:
        if sentence not in self.gaps and len(self.gaps) < MOST_GAPS:
            self.gaps.append(sentence)


def _of_server(
    server: Server, auditors: list[Auditor], names: Names
) -> Iterator[Row]:
    for auditor in auditors:
        if not auditor.judge.applies(server):
            continue
        others = functools.partial(names.others, server, auditor.scope)
        finding = auditor.audit(server, others)
        for violation in finding.violations:
            yield Row(
                server["tenant_id"],
                server["id"],
                server["name"],
                auditor.label,
                *violation,
            )
