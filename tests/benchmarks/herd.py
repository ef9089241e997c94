"""Many workers that choose networks by old snapshots: a simulation.

Creates come at random to workers at random.  Each worker has a snapshot of
its own, which it takes every 30 seconds; the workers do so at different
times, so that what they choose by is up to 30 seconds old.  An address is
taken some seconds after it was chosen.
"""

import heapq
import random
from collections.abc import Iterable
from typing import NamedTuple

from waffles.fabric.networks import Network
from waffles.fabric.spread import Entry, Spread

WORKERS, NETWORKS, CAPACITY = 16, 200, 253
INTERVAL, DELAY = 30.0, 5.0

#: Creates after which the table has a row; the last is 95 % of all addresses.
STAGES = (10_000, 48_000)


class Stage(NamedTuple):
    """How things stand after some creates.

    :param creates: so many
    :param failed: those that went to a network without a free address
    :param apart: by how much free addresses of two networks have differed at
        most so far, as a part of the capacity
    """

    creates: int
    failed: int
    apart: float


class Clock:
    """Seconds, as the simulation has them."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Waffle:
    """A worker that chooses as the waffle does."""

    def __init__(self, clock: Clock, dice: random.Random) -> None:
        self._clock = clock
        self._spread = Spread(clock, dice.random)

    def look(self, free: list[int]) -> None:
        """Take a snapshot."""
        counts = {str(at): left for at, left in enumerate(free)}
        self._spread.renew(counts, self._clock())
        self._ranking: list[Entry] = self._spread.ranking(
            Network(name, name, "", free=left) for name, left in counts.items()
        )

    def choose(self) -> int | None:
        found = self._spread.take([self._ranking], 1)
        return int(found[0].id) if found else None


class Most:
    """A worker that chooses the most of its snapshot, ties at random."""

    def __init__(self, clock: Clock, dice: random.Random) -> None:
        self._dice = dice

    def look(self, free: list[int]) -> None:
        most = max(free)
        self._best = [at for at, left in enumerate(free) if left == most]

    def choose(self) -> int | None:
        return self._dice.choice(self._best)


class Any(Most):
    """A worker that chooses any network that has an address left."""

    def look(self, free: list[int]) -> None:
        self._best = [at for at, left in enumerate(free) if left]


KINDS = {
    "waffles": Waffle,
    "maximum of the stale snapshot": Most,
    "any network": Any,
}


def run(kind: type[Waffle | Most], rate: float, seed: int) -> list[Stage]:
    """A run to the last stage.

    :param rate: creates a second
    """
    dice, clock = random.Random(seed), Clock()  # noqa: S311
    free = [CAPACITY] * NETWORKS
    workers = [kind(clock, dice) for _ in range(WORKERS)]
    looks = [(dice.random() * INTERVAL, at) for at in range(WORKERS)]
    heapq.heapify(looks)
    for worker in workers:
        worker.look(free)
    under_way: list[tuple[float, int]] = []
    failed, apart, found = 0, 0, []
    for create in range(1, STAGES[-1] + 1):
        clock.now += dice.expovariate(rate)
        while looks[0][0] <= clock.now:
            due, at = looks[0]
            failed += _take(under_way, due, free)
            workers[at].look(free)
            heapq.heapreplace(looks, (due + INTERVAL, at))
        network = dice.choice(workers).choose()
        if network is None:
            failed += 1
        else:
            under_way.append((clock.now + DELAY, network))
        if create in STAGES:
            failed += _take(under_way, float("inf"), free)
        apart = max(apart, max(free) - min(free))
        if create in STAGES:
            found.append(Stage(create, failed, apart / CAPACITY))
    return found


def _take(
    under_way: list[tuple[float, int]], until: float, free: list[int]
) -> int:
    """Take the addresses that are due; how many were not there."""
    due = [network for when, network in under_way if when <= until]
    del under_way[: len(due)]
    failed = 0
    for network in due:
        failed += not free[network]
        free[network] = max(0, free[network] - 1)
    return failed


def table(rates: Iterable[float]) -> list[tuple[str, float, Stage]]:
    """All rows: kind, creates a second, and a stage."""
    return [
        (name, rate, stage)
        for rate in rates
        for name, kind in KINDS.items()
        for stage in run(kind, rate, seed=1)
    ]
