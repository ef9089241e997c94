"""What Nova shows of an evacuation, and what follows from it.

A server is recovered when its migration is ``done`` or ``completed``, **and**
Nova has it on another host, **and** nothing is being done to it.  Each alone
is not enough: after a late failure on the destination a server is ACTIVE on
the host that is gone, and nova-compute that starts there sets a migration
that has only been accepted to ``completed``.

Nova 26 and later accept a second evacuation of a server while the first is
under way, and then the guest runs twice.  So nothing is asked for again
before Nova has shown how the last evacuation ended or, where it shows none,
before ``settle_time`` is over.  "Could not be read" is no answer at all.
"""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from waffles.recovery.model import Server, State

#: Migration statuses of Nova that are an end (``nova.objects.fields``).
WELL = frozenset({"done", "completed"})
BADLY = frozenset({"error", "failed"})

#: Those behind which no start of nova-compute on the source destroys guests.
OVER = WELL | BADLY | {"cancelled"}

#: Seconds by which Nova's clock may be behind the store's.
SKEW = 30.0


class Sight(NamedTuple):
    """An evacuation as Nova shows it."""

    id: int
    status: str
    destination: str


class Limits(NamedTuple):
    """How long is waited, in seconds, and how often is tried.

    :param settle: without any sign of an evacuation that was asked for
    :param timeout: for an evacuation to end
    :param delay: before the second attempt; doubled for each further one
    :param delay_max: the longest such wait
    """

    settle: float
    timeout: float
    attempts: int
    delay: float
    delay_max: float


def sights(migrations: Iterable[Mapping[str, Any]]) -> dict[str, Sight]:
    """The evacuation of each server that counts.

    That is the newest that is under way, though a newer one may be over: while
    one of several goes on, nothing is asked for.

    :param migrations: as Nova shows them
    """
    found: dict[str, Sight] = {}
    for one in migrations:
        sight = Sight(one["id"], one["status"], one["dest_compute"] or "")
        other = found.get(one["instance_uuid"])
        if other is None or _weight(other) < _weight(sight):
            found[one["instance_uuid"]] = sight
    return found


