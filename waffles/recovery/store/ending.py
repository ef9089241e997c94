"""Abandoning: what becomes of the servers that are given up.

What is stuck waits for a human, also when its recovery has ended, and keeps
other recoveries from evacuating it.  Who abandons that has looked.
"""

import math
from typing import Any

import sqlalchemy as sa

from waffles.recovery.model import Phase, State, outcome
from waffles.recovery.store import reads, tables
from waffles.recovery.store.errors import NotNow

#: What has not been begun, and what Nova may be working on.
WAITING = (State.QUEUED, State.NOTIFYING)
BEGUN = (State.ISSUING, State.WATCHING, State.RESTORING)

_table = tables.server.c


def abandon(
    connection: sa.Connection,
    recovery_id: str,
    text: str,
    settle_time: float,
    now: float,
) -> dict[str, Any]:
    """End all servers; what changes of the recovery.

    :param text: by whom, and why
    :raises NotNow: a request to Nova may still be on its way
    """
    if seconds := _unsettled(connection, recovery_id, settle_time, now):
        raise NotNow(
            f"An evacuation may have been asked for just now: try again in"
            f" {seconds} s."
        )
    had = reads.counts(connection, recovery_id)
    over = bool(had) and all(state.final for state in had)
    reason = text[0].lower() + text[1:]
    for states, end in (WAITING, State.SKIPPED), (BEGUN, State.STUCK):
        _end(connection, recovery_id, _in(states), end, reason, now)
    return {
        "phase": outcome(had) if over else Phase.FAILED,
        "note": text,
        "open_key": None,
        "finished_at": now,
    }


def give_up(
    connection: sa.Connection, recovery_id: str, text: str, now: float
) -> int:
    """Have what is stuck wait no more; how many servers that were.

    Another recovery may evacuate them.

    :param text: by whom, and why
    """
    reason = text[0].lower() + text[1:]
    never = _table.issued_at.is_(None)
    return sum(
        _end(connection, recovery_id, (*reads.STUCK, begun), end, reason, now)
        for begun, end in [(never, State.SKIPPED), (~never, State.STUCK)]
    )


def _in(states: tuple[State, ...]) -> tuple[Any, ...]:
    return (_table.state.in_(states),)


def _unsettled(
    connection: sa.Connection,
    recovery_id: str,
    settle_time: float,
    now: float,
) -> int:
    """Seconds until each request has arrived at Nova, or never will."""
    table = tables.server
    newest: float | None = connection.scalar(
        sa.select(sa.func.max(table.c.issued_at)).where(
            table.c.recovery_id == recovery_id,
            table.c.state == State.ISSUING,
        )
    )
    if newest is None:
        return 0
    return max(0, math.ceil(newest + settle_time - now))


def _end(
    connection: sa.Connection,
    recovery_id: str,
    which: tuple[Any, ...],
    end: State,
    reason: str,
    now: float,
) -> int:
    """End some servers; how many."""
    return connection.execute(
        tables.server.update()
        .where(_table.recovery_id == recovery_id, *which)
        .values(
            state=end,
            reason=reason,
            open_key=None,
            finished_at=now,
            updated_at=now,
        )
    ).rowcount
