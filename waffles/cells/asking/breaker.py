"""Whether a cell is asked at all: not for a while after it failed thrice.

Three failures in a row open the breaker: no connection, no answer in time, an
answer that is none, or 502, 503 or 504.  While it is open one request in five
seconds is let through, to find out whether the cell is back; if it answers,
the breaker closes.  4xx is an answer like others, and so is 500, which anybody
may find a request for; what was not sent says nothing.

Each process learns for itself.
"""

import dataclasses
import logging
import threading
from collections.abc import Callable

from waffles.clients.cell import End, Outcome

LOG = logging.getLogger(__name__)

#: Failures in a row that open it.
FAILURES = 3

#: Seconds between requests that are let through while it is open.
PAUSE = 5.0

#: Of what stands in front of a Nova, or of one that cannot work.
_AWAY = (502, 503, 504)

_NOT_ASKED = (End.BUSY, End.OPEN)


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """What is known of a cell; times are those of the clock.

    :param open: whether it is left alone
    :param failures: in a row, up to now
    :param why: of the last failure since it was well; empty if there is none
    :param seconds: that the last outcome took
    :param since: when it was opened or closed
    :param probe: while it is open: when a request is let through
    """

    open: bool = False
    failures: int = 0
    why: str = ""
    seconds: float = 0.0
    since: float = 0.0
    probe: float = 0.0


def is_failure(outcome: Outcome) -> bool:
    """Whether an outcome speaks against the cell."""
    return outcome.end is not End.ANSWERED or outcome.status in _AWAY


def after(health: Health, outcome: Outcome, now: float) -> Health:
    """What is known after an outcome."""
    if outcome.end in _NOT_ASKED:
        return health
    if not is_failure(outcome):
        since = now if health.open else health.since
        return Health(seconds=outcome.seconds, since=since)
    failures = health.failures + 1
    opens = health.open or failures >= FAILURES
    return Health(
        opens,
        failures,
        outcome.why or f"Cell {outcome.cell} has answered {outcome.status}.",
        outcome.seconds,
        health.since if opens == health.open else now,
        now + PAUSE,
    )


class Breaker:
    """The breaker of one cell, for many threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._health = Health(since=clock())

    @property
    def health(self) -> Health:
        """What is known of the cell."""
        return self._health

    def admits(self) -> bool:
        """Whether a request may be sent now; it is then taken for sent."""
        with self._lock:
            known, now = self._health, self._clock()
            if known.open and now < known.probe:
                return False
            self._health = dataclasses.replace(known, probe=now + PAUSE)
            return True

    def saw(self, outcome: Outcome) -> None:
        """Learn of an outcome."""
        with self._lock:
            before = self._health
            self._health = now = after(before, outcome, self._clock())
        if now.open and not before.open:
            LOG.warning("Cell %s is left alone: %s", outcome.cell, now.why)
        if before.open and not now.open:
            LOG.warning("Cell %s answers again", outcome.cell)
