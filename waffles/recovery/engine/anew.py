"""Servers that wait to be begun, judged anew with each plan.

While a recovery is held or paused their owners change them: who has said
``no-recovery`` since is believed, and what Nova has elsewhere by now is not
asked for.
"""

import contextlib
import dataclasses
from collections.abc import Iterable

from waffles import exceptions
from waffles.recovery import watch
from waffles.recovery.engine import single
from waffles.recovery.engine.work import Work
from waffles.recovery.model import Recovery, Server, State
from waffles.recovery.store import store


def judge(work: Work, recovery: Recovery, planned: Iterable[Server]) -> None:
    """Write down what becomes by now of servers that wait.

    Nobody is told yet: that is for when every gate is open.

    :param planned: all that are on the host, as they are judged now
    """
    found = {one.server_id: one for one in planned}
    rows = [
        row for row in work.lease.servers([State.QUEUED]) if not row.attempt
    ]
    here = [row for row in rows if row.server_id in found]
    _write(
        work,
        recovery,
        [(row, judged(row, found[row.server_id])) for row in here],
    )
    for row in rows:
        if row.server_id not in found:
            # Where another recovery evacuates it, it stays with that.
            with contextlib.suppress(store.NotNow):
                _write(work, recovery, [(row, _gone(work, row))])


def judged(row: Server, planned: Server) -> Server:
    """A row that waits, with what is said of its server now.

    What it was before its first attempt is known in the row only.
    """
    return dataclasses.replace(
        row,
        name=planned.name,
        decision=planned.decision,
        reason=planned.reason,
        state=planned.state,
        priority=planned.priority,
        group=planned.group,
        server_group=planned.server_group,
        status=planned.status if row.issued_at is None else row.status,
        tags=planned.tags,
    )


def _gone(work: Work, row: Server) -> Server:
    """A row whose server is not on the host; unchanged if nobody tells."""
    work.renew()
    now, limits = work.store.now(), work.settings.limits
    try:
        server = single.shown(work, row.server_id)
    except exceptions.Unjudged:
        return row
    begun = dataclasses.replace(row, issued_at=row.issued_at or now)
    return watch.elsewhere(begun, server, now, limits) or row


def _write(
    work: Work, recovery: Recovery, pairs: Iterable[tuple[Server, Server]]
) -> None:
    """Write rows that differ from what they were."""
    now = work.store.now()
    changed = [
        dataclasses.replace(row, finished_at=now if row.state.final else None)
        for old, row in pairs
        if row != old
    ]
    if not changed:
        return
    lines = [
        work.line(recovery, row.state.value, row.reason, row)
        for row in changed
        if row.state is not State.QUEUED
    ]
    work.lease.update(changed, lines=lines)
    work.counted.settled(changed)
