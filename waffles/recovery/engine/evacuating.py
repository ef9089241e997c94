"""The servers of a host, brought back: many in flight, one at most of each.

One round asks Nova for the evacuations of the host, settles what has ended,
takes as many of the next servers as the limits leave, and asks for these; it
does not wait for answers longer than to the next look.  That a server is about
to be evacuated is committed before Nova is asked, and nothing is asked for
twice before :mod:`waffles.recovery.watch` says so.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from waffles import exceptions
from waffles.clients import errors
from waffles.recovery import model, watch
from waffles.recovery.engine.asking import Asking
from waffles.recovery.engine.work import Work, window
from waffles.recovery.model import (
    IN_FLIGHT,
    Line,
    Phase,
    Recovery,
    Server,
    State,
)
from waffles.recovery.notices import notices
from waffles.recovery.planning import policy
from waffles.recovery.store import store

QUEUED = frozenset({State.QUEUED})

#: Seconds for which no server is begun when Nova has not answered.
PAUSE = 2.0
PAUSE_MAX = 60.0

#: Seconds between two looks while only notices are left.
PATIENCE = 2.0

#: Of these the migration is told, not the reason of the decision.
MOVING = frozenset({State.WATCHING, State.RESTORING})

#: Servers that Nova is asked about, or for, at the same moment.
ROUND = 64

#: Seconds for which answers are waited for at least.
BREATH = 0.05


class Evacuation:
    """What an engine knows of the recovery that it carries out.

    All of it can be had again from the store and from Nova.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.rows = {row.key: row for row in work.lease.servers()}
        self.known: int | None = None  # Nova's highest migration id so far
        self.asking = Asking(work.pool)
        self.rests = 0  # without an answer in between
        self.quiet_until = 0.0
        self.blocked = False
        self.heard_at = 0.0
        self.begun_at = 0.0

    def round(self, recovery: Recovery) -> float:
        """One round; returns the seconds until the next."""
        work, now = self.work, self.work.store.now()
        if self._is_over(recovery):
            work.save(recovery, phase=Phase.SETTLING)
            return 0.0
        if not self._is_silent(recovery, now):
            return 0.0
        self._look(recovery, now)
        self._begin(recovery, now)
        self._check(now)
        self._hear(recovery, now + work.settings.poll_interval)
        if self.blocked:
            self.close(recovery)
            work.save(recovery, phase=Phase.PLANNING)
            return 0.0
        return self._wait(now)

    def close(self, recovery: Recovery) -> None:
        """Wait for all answers: nothing is asked from here on."""
        self._update(recovery, self.asking.heard())

    def _is_over(self, recovery: Recovery) -> bool:
        """Whether all have ended; notices end in another thread."""
        left = [row for row in self.rows.values() if not row.state.final]
        if left and all(row.state is State.NOTIFYING for row in left):
            self.rows = {row.key: row for row in self.work.lease.servers()}
            left = [row for row in self.rows.values() if not row.state.final]
        return not left

    def _is_silent(self, recovery: Recovery, now: float) -> bool:
        """Whether the host has not been heard of since it was forced down."""
        work, pause = self.work, self.work.settings.heartbeat_interval
        if "alive" in recovery.released or now < self.heard_at + pause:
            return True
        self.heard_at = now
        service = work.service(recovery.host)
        if service and service["updated_at"] == recovery.baseline:
            return True
        self.close(recovery)
        line = work.line(recovery, "alive", "its compute service has moved")
        work.save(recovery, line, phase=Phase.PLANNING)
        return False

    def _look(self, recovery: Recovery, now: float) -> None:
        """Settle what Nova's migrations say of the rows in flight."""
        flying = [r for r in self._in(IN_FLIGHT) if r not in self.asking]
        if not flying and not self._due(recovery, now):
            return
        floors = [row.floor for row in flying]
        above = min([self.known, *floors]) if self.known is not None else 0
        found = self.work.compute.migrations(recovery.host, above)
        ids = [one["id"] for one in found]
        self.known = max([self.known or 0, *floors, *ids])
        seen, limits = watch.sights(found), self.work.settings.limits
        changed = [
            watch.looked(row, seen.get(row.server_id), now, limits)
            for row in flying
        ]
        self._update(recovery, changed)
        for row in self._in(QUEUED):
            sight = seen.get(row.server_id)
            if sight and watch.foreign(row, sight):
                # Where another recovery evacuates it, it stays with that.
                with contextlib.suppress(store.NotNow):
                    self._update(recovery, [watch.adopted(row, sight, now)])

    def _begin(self, recovery: Recovery, now: float) -> None:
        """Commit the intent for the next servers, then ask for them."""
        work, due = self.work, self._due(recovery, now)
        if not due:
            return
        if work.settings.stagger or self.rests:
            due, self.begun_at = due[:1], now
        work.renew()
        # From before the commit: who slept behind it asks for nothing.
        is_open = window()
        taken = work.lease.take(
            [row.key for row in due],
            floor=self.known or 0,
            per_recovery=work.settings.in_flight_per_recovery,
            in_all=work.settings.in_flight,
        )
        self._keep(taken)
        for row in taken:
            self.asking.ask(row, partial(self._evacuated, row, is_open))

    def _evacuated(self, row: Server, is_open: Callable[[], bool]) -> Server:
        """Ask Nova to evacuate a server; what came of it."""
        compute, settings = self.work.compute, self.work.settings
        try:
            if policy.is_to_reset(row.status, settings.rules):
                compute.reset(row.server_id)
            if not is_open():
                return watch.again(row, "it was too late to ask for it", 0.0)
            request_id = compute.evacuate(row.server_id)
        except (errors.Busy, errors.Refused) as error:
            self._rest(getattr(error, "retry_after", None))
            return watch.again(row, str(error), self.quiet_until)
        except exceptions.Hidden as error:
            self.blocked = self.blocked or error.code == 400
            return _refused(row, error, settings.limits)
        except exceptions.Unavailable as error:
            # Nobody knows whether Nova carries it out: the row stays.
            self._rest()
            return dataclasses.replace(row, reason=str(error))
        self.rests = 0
        return dataclasses.replace(row, request_id=request_id)

    def _check(self, now: float) -> None:
        """Look at the servers whose evacuations have ended, or vanished."""
        some = max(0, ROUND - len(self.asking))
        for row in self._over(now)[:some]:
            self.asking.ask(row, partial(self._checked, row, now))

    def _over(self, now: float) -> list[Server]:
        limits = self.work.settings.limits
        return [
            row
            for row in self._in({State.RESTORING, State.ISSUING})
            if row not in self.asking
            and row.wake_at <= now
            and (
                row.state is State.RESTORING or watch.silent(row, now, limits)
            )
        ]

    def _hear(self, recovery: Recovery, until: float) -> None:
        """Write down what Nova answers before the next look."""
        left = until - self.work.store.now()
        self._update(recovery, self.asking.heard(max(left, BREATH)))

    def _checked(self, row: Server, now: float) -> Server:
        work, limits = self.work, self.work.settings.limits
        wake_at = now + work.settings.poll_interval
        later = dataclasses.replace(row, wake_at=wake_at)
        try:
            if watch.silent(row, now, limits) and self._appeared(row):
                return watch.lost(later, now, limits)
            server = self._server(row.server_id)
            if watch.is_to_stop(row, server):
                work.compute.stop(row.server_id)
        except exceptions.Unjudged as error:
            return dataclasses.replace(later, reason=str(error))
        found = watch.checked(row, server, now, limits)
        if found.state is row.state:
            return dataclasses.replace(found, wake_at=wake_at)
        return found

    def _appeared(self, row: Server) -> bool:
        """Whether Nova shows the last evacuation after all."""
        compute, limits = self.work.compute, self.work.settings.limits
        found = compute.migrations_of(row.server_id, row.source)
        if any(one["id"] > row.floor for one in found):
            return True
        try:
            return watch.begun(compute.actions(row.server_id), row, limits)
        except exceptions.Hidden as error:
            if error.code != 404:
                raise
            return False  # it has been deleted

    def _server(self, server_id: str) -> Mapping[str, Any] | None:
        try:
            return self.work.compute.server(server_id)
        except exceptions.Hidden as error:
            if error.code == 404:
                return None
            raise

    def _due(self, recovery: Recovery, now: float) -> list[Server]:
        """The servers that may be begun now, in the order of the plan."""
        if recovery.paused or now < self.quiet_until:
            return []
        if now < self.begun_at + self.work.settings.stagger:
            return []
        free = self.work.settings.in_flight_per_recovery
        free -= len(self._in(IN_FLIGHT))
        queued = [row for row in self._in(QUEUED) if row.wake_at <= now]
        # More than are free: some may be left out, for their server group.
        return queued[: 4 * ROUND] if free > 0 else []

    def _in(self, states: Iterable[State]) -> list[Server]:
        return [row for row in self.rows.values() if row.state in states]

    def _rest(self, seconds: float | None = None) -> None:
        """Begin nothing for a while; then one at a time, until Nova answers.

        :param seconds: that Nova has asked for
        """
        self.rests += 1
        longer = min(PAUSE * 2 ** (self.rests - 1), PAUSE_MAX)
        self.quiet_until = self.work.store.now() + (seconds or longer)

    def _keep(self, rows: Iterable[Server]) -> None:
        self.rows.update((row.key, row) for row in rows)

    def _update(self, recovery: Recovery, rows: Iterable[Server]) -> None:
        """Write the rows that have changed, and say what people must know."""
        now = self.work.store.now()
        changed = [
            dataclasses.replace(
                row, finished_at=now if row.state.final else None
            )
            for row in rows
            if row != self.rows[row.key]
        ]
        if not changed:
            return
        lines = [
            self._line(recovery, self.rows[row.key], row)
            for row in changed
            if (row.state, row.request_id)
            != (self.rows[row.key].state, self.rows[row.key].request_id)
        ]
        told = notices.of_servers(changed, recovery, self.work.settings)
        self.work.lease.update(changed, lines=lines, notices=told)
        self.work.counted.settled(changed)
        self._keep(changed)

    def _line(self, recovery: Recovery, old: Server, row: Server) -> Line:
        event, text = row.state.value, row.reason
        if row.request_id != old.request_id and row.request_id:
            event, text = "evacuate", "Nova has been asked"
        elif row.state in MOVING:
            text = f"migration {row.migration} is {row.migration_status}"
        text = f"attempt {row.attempt}: {text}"
        return self.work.line(recovery, event, text, row, row.request_id)

    def _wait(self, began: float) -> float:
        """Seconds until there may be more to do."""
        left = {row.state for row in self.rows.values()} - model.ENDS
        if left == {State.NOTIFYING}:
            return PATIENCE
        now = self.work.store.now()
        if not left or self.asking or self._over(now):
            return 0.0
        return max(0.0, began + self.work.settings.poll_interval - now)


