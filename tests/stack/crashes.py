"""Engines that are killed while they work, and what must hold all the same.

A run is a fake Nova that counts, a store, recoveries in it, and engines.  One
engine after another is killed and started anew, or stopped for longer than a
lease lasts; one that has a lease more often than the others.  In the end Nova
and the store are asked what has become of each server.
"""

import collections
import contextlib
import dataclasses
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests import evacuations
from tests.evacuations import judge
from tests.stack import engines
from waffles.recovery.model import Assertion, Line, Phase, Recovery, State
from waffles.recovery.store import store

ENGINES = 3

#: Seconds behind a moment at which an engine is killed: up to.
GAP, MOMENT = 0.4, 0.1

#: How often one is meant that has a lease, and how often the moment at which
#: it has written down what it is about to ask for.
MEANT, INTENDING = 0.4, 0.5

#: Seconds that are waited for such a one, and for such a moment.
OWNER, INTENT = 5.0, 1.0

#: Seconds for which nothing need happen when nobody is killed any more.
PATIENCE = 40.0

#: Evacuations in flight, of one recovery and of all.
LIMIT = 12

#: Lines of the engines' logs that a failure shows.
LINES = 100

#: Seconds after which others have asked for what one has left.
ASLEEP = 5.0

#: Times as short as they may be.
OPTIONS = {
    "in_flight_per_recovery": LIMIT,
    "in_flight": LIMIT,
    "threshold_cloud": 100,
    "threshold_zone": 100,
    "threshold_aggregate": 100,
    "timeout": 1,
    "lease_time": 3,
    "settle_time": 3,
    "poll_interval": 0.2,
    "heartbeat_interval": 1,
    "retry_delay": 0.2,
}

#: Times that are no options.
SCALED = {
    "waffles.recovery.options:ISSUING": 0.4,
    "waffles.recovery.engine.work:ISSUING": 0.4,
    "waffles.recovery.engine.engine:LOOK": 0.2,
    "waffles.recovery.engine.engine:AGAIN": 0.5,
    "waffles.recovery.engine.engine:LET_GO": 0.3,
    "waffles.recovery.engine.evacuating:PATIENCE": 0.4,
    "waffles.recovery.engine.pace:PAUSE": 0.2,
    "waffles.recovery.engine.pace:PAUSE_MAX": 0.5,
}