def under_way(migrations: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The evacuations that may still need their source to stay away."""
    return [one for one in migrations if one["status"] not in OVER]


def is_past(server: Mapping[str, Any] | None, source: str) -> bool:
    """Whether evacuations of a server from a host are over, whatever Nova's
    migrations say: some stay accepted for ever.

    :param server: as Nova shows it; None where it is gone
    """
    if server is None:
        return True
    host = server["OS-EXT-SRV-ATTR:host"] or source
    return host != source and not server["OS-EXT-STS:task_state"]


def foreign(row: Server, sight: Sight | None) -> bool:
    """Whether somebody else is evacuating a server that waits for us."""
    return (
        row.state is State.QUEUED
        and sight is not None
        and sight.status not in OVER
    )


def adopted(row: Server, sight: Sight, now: float) -> Server:
    """The row of a server that somebody else evacuates."""
    return dataclasses.replace(
        row,
        state=State.WATCHING,
        floor=sight.id - 1,
        issued_at=now,
        reason="an evacuation was under way already",
        **_of(sight),
    )


def looked(
    row: Server, sight: Sight | None, now: float, limits: Limits
) -> Server:
    """A row in flight, after a look at the migrations.

    In RESTORING the server itself has to be looked at next.
    """
    if sight is None or (sight.id <= row.floor and sight.status in OVER):
        return _unseen(row, now, limits)
    row = dataclasses.replace(row, **_of(sight))
    if sight.status in WELL | BADLY:
        return dataclasses.replace(row, state=State.RESTORING)
    if _late(row, now, limits):
        return stuck(row, f"its migration is {sight.status} for too long")
    return dataclasses.replace(row, state=State.WATCHING)


def lost(row: Server, now: float, limits: Limits) -> Server:
    """A row of which Nova knows, and shows no migration."""
    if _late(row, now, limits):
        return stuck(row, "Nova has begun with it, and shows no migration")
    return row


def silent(row: Server, now: float, limits: Limits) -> bool:
    """Whether an evacuation was asked for so long ago that Nova would show
    it: then the server itself is looked at, and it may be asked for again.
    """
    since = row.issued_at or 0.0
    return row.state is State.ISSUING and now > since + limits.settle


def begun(
    actions: Iterable[Mapping[str, Any]], row: Server, limits: Limits
) -> bool:
    """Whether a server's actions tell of the last request, after all.

    Lists of migrations leave out what is in a cell that is down; a server's
    actions are read from its own.  Clocks are taken to agree well enough to
    tell one attempt from the next.

    :param actions: as Nova shows them
    """
    since = (row.issued_at or 0.0) - min(limits.delay, SKEW)
    return any(
        one["action"] == "evacuate"
        and (
            one["request_id"] == row.request_id
            or at(one["start_time"]) > since
        )
        for one in actions
    )


def checked(
    row: Server, server: Mapping[str, Any] | None, now: float, limits: Limits
) -> Server:
    """A row, after a look at its server.

    In RESTORING there is more to wait for; in QUEUED there is another try.

    :param server: as Nova shows it; None where it is gone
    """
    if server is None:
        return dataclasses.replace(
            row, state=State.SKIPPED, reason="it has been deleted"
        )
    if _is_here(row, server):
        return _on_source(row, server, now, limits)
    host = server["OS-EXT-SRV-ATTR:host"]
    if server["OS-EXT-STS:task_state"]:
        return _waits(row, "Nova is still at work on it", now, limits)
    row = dataclasses.replace(row, destination=host)
    if server["OS-EXT-STS:vm_state"] == "error":
        return _failed(row, f"it is in ERROR on {host}{_why(server)}")
    if _was_started(row, server):
        return _waits(row, "it is to be stopped, as it was", now, limits)
    if row.migration_status in WELL:
        reason = "evacuated"
    else:
        reason = f"somebody else has moved it to {host}"
    return dataclasses.replace(row, state=State.RECOVERED, reason=reason)


def elsewhere(
    row: Server, server: Mapping[str, Any] | None, now: float, limits: Limits
) -> Server | None:
    """The row of a server that need not be asked for, as it has moved or is
    gone; None where it is on its host still.

    :param row: of one that was taken, and has not been asked for
    :param server: as Nova shows it; None where it is gone
    """
    if server is not None and _is_here(row, server):
        return None
    row = dataclasses.replace(row, attempt=max(0, row.attempt - 1))
    return checked(row, server, now, limits)


def is_to_stop(row: Server, server: Mapping[str, Any] | None) -> bool:
    """Whether a server runs that did not when its host went down.

    Nova restores what it was at the last attempt, and after a failed one
    that is no longer what it was before the first.
    """
    return (
        server is not None
        and row.state is State.RESTORING
        and not _is_here(row, server)
        and _was_started(row, server)
        and not server["OS-EXT-STS:task_state"]
    )


def again(row: Server, reason: str, wake_at: float) -> Server:
    """A row whose last request has surely not been carried out."""
    return dataclasses.replace(
        row,
        state=State.QUEUED,
        attempt=max(0, row.attempt - 1),
        reason=reason,
        wake_at=wake_at,
    )


def stuck(row: Server, reason: str) -> Server:
    """A row that a human has to look at."""
    return dataclasses.replace(row, state=State.STUCK, reason=reason)


def _unseen(row: Server, now: float, limits: Limits) -> Server:
    if row.state is State.WATCHING and _late(row, now, limits):
        return stuck(row, "Nova shows its migration no more")
    return row


def _on_source(
    row: Server, server: Mapping[str, Any], now: float, limits: Limits
) -> Server:
    if row.state is State.ISSUING:
        return _unheard(row, server, now, limits)
    if row.migration_status in BADLY:
        why = f"its migration is {row.migration_status}{_why(server)}"
        if row.attempt >= limits.attempts:
            return _failed(row, why)
        delay = limits.delay * 2 ** max(0, row.attempt - 1)
        return dataclasses.replace(
            row,
            state=State.QUEUED,
            reason=f"{why}; it is tried again",
            wake_at=now + min(delay, limits.delay_max),
        )
    why = f"its migration is {row.migration_status}, yet Nova has it here"
    return _waits(row, why, now, limits)


def _unheard(
    row: Server, server: Mapping[str, Any], now: float, limits: Limits
) -> Server:
    """A row of whose last request Nova shows nothing.

    An evacuation begins with this task; any other is of before, and on a host
    that is gone it stays for ever.
    """
    task = server["OS-EXT-STS:task_state"] or ""
    if not task.startswith("rebuild"):
        return again(row, "Nova has never heard of the last request", now)
    why = f"Nova shows no migration, yet its task is {task}"
    if _late(row, now, limits):
        return stuck(row, f"{why}, for too long")
    return dataclasses.replace(row, reason=why)


def at(text: str) -> float:
    """A time as Nova shows it, in seconds since 1970."""
    found = datetime.datetime.fromisoformat(text)
    return found.replace(tzinfo=datetime.UTC).timestamp()


def _weight(sight: Sight) -> tuple[bool, int]:
    return sight.status not in OVER, sight.id


def _is_here(row: Server, server: Mapping[str, Any]) -> bool:
    """Whether Nova has a server where it was, or nowhere."""
    return (server["OS-EXT-SRV-ATTR:host"] or row.source) == row.source


def _was_started(row: Server, server: Mapping[str, Any]) -> bool:
    """Whether an evacuation has started a server that was stopped before."""
    return (
        row.status == "stopped"
        and bool(row.migration_status)
        and server["OS-EXT-STS:vm_state"] == "active"
    )


def _waits(row: Server, why: str, now: float, limits: Limits) -> Server:
    if _late(row, now, limits):
        return stuck(row, f"{why}, for too long")
    return dataclasses.replace(row, state=State.RESTORING, reason=why)


def _failed(row: Server, reason: str) -> Server:
    return dataclasses.replace(row, state=State.FAILED, reason=reason)


def _late(row: Server, now: float, limits: Limits) -> bool:
    return now > (row.issued_at or 0.0) + limits.timeout


def _of(sight: Sight) -> dict[str, Any]:
    return {
        "migration": sight.id,
        "migration_status": sight.status,
        "destination": sight.destination,
    }


def _why(server: Mapping[str, Any]) -> str:
    message = (server.get("fault") or {}).get("message", "")
    return f": {message}" if message else ""
