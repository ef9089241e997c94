"""Telling of the servers that somebody else brings back, or nobody."""

import dataclasses

from waffles.recovery.engine.work import Work
from waffles.recovery.model import Notice, Recovery, Server, State
from waffles.recovery.notices import notices


def tell(work: Work, recovery: Recovery) -> None:
    """Tell of the servers that are not ours to bring back, once.

    Not before every gate is open: who is told starts them elsewhere.
    """
    told, pending = set(), set()
    for notice in work.lease.notices():
        told.add(notice.server_key)
        if notice.event == notices.CUSTOM and not _has_ended(notice):
            pending.add(notice.server_key)
    left = [
        _reached(work, row)
        for row in work.lease.servers()
        if row.key not in (pending if row.state is State.NOTIFYING else told)
    ]
    news = notices.of_servers(left, recovery, work.settings)
    failed = [row for row in left if row.reason == notices.NOBODY]
    if news or failed:
        work.lease.update(failed, notices=news)
        work.counted.settled(failed)


def _has_ended(notice: Notice) -> bool:
    return bool(notice.delivered_at or notice.gave_up_at)


def _reached(work: Work, row: Server) -> Server:
    """A row, which has failed where nobody can be told of it."""
    if row.state is not State.NOTIFYING or notices.reachable(work.settings):
        return row
    return dataclasses.replace(row, state=State.FAILED, reason=notices.NOBODY)
