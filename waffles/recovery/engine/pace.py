"""Whether Nova is asked for more, and how fast, by what it has answered.

Where it is too busy, refuses us, or gives no answer, nothing is begun for a
while: twice as long each time, or as long as Nova has asked for.  Then one
server is begun at a time, until Nova answers.  What was begun before a rest
says nothing about the time behind it: the answers to one round count once.
"""

import threading
import time
from collections.abc import Callable

#: Seconds for which no server is begun when Nova has not answered.
PAUSE = 2.0
PAUSE_MAX = 60.0

#: Behind so many rests they get no longer.
_LONGEST = 10


class Pace:
    """How an engine goes on with a recovery.  It is thread-safe.

    :ivar rests: without an answer in between
    :ivar quiet_until: nothing is begun before, by this pace's clock
    :ivar refused: why Nova refuses us; empty where it does not
    :ivar is_heard: whether Nova has accepted anything
    :ivar is_stale: whether the plan must be made anew, before more is begun
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.now, self._lock = clock, threading.Lock()
        self.rests, self.quiet_until = 0, 0.0
        self.refused, self.is_heard, self.is_stale = "", False, False
        self._rested_at = float("-inf")

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is to be begun now."""
        return self.now() < self.quiet_until

    @property
    def is_slow(self) -> bool:
        """Whether one server is to be begun at a time."""
        return self.rests > 0

    def rest(self, began: float, seconds: float = 0.0) -> float:
        """Begin nothing for a while; the seconds for which.

        :param began: when it was decided to ask what has failed
        :param seconds: that Nova has asked for; 0 where it has not
        """
        with self._lock:
            now = self.now()
            if began > self._rested_at:
                self.rests, self._rested_at = self.rests + 1, now
            doubled = PAUSE * 2.0 ** min(self.rests - 1, _LONGEST)
            until = now + (seconds or min(doubled, PAUSE_MAX))
            self.quiet_until = max(self.quiet_until, until)
            return self.quiet_until - now

    def well(self, began: float) -> None:
        """Nova has accepted what was asked.

        :param began: as of :meth:`rest`
        """
        with self._lock:
            self.refused, self.is_heard = "", True
            if began > self._rested_at:
                self.rests = 0
