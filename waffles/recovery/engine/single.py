"""One server: what Nova is asked about it, in a thread of the pool.

Each function gives the row as it is then, and writes nothing down: the store
is the round's.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from waffles import exceptions
from waffles.clients import errors
from waffles.recovery import watch
from waffles.recovery.engine.pace import Pace
from waffles.recovery.engine.work import Work
from waffles.recovery.model import Server, State
from waffles.recovery.planning import policy

#: Seconds for which a plan is believed to know on which host a server is.
FRESH = 60.0


class Turn(NamedTuple):
    """Servers that are begun together.

    :param now: by the store's clock
    :param began: by that of the pace
    :param is_open: whether Nova may still be asked for them
    """

    now: float
    began: float
    is_open: Callable[[], bool]


def is_fresh(row: Server, now: float) -> bool:
    """Whether a server that waits has only just been planned."""
    return row.issued_at is None and now < row.updated_at + FRESH


def unasked(row: Server) -> Server:
    """The row of a server that was taken, and then not asked for."""
    return watch.again(row, "it was not asked for yet", 0.0)


def evacuated(
    work: Work, pace: Pace, turn: Turn, row: Server, fresh: bool
) -> Server:
    """Ask Nova to evacuate a server.

    :param fresh: whether it is known to be on its host
    """
    if not fresh:
        found = _looked_at(work, pace, turn, row)
        if found is not row:
            return found
    try:
        return _asked(work, pace, turn, row)
    except (errors.Busy, errors.Refused) as error:
        return _later(pace, turn, row, error)
    except exceptions.Hidden as error:
        # With 400 Nova takes the host for alive.
        pace.is_stale = pace.is_stale or error.code == 400
        return _refused(row, error, work.settings.limits)
    except exceptions.Unavailable as error:
        # Nobody knows whether Nova carries it out: the row stays.
        pace.rest(turn.began)
        return dataclasses.replace(row, reason=str(error))


def checked(work: Work, row: Server, now: float) -> Server:
    """Look at a server whose evacuation has ended, or vanished."""
    limits, wake_at = work.settings.limits, now + work.settings.poll_interval
    later = dataclasses.replace(row, wake_at=wake_at)
    try:
        if watch.silent(row, now, limits) and _appeared(work, row):
            return watch.lost(later, now, limits)
        server = shown(work, row.server_id)
        if watch.is_to_stop(row, server):
            work.compute.stop(row.server_id)
    except exceptions.Unjudged as error:
        return dataclasses.replace(later, reason=str(error))
    found = watch.checked(row, server, now, limits)
    if found.state is row.state:
        return dataclasses.replace(found, wake_at=wake_at)
    return found


def shown(work: Work, server_id: str) -> Mapping[str, Any] | None:
    """A server as Nova shows it; None where it is gone."""
    try:
        return work.compute.server(server_id)
    except exceptions.Hidden as error:
        if error.code == 404:
            return None
        raise


def _asked(work: Work, pace: Pace, turn: Turn, row: Server) -> Server:
    late = watch.again(row, "it was too late to ask for it", 0.0)
    if not turn.is_open():
        return late
    if policy.is_to_reset(row.status, work.settings.rules):
        work.compute.reset(row.server_id)
        if not turn.is_open():
            return late
    request_id = work.compute.evacuate(row.server_id)
    pace.well(turn.began)
    return dataclasses.replace(row, request_id=request_id)


def _looked_at(work: Work, pace: Pace, turn: Turn, row: Server) -> Server:
    """The very row, unless something keeps from asking for its server."""
    try:
        server = shown(work, row.server_id)
    except exceptions.Unjudged as error:
        return _later(pace, turn, row, error)
    limits = work.settings.limits
    if moved := watch.elsewhere(row, server, turn.now, limits):
        return moved
    tags = tuple(server["tags"]) if server else row.tags
    if row.attempt > 1 or set(tags) == set(row.tags):
        return row
    pace.is_stale = True
    row = dataclasses.replace(row, tags=tags)
    return watch.again(row, "its tags have changed", 0.0)


def _later(
    pace: Pace, turn: Turn, row: Server, error: exceptions.Unjudged
) -> Server:
    """A row for which Nova has surely done nothing."""
    if isinstance(error, errors.Refused):
        pace.refused = str(error)
    seconds = pace.rest(turn.began, getattr(error, "retry_after", 0))
    return watch.again(row, str(error), turn.now + seconds)


def _refused(
    row: Server, error: exceptions.Hidden, limits: watch.Limits
) -> Server:
    """A row whose evacuation Nova refuses for sure."""
    if error.code == 404:
        return dataclasses.replace(
            row, state=State.SKIPPED, reason="it has been deleted"
        )
    if error.code == 400 and row.attempt < limits.attempts:
        return dataclasses.replace(row, state=State.QUEUED, reason=str(error))
    return dataclasses.replace(row, state=State.FAILED, reason=str(error))


def _appeared(work: Work, row: Server) -> bool:
    """Whether Nova shows the last evacuation after all."""
    found = work.compute.migrations_of(row.server_id, row.source)
    if any(one["id"] > row.floor for one in found):
        return True
    try:
        actions = work.compute.actions(row.server_id)
    except exceptions.Hidden as error:
        if error.code != 404:
            raise
        return False  # it has been deleted
    return watch.begun(actions, row, work.settings.limits)
