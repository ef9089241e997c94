"""One value of the cloud, kept fresh behind the requests.

A keeper fetches facts every ``interval`` seconds in a thread of its own, and
gives the value that it has built of them.  A request takes what is there, and
waits only where nothing is, or nothing that is fresh enough.

*When a fetch fails* the last value stays in use until it is ``stale_after``
seconds old; then requests wait for the next try, one a second at most, and
are refused when it fails.  Nothing has to be started again.

*Many workers.*  With a cache that they share, one of them fetches and the
others read.

*Processes.*  Each has a thread of its own, which its first request starts: a
process that forks hands on the value, and neither locks nor the thread.

*An old uWSGI without enable-threads* (2.0.23; in 2.0.30 threads are always
enabled) lets threads run only while a request does.  There a request that
needs a newer value still waits for it and gets it, but nothing refreshes the
value between requests: it may be ``stale_after`` seconds old, and then the
next request waits.
"""

import dataclasses
import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar

from waffles import exceptions
from waffles.clients import cache, deadline

LOG = logging.getLogger(__name__)

#: Seconds from one try to the next, at the least.
SPACING = 1.0

#: Seconds after which facts that another worker fetches are looked for again.
POLL = 0.5

#: The part of an interval over which workers that share facts spread.
SPREAD = 0.1

T = TypeVar("T")

#: Of the system: forked workers would all have the numbers of their parent.
_RANDOM = random.SystemRandom()


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    """A value.

    :param taken: wall time at which its fetch began
    :param until: it is used until then, by the monotonic clock
    """

    value: T
    taken: float
    until: float


