"""What earlier recoveries of a host have left of a server.

One that is stuck may still be evacuated, so a new recovery does not begin
with it: it goes on to watch it.  One that has failed is in ERROR by now, and
what it was before is known there only.
"""

from typing import Any

import sqlalchemy as sa

from waffles.recovery.model import Line, Recovery, Server, State
from waffles.recovery.store import reads, tables

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
    stuck = _newest(connection, recovery, table.open_key.is_not(None))
    here = table.source == recovery.host
    begun = _newest(connection, recovery, here & (table.attempt > 0))
    lines = []
    for server in mine:
        if before := stuck.get(server.server_id):
            lines.append(_taken_over(connection, before, server, now))
        elif server.status == "error" and server.server_id in begun:
            status = begun[server.server_id].status
            _change(connection, server, status=status)
    return lines


def _newest(
    connection: sa.Connection, recovery: Recovery, where: Any
) -> dict[str, Server]:
    """The newest rows of a recovery's servers, of those that have ended."""
    table = tables.server.c
    ended = sa.select(tables.recovery.c.id).where(
        tables.recovery.c.open_key.is_(None)
    )
    mine = sa.select(table.server_id).where(table.recovery_id == recovery.id)
    found = reads.servers(
        connection,
        table.server_id.in_(mine),
        table.recovery_id != recovery.id,
        table.recovery_id.in_(ended),
        table.state.in_([State.STUCK, State.FAILED]),
        where,
    )
    return {row.server_id: row for row in found}


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
