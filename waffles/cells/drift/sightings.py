"""Flavors that differ between cells, seen in lists that clients ask for.

This costs no request.  A list shows its reader's part of the flavors, so it
says nothing of what is missing; ``waffles cells audit`` does.  Once a minute
one list is looked at, and what two looks in a row have found is logged once.
"""

import logging
import threading
from collections.abc import Callable, Mapping

from waffles.cells.drift import drift
from waffles.cells.drift.drift import Drift, Shown

LOG = logging.getLogger(__name__)

#: Seconds between two looks.
PAUSE = 60.0


class Sightings:
    """What one process has seen.

    :param clock: seconds, as :func:`time.monotonic`
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._due = clock()
        self._before: frozenset[Drift] = frozenset()
        self._told: frozenset[Drift] = frozenset()

    def see(self, home: str, lists: Mapping[str, Shown]) -> None:
        """Look at the lists of cells, if it is time to."""
        if not self._is_time():
            return
        now = frozenset(drift.find(home, lists, whole=False))
        for one in sorted((now & self._before) - self._told):
            LOG.warning(
                "Flavor %s differs in cell %s from home: %s. waffles cells"
                " audit shows all that differs.",
                one.flavor_id,
                one.cell,
                ", ".join(one.fields),
            )
        self._told = now & (self._told | self._before)
        self._before = now

    def _is_time(self) -> bool:
        with self._lock:
            now = self._clock()
            if now < self._due:
                return False
            self._due = now + PAUSE
            return True