class _Process:
    """What a process may not have of its parent: locks, and a thread."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.wanted = threading.Event()
        self.running = False
        #: How many tries have ended, when the last one began, and how it was.
        self.tries, self.began, self.failed = 0, 0.0, False

    def ended(self, began: float, failed: bool) -> None:
        """Tell those who wait that a try has ended."""
        with self.changed:
            self.tries += 1
            self.began, self.failed = began, failed
            self.wanted.clear()
            self.changed.notify_all()


class Keeper(Generic[T]):
    """A value that is kept fresh.

    :param name: what it is in a sentence: "networks"
    :param fetch: gives facts: what JSON can hold
    :param build: makes the value of facts, the wall time at which their fetch
        began, and the value before; it may raise what it likes
    :param interval: seconds from one fetch to the next
    :param stale_after: seconds after which a value is not used any more
    :param timeout: seconds that a fetch, or a request, waits at most
    :param shared: where all workers of the cloud have the facts
    :param sleep: waits for an event at most some seconds
    :param jitter: gives any number from 0 to 1
    """

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Any],
        build: Callable[[Any, float, T | None], T],
        *,
        interval: float,
        stale_after: float,
        timeout: float,
        shared: cache.Shared | None = None,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[
            [threading.Event, float], object
        ] = threading.Event.wait,
        jitter: Callable[[], float] = _RANDOM.random,
    ) -> None:
        self._name, self._fetch, self._build = name, fetch, build
        self._interval, self._stale_after = interval, stale_after
        self._timeout, self._shared = timeout, shared
        self._wall, self._clock = wall, clock
        self._sleep, self._jitter = sleep, jitter
        self._kept: _Kept[T] | None = None
        self._failing: float | None = None
        self._processes: dict[int, _Process] = {}

    def get(self) -> T:
        """The value, at most ``stale_after`` seconds old.

        :raises Unavailable: there is none, and none came in time
        """
        kept = self._kept
        if kept and self._clock() < kept.until:
            if os.getpid() not in self._processes:
                self._start()
            return kept.value
        return self._awaited()

    def _awaited(self) -> T:
        """The value that a try brings which is under way, or the next."""
        here, arrived = self._here(), self._clock()
        with here.changed:
            before = here.tries
            self._start()
            while not (self._kept and self._clock() < self._kept.until):
                # A try that stood still, as the process did, says nothing.
                recent = here.began > arrived - self._timeout
                if here.tries != before and here.failed and recent:
                    self._refuse()
                left = arrived + self._timeout - self._clock()
                if left <= 0:
                    LOG.warning(
                        "No %s came in the %g s that a request waits",
                        self._name,
                        self._timeout,
                    )
                    self._refuse()
                here.wanted.set()
                here.changed.wait(left)
            return self._kept.value

    def _refuse(self) -> NoReturn:
        raise exceptions.Unavailable(
            f"The {self._name} of this cloud cannot be looked up now."
        )

    def _here(self) -> _Process:
        return self._processes.setdefault(os.getpid(), _Process())

    def _start(self) -> None:
        """Start the thread of this process, if it does not run."""
        here = self._here()
        with here.changed:
            if here.running:
                return
            thread = threading.Thread(
                target=_run,
                args=(weakref.ref(self), here, self._sleep, self._clock),
                name=f"waffles-{self._name}",
                daemon=True,
            )
            try:
                thread.start()
            except RuntimeError as error:
                LOG.error("No thread for %s: %s", self._name, error)
                self._refuse()
            here.running = True

    def _round(self, here: _Process) -> float:
        """One try; by the monotonic clock, when the next is due."""
        began, wait, failed = self._clock(), self._interval, True
        try:
            self._refresh()
            failed = False
        except Exception as error:
            wait *= 1 + SPREAD * self._jitter()
            self._say_failed(error, wait)
        else:
            wait = self._left()
            self._say_works()
        finally:
            due = self._clock() + wait
            here.ended(began, failed)
        return due

    def _refresh(self) -> None:
        """A newer value, by the facts of another worker or by our own."""
        if self._shared is None:
            self._keep(*self._fetched())
            return
        until = self._clock() + self._timeout
        while not self._keep_shared(self._shared):
            if self._shared.claim(self._timeout):
                facts, taken = self._fetched()
                self._keep(facts, taken)
                self._shared.write(taken, facts)
                return
            if self._clock() >= until:
                raise exceptions.Unavailable(
                    f"another worker fetches, and nothing came of it in"
                    f" {self._timeout:g} s"
                )
            self._sleep(threading.Event(), min(POLL, self._timeout / 4))

    def _fetched(self) -> tuple[Any, float]:
        taken = self._wall()
        with deadline.within(self._timeout):
            return self._fetch(), taken

    def _keep_shared(self, shared: cache.Shared) -> bool:
        """Whether the shared facts are of this interval, and of use."""
        found = shared.read()
        if found is None:
            return False
        taken, facts = found
        # Facts of the future are of a node whose clock is wrong.
        if not abs(self._wall() - taken) < self._interval:
            return False
        try:
            self._keep(facts, taken)
        except Exception:
            LOG.warning("Cannot use shared %s", self._name, exc_info=True)
            return False
        return True

    def _keep(self, facts: Any, taken: float) -> None:
        before = self._kept.value if self._kept else None
        value = self._build(facts, taken, before)
        left = self._stale_after - max(0.0, self._wall() - taken)
        self._kept = _Kept(value, taken, self._clock() + left)

    def _left(self) -> float:
        """Seconds until the value is of the interval before."""
        taken = self._kept.taken if self._kept else self._wall()
        left = self._interval - max(0.0, self._wall() - taken)
        return max(0.0, left) + self._interval * SPREAD * self._jitter()

    def _say_works(self) -> None:
        if self._failing is not None:
            LOG.info(
                "Fetched %s again after %.0f s",
                self._name,
                self._clock() - self._failing,
            )
            self._failing = None

    def _say_failed(self, error: Exception, wait: float) -> None:
        if self._failing is None:
            self._failing = self._clock()
        LOG.warning(
            "Could not fetch %s: %s; %s; next try in %.0f s, or when a request"
            " needs it",
            self._name,
            error
            if isinstance(error, exceptions.WafflesError)
            else repr(error),
            self._state(),
            wait,
            exc_info=not isinstance(error, exceptions.WafflesError),
        )

    def _state(self) -> str:
        """What requests have meanwhile."""
        kept = self._kept
        if kept is None:
            return "there are none yet, and who needs them is refused"
        age, left = self._wall() - kept.taken, kept.until - self._clock()
        if left <= 0:
            return (
                f"the last are {age:.0f} s old, and who needs them is refused"
            )
        return f"the last are {age:.0f} s old, and used for {left:.0f} s more"


def _run(
    ref: "weakref.ref[Keeper[T]]",
    here: _Process,
    sleep: Callable[[threading.Event, float], object],
    clock: Callable[[], float],
) -> None:
    """Keep a value fresh, until nobody has the keeper any more."""
    try:
        while keeper := ref():
            soonest = clock() + SPACING
            due = keeper._round(here)
            del keeper
            sleep(threading.Event(), max(0.0, soonest - clock()))
            sleep(here.wanted, max(0.0, due - clock()))
    finally:
        here.running = False