def settling(work: Work, recovery: Recovery) -> float:
    """All servers have ended: look for what could still harm, and close."""
    left = watch.under_way(work.compute.migrations(recovery.host))
    lines = [
        work.line(
            recovery,
            "stale",
            f"evacuation {one['id']} of server {one['instance_uuid']} is"
            f" {one['status']}: keep the host off until it is settled",
        )
        for one in left
    ]
    counts = work.store.counts(recovery.id)
    phase = model.outcome(counts)
    lines.append(work.line(recovery, phase.value, _sum(counts)))
    note = f"{len(left)} evacuations are still under way" if left else ""
    work.save(
        recovery,
        *lines,
        phase=phase,
        note=note,
        notices=notices.finished(recovery, phase, work.settings, counts),
    )
    work.counted.ended(phase)
    return 0.0


def _sum(counts: Mapping[State, int]) -> str:
    found = [f"{many} {state}" for state, many in counts.items() if many]
    return ", ".join(found) or "no server was there"


def _refused(
    row: Server, error: exceptions.Hidden, limits: watch.Limits
) -> Server:
    """A row whose evacuation Nova refuses for sure.

    With 400 where it takes the host for alive.
    """
    if error.code == 404:
        return dataclasses.replace(
            row, state=State.SKIPPED, reason="it has been deleted"
        )
    if error.code == 400 and row.attempt < limits.attempts:
        return dataclasses.replace(row, state=State.QUEUED, reason=str(error))
    return dataclasses.replace(row, state=State.FAILED, reason=str(error))
