"""Engines die, sleep and are told to end, and Nova fails: no server suffers.

``RECOVERY_SEED`` repeats what was random; each run prints its own.
"""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path

import pytest

from tests import evacuations
from tests.evacuations import judge
from tests.stack import crashes, databases, engines
from tests.stack.waiting import until
from waffles.recovery.model import Decision, Server, State

#: Of the servers one in twenty is left: nobody asks for it.
SERVERS, UNTAGGED = 210, 0.05

KILLS, STOPS = 50, 8

#: Runs at a time: most of each is waiting.
AT_ONCE = 8

#: What goes wrong with calls of Nova, by chance.
FAULTS = {
    "well": {},
    "500": {"error_before": 0.05, "error_after": 0.05},
    "time-out": {"silent": 0.05},
    "slow": {"slow": 0.05, "late": 0.05, "wait": 1.0},
}

#: With some evacuations: there is no valid host, then a late claim fails.
NO_HOST = {"failing": 0.2, "failures": 2}

KILLED = [
    *((kind, fault) for kind in databases.KINDS for fault in FAULTS),
    ("sqlite", "no-host"),
]
STOPPED = [(kind, "stopped") for kind in databases.KINDS]


def seed():
    """Where all that is random begins."""
    given = os.environ.get("RECOVERY_SEED")
    return int(given) if given else random.SystemRandom().getrandbits(32)


@pytest.fixture(scope="module")
def nursery():
    with engines.running() as nursery:
        yield nursery


@pytest.fixture
def prepared(nursery, database_servers, tmp_path):
    """Makes a run, on a database of its own."""
    with contextlib.ExitStack() as stack:

        def prepared(kind, **how):
            url = database_servers.make(kind, tmp_path)
            made = crashes.prepared(nursery, url, tmp_path, seed(), **how)
            return stack.enter_context(made)

        yield prepared


@pytest.fixture(scope="module")
def outcomes(request, nursery, database_servers, tmp_path_factory):
    """What comes of each run; they are made at the same time."""
    folders = tmp_path_factory.mktemp("runs")

    def outcome(kind, fault):
        folder = folders / f"{kind}-{fault}"
        folder.mkdir()
        url = database_servers.make(kind, folder)
        made = crashes.prepared(
            nursery,
            url,
            folder,
            seed(),
            servers=SERVERS,
            untagged=UNTAGGED,
            seconds=3.0,
            jitter=0.5,
        )
        with made as run:
            run.begin()
            run.fake.fails(**(FAULTS | {"no-host": NO_HOST}).get(fault, {}))
            if fault == "stopped":
                done = crashes.stop(run, STOPS)
            else:
                done = crashes.kill(run, KILLS)
            return done, run.wrong(), run.told()

    wanted = [
        item.callspec.params["case"]
        for item in request.session.items
        if "outcomes" in item.fixturenames
    ]
    with futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield {case: pool.submit(outcome, *case) for case in wanted}


@pytest.mark.slow
@pytest.mark.parametrize("case", KILLED, ids="-".join)
def test_no_kill_loses_or_doubles_a_server(outcomes, case):
    kills, wrong, told = outcomes[case].result()

    print(told)
    assert not wrong
    assert kills == KILLS


@pytest.mark.slow
@pytest.mark.parametrize("case", STOPPED, ids="-".join)
def test_who_slept_longer_than_a_lease_does_no_harm(outcomes, case):
    stops, wrong, told = outcomes[case].result()

    print(told)
    assert not wrong
    assert stops == STOPS


@pytest.mark.slow
@pytest.mark.parametrize("call", [engines.COMMAND, "tests.stack.drowsy:main"])
def test_who_slept_between_intent_and_request_asks_for_nothing(prepared, call):
    """When it wakes up another engine has asked for the servers."""
    run = prepared(
        "sqlite", servers=2 * crashes.LIMIT, seconds=10.0, call=call
    )
    run.begin()
    intents = (
        "SELECT COUNT(*) FROM recovery_server"
        " WHERE state = 'issuing' AND request_id = ''"
    )
    file = run.rows.database.url.database
    with (
        crashes.group(run) as group,
        contextlib.closing(sqlite3.connect(file)) as rows,
    ):
        assert until(lambda: group.owner() is not None, 10)
        owner = group.owner()
        while not rows.execute(intents).fetchone()[0]:
            assert run.left()
        with group.stopped(owner):
            # What was under way is in Nova then.
            time.sleep(0.2)
            asked = run.fake.totals()["asked"]
            until(lambda: run.fake.totals()["asked"] > asked, 15)
        run.ends()

    print(run.told())
    assert not run.wrong()


