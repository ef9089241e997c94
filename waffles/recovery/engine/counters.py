"""What an engine counts since it was started; the metrics show it.

All of it can be called from any thread.
"""

import collections
import threading
from collections.abc import Iterable, Mapping

from waffles.recovery.model import Decision, Gate, Notice, Phase, Server, State
from waffles.recovery.notices import notices

#: Upper bounds, in seconds, between which evacuations are counted.
BOUNDS = (5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)

Labels = tuple[str, ...]

#: How a custom server ends by what came of its notice.
_ENDS = {"delivered": State.NOTIFIED, "given_up": State.FAILED}


class Counters:
    """Counts by name and labels, and how long evacuations took."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: collections.Counter[tuple[str, Labels]] = (
            collections.Counter()
        )
        self._seconds: collections.Counter[float] = collections.Counter()
        self._sum = 0.0

    def ended(self, phase: Phase) -> None:
        """A recovery has ended."""
        self._count("recoveries", phase.value)

    def settled(self, rows: Iterable[Server]) -> None:
        """Servers are as they are now; those that have not ended count not.

        :param rows: each once when it has ended
        """
        for row in rows:
            if row.state.final:
                self._count("servers", row.decision.value, row.state.value)
            if row.state is State.RECOVERED and row.issued_at is not None:
                self._took((row.finished_at or row.updated_at) - row.issued_at)

    def closed(self, gates: Iterable[Gate]) -> None:
        """Gates have begun to hold a recovery."""
        for gate in gates:
            self._count("gate_blocked", gate.name)

    def told(self, notice: Notice, result: str) -> None:
        """A notice was sent; a custom server may have ended by that.

        :param result: delivered, failed or given_up
        """
        self._count("notices", notice.target, result)
        if notice.event == notices.CUSTOM and result in _ENDS:
            self._count("servers", Decision.CUSTOM.value, _ENDS[result].value)

    def counts(self, name: str) -> Mapping[Labels, int]:
        """What was counted under a name, by its labels."""
        with self._lock:
            return {
                labels: count
                for (counted, labels), count in self._counts.items()
                if counted == name
            }

    def seconds(self) -> tuple[Mapping[float, int], float]:
        """How many evacuations ended within each bound, and their sum."""
        with self._lock:
            return dict(self._seconds), self._sum

    def _count(self, name: str, *labels: str) -> None:
        with self._lock:
            self._counts[name, labels] += 1

    def _took(self, seconds: float) -> None:
        with self._lock:
            self._sum += seconds
            for bound in (*BOUNDS, float("inf")):
                self._seconds[bound] += seconds <= bound
