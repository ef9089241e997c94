"""Claims: an engine looks for a recovery to work on, and has it, or not."""

import random

import sqlalchemy as sa

from waffles.database.access import Database
from waffles.recovery.store import holds, tables
from waffles.recovery.store.leases import Lease

#: Engines that look at once choose at random among so many recoveries.
CHOICE = 20


class Claims:
    """The part of the store that gives leases.

    :ivar takeovers: leases that this process has had after another engine
        had let them run out
    """

    database: Database
    takeovers: int = 0

    def claim(self, engine: str, lease: float) -> Lease | None:
        """Have a recovery that something is to be done about.

        It is open, or its host is on its way back; its time has come, and
        nobody has it.

        :param engine: the name of who asks; no two engines have the same
        :param lease: seconds for which it is had
        :raises Unavailable: the database gives no answer
        """
        for recovery_id, epoch in self.database.read(self._due):
            mine = Lease(self.database, recovery_id, engine, epoch + 1, lease)
            before = self.database.write(mine.have)
            if before is not None:
                self.takeovers += bool(before)
                return mine
        return None

    def _due(self, connection: sa.Connection) -> list[tuple[str, int]]:
        """The id and the epoch of some that are to be had."""
        table, now = tables.recovery, self.database.now(connection)
        due = sa.select(table.c.id, table.c.epoch).where(*holds.due(now))
        due = due.order_by(table.c.key).limit(CHOICE)
        found = [(row.id, row.epoch) for row in connection.execute(due)]
        random.shuffle(found)
        return found
