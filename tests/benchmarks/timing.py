"""Timing of rows that stand side by side in one table.

A row is measured in many short rounds, and the rounds of all rows take turns:
what slows the machine down for a moment slows all of them.
"""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

ROUNDS = 60
CALLS = 200


class Cost(NamedTuple):
    """Microseconds for one call: of the best round, and of the median."""

    best: float
    median: float

    def above(self, base: "Cost") -> "Cost":
        """What is added to a base that is measured in the same run."""
        return Cost(self.best - base.best, self.median - base.median)

    def __str__(self) -> str:
        return f"{self.best:9.2f} {self.median:9.2f}"


def costs(
    rows: Mapping[str, Callable[[], object]], calls: int = CALLS
) -> dict[str, Cost]:
    """The cost of each row, by its name.

    :param calls: in a round
    """
    times: dict[str, list[float]] = {name: [] for name in rows}
    enabled = gc.isenabled()
    try:
        for _ in range(ROUNDS):
            gc.collect()
            gc.disable()
            for name, call in rows.items():
                times[name].append(_round(call, calls))
            gc.enable()
    finally:
        (gc.enable if enabled else gc.disable)()
    return {
        name: Cost(min(found), statistics.median(found))
        for name, found in times.items()
    }


def _round(call: Callable[[], object], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began) / calls * 1e6
