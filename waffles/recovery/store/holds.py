"""The hold that an engine has on a recovery, and how it is fenced.

A lease is had by compare and swap: who changes the epoch that it has read has
the recovery, until ``lease_until``.  Each write repeats epoch, owner and that
the time is not over, on the row of the recovery and before anything else, so
that it stands in a line with whatever takes the lease away; where no row is
changed the lease is lost, and nothing is written.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import sqlalchemy as sa

from waffles.database.access import Database
from waffles.recovery.model import Line, Return
from waffles.recovery.store import journal, tables
from waffles.recovery.store.errors import Lost

T = TypeVar("T")


def due(now: float) -> tuple[Any, ...]:
    """What is true of a recovery that may be had, and should be."""
    table = tables.recovery.c
    waits = table.returning == Return.WAITING
    return (
        table.open_key.is_not(None) | waits,
        table.wake_at <= now,
        table.lease_until <= now,
    )


class Hold:
    """One engine, one recovery, one epoch.

    :ivar until: when it ends, by the database's clock
    """

    def __init__(
        self,
        database: Database,
        recovery_id: str,
        owner: str,
        epoch: int,
        length: float,
    ) -> None:
        self.database, self.recovery_id = database, recovery_id
        self.owner, self.epoch = owner, epoch
        self.until, self._length = 0.0, length
        self._began = time.monotonic()

    def have(self, connection: sa.Connection) -> str | None:
        """Whose it was before; None where somebody else was faster."""
        self._began, table = time.monotonic(), tables.recovery
        now = self.database.now(connection)
        self.until = now + self._length
        as_seen = (
            table.c.id == self.recovery_id,
            table.c.epoch == self.epoch - 1,
        )
        owner = sa.select(table.c.owner).where(*as_seen)
        before: str | None = connection.scalar(owner)
        update = table.update().where(*as_seen, *due(now))
        mine = {
            "owner": self.owner,
            "epoch": self.epoch,
            "lease_until": self.until,
        }
        changed = connection.execute(update.values(mine)).rowcount
        if before is None or not changed:
            return None
        if before:
            text = f"The lease of {before} has run out; {self.owner} goes on."
            self.log(connection, now, [Line("taken-over", text)])
        return before

    def left(self) -> float:
        """Seconds for which it is ours for sure.

        They count from before it was asked for, by this machine's clock.
        """
        return self._length - (time.monotonic() - self._began)

    def renew(self) -> None:
        """Have it for the whole time once more."""
        began = time.monotonic()

        def renew(connection: sa.Connection) -> float:
            now = self.database.now(connection)
            until = now + self._length
            self.fence(connection, now, lease_until=until)
            return until

        self.until = self.database.write(renew)
        self._began = began

    def release(self, wake_at: float = 0.0) -> None:
        """Let go of it, be its time over or not.

        :param wake_at: nobody is to have it before
        """
        values = {"owner": "", "lease_until": 0.0, "wake_at": wake_at}
        self.database.write(
            lambda connection: self._change(connection, (), values)
        )

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Read while it is ours."""

        def read(connection: sa.Connection) -> T:
            table = tables.recovery
            found = sa.select(table.c.key).where(*self._is_ours())
            if connection.scalar(found) is None:
                raise self._lost()
            return work(connection)

        return self.database.read(read)

    def fenced(self, connection: sa.Connection) -> float:
        """Go on only while it is ours; the time."""
        now = self.database.now(connection)
        self.fence(connection, now)
        return now

    def fence(
        self, connection: sa.Connection, now: float, **values: Any
    ) -> None:
        """Change the recovery, and go on, only while it is ours."""
        valid = tables.recovery.c.lease_until > now
        values["updated_at"] = now
        self._change(connection, (valid,), values)

    def log(
        self, connection: sa.Connection, now: float, lines: Iterable[Line]
    ) -> None:
        """Write lines of the log."""
        journal.write(connection, self.recovery_id, now, lines, self.owner)

    def _change(
        self,
        connection: sa.Connection,
        where: tuple[Any, ...],
        values: dict[str, Any],
    ) -> None:
        mine = tables.recovery.update().where(*self._is_ours(), *where)
        if connection.execute(mine.values(values)).rowcount != 1:
            raise self._lost()

    def _is_ours(self) -> tuple[Any, ...]:
        table = tables.recovery
        return (
            table.c.id == self.recovery_id,
            table.c.epoch == self.epoch,
            table.c.owner == self.owner,
        )

    def _lost(self) -> Lost:
        return Lost(
            f"The lease of {self.owner} on recovery {self.recovery_id},"
            f" epoch {self.epoch}, is lost."
        )
