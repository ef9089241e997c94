"""Which engines there are: each says now and then that it runs."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import exc

from waffles.database.access import Database
from waffles.recovery.store import tables

#: Seconds between two signs of an engine.
BEAT = 5.0

#: Seconds after which one that is not seen is forgotten.
FORGOTTEN = 86_400.0


class Engine(NamedTuple):
    """One engine, by what it has said of itself."""

    name: str
    host: str
    pid: int
    started_at: float
    seen_at: float


class Presence:
    """The part of the store that knows the engines.

    :raises Unavailable: from each method: the database gives no answer
    """

    database: Database

    def beat(self, engine: str, host: str, pid: int) -> None:
        """An engine runs."""
        table = tables.engine

        def beat(connection: sa.Connection) -> None:
            now = self.database.now(connection)
            mine = table.update().where(table.c.name == engine)
            if connection.execute(mine.values(seen_at=now)).rowcount:
                return
            long_ago = table.c.seen_at < now - FORGOTTEN
            connection.execute(table.delete().where(long_ago))
            row = Engine(engine, host, pid, now, now)
            connection.execute(table.insert().values(row._asdict()))

        try:
            self.database.write(beat)
        except exc.IntegrityError:
            self.database.write(beat)  # it is there now

    def engines(self) -> list[Engine]:
        """Those there are, by name."""
        found = sa.select(tables.engine).order_by(tables.engine.c.name)

        def read(connection: sa.Connection) -> list[Engine]:
            return [Engine(*row) for row in connection.execute(found)]

        return self.database.read(read)

    def leave(self, engine: str) -> None:
        """An engine has ended."""
        table = tables.engine
        gone = table.delete().where(table.c.name == engine)
        self.database.write(lambda connection: connection.execute(gone))