#: Alembic is for one thread at a time.
_ALEMBIC = threading.Lock()


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One run.

    :param folder: for the configuration and the logs
    :param dice: all that is random
    :param call: what an engine runs
    """

    fake: evacuations.Fake
    rows: store.Store
    nursery: engines.Nursery
    folder: Path
    seed: int
    dice: random.Random
    call: str = engines.COMMAND

    def start(self, slot: int) -> engines.Engine:
        """An engine; all of a slot have one log."""
        return self.nursery.start(
            ["--config-file", str(self.config), "recovery", "run"],
            self.folder / f"engine-{slot}.log",
            self.call,
            SCALED,
        )

    @property
    def config(self) -> Path:
        """The file of the engines."""
        return self.folder / "waffles.conf"

    def begin(self) -> None:
        """Declare the dead hosts dead, as the endpoint does."""
        for host in self.fake.dead:
            assertion = Assertion(host, fenced=True, fenced_by="test")
            recovery = Recovery("", host, Phase.RECEIVED, assertion, "")
            line = Line("asserted", f"{host} is declared dead")
            self.rows.create(recovery, by="test", line=line)

    def left(self) -> list[Recovery]:
        """The recoveries that are not over."""
        return self.rows.recoveries(limit=100, open=True)

    def intends(self) -> bool:
        """Whether something is written down that may not be asked for yet."""
        return any(
            self.rows.counts(one.id).get(State.ISSUING) for one in self.left()
        )

    def ends(self) -> bool:
        """Wait until all are over, or nothing happens; whether they are."""
        before, end = None, time.monotonic() + PATIENCE
        while self.left() and time.monotonic() < end:
            time.sleep(0.2)
            if (done := self.fake.totals()["done"]) != before:
                before, end = done, time.monotonic() + PATIENCE
        return not self.left()

    def wrong(self) -> str:
        """What is wrong in the end: some sentences; empty for nothing."""
        recoveries = self.rows.recoveries(limit=100)
        servers = [
            row for one in recoveries for row in self.rows.servers(one.id)
        ]
        found = judge.problems(self.fake.counts(), servers, LIMIT)
        found += [
            f"the recovery of {one.host} is {one.phase}: {one.note}"
            for one in recoveries
            if one.phase is not Phase.DONE
        ]
        # The worst comes first.
        found.sort(key=lambda line: "evacuated" not in line)
        return "\n".join(found[:LINES])

    def told(self) -> str:
        """What is to be known of the run when something is wrong."""
        recoveries = self.rows.recoveries(limit=100)
        events = collections.Counter(
            line.event
            for one in recoveries
            for line in self.rows.lines(one.id)
        )
        logs = [
            f"{file}: {line}"
            for file in sorted(self.folder.glob("engine-*.log"))
            for line in file.read_text().splitlines()
            if not re.search(r" (INFO|DEBUG) ", line)
        ]
        return "\n".join(
            [
                f"seed {self.seed}",
                f"events {dict(events)}",
                f"Nova {self.fake.totals()}",
                *logs[-LINES:],
            ]
        )


@contextlib.contextmanager
def prepared(
    nursery: engines.Nursery,
    url: str,
    folder: Path,
    seed: int,
    options: Mapping[str, object] | None = None,
    call: str = engines.COMMAND,
    **plan: object,
) -> Iterator[Run]:
    """A run in which nothing has happened yet.

    :param url: of the store
    :param options: of the engines, where they differ
    :param plan: of the fake Nova
    """
    with _ALEMBIC:
        store.upgrade(url)
        opened = store.open(url)
    wanted = {"connection": url, **OPTIONS, **(options or {})}
    lines = [f"{name} = {value}" for name, value in wanted.items()]
    text = "\n".join(["[waffles_recovery]", *lines, ""])
    with (
        evacuations.running(seed=seed, **plan) as fake,
        contextlib.closing(opened) as rows,
    ):
        dice = random.Random(seed)  # noqa: S311
        run = Run(fake, rows, nursery, folder, seed, dice, call)
        run.config.write_text(fake.access + text)
        yield run


class Group:
    """The engines of a run, of which there are always as many."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.slots = [run.start(slot) for slot in range(ENGINES)]

    def kill(self, slot: int) -> None:
        """Kill one, and start another."""
        self.slots[slot].kill()
        self.slots[slot] = self.run.start(slot)

    @contextlib.contextmanager
    def stopped(self, slot: int) -> Iterator[None]:
        """Stop one, and let it go on."""
        self.slots[slot].signal(signal.SIGSTOP)
        yield
        self.slots[slot].signal(signal.SIGCONT)

    def owner(self) -> int | None:
        """The slot of one that has a lease."""
        pids = [engine.pid for engine in self.slots]
        owners = [
            pids.index(pid)
            for one in self.run.left()
            if one.owner and (pid := int(one.owner.split(":")[1])) in pids
        ]
        return self.run.dice.choice(owners) if owners else None

    def victim(self) -> int:
        """The slot of one that is to suffer now, after some time."""
        dice, slot = self.run.dice, None
        if dice.random() < MEANT:
            _await(lambda: self.owner() is not None, OWNER)
            if dice.random() < INTENDING:
                _await(self.run.intends, INTENT)
                time.sleep(dice.uniform(0, MOMENT))
            else:
                time.sleep(dice.uniform(0, GAP))
            slot = self.owner()
        else:
            time.sleep(dice.uniform(0, GAP))
        return dice.randrange(ENGINES) if slot is None else slot

    def close(self) -> None:
        for engine in self.slots:
            engine.kill()


@contextlib.contextmanager
def group(run: Run) -> Iterator[Group]:
    """The engines of a run, which end with it."""
    with contextlib.closing(Group(run)) as made:
        yield made


def kill(run: Run, kills: int) -> int:
    """Kill engines while there is a recovery; how many were killed."""
    with group(run) as found:
        for number in range(kills):
            victim = found.victim()
            if not run.left():
                return number
            found.kill(victim)
        run.ends()
    return kills


def stop(run: Run, times: int) -> int:
    """Stop engines for longer than a lease; how often that was done."""
    with group(run) as found:
        for number in range(times):
            victim = found.victim()
            if not run.left():
                return number
            with found.stopped(victim):
                time.sleep(run.dice.uniform(ASLEEP / 3, ASLEEP))
        run.ends()
    return times


def _await(true: Callable[[], object], seconds: float) -> None:
    """Wait for a moment, without rest, and not too long."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.001)
