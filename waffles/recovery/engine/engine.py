"""The engine: takes up what the endpoint has written, and carries it out.

An engine holds each recovery that it works on by a lease in the store; when
it dies, another goes on after ``lease_time``, and when it is told to end, at
once.  Any number of engines may run.
"""

import functools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent import futures

from waffles import exceptions
from waffles.clients.compute import Compute
from waffles.clients.glance import Glance
from waffles.recovery.engine import evacuating, forcing, returning
from waffles.recovery.engine.counters import Counters
from waffles.recovery.engine.work import Work
from waffles.recovery.model import Phase, Recovery, Return
from waffles.recovery.options import Settings
from waffles.recovery.store import presence, store
from waffles.recovery.store.store import Lease, Store

LOG = logging.getLogger(__name__)

#: Recoveries that one engine works on at a time.
AT_ONCE = 16

#: Seconds between two looks for work.
LOOK = 0.25

#: Seconds after which a recovery is tried again when something that it needs
#: could not be asked.
AGAIN = 10.0

#: A recovery that waits longer than this is let go until then.
LET_GO = 5.0


def name() -> str:
    """What tells one engine from all others."""
    return f"{socket.gethostname()}:{os.getpid()}:{time.time_ns() % 10**9}"


class Engine:
    """Works on recoveries until it is told to end.

    :param stop: is set when it is to end
    """

    def __init__(
        self,
        rows: Store,
        compute: Compute,
        glance: Glance,
        settings: Settings,
        stop: threading.Event,
    ) -> None:
        self.store, self.compute, self.glance = rows, compute, glance
        self.settings, self.stop = settings, stop
        self.name, self.counted = name(), Counters()
        self._pool = futures.ThreadPoolExecutor(
            evacuating.ROUND, "waffles-nova"
        )
        self._threads: set[threading.Thread] = set()

    def run(self) -> None:
        """Look for work until the end; then let go of all of it."""
        LOG.info("Engine %s begins", self.name)
        beaten = 0.0
        try:
            while not self.stop.is_set():
                try:
                    if time.monotonic() > beaten + presence.BEAT:
                        self.store.beat(
                            self.name, socket.gethostname(), os.getpid()
                        )
                        beaten = time.monotonic()
                    while self._begin():
                        pass
                except exceptions.Unavailable as error:
                    LOG.error("Engine %s: %s; it goes on", self.name, error)
                self.stop.wait(LOOK)
        finally:
            self._end()

    def _begin(self) -> bool:
        """Take up one recovery, if there is one to be had."""
        self._threads = {one for one in self._threads if one.is_alive()}
        if len(self._threads) >= AT_ONCE or self.stop.is_set():
            return False
        lease = self.store.claim(self.name, self.settings.lease_time)
        if lease is None:
            return False
        thread = threading.Thread(
            target=self._carry_out,
            args=(lease,),
            name=f"waffles-{lease.recovery_id}",
        )
        thread.start()
        self._threads.add(thread)
        return True

    def _end(self) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()
        self._pool.shutdown()
        try:
            self.store.leave(self.name)
        except exceptions.Unavailable as error:
            LOG.warning("Engine %s could not sign off: %s", self.name, error)
        LOG.info("Engine %s has ended", self.name)

    def _carry_out(self, lease: Lease) -> None:
        """Go on with a recovery as far as it goes, and let go of it."""
        work = Work(
            self.store,
            lease,
            self.compute,
            self.glance,
            self.settings,
            self.counted,
            self._pool,
            self.stop.wait,
        )
        try:
            wait = self._steps(work)
            lease.release(wake_at=self.store.now() + wait)
        except store.Lost:
            LOG.warning("Recovery %s was taken away", lease.recovery_id)
        except Exception:
            LOG.exception(
                "Recovery %s: engine %s could not go on; another will, in"
                " %.0f s",
                lease.recovery_id,
                self.name,
                self.settings.lease_time,
            )

    def _steps(self, work: Work) -> float:
        """One step after another; returns for how long nothing is to do."""
        stages = _Stages(work)
        try:
            return self._until_wait(work, stages)
        finally:
            stages.forget()

    def _until_wait(self, work: Work, stages: "_Stages") -> float:
        while not self.stop.is_set():
            work.renew()
            recovery = work.lease.recovery()
            step = stages.of(recovery)
            if step is None:
                return 0.0
            try:
                wait = step(recovery)
            except exceptions.Unjudged as error:
                stages.forget()
                wait = _troubled(work, recovery, error)
            if wait > LET_GO or recovery.phase is Phase.HELD:
                return wait
            self.stop.wait(wait)
        return 0.0


class _Stages:
    """What is done in each phase; one of them remembers what it saw."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.phase: Phase | None = None
        self.evacuation: evacuating.Evacuation | None = None

    def forget(self) -> None:
        """Remember nothing: it may not be what is stored."""
        gone, self.phase, self.evacuation = self.evacuation, None, None
        if gone:
            gone.close()

    def of(self, recovery: Recovery) -> Callable[[Recovery], float] | None:
        """The step that is next; None where nothing is left to do."""
        if recovery.phase is not self.phase:
            self.forget()
            self.phase = recovery.phase
        if recovery.phase is Phase.RUNNING:
            self.evacuation = self.evacuation or evacuating.Evacuation(
                self.work
            )
            return self.evacuation.round
        if not recovery.phase.final:
            stage = _STAGES[recovery.phase]
        elif recovery.returning is Return.WAITING:
            stage = returning.waiting
        else:
            return None
        return functools.partial(stage, self.work)


_STAGES: Mapping[Phase, Callable[[Work, Recovery], float]] = {
    Phase.RECEIVED: forcing.received,
    Phase.FORCING: forcing.forcing,
    Phase.PLANNING: forcing.planning,
    Phase.HELD: forcing.held,
    Phase.SETTLING: evacuating.settling,
}


def _troubled(
    work: Work, recovery: Recovery, error: exceptions.Unjudged
) -> float:
    """Say what could not be asked, once, and when it is tried again."""
    text = str(error)
    if recovery.note != text:
        line = work.line(
            recovery, "waits", f"{text} It is tried again in {AGAIN:.0f} s."
        )
        work.save(recovery, line, note=text)
    return AGAIN if recovery.phase is not Phase.RUNNING else LET_GO
