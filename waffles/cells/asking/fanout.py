"""All cells, asked at once, each by threads of its own.

A cell that hangs holds its own threads and no other cell's: when all of them
are waiting, the next request is told at once that the cell is busy.  When it
has failed often enough it is not asked for a while: see
:mod:`waffles.cells.asking.breaker`.  All questions of one call have the same
time.

Threads are made when they are needed, by each process for itself: servers
fork after they have loaded the application.
"""

import functools
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent import futures

from waffles.cells.asking.breaker import Breaker, Health
from waffles.clients.cell import Client, End, Outcome, Question

#: Seconds in which a client that is over its time says so.
GRACE = 0.25

#: Seconds below which a cell that does not answer has missed nothing.
LEAST = 0.1

_NOBODY: Mapping[str, Callable[[], Outcome]] = {}


class Fan:
    """Asks cells; for many threads, in forked processes too.

    :param clients: by names of cells
    :param clock: gives seconds
    """

    def __init__(
        self,
        clients: Mapping[str, Client],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clients, self._clock = dict(clients), clock
        self._lanes: dict[int, dict[str, _Lane]] = {}

    def ask(
        self,
        questions: Mapping[str, Question],
        seconds: float,
        here: Mapping[str, Callable[[], Outcome]] = _NOBODY,
    ) -> dict[str, Outcome]:
        """Ask each cell its question, at the same time.

        :param seconds: after which all have an outcome, but for ``here``
        :param here: cells that are answered in this thread instead, while the
            others are waited for; must not raise
        :returns: in the order of the questions, then of ``here``
        """
        end, lanes = self._clock() + seconds, self._of_process()
        asked = {
            name: lanes[name].ask(question, end)
            for name, question in questions.items()
            if name not in here
        }
        found = {name: answer() for name, answer in here.items()}
        for name, future in asked.items():
            left = max(0.0, end + GRACE - self._clock())
            found[name] = lanes[name].outcome(future, left)
        return {name: found[name] for name in {**questions, **here}}

    def states(self) -> Mapping[str, Health]:
        """What this process knows of the cells."""
        lanes = self._of_process()
        return {name: lane.breaker.health for name, lane in lanes.items()}

    def close(self) -> None:
        """End the threads and connections of this process."""
        for lane in self._lanes.pop(os.getpid(), {}).values():
            lane.close()

    def _of_process(self) -> "dict[str, _Lane]":
        # Of two threads that are first, both may make them; one's are kept.
        known = self._lanes.get(os.getpid())
        return known or self._lanes.setdefault(
            os.getpid(),
            {
                name: _Lane(client, self._clock)
                for name, client in self._clients.items()
            },
        )


class _Lane:
    """What one process has for one cell."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client, self._clock = client, clock
        self._name, most = client.peer.name, client.peer.connections
        self.breaker = Breaker(clock)
        self._free = threading.Semaphore(most)
        self._threads = futures.ThreadPoolExecutor(
            most, f"waffles-cell-{self._name}"
        )

    def ask(self, question: Question, end: float) -> futures.Future[Outcome]:
        """The outcome, sooner or later."""
        future: futures.Future[Outcome] = futures.Future()
        if end <= self._clock():
            future.set_result(self._not(End.REFUSED, "had no time left"))
        elif not self._free.acquire(blocking=False):
            future.set_result(self._not(End.BUSY, "has too much to do"))
        elif not self.breaker.admits():
            self._free.release()
            why = f"is left alone: {self.breaker.health.why}"
            future.set_result(self._not(End.OPEN, why.rstrip(".")))
        else:
            self._start(future, functools.partial(self._ask, question, end))
        return future

    def outcome(
        self, future: futures.Future[Outcome], seconds: float
    ) -> Outcome:
        """What has become of a question, after some seconds at most."""
        try:
            return future.result(seconds)
        except futures.CancelledError:
            return self._not(End.BUSY, "cannot be asked: no threads are left")
        except TimeoutError:
            return self._not(End.LATE, "has not answered in time")

    def close(self) -> None:
        self._threads.shutdown(wait=False)
        self._client.close()

    def _start(
        self,
        future: futures.Future[Outcome],
        ask: Callable[[], Outcome],
    ) -> None:
        try:
            self._threads.submit(self._run, future, ask)
        except RuntimeError:
            # No thread could be made, but another may take what is waiting.
            if future.cancel():
                self._free.release()

    def _run(
        self,
        future: futures.Future[Outcome],
        ask: Callable[[], Outcome],
    ) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            outcome = ask()
        except BaseException as error:
            self._free.release()
            future.set_exception(error)
        else:
            # Before the result: who has that may ask again.
            self._free.release()
            future.set_result(outcome)

    def _ask(self, question: Question, end: float) -> Outcome:
        seconds = end - self._clock()
        outcome = self._client.ask(question, seconds)
        if seconds >= LEAST or outcome.end is End.ANSWERED:
            self.breaker.saw(outcome)
        return outcome

    def _not(self, end: End, why: str) -> Outcome:
        return Outcome(self._name, end, why=f"Cell {self._name} {why}.")
