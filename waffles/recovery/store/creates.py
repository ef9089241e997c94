"""Opening a recovery: the constraints of the database decide who does."""

import dataclasses
import uuid

import sqlalchemy as sa
from sqlalchemy import exc

from waffles.database.access import Database
from waffles.recovery.model import Line, Recovery
from waffles.recovery.store import journal, reads, rows, tables
from waffles.recovery.store.errors import AlreadyOpen, KeyReused

#: The one that is in the way may end before it is seen; then once more.
TRIES = 5

#: A recovery that nobody has had yet.
NEW = {"epoch": 0, "owner": "", "lease_until": 0.0, "wake_at": 0.0}


class Creates:
    """The part of the store that opens recoveries."""

    database: Database

    def create(
        self,
        recovery: Recovery,
        *,
        line: Line,
        key: str = "",
        digest: str = "",
        by: str = "",
    ) -> tuple[Recovery, bool]:
        """Open a recovery; it, and whether it is new.

        With the key and the digest of an earlier request the recovery of
        that is given again, be it open or not.

        :param recovery: without an id it gets one; its times are set here
        :param line: the first of its log
        :param key: what the caller calls the request; empty for no name
        :param digest: of what the request says
        :param by: who the caller is: others may have the same keys
        :raises KeyReused: the key is that of a request with another digest
        :raises AlreadyOpen: the host has an open recovery
        :raises Unavailable: the database gives no answer
        """
        if not recovery.id:
            recovery = dataclasses.replace(recovery, id=str(uuid.uuid4()))
        named = {
            "idempotency_by": by if key else None,
            "idempotency_key": key or None,
            "digest": digest,
        }

        def insert(connection: sa.Connection) -> Recovery:
            now = self.database.now(connection)
            row = rows.of_recovery(recovery) | named | NEW
            row |= {
                "open_key": recovery.host,
                "created_at": now,
                "updated_at": now,
            }
            connection.execute(tables.recovery.insert().values(row))
            journal.write(connection, recovery.id, now, [line])
            return reads.known(connection, recovery.id)

        left = TRIES
        while True:
            try:
                return self.database.write(insert), True
            except exc.IntegrityError:
                if found := self.repeated(recovery.host, key, digest, by):
                    return found, False
                if not (left := left - 1):
                    raise

    def repeated(
        self, host: str, key: str = "", digest: str = "", by: str = ""
    ) -> Recovery | None:
        """The recovery that the same request has opened before.

        None where :meth:`create` would open one; its parameters are the same,
        and so is what it raises.
        """
        table = tables.recovery

        def read(connection: sa.Connection) -> Recovery | None:
            if key:
                same = (
                    table.c.idempotency_by == by,
                    table.c.idempotency_key == key,
                )
                if found := reads.newest(connection, *same):
                    stored = sa.select(table.c.digest).where(*same)
                    if connection.scalar(stored) != digest:
                        raise KeyReused(
                            "The idempotency key is that of an earlier"
                            " request, which was another one."
                        )
                    return found
            if found := reads.newest(connection, table.c.open_key == host):
                raise AlreadyOpen(found)
            return None

        return self.database.read(read)
