"""The outbox: notices that are to reach somebody, at least once.

A notice that is due is had by compare and swap, for a time: whoever dies with
it leaves it to the next.  What becomes of the notice about a custom server
becomes of the server: NOTIFIED when one of its notices was delivered, FAILED
when all have been given up.
"""

from typing import Any

import sqlalchemy as sa

from waffles.database.access import Database
from waffles.recovery.model import Notice, State
from waffles.recovery.store import rows, tables

#: The event of notices that a server's state hangs on.
CUSTOM = "server.custom"


class Outbox:
    """The part of the store that has notices.

    :raises Unavailable: from each method: the database gives no answer
    """

    database: Database

    def due(self, engine: str, limit: int, lease: float) -> list[Notice]:
        """Have notices that are to be delivered now.

        :param engine: who has them
        :param lease: seconds after which somebody else may have them
        :returns: with ``attempts`` counting the one that now begins
        """
        table = tables.outbox

        def listed(connection: sa.Connection) -> list[Notice]:
            now = self.database.now(connection)
            found = sa.select(table).where(*_pending(), table.c.next_at <= now)
            found = found.order_by(table.c.next_at, table.c.key).limit(limit)
            return _notices(connection, found)

        def have(connection: sa.Connection) -> list[Notice]:
            until = self.database.now(connection) + lease
            keys = [one.key for one in seen if _have(connection, one, until)]
            found = sa.select(table).where(table.c.key.in_(keys))
            return _notices(connection, found.order_by(table.c.key))

        seen = self.database.read(listed)
        return self.database.write(have) if seen else []

    def delivered(self, key: int) -> bool:
        """A notice has reached its target; whether that is news."""

        def delivered(connection: sa.Connection) -> bool:
            notice = _wake(connection, key)
            now = self.database.now(connection)
            is_news = _change(connection, key, delivered_at=now, error="")
            if is_news and notice.event == CUSTOM:
                _end(connection, notice, State.NOTIFIED, None, now)
            return is_news

        return self.database.write(delivered)

    def failed(self, key: int, error: str, next_at: float | None) -> bool:
        """A notice has not reached its target; whether that is news.

        :param error: why, for people
        :param next_at: when to try again; None to give it up
        """

        def failed(connection: sa.Connection) -> bool:
            notice = _wake(connection, key)
            now = self.database.now(connection)
            if next_at is not None:
                return _change(connection, key, error=error, next_at=next_at)
            is_news = _change(connection, key, error=error, gave_up_at=now)
            if is_news and notice.event == CUSTOM:
                why = f"its notice could not be delivered: {error}"
                _end(connection, notice, State.FAILED, why, now)
            return is_news

        return self.database.write(failed)

    def undelivered(self, limit: int) -> list[Notice]:
        """Notices that have not been delivered, the newest first."""
        table = tables.outbox
        found = sa.select(table).where(table.c.delivered_at.is_(None))
        found = found.order_by(table.c.key.desc()).limit(limit)
        return self.database.read(lambda c: _notices(c, found))


def _wake(connection: sa.Connection, key: int) -> Notice:
    """A notice; its recovery is looked at now, and changed by us alone.

    Engines write the recovery first, and so do we: else each of two could
    have what the other waits for.
    """
    found = sa.select(tables.outbox).where(tables.outbox.c.key == key)
    (notice,) = _notices(connection, found)
    if notice.event == CUSTOM:
        table = tables.recovery
        mine = table.update().where(table.c.id == notice.recovery_id)
        connection.execute(mine.values(wake_at=0.0))
    return notice


def _pending(key: int | None = None) -> tuple[Any, ...]:
    table = tables.outbox
    this = () if key is None else (table.c.key == key,)
    return (
        *this,
        table.c.delivered_at.is_(None),
        table.c.gave_up_at.is_(None),
    )


def _have(connection: sa.Connection, seen: Notice, until: float) -> bool:
    table = tables.outbox
    as_seen = (
        table.c.attempts == seen.attempts,
        table.c.next_at == seen.next_at,
    )
    update = table.update().where(*_pending(seen.key), *as_seen)
    values = {"attempts": seen.attempts + 1, "next_at": until}
    return connection.execute(update.values(values)).rowcount == 1


def _change(connection: sa.Connection, key: int, **values: Any) -> bool:
    update = tables.outbox.update().where(*_pending(key)).values(values)
    return connection.execute(update).rowcount == 1


def _end(
    connection: sa.Connection,
    notice: Notice,
    state: State,
    reason: str | None,
    now: float,
) -> None:
    """End a server that waits for its notices, if this was the last."""
    if state is State.FAILED and _has_other(connection, notice):
        return
    table = tables.server
    values: dict[str, Any] = {
        "state": state,
        "finished_at": now,
        "updated_at": now,
    }
    if reason is not None:
        values["reason"] = reason
    connection.execute(
        table.update()
        .where(
            table.c.key == notice.server_key,
            table.c.state == State.NOTIFYING,
        )
        .values(values)
    )


def _has_other(connection: sa.Connection, notice: Notice) -> bool:
    """Whether another notice about the server may reach somebody yet."""
    table = tables.outbox
    found = sa.select(sa.func.count()).where(
        table.c.server_key == notice.server_key,
        table.c.event == CUSTOM,
        table.c.gave_up_at.is_(None),
    )
    return bool(connection.scalar(found))


def _notices(connection: sa.Connection, found: sa.Select[Any]) -> list[Notice]:
    return rows.fetch(connection, found, rows.to_notice)
