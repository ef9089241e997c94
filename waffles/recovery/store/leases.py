"""Leases: what the engine that has a recovery reads and writes of it.

No lease can fence a request to Nova: an engine asks :meth:`Lease.left`, and
writes down what it is about to do, before it does it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from waffles.recovery.model import Line, Notice, Phase, Recovery, Server, State
from waffles.recovery.store import (
    holds,
    inheriting,
    journal,
    reads,
    rows,
    tables,
    taking,
)
from waffles.recovery.store.errors import NotNow

#: What an engine may write of a recovery.
COLUMNS = frozenset(
    "baseline disabled finished_at gates note paused phase released"
    " return_at returning service_id wake_at zone".split()
)


class Lease(holds.Hold):
    """A recovery that an engine has for a time.

    Each method raises Lost when it is ours no longer, and Unavailable when
    the database gives no answer: then it is not known what was stored.
    """

    def recovery(self) -> Recovery:
        """The recovery as it stands."""
        return self.read(lambda c: reads.known(c, self.recovery_id))

    def servers(self, states: Collection[State] | None = None) -> list[Server]:
        """Its servers, or those in some states, in the order of the plan."""
        table = tables.server.c
        where = [table.recovery_id == self.recovery_id]
        if states is not None:
            where.append(table.state.in_(list(states)))
        return self.read(lambda c: reads.servers(c, *where))

    def notices(self) -> list[Notice]:
        """Its notices, the oldest first."""
        table = tables.outbox
        mine = table.c.recovery_id == self.recovery_id
        found = sa.select(table).where(mine).order_by(table.c.key)
        return self.read(lambda c: rows.fetch(c, found, rows.to_notice))

    def save(
        self,
        *,
        lines: Iterable[Line] = (),
        notices: Iterable[Notice] = (),
        **columns: Any,
    ) -> Recovery:
        """Write some columns of the recovery, and give it as it stands then.

        A phase that is final ends it: the host may have another one.

        :param columns: of :data:`COLUMNS`
        """
        if unknown := columns.keys() - COLUMNS:
            raise TypeError(f"an engine does not write {sorted(unknown)}")
        ends = Phase(columns.get("phase", Phase.RUNNING)).final
        lines, notices = list(lines), list(notices)

        def save(connection: sa.Connection) -> Recovery:
            now = self.database.now(connection)
            end = {"finished_at": now, "open_key": None} if ends else {}
            self.fence(connection, now, **end | columns)
            self._say(connection, now, lines, notices)
            return reads.known(connection, self.recovery_id)

        return self.database.write(save)

    def add(
        self,
        servers: Sequence[Server],
        lines: Iterable[Line] = (),
        notices: Iterable[Notice] = (),
    ) -> list[Server]:
        """Write servers down that have no row yet; all of them as they stand.

        A server that has a row is left as it is, and of the notices those
        that are about such a server, by the ``server_id`` of their payload,
        are not posted again.
        """
        table, lines, notices = tables.server, list(lines), list(notices)
        wanted = {one.server_id: one for one in servers}
        mine = table.c.recovery_id == self.recovery_id

        def add(connection: sa.Connection) -> list[Server]:
            now = self.fenced(connection)
            had = set(
                connection.scalars(sa.select(table.c.server_id).where(mine))
            )
            new = wanted.keys() - had
            values = [
                rows.added(one, self.recovery_id, now)
                for server_id, one in wanted.items()
                if server_id in new
            ]
            if values:
                connection.execute(table.insert(), values)
            found = reads.servers(connection, mine)
            keys = {one.server_id: one.key for one in found}
            told = journal.addressed(notices, keys, new)
            self._say(connection, now, lines, told)
            return [one for one in found if one.server_id in wanted]

        return self._open(add)

    def update(
        self,
        servers: Sequence[Server],
        lines: Iterable[Line] = (),
        notices: Iterable[Notice] = (),
    ) -> None:
        """Write down how servers stand, each by its key.

        :raises NotNow: another recovery is about to evacuate one of them
        """
        lines, notices = list(lines), list(notices)

        def update(connection: sa.Connection) -> None:
            now = self.fenced(connection)
            if servers:
                connection.execute(
                    rows.changed(self.recovery_id),
                    [rows.changes(one, now) for one in servers],
                )
            self._say(connection, now, lines, notices)

        self._open(update)

    def take(
        self,
        keys: Sequence[int],
        *,
        floor: int,
        per_recovery: int,
        in_all: int,
    ) -> list[Server]:
        """Take servers to evacuate: as many as the limits leave.

        Whoever takes has the turn until it has; so no limit is exceeded, and
        no server or server group is taken twice.  Left out are servers that
        are not QUEUED, that any recovery has open, or whose server group has
        an evacuation that has not ended; all, while the recovery is paused,
        or everything is.

        :param keys: of their rows, in the order in which they are wanted
        :param floor: the highest id of a migration there is yet
        :param per_recovery: evacuations in flight, of this recovery
        :param in_all: … of all recoveries
        :returns: those taken, now ISSUING, in the order of the keys
        """
        here = self.recovery_id

        def take(connection: sa.Connection) -> list[Server]:
            taking.turn(connection)
            now = self.fenced(connection)
            room = taking.room(connection, here, per_recovery, in_all)
            if room <= 0 or taking.paused(connection, here, now):
                return []
            return taking.take(connection, here, keys, room, floor, now)

        return self.database.write(take)

    def inherit(self) -> None:
        """Take over servers that an earlier recovery has left stuck."""

        def inherit(connection: sa.Connection) -> None:
            taking.turn(connection)
            now = self.fenced(connection)
            known = reads.known(connection, self.recovery_id)
            self.log(
                connection, now, inheriting.inherit(connection, known, now)
            )

        self.database.write(inherit)

    def _open(self, work: Callable[[sa.Connection], rows.T]) -> rows.T:
        """Run what may open a server that another recovery has open.

        :raises NotNow: it does
        """
        try:
            return self.database.write(work)
        except exc.IntegrityError:
            raise NotNow(
                "Another recovery is about to evacuate one of the servers."
            ) from None

    def _say(
        self,
        connection: sa.Connection,
        now: float,
        lines: Iterable[Line],
        notices: Iterable[Notice],
    ) -> None:
        self.log(connection, now, lines)
        journal.post(connection, self.recovery_id, now, notices)
