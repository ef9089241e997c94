"""Reading the store: recoveries, their servers and logs, and counts."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from waffles.database.access import Database
from waffles.recovery.model import (
    IN_FLIGHT,
    Decision,
    Line,
    Phase,
    Recovery,
    Server,
    State,
)
from waffles.recovery.store import rows, tables
from waffles.recovery.store.errors import NoMarker, NoRecovery

#: What waits for a human: not yet given up, or moved when the host failed.
STUCK = (
    tables.server.c.state == State.STUCK,
    tables.server.c.open_key.is_not(None)
    | tables.server.c.issued_at.is_(None),
)

#: Seconds after which an engine that is not seen does not count.
ALIVE = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Totals:
    """How much there is of everything.

    :param stuck: servers that wait for a human
    :param pending: notices that are not delivered yet
    :param given_up: notices that never will be
    :param engines: those that were seen in the last minute
    """

    phases: Mapping[Phase, int]
    servers: Mapping[tuple[Decision, State], int]
    stuck: int
    pending: int
    given_up: int
    engines: int

    @property
    def held(self) -> int:
        """Recoveries that wait for a gate."""
        return self.phases.get(Phase.HELD, 0)

    @property
    def in_flight(self) -> int:
        """Evacuations under way."""
        return self.in_state(*IN_FLIGHT)

    def in_state(self, *states: State) -> int:
        """Servers in some states."""
        return sum(n for (_, at), n in self.servers.items() if at in states)


class Reads:
    """The part of the store that reads.

    :raises Unavailable: from each method: the database gives no answer
    """

    database: Database

    def now(self) -> float:
        """The time by the database's clock: seconds since 1970."""
        return self.database.read(self.database.now)

    def recovery(self, recovery_id: str) -> Recovery | None:
        """A recovery, by its id."""
        table = tables.recovery
        return self._one(table.c.id == recovery_id)

    def latest(self, host: str) -> Recovery | None:
        """The newest recovery of a host."""
        return self._one(tables.recovery.c.host == host)

    def open_of(self, host: str) -> Recovery | None:
        """The recovery of a host that has not ended."""
        return self._one(tables.recovery.c.open_key == host)

    def recoveries(
        self,
        *,
        limit: int,
        marker: str = "",
        host: str = "",
        open: bool | None = None,
        project_id: str = "",
    ) -> list[Recovery]:
        """Recoveries, the newest first.

        :param marker: the id of the one to begin behind
        :param open: those that have not ended, or those that have
        :param project_id: those with a server of that project
        :raises NoMarker: there is no recovery of that id
        """
        table, where = tables.recovery, []
        if host:
            where.append(table.c.host == host)
        if open is not None:
            is_closed = table.c.open_key.is_(None)
            where.append(~is_closed if open else is_closed)
        if project_id:
            theirs = sa.select(tables.server.c.recovery_id).where(
                tables.server.c.project_id == project_id
            )
            where.append(table.c.id.in_(theirs))

        def read(connection: sa.Connection) -> list[Recovery]:
            behind = []
            if marker:
                last = _key(connection, table, table.c.id == marker, marker)
                behind = [table.c.key < last]
            found = sa.select(table).where(*where, *behind)
            found = found.order_by(table.c.key.desc()).limit(limit)
            return rows.fetch(connection, found, rows.to_recovery)

        return self.database.read(read)

    def servers(
        self,
        recovery_id: str,
        *,
        limit: int | None = None,
        marker: str = "",
        project_id: str = "",
    ) -> list[Server]:
        """The servers of a recovery, in the order of its plan.

        :param marker: the id of the server to begin behind
        :param project_id: those of that project
        :raises NoMarker: the recovery has no such server
        """
        table = tables.server
        where = [table.c.recovery_id == recovery_id]
        if project_id:
            where.append(table.c.project_id == project_id)

        def read(connection: sa.Connection) -> list[Server]:
            behind = []
            if marker:
                at = sa.and_(*where, table.c.server_id == marker)
                last = _key(connection, table, at, marker)
                behind = [table.c.key > last]
            return servers(connection, *where, *behind, limit=limit)

        return self.database.read(read)

    def lines(
        self,
        recovery_id: str,
        *,
        limit: int | None = None,
        marker: int = 0,
        server_id: str = "",
    ) -> list[Line]:
        """The log of a recovery, the oldest first.

        :param recovery_id: empty for what is about the whole cloud
        :param marker: the key of the line to begin behind
        :param server_id: those about that server
        """
        table = tables.log
        where = [table.c.recovery_id == (recovery_id or None)]
        where += [table.c.key > marker] if marker else []
        where += [table.c.server_id == server_id] if server_id else []
        found = sa.select(table).where(*where).order_by(table.c.key)
        return self.database.read(
            lambda c: rows.fetch(c, found.limit(limit), rows.to_line)
        )

    def counts(self, recovery_id: str) -> dict[State, int]:
        """How many servers of a recovery are in which state."""
        return self.database.read(lambda c: counts(c, recovery_id))

    def totals(self) -> Totals:
        """How much there is of everything, at one moment."""
        return self.database.read(self._totals)

    def _totals(self, connection: sa.Connection) -> Totals:
        server, notices = tables.server.c, tables.outbox.c
        seen = tables.engine.c.seen_at
        waits, gave_up = notices.delivered_at.is_(None), notices.gave_up_at

        def count(*where: Any) -> int:
            found = sa.select(sa.func.count()).where(*where)
            return int(connection.execute(found).scalar_one())

        return Totals(
            phases=_grouped(connection, tables.recovery.c.phase),
            servers=_grouped(connection, server.decision, server.state),
            stuck=count(*STUCK),
            pending=count(waits, gave_up.is_(None)),
            given_up=count(waits, gave_up.is_not(None)),
            engines=count(seen > self.database.now(connection) - ALIVE),
        )

    def _one(self, *where: Any) -> Recovery | None:
        return self.database.read(lambda c: newest(c, *where))


