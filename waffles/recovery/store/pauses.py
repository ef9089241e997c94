"""The pause of the whole cloud: no recovery begins anything new."""

import dataclasses

import sqlalchemy as sa

from waffles.database.access import Database
from waffles.recovery.model import Line
from waffles.recovery.store import journal, tables


@dataclasses.dataclass(frozen=True, slots=True)
class Pause:
    """That everything is paused.

    :param by: who has said so
    :param until: when it ends by itself; None for when it is lifted
    """

    reason: str
    by: str
    since: float
    until: float | None = None


class Pauses:
    """The part of the store that pauses everything.

    The log of each recovery that is open has a line about it, and so has the
    log of the whole cloud.

    :raises Unavailable: from each method: the database gives no answer
    """

    database: Database

    def set_pause(self, by: str, reason: str, until: float | None) -> None:
        """Pause everything; a pause that is there is replaced.

        :param until: by the database's clock; None for no end
        """

        def set_pause(connection: sa.Connection) -> None:
            now = self.database.now(connection)
            _wake(connection)
            connection.execute(tables.pause.delete())
            connection.execute(
                tables.pause.insert().values(
                    id=1, reason=reason, by=by, since=now, until=until
                )
            )
            said = f"Everything is paused by {by}: {reason}"
            _tell(connection, now, Line("all-paused", said))

        self.database.write(set_pause)

    def lift_pause(self, by: str) -> None:
        """Let everything go on; nothing where nothing is paused."""

        def lift_pause(connection: sa.Connection) -> None:
            _wake(connection)
            if connection.execute(tables.pause.delete()).rowcount:
                line = Line("all-resumed", f"Everything is resumed by {by}")
                _tell(connection, self.database.now(connection), line)

        self.database.write(lift_pause)

    def pause_of_all(self) -> Pause | None:
        """The pause there is now."""

        def read(connection: sa.Connection) -> Pause | None:
            table, now = tables.pause, self.database.now(connection)
            lasts = table.c.until.is_(None) | (table.c.until > now)
            row = connection.execute(sa.select(table).where(lasts)).first()
            if row is None:
                return None
            return Pause(row.reason, row.by, row.since, row.until)

        return self.database.read(read)


def _wake(connection: sa.Connection) -> None:
    """Have every recovery that is open looked at, and changed by us alone."""
    table = tables.recovery
    is_open = table.c.open_key.is_not(None)
    connection.execute(table.update().where(is_open).values(wake_at=0.0))


def _tell(connection: sa.Connection, now: float, line: Line) -> None:
    table = tables.recovery
    is_open = sa.select(table.c.id).where(table.c.open_key.is_not(None))
    for recovery_id in (None, *connection.scalars(is_open)):
        journal.write(connection, recovery_id, now, [line])
