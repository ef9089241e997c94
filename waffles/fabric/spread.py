"""Many workers with old snapshots, and still no herd.

A network with the most free addresses in the snapshot is so in the snapshots
of all workers: were each to choose it until the next refresh, it would be
full before anybody noticed.  What a worker knows of the others is its own
share: where it has chosen a network once, the others have, as it must assume,
chosen it too.  So a network counts as having

    free - others * own

addresses: those of the snapshot, less its own choices that the snapshot does
not show yet, times how many are made in all while it makes one.  That number
is learned: it is the addresses that went between two snapshots, divided by
those that this worker gave out.  Until there is something to learn from it is
:data:`OTHERS`.

Where many servers are made, a difference of fewer addresses than ``others``
says nothing about what is true now, so as much is added at random.  On a quiet
cloud nothing is: the network with the most free addresses is chosen, ties at
random.  ``tests/benchmarks`` has the simulation.
"""

import heapq
import os
import random
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from waffles.fabric.networks import Network

#: Seconds between a choice and the address being taken in Neutron, at most: a
#: snapshot that began this much later shows it, or the server was not made.
SETTLE = 10.0

#: How many choices are made in all while a worker makes one, as long as
#: nothing is known about it.
OTHERS = 16.0


class Choice(NamedTuple):
    """A network chosen, for how many servers, and when."""

    when: float
    network_id: str
    servers: int


class Entry(NamedTuple):
    """A network's place in a ranking; the least is the best.

    :param rank: what has IPv4 comes first, and last what is full
    :param own: the choices of it that its weight is true for
    """

    rank: int
    weight: float
    tie: float
    own: int
    network: Network


class Spread:
    """The choices of one worker; safe to be used by its threads."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._draw = clock, draw
        self._unlock()
        os.register_at_fork(after_in_child=_if_there(self._unlock))
        self._choices: list[Choice] = []
        self._own: Counter[str] = Counter()
        self._free: Mapping[str, int] = {}
        # How many addresses went lately, and how many of them to us.
        self._went, self._ours, self._noise = 0.0, 0.0, 0.0
        self.others = OTHERS

    def _unlock(self) -> None:
        """A lock that nobody holds: of a parent's threads none is here."""
        self._lock = threading.Lock()

    def renew(self, free: Mapping[str, int], taken: float) -> None:
        """Learn from a new snapshot.

        :param free: network id -> addresses
        :param taken: when the snapshot was begun
        """
        with self._lock:
            gone = went(self._free, free)
            shown, self._choices = seen(self._choices, gone, taken)
            self._own = Counter()
            for choice in self._choices:
                self._own[choice.network_id] += choice.servers
            ours = sum(choice.servers for choice in shown)
            self._learn(sum(gone.values()), ours)
            self._free = free

    def _learn(self, went: int, ours: int) -> None:
        self._went = self._went / 2 + went
        self._ours = self._ours / 2 + ours
        lately = self._went / 2
        others = (self._went + OTHERS) / (self._ours + 1)
        # One choice of an idle worker does not stand for more than all that
        # others choose between two snapshots.
        self.others = min(max(others, 1.0), max(OTHERS, 1 + lately))
        self._noise = min(self.others, lately)

    def ranking(self, networks: Iterable[Network]) -> list[Entry]:
        """Networks in an order for :meth:`take`, until the next snapshot."""
        ranking = [self._entry(network) for network in networks]
        heapq.heapify(ranking)
        return ranking

    def best(
        self, rankings: Iterable[list[Entry]], servers: int
    ) -> Network | None:
        """The network for some servers; None where none has room."""
        with self._lock:
            return self._best(rankings, servers)

    def take(
        self, rankings: Iterable[list[Entry]], servers: int
    ) -> tuple[Network, Choice] | None:
        """The same, and its addresses count as taken from now on."""
        with self._lock:
            best = self._best(rankings, servers)
            if best is None:
                return None
            choice = Choice(self._clock(), best.id, servers)
            self._own[best.id] += servers
            self._choices.append(choice)
            return best, choice

    def release(self, choice: Choice) -> None:
        """Count them as taken no more, as no server was made."""
        with self._lock:
            if choice in self._choices:  # no snapshot shows it yet
                self._choices.remove(choice)
                self._own[choice.network_id] -= choice.servers

    def _best(
        self, rankings: Iterable[list[Entry]], servers: int
    ) -> Network | None:
        found = (self._first(ranking, servers) for ranking in rankings)
        best = min(filter(None, found), default=None)
        return best and best.network

    def _first(self, ranking: list[Entry], servers: int) -> Entry | None:
        while ranking and ranking[0].own != self._own[ranking[0].network.id]:
            heapq.heapreplace(ranking, self._entry(ranking[0].network))
        if ranking and self._has_room(ranking[0].network, servers):
            return ranking[0]
        return min(
            (
                self._entry(entry.network)
                for entry in ranking
                if self._has_room(entry.network, servers)
            ),
            default=None,
        )

    def _has_room(self, network: Network, servers: int) -> bool:
        """Whether it has, for all that we know: of others nothing is sure."""
        return network.free - self._own[network.id] >= servers

    def _entry(self, network: Network) -> Entry:
        own = self._own[network.id]
        noise = self._noise * self._draw()
        weight = self.others * own + noise - network.free
        rank = int(not network.ipv4) if self._has_room(network, 1) else 2
        return Entry(rank, weight, self._draw(), own, network)


def _if_there(method: Callable[[], None]) -> Callable[[], None]:
    """What calls a method, without keeping its object."""
    known = weakref.WeakMethod(method)

    def call() -> None:
        if there := known():
            there()

    return call


def went(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """How many addresses were taken between two snapshots, at least."""
    return {
        network_id: max(0, free - now.get(network_id, free))
        for network_id, free in before.items()
    }


def seen(
    choices: Iterable[Choice], gone: Mapping[str, int], taken: float
) -> tuple[list[Choice], list[Choice]]:
    """Which choices a snapshot shows, and which it does not.

    It shows those after which as many addresses are gone, and old ones.

    :param gone: network id -> addresses, since the snapshot before
    :param taken: when the snapshot was begun
    """
    shown, hidden, left = [], [], Counter(gone)
    for choice in choices:
        is_gone = left[choice.network_id] >= choice.servers
        settled = choice.when <= taken - SETTLE
        if settled or (is_gone and choice.when <= taken):
            left[choice.network_id] -= choice.servers
            shown.append(choice)
        else:
            hidden.append(choice)
    return shown, hidden
