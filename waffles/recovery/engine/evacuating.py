"""The servers of a host, brought back: many in flight, one at most of each.

One round asks Nova for the evacuations of the host, settles what has ended,
takes as many of the next servers as the limits leave, and asks for these; it
does not wait for answers longer than to the next look.  That a server is about
to be evacuated is committed before Nova is asked, and nothing is asked for
twice before :mod:`waffles.recovery.watch` says so.
"""

import contextlib
import dataclasses
from collections.abc import Mapping
from functools import partial

from waffles.recovery import model, watch
from waffles.recovery.engine import single
from waffles.recovery.engine.asking import Asking
from waffles.recovery.engine.ledger import Ledger
from waffles.recovery.engine.pace import Pace
from waffles.recovery.engine.work import Work, window
from waffles.recovery.model import (
    IN_FLIGHT,
    Gate,
    Notice,
    Phase,
    Recovery,
    Server,
    State,
)
from waffles.recovery.notices import notices
from waffles.recovery.options import Settings
from waffles.recovery.store import store

QUEUED = frozenset({State.QUEUED})

#: Seconds between two looks while only notices are left, or all is paused: so
#: long that the engine has time for others.  What is waited for ends it.
PATIENCE = 6.0

#: What is said of a recovery while Nova refuses us.
REFUSED = "Nova refuses to evacuate: [waffles] needs an administrator."

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
        self.rows = Ledger(work)
        self.known: int | None = None  # Nova's highest migration id so far
        self.asking, self.pace = Asking(work.pool), Pace()
        self.paused = False
        self.heard_at = 0.0
        self.begun_at = 0.0

    def round(self, recovery: Recovery) -> float:
        """One round; returns the seconds until the next."""
        work, now = self.work, self.work.store.now()
        if self._is_over():
            work.save(recovery, phase=Phase.SETTLING)
            return 0.0
        if not self._is_silent(recovery, now):
            return 0.0
        self._pause(recovery)
        self._look(recovery, now)
        self._begin(now)
        self._check(now)
        self._hear(recovery, now + work.settings.poll_interval)
        self._tell(recovery)
        if self.pace.is_stale:
            self.close()
            work.save(recovery, phase=Phase.PLANNING)
            return 0.0
        return self._wait(now)

    def close(self) -> None:
        """Ask for nothing more, and wait for the answers to the rest."""
        unasked = self.asking.cancel()
        recovery = self.work.lease.recovery()
        self.rows.update(recovery, [*unasked, *self.asking.heard()])
        self.asking.check()

    def _is_over(self) -> bool:
        """Whether all have ended; notices end in another thread."""
        if self.rows.left() == {State.NOTIFYING}:
            self.rows.read()
        return not self.rows.left()

    def _is_silent(self, recovery: Recovery, now: float) -> bool:
        """Whether the host has not been heard of since it was forced down."""
        work, pause = self.work, self.work.settings.heartbeat_interval
        if now < self.heard_at + pause:
            return True
        self.heard_at = now
        at = work.seen(recovery.host)["updated_at"] or ""
        if at == recovery.baseline:
            return True
        self.close()
        line = work.line(
            recovery, "alive", f"its nova-compute has moved: {at}"
        )
        work.save(recovery, line, phase=Phase.PLANNING)
        return False

    def _pause(self, recovery: Recovery) -> None:
        """See whether anything may be begun; what may not is taken back."""
        self.paused = bool(recovery.paused) or (
            bool(self.rows.of({State.QUEUED, State.ISSUING}))
            and self.work.store.pause_of_all() is not None
        )
        if self.paused:
            self.rows.update(recovery, self.asking.cancel())

    def _look(self, recovery: Recovery, now: float) -> None:
        """Settle what Nova's migrations say of the rows in flight."""
        flying = [r for r in self.rows.of(IN_FLIGHT) if r not in self.asking]
        if not flying and not self._due(now):
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
        self.rows.update(recovery, changed)
        for row in self.rows.of(QUEUED):
            sight = seen.get(row.server_id)
            if sight and watch.foreign(row, sight):
                # Where another recovery evacuates it, it stays with that.
                with contextlib.suppress(store.NotNow):
                    self.rows.update(
                        recovery, [watch.adopted(row, sight, now)]
                    )

    def _begin(self, now: float) -> None:
        """Commit the intent for the next servers, then ask for them."""
        work, due = self.work, self._due(now)
        if not due:
            return
        work.renew()
        # From before the commit: who slept behind it asks for nothing.
        turn = single.Turn(now, self.pace.now(), window())
        taken = work.lease.take(
            [row.key for row in due],
            floor=self.known or 0,
            per_recovery=self._most(),
            in_all=work.settings.in_flight,
        )
        for row in taken:
            self.begun_at = now
            fresh = single.is_fresh(self.rows[row.key], now)
            call = partial(single.evacuated, work, self.pace, turn, row, fresh)
            self.asking.ask(row, call, single.unasked(row))
        self.rows.keep(taken)

    def _most(self) -> int:
        """How many may be in flight behind the next request."""
        most = self.work.settings.in_flight_per_recovery
        if self.work.settings.stagger or self.pace.is_slow:
            return min(most, len(self.rows.of(IN_FLIGHT)) + 1)
        return most

    def _check(self, now: float) -> None:
        """Look at the servers whose evacuations have ended, or vanished."""
        some = max(0, ROUND - len(self.asking))
        for row in self._over(now)[:some]:
            call = partial(single.checked, self.work, row, now)
            self.asking.ask(row, call, row)

    def _over(self, now: float) -> list[Server]:
        limits = self.work.settings.limits
        return [
            row
            for row in self.rows.of({State.RESTORING, State.ISSUING})
            if row not in self.asking
            and row.wake_at <= now
            and (
                row.state is State.RESTORING or watch.silent(row, now, limits)
            )
        ]

    def _hear(self, recovery: Recovery, until: float) -> None:
        """Write down what Nova answers before the next look."""
        left = until - self.work.store.now()
        self.rows.update(recovery, self.asking.heard(max(left, BREATH)))
        self.asking.check()

    def _tell(self, recovery: Recovery) -> None:
        """Say once that Nova refuses us, and that it does no more."""
        if self.pace.refused and recovery.note != REFUSED:
            line = self.work.line(recovery, "waits", self.pace.refused)
            told = _refusal(recovery, self.pace.refused, self.work.settings)
            self.work.save(recovery, line, notices=told, note=REFUSED)
        elif self.pace.is_heard and not self.pace.refused:
            self.work.save(recovery, note="")

    def _due(self, now: float) -> list[Server]:
        """The servers that may be begun now, in the order of the plan."""
        if self.paused or self.pace.is_quiet:
            return []
        if self.pace.is_slow and self.asking:
            return []
        if now < self.begun_at + self.work.settings.stagger:
            return []
        free = self.work.settings.in_flight_per_recovery
        free -= len(self.rows.of(IN_FLIGHT))
        queued = [row for row in self.rows.of(QUEUED) if row.wake_at <= now]
        # More than are free: some may be left out, for their server group.
        return queued[: 4 * ROUND] if free > 0 else []

    def _wait(self, began: float) -> float:
        """Seconds until there may be more to do."""
        left = self.rows.left()
        idle = {State.NOTIFYING} | (QUEUED if self.paused else set())
        if left and left <= idle:
            return PATIENCE
        now = self.work.store.now()
        if not left or self.asking or self._over(now):
            return 0.0
        return max(0.0, began + self.work.settings.poll_interval - now)


def _refusal(recovery: Recovery, why: str, settings: Settings) -> list[Notice]:
    """What people are told while Nova refuses us: it is held, as it were."""
    gate = Gate("credentials", False, why)
    said = {
        "state": recovery.phase.value,
        "next": "It goes on by itself once [waffles] is an administrator.",
    }
    return [
        dataclasses.replace(one, payload={**one.payload, **said})
        for one in notices.held(recovery, [gate], settings)
    ]


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
