"""Writes of flavors that may have to be finished: in the shared database.

A write is a row from before its first request is sent until all cells have
it.  While a request or a replay works on it, its flavor is *in hand*: a unique
column (``open_key``) has the flavor's id then, so that all processes together
work on a flavor one at a time.  Who dies with it leaves it when its lease is
over; the next to come goes on.

A write that is left unfinished names the cells that it is left in, and is
tried again after 1 s, 2 s, 4 s, …, 5 min.  The oldest of a flavor comes
first.

Without a database there is :mod:`waffles.cells.journal.alone`.
"""

import dataclasses
import functools
import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from waffles import exceptions
from waffles.cells.journal import entries
from waffles.cells.journal.entries import PATIENCE, WRITE, Entry
from waffles.database.access import Database

LOG = logging.getLogger(__name__)

#: Seconds for which a flavor is in hand; longer than any write takes.
LEASE = 300.0

#: Seconds between two looks whether it still is, at the most.
PAUSE = 0.05

#: Seconds until the first replay, and between two of them at the most.
FIRST, MOST = 1.0, 300.0

#: Replays that look at once choose at random among so many.
CHOICE = 20


_FIELDS = tuple(field.name for field in dataclasses.fields(Entry))


class Journal:
    """The writes of all processes; any number of threads may use it.

    :param lease: seconds for which a flavor is in hand
    :param patience: seconds that a request waits for one
    """

    replays = True

    def __init__(
        self,
        database: Database,
        lease: float = LEASE,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.database = database
        self._lease, self._patience, self._sleep = lease, patience, sleep

    def begin(self, entry: Entry) -> Entry:
        """Have a flavor in hand, with its write in the journal.

        :raises Unavailable: another write of the flavor is in the way, or the
            database gives no answer; nothing has begun
        """
        until = time.monotonic() + self._patience
        mine = dataclasses.replace(entry, owner=uuid.uuid4().hex)
        while True:
            try:
                key = self.database.write(lambda c: self._begin(c, mine))
                return dataclasses.replace(mine, key=key)
            except exc.IntegrityError:
                self._let_go_of_lapsed(entry.flavor_id)
            if time.monotonic() > until:
                raise entries.in_hand(entry.flavor_id)
            self._sleep(random.uniform(0, PAUSE))  # noqa: S311

    def turn(self, entry: Entry) -> bool:
        """Change what is to be done, should we not come to its end.

        It is said in vain where the database gives no answer.

        :returns: False where the flavor is in hand no more: the lease was
            over, and another has it, or may have had it
        """
        in_hand = WRITE.c.open_key == entry.flavor_id
        update = WRITE.update().where(*_of(entry), in_hand)
        values = {"kind": entry.kind, "cells": entry.cells}
        changed = self._write(
            lambda c: c.execute(update.values(values)).rowcount
        )
        return bool(changed != 0)

    def end(self, entry: Entry, error: str = "", wait: float = 0) -> None:
        """Let go of a flavor.

        Where the database gives no answer, the write is gone on with when
        the lease is over, as if we had died.

        :param entry: with the cells that are left; none: it is finished
        :param wait: seconds until a replay, at the least
        """
        if not entry.cells:
            self._write(lambda c: c.execute(WRITE.delete().where(*_of(entry))))
            return
        more = {"kind": entry.kind, "cells": entry.cells, "error": error}
        self._let_go(entry, wait, more)

    def leave(self, entry: Entry) -> None:
        """Let go of a flavor as :meth:`turn` has left its write, or begin."""
        self._let_go(entry, 0.0, {})

    def claim(self) -> Entry | None:
        """Have a flavor in hand whose oldest write is due; None if none is.

        :raises Unavailable: the database gives no answer
        """
        due = self.database.read(self._due)
        random.shuffle(due)
        for entry in due:
            mine = dataclasses.replace(
                entry, owner=uuid.uuid4().hex, attempts=entry.attempts + 1
            )
            try:
                if self.database.write(functools.partial(self._have, mine)):
                    return mine
            except exc.IntegrityError:
                self._let_go_of_lapsed(entry.flavor_id)
        return None

    def entries(self, limit: int = 1000) -> list[Entry]:
        """Writes that are not finished, in hand or not, the oldest first.

        :raises Unavailable: the database gives no answer
        """
        found = sa.select(WRITE).order_by(WRITE.c.key).limit(limit)
        return self.database.read(lambda c: _entries(c, found))

    def _begin(self, connection: sa.Connection, entry: Entry) -> int:
        now, of = self.database.now(connection), WRITE.c
        before = entries.BEFORE.get(entry.kind, entries.ALWAYS)
        found = sa.select(WRITE).where(
            of.flavor_id == entry.flavor_id,
            of.kind.in_(list(before)),
            of.open_key.is_(None),  # what is under way is waited for
        )
        if earlier := _entries(connection, found):
            raise entries.unfinished(earlier[0])
        values = {
            "flavor_id": entry.flavor_id,
            "open_key": entry.flavor_id,
            "kind": entry.kind,
            "cells": entry.cells,
            "made": entry.made,
            "request_id": entry.request_id,
            "owner": entry.owner,
            "lease_until": now + self._lease,
            "attempts": 0,
            "next_at": now,
            "created_at": now,
            "error": "",
        }
        made = connection.execute(WRITE.insert().values(values))
        (key,) = made.inserted_primary_key or (0,)
        return int(key)

    def _due(self, connection: sa.Connection) -> list[Entry]:
        now, of, older = self.database.now(connection), WRITE.c, WRITE.alias()
        first = ~sa.exists().where(
            older.c.flavor_id == of.flavor_id, older.c.key < of.key
        )
        found = sa.select(WRITE).where(of.next_at <= now, _is_free(now), first)
        found = found.order_by(of.next_at, of.key).limit(CHOICE)
        return _entries(connection, found)

    def _have(self, entry: Entry, connection: sa.Connection) -> bool:
        now = self.database.now(connection)
        as_seen = (
            WRITE.c.key == entry.key,
            WRITE.c.attempts == entry.attempts - 1,
        )
        update = WRITE.update().where(*as_seen, _is_free(now))
        values = {
            "open_key": entry.flavor_id,
            "owner": entry.owner,
            "attempts": entry.attempts,
            "lease_until": now + self._lease,
        }
        return connection.execute(update.values(values)).rowcount == 1

    def _let_go(
        self, entry: Entry, wait: float, more: Mapping[str, Any]
    ) -> None:
        pause = max(wait, min(FIRST * 2 ** min(entry.attempts, 20), MOST))

        def let_go(connection: sa.Connection) -> None:
            values = {
                "open_key": None,
                "lease_until": 0.0,
                "next_at": self.database.now(connection) + pause,
                **more,
            }
            update = WRITE.update().where(*_of(entry))
            connection.execute(update.values(values))

        self._write(let_go)

    def _let_go_of_lapsed(self, flavor_id: str) -> None:
        """Let go of a flavor for who has died with it in hand."""

        def let_go(connection: sa.Connection) -> None:
            lapsed = WRITE.c.lease_until <= self.database.now(connection)
            update = WRITE.update().where(
                WRITE.c.open_key == flavor_id, lapsed
            )
            connection.execute(update.values(open_key=None))

        self.database.write(let_go)

    def _write(self, work: Callable[[sa.Connection], Any]) -> Any:
        """What the work gives; None where the database gives no answer."""
        try:
            return self.database.write(work)
        except exceptions.Unavailable as error:
            LOG.warning("The journal of writes: %s", error)
            return None


def _is_free(now: float) -> Any:
    return WRITE.c.open_key.is_(None) | (WRITE.c.lease_until <= now)


def _of(entry: Entry) -> tuple[Any, ...]:
    """The row, while it is in the hands of this owner."""
    return (WRITE.c.key == entry.key, WRITE.c.owner == entry.owner)


def _entries(connection: sa.Connection, found: sa.Select[Any]) -> list[Entry]:
    return [
        Entry(**{name: row[name] for name in _FIELDS})
        for row in connection.execute(found).mappings()
    ]