@pytest.mark.parametrize("kind", databases.KINDS)
def test_an_engine_that_is_told_to_end_lets_go_at_once(
    prepared, tmp_path, kind
):
    """The command itself, with leases as long as by default."""
    options = {"lease_time": 30, "timeout": 10, "settle_time": 120}
    run = prepared(kind, servers=3 * crashes.LIMIT, options=options)
    run.begin()
    waffles = Path(sys.executable).with_name("waffles")
    command = [waffles, "--config-file", run.config, "recovery", "run"]
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((tmp_path / "log").open("wb"))
        running = {}
        for _ in range(3):
            popen = subprocess.Popen(command, stderr=log)  # noqa: S603
            stack.enter_context(popen)
            stack.callback(popen.kill)
            running[popen.pid] = popen

        def owner():
            (recovery,) = run.left()
            return int(recovery.owner.split(":")[1]) if recovery.owner else 0

        for left in (2, 1):
            assert until(lambda: run.fake.totals()["in_flight"] > 5)
            ended = running.pop(owner())
            ended.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            assert until(lambda: owner() in running, 10)
            assert time.monotonic() - asked < 4
            assert ended.wait(10) == 0
            assert len(running) == left
        assert run.ends()
        assert not run.wrong()


#: How an engine that is careless is driven; what is said of it.
CARELESS = {
    "killed": (4, "well", (), "was evacuated while it was being evacuated"),
    "500": (0, "500", (), "was evacuated while it was being evacuated"),
    "time-out": (0, "time-out", (), "was evacuated while it was"),
    "hasty": (0, "500", ("hasty",), "is lost: it is still on dead-1"),
}


@pytest.mark.parametrize(
    ("kills", "fault", "how", "said"), CARELESS.values(), ids=CARELESS
)
def test_a_careless_engine_is_found_out(tmp_path, kills, fault, how, said):
    with (
        engines.running("tests.stack.careless") as nursery,
        evacuations.running(servers=60, latency=0.01, seed=seed()) as fake,
    ):

        def start():
            call = "tests.stack.careless:main"
            words = [fake.url, fake.dead[0], *how]
            return nursery.start(words, tmp_path / "log", call)

        fake.fails(**FAULTS[fault])
        engine = start()
        for _ in range(kills):
            time.sleep(1)
            engine.kill()
            engine = start()

        def found():
            wrong = judge.problems(fake.counts(), None, crashes.LIMIT)
            return [one for one in wrong if said in one]

        # Before the end, every server is lost.
        assert until(lambda: "hasty" not in how or engine.ended(), 60)
        assert until(found, 60)
        engine.kill()


GOOD = {
    "id": "1",
    "name": "server-1",
    "host": "host-1",
    "tags": ["automatic-recovery"],
    "was": "active",
    "vm_state": "active",
    "task_state": None,
    "accepted": 1,
    "overlaps": 0,
    "refused": 0,
    "ended_badly": 0,
    "guests": ["host-1"],
}

ROW = {
    "server_id": "1",
    "name": "server-1",
    "decision": Decision.AUTOMATIC,
    "state": State.RECOVERED,
    "destination": "host-1",
}

#: What is changed of the server and of its row, and what is said of it.
WRONG = {
    "well": ({}, {}, None),
    "well at last": ({"accepted": 3, "ended_badly": 2}, {}, None),
    "twice": ({"accepted": 2}, {}, "was evacuated 2 times"),
    "overlap": ({"overlaps": 1}, {}, "while it was being evacuated"),
    "late": ({"refused": 1}, {}, "when it was on another host"),
    "two guests": ({"guests": ["a", "b"]}, {}, "runs on a, b"),
    "lost": ({"guests": []}, {}, "is lost"),
    "stopped": ({"was": "stopped"}, {}, "is active, and was stopped"),
    "busy": ({"task_state": "rebuilding"}, {}, "is active, rebuilding"),
    "row open": ({}, {"state": State.WATCHING}, "server-1 is watching"),
    "elsewhere": ({}, {"destination": "host-2"}, "not host-2"),
    "nobody asked": ({"tags": []}, {}, "nobody asked for it"),
    "decision": ({}, {"decision": Decision.CUSTOM}, "decided to be custom"),
}


@pytest.mark.parametrize(("server", "row", "said"), WRONG.values(), ids=WRONG)
def test_the_judge_says_what_is_wrong(server, row, said):
    counts = {"peak": 1, "in_flight": 0, "servers": {"1": GOOD | server}}
    found = judge.problems(counts, [Server(**ROW | row)], 1)

    if said is None:
        assert found == []
    else:
        assert [one for one in found if said in one]


@pytest.mark.parametrize(
    ("totals", "rows", "said"),
    [
        ({"peak": 3}, 1, "3 were in flight, at most 2"),
        ({"in_flight": 1}, 1, "1 are still in flight"),
        ({}, 0, "server-1 has 0 rows"),
        ({}, 2, "server-1 has 2 rows"),
    ],
)
def test_the_judge_counts(totals, rows, said):
    counts = {"peak": 2, "in_flight": 0, "servers": {"1": GOOD}} | totals

    assert judge.problems(counts, [Server(**ROW)] * rows, 2) == [said]
