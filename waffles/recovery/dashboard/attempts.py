"""How often somebody may be wrong about a password.

Keystone has a limit of its own (``lockout_failure_attempts``), which is off by
default.  This one counts failures by address and user in this process only.
"""

import collections
import math
import threading
import time
from collections.abc import Callable, Hashable

#: So many failures are let pass within so many seconds.
FAILURES, SECONDS = 5, 60.0

#: How many are remembered; beyond, those who have failed longest ago are not.
MOST = 10_000


class Attempts:
    """The failures of late, by who it was."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: collections.OrderedDict[
            Hashable, collections.deque[float]
        ] = collections.OrderedDict()

    def wait(self, who: Hashable) -> int:
        """Seconds until somebody may try again; 0 for now."""
        with self._lock:
            times = self._failed.get(who)
            if times is None or len(times) < FAILURES:
                return 0
            left = times[0] + SECONDS - self._clock()
            return max(0, math.ceil(left))

    def failed(self, who: Hashable) -> None:
        """Remember a failure."""
        with self._lock:
            times = self._failed.setdefault(
                who, collections.deque(maxlen=FAILURES)
            )
            times.append(self._clock())
            self._failed.move_to_end(who)
            if len(self._failed) > MOST:
                self._failed.popitem(last=False)
