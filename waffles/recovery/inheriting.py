"""What earlier recoveries of a host have left of a server.

One that is stuck may still be evacuated, so a new recovery does not begin
with it: it goes on to watch it.  One that has failed is in ERROR by now, and
what it was before is known there only.
"""

from typing import Any

import sqlalchemy as sa

from waffles.recovery import reads, tables
from waffles.recovery.model import Line, Recovery, Server, State

#: What is known of an evacuation, and of the server before it.
_KEPT = (
    "attempt",
    "floor",
    "migration",
    "migration_status",
    "request_id",
    "issued_at",
    "status",
)


def inherit(
    connection: sa.Connection, recovery: Recovery, now: float
) -> list[Line]:
    """Take over what is known of servers that are queued, and not begun.

    The transaction must have the turn.

    :returns: what there is to be said of them
    """
    table = tables.server.c
    mine = reads.servers(
        connection,
        table.recovery_id == recovery.id,
        table.state == State.QUEUED,
        table.attempt == 0,
    )
    lines = []
    for server in mine:
        if stuck := _newest(connection, server, table.open_key.is_not(None)):
            lines.append(_taken_over(connection, stuck, server, now))
        elif server.status == "error":
            begun = (table.source == server.source) & (table.attempt > 0)
            if failed := _newest(connection, server, begun):
                _change(connection, server, status=failed.status)
    return lines


def _newest(
    connection: sa.Connection, server: Server, where: Any
) -> Server | None:
    """The newest row of a server in a recovery that has ended."""
    table, recovery = tables.server.c, tables.recovery.c
    ended = sa.select(recovery.id).where(recovery.open_key.is_(None))
    found = reads.servers(
        connection,
        table.server_id == server.server_id,
        table.key != server.key,
        table.state.in_([State.STUCK, State.FAILED]),
        table.recovery_id.in_(ended),
        where,
    )
    return found[-1] if found else None


def _taken_over(
    connection: sa.Connection, before: Server, server: Server, now: float
) -> Line:
    """Go on with an evacuation, unless it has led to where the server is."""
    where = f"it was stuck in recovery {before.recovery_id}"
    if before.source == server.source:
        _move(connection, before, server, now)
        return Line("taken-over", f"{where}: watched", server.server_id)
    _change(connection, before, open_key=None)
    text = f"{where}, from {before.source}; it is here now"
    return Line("taken-over", text, server.server_id)


def _move(
    connection: sa.Connection, before: Server, server: Server, now: float
) -> None:
    _change(connection, before, open_key=None)
    _change(
        connection,
        server,
        **{name: getattr(before, name) for name in _KEPT},
        state=State.WATCHING if before.migration else State.ISSUING,
        reason=f"it was stuck in recovery {before.recovery_id}",
        open_key=server.server_id,
        updated_at=now,
    )


def _change(connection: sa.Connection, server: Server, **values: Any) -> None:
    table = tables.server
    connection.execute(
        table.update().where(table.c.key == server.key).values(values)
    )
