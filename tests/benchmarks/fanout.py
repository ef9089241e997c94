"""Cells asked at once: how long a list takes, and what a hung cell costs.

Each cell is a process of its own, which answers after 20 ms; the one that
hangs is stopped, so that its kernel takes connections and nobody answers.
A list is merged as a client needs it: JSON in, JSON out.
"""

import contextlib
import functools
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from typing import NamedTuple

from waffles.cells.asking.fanout import Fan
from waffles.clients.cell import Client, End, Outcome, Peer, Question

CELLS, SECONDS, FLAVORS = 20, 0.02, 10

#: Calls of which the median counts.
CALLS = 50

#: Cells of which one hangs, the calls from that moment on, and their rate.
FEW, NEXT, RATE = 5, 100, 20

#: Seconds that a call may have.
DEADLINE = 1.0

LIST = Question("GET", "/flavors", headers={"X-Auth-Token": "0123456789"})

Clients = Mapping[str, Client]


class Measured(NamedTuple):
    """What a call costs.

    :param median: milliseconds
    :param lost: answers of cells that work, in all calls
    """

    median: float
    lost: int = 0

    def __str__(self) -> str:
        return f"{self.median:9.2f} {self.lost:9}"


class _Call(NamedTuple):
    seconds: float
    lost: int


def rows() -> Iterator[tuple[str, Measured]]:
    """All ways, each by its name."""
    with _cells(CELLS) as (clients, _):
        yield "the slowest cell", slowest(clients)
        yield f"{CELLS} cells at once", at_once(clients)
        yield f"{CELLS} cells one by one", one_by_one(clients)
    with _cells(FEW - 1) as (clients, _):
        yield f"{FEW - 1} cells", under_load(clients, clients)
    with _cells(FEW) as (clients, processes):
        *well, hung = clients
        processes[hung].send_signal(signal.SIGSTOP)
        yield f"{FEW} cells, one hangs", under_load(clients, well)


def slowest(clients: Clients) -> Measured:
    """One cell alone, the slowest of all."""
    return max(
        _median(functools.partial(one.ask, LIST)) for one in clients.values()
    )


def at_once(clients: Clients) -> Measured:
    """All cells by the fan, and their flavors in one list."""
    with contextlib.closing(Fan(clients)) as fan:
        questions = dict.fromkeys(clients, LIST)
        return _median(lambda: _merged(fan.ask(questions, DEADLINE).values()))


def one_by_one(clients: Clients) -> Measured:
    """One cell after another."""
    return _median(
        lambda: _merged([one.ask(LIST) for one in clients.values()])
    )


def under_load(clients: Clients, well: Iterable[str]) -> Measured:
    """Calls at a steady rate, whether those before have ended or not.

    :param well: the cells that work
    """
    questions, well = dict.fromkeys(clients, LIST), list(well)

    def call() -> _Call:
        began = time.perf_counter()
        found = fan.ask(questions, DEADLINE)
        lost = [one for one in well if found[one].end is not End.ANSWERED]
        return _Call(time.perf_counter() - began, len(lost))

    with (
        contextlib.closing(Fan(clients)) as fan,
        futures.ThreadPoolExecutor(NEXT) as pool,
    ):
        began, calls = time.monotonic(), []
        for number in range(NEXT):
            time.sleep(max(0, began + number / RATE - time.monotonic()))
            calls.append(pool.submit(call))
        found = [one.result() for one in calls]
    median = statistics.median(one.seconds for one in found)
    return Measured(median * 1e3, sum(one.lost for one in found))


def _merged(outcomes: Iterable[Outcome]) -> str:
    flavors = [
        flavor for outcome in outcomes for flavor in outcome.json["flavors"]
    ]
    flavors.sort(key=lambda flavor: flavor["id"])
    return json.dumps({"flavors": flavors})


def _median(call: Callable[[], object]) -> Measured:
    """The median of some calls, after one that connects."""
    call()
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return Measured(statistics.median(times) * 1e3)


@contextlib.contextmanager
def _cells(
    many: int,
) -> Iterator[tuple[Clients, dict[str, subprocess.Popen[str]]]]:
    """Cells that work: what asks them, and their processes, by names."""
    with contextlib.ExitStack() as stack:
        processes = {
            f"c{number}": stack.enter_context(_process())
            for number in range(1, many + 1)
        }
        clients = {
            name: Client(Peer(name, _url(process)))
            for name, process in processes.items()
        }
        for client in clients.values():
            stack.callback(client.close)
        yield clients, processes


@contextlib.contextmanager
def _process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603
        [
            sys.executable,
            "-m",
            "tests.unit.cells.hostile",
            str(SECONDS),
            str(FLAVORS),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _url(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return f"http://127.0.0.1:{process.stdout.readline().strip()}"


if __name__ == "__main__":
    for name, row in rows():
        print(f"  {name:32} {row}")
