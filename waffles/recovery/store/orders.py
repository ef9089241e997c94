"""What people ask of a recovery: release, pause, resume, retry, abandon, …

Each order is one transaction, with a line of the log that names who gave it.
An order that changes what an engine works on takes the lease away, so that
nothing is written any more by one that does not know of it.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import sqlalchemy as sa

from waffles.database.access import Database
from waffles.recovery.model import Line, Phase, Recovery, Return
from waffles.recovery.store import ending, journal, reads, retrying, tables
from waffles.recovery.store.errors import NotNow

#: What an order does: the columns that change, and the line for it.
Change = tuple[dict[str, Any], Line]

#: A gate that nobody lets go: what Nova does not see cannot be evacuated.
UNSEEN = "cell"

#: Taken from whoever has it.
NO_LEASE = {"owner": "", "lease_until": 0.0}


class Orders:
    """The part of the store that people give orders to.

    Each gives the recovery as it stands then.

    :raises NoRecovery: from each method: there is no such recovery
    :raises Unavailable: from each method: the database gives no answer
    """

    database: Database

    def release(
        self,
        recovery_id: str,
        by: str,
        reason: str = "",
        gates: Iterable[str] | None = None,
    ) -> Recovery:
        """Let gates go that hold a recovery.

        :param gates: their names; None for all that it has not passed
        :raises NotNow: it is not held, or not by that gate, or Nova does not
            see the host
        """

        def change(found: Recovery) -> Change:
            if found.phase is not Phase.HELD:
                raise NotNow(f"The recovery is {found.phase}, not held.")
            holding = _holding(found)
            names = holding - {UNSEEN} if gates is None else frozenset(gates)
            if other := names - {gate.name for gate in found.gates}:
                raise NotNow(f"It has no gate {', '.join(sorted(other))}.")
            if UNSEEN in (names or holding):
                raise NotNow(
                    "Nova does not see the host, or not all that is on it;"
                    " the recovery goes on by itself when it does."
                )
            if not names:
                raise NotNow("No gate holds it.")
            text = _said(f"Released by {by}", reason)
            line = Line("released", f"{text} ({', '.join(sorted(names))})")
            released = found.released | names
            return {"released": released, "released_by": by}, line

        return self._order(recovery_id, change)

    def pause(self, recovery_id: str, by: str, reason: str) -> Recovery:
        """Have nothing new begun; what is under way goes on.

        :raises NotNow: it has ended
        """

        def change(found: Recovery) -> Change:
            _must_be_open(found)
            text = _said(f"Paused by {by}", reason)
            return {"paused": text}, Line("paused", text)

        return self._order(recovery_id, change)

    def resume(self, recovery_id: str, by: str) -> Recovery:
        """Let it go on.

        :raises NotNow: it is not paused
        """

        def change(found: Recovery) -> Change:
            if not found.paused:
                raise NotNow("The recovery is not paused.")
            return {"paused": ""}, Line("resumed", f"Resumed by {by}")

        return self._order(recovery_id, change)

    def ask_return(self, recovery_id: str, by: str) -> Recovery:
        """Have the engine bring the host back.

        :raises NotNow: the host has a recovery that is open, or is back
        """

        def order(connection: sa.Connection) -> Recovery:
            found, now = self._had(connection, recovery_id)
            _must_have_ended(connection, found)
            if found.returning is Return.RETURNED:
                raise NotNow(f"Host {found.host} has returned already.")
            if found.returning is Return.WAITING:
                return found
            change = {"returning": Return.WAITING, "return_at": now}
            line = Line("return-asked", f"Return asked for by {by}")
            return _write(connection, found, now, change, line)

        return self.database.write(order)

    def retry(
        self,
        recovery_id: str,
        by: str,
        server_ids: Collection[str] | None = None,
    ) -> Recovery:
        """Try servers once more that failed or are stuck.

        One whose migration is known is watched again, and one that may have
        been issued is looked for; neither is issued again by this.  A
        recovery that has ended is open again, and no gate is let go any more.

        :param server_ids: these only; None for all of them
        :raises NotNow: there is nothing to try, or the host has returned, or
            is on its way back
        :raises AlreadyOpen: the host has another recovery that is open
        """

        def order(connection: sa.Connection) -> Recovery:
            found, now = self._had(connection, recovery_id)
            change, line = retrying.retry(
                connection, found, by, server_ids, now
            )
            taken = NO_LEASE | {"epoch": found.epoch + 1}
            return _write(connection, found, now, taken | change, line)

        with retrying.conflicts(self.database, recovery_id):
            return self.database.write(order)

    def abandon(
        self, recovery_id: str, by: str, reason: str, settle_time: float
    ) -> Recovery:
        """End it now, or give up what is stuck of one that has ended.

        What is queued is skipped; of what is under way nobody will look at
        the end: it is stuck, waits for nobody, and another recovery may
        evacuate it.

        :param settle_time: seconds after which a request to Nova has arrived
        :raises NotNow: it has ended and nothing is stuck, or a request may
            still be on its way
        """

        def order(connection: sa.Connection) -> Recovery:
            found, now = self._had(connection, recovery_id)
            text = _said(f"Abandoned by {by}", reason)
            if ending.give_up(connection, found.id, text, now) and (
                found.phase.final
            ):
                line = Line("abandoned", text)
                return _write(connection, found, now, {}, line)
            _must_be_open(found)
            change = ending.abandon(
                connection, found.id, text, settle_time, now
            )
            taken = NO_LEASE | {"epoch": found.epoch + 1}
            line = Line("abandoned", text)
            return _write(connection, found, now, taken | change, line)

        return self.database.write(order)

    def _order(
        self, recovery_id: str, change: Callable[[Recovery], Change]
    ) -> Recovery:
        def order(connection: sa.Connection) -> Recovery:
            found, now = self._had(connection, recovery_id)
            return _write(connection, found, now, *change(found))

        return self.database.write(order)

    def _had(
        self, connection: sa.Connection, recovery_id: str
    ) -> tuple[Recovery, float]:
        """A recovery that nobody else changes until we have; the time.

        Whoever has it is to look at it now, and is not to sleep.
        """
        table = tables.recovery
        now = self.database.now(connection)
        mine = table.update().where(table.c.id == recovery_id)
        connection.execute(mine.values(updated_at=now, wake_at=0.0))
        return reads.known(connection, recovery_id), now


def _write(
    connection: sa.Connection,
    found: Recovery,
    now: float,
    change: dict[str, Any],
    line: Line,
) -> Recovery:
    table = tables.recovery
    mine = table.update().where(table.c.id == found.id)
    connection.execute(mine.values({"updated_at": now, **change}))
    journal.write(connection, found.id, now, [line])
    return reads.known(connection, found.id)


def _holding(found: Recovery) -> frozenset[str]:
    failed = {gate.name for gate in found.gates if not gate.passed}
    return frozenset(failed - found.released)


def _must_be_open(found: Recovery) -> None:
    if found.phase.final:
        raise NotNow(f"The recovery has ended: it is {found.phase}.")


def _must_have_ended(connection: sa.Connection, found: Recovery) -> None:
    table = tables.recovery
    of_host = table.c.open_key == found.host
    if other := reads.newest(connection, of_host):
        raise NotNow(
            f"Recovery {other.id} of host {found.host} is {other.phase}."
        )


def _said(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what