def newest(connection: sa.Connection, *where: Any) -> Recovery | None:
    """The newest recovery that is as it is asked for."""
    table = tables.recovery
    found = sa.select(table).where(*where).order_by(table.c.key.desc())
    first = rows.fetch(connection, found.limit(1), rows.to_recovery)
    return first[0] if first else None


def known(connection: sa.Connection, recovery_id: str) -> Recovery:
    """A recovery, by its id.

    :raises NoRecovery: there is none
    """
    found = newest(connection, tables.recovery.c.id == recovery_id)
    if found is None:
        raise NoRecovery(recovery_id)
    return found


def servers(
    connection: sa.Connection, *where: Any, limit: int | None = None
) -> list[Server]:
    """The servers that are as they are asked for, in the order of the plan."""
    table = tables.server
    found = sa.select(table).where(*where).order_by(table.c.key).limit(limit)
    return rows.fetch(connection, found, rows.to_server)


def counts(connection: sa.Connection, recovery_id: str) -> dict[State, int]:
    """How many servers of a recovery are in which state."""
    table = tables.server
    here = table.c.recovery_id == recovery_id
    return _grouped(connection, table.c.state, where=[here])


def _grouped(
    connection: sa.Connection,
    *columns: sa.Column[Any],
    where: Iterable[Any] = (),
) -> dict[Any, int]:
    """How many rows there are of each value, or of each tuple of them."""
    found = sa.select(*columns, sa.func.count()).where(*where)
    return {
        tuple(row[:-1]) if len(columns) > 1 else row[0]: row[-1]
        for row in connection.execute(found.group_by(*columns))
    }


def _key(
    connection: sa.Connection, table: sa.Table, where: Any, marker: str
) -> int:
    key = connection.scalar(sa.select(table.c.key).where(where))
    if key is None:
        raise NoMarker(f"There is no row {marker} to begin behind.")
    return int(key)
