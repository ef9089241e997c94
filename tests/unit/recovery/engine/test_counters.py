import dataclasses
from concurrent import futures

import pytest

from waffles.recovery.engine.counters import BOUNDS, Counters
from waffles.recovery.model import Decision, Gate, Notice, Phase, Server, State

SERVER = Server("s-1", decision=Decision.AUTOMATIC)
NOTICE = Notice("recovery.held", "webhook", {})
EVER = float("inf")


def _row(state, **more):
    return dataclasses.replace(SERVER, state=state, **more)


def test_nothing_is_counted_at_first():
    found = Counters()

    assert found.counts("recoveries") == {}
    assert found.seconds() == ({}, 0.0)


def test_what_has_happened_is_counted_by_its_labels():
    found = Counters()
    found.ended(Phase.DONE)
    found.ended(Phase.DONE)
    found.ended(Phase.PARTIAL)
    found.closed([Gate("scheduler", False, ""), Gate("alive", False, "")])
    found.told(NOTICE, "failed")

    assert found.counts("recoveries") == {("done",): 2, ("partial",): 1}
    assert found.counts("gate_blocked") == {("scheduler",): 1, ("alive",): 1}
    assert found.counts("notices") == {("webhook", "failed"): 1}


@pytest.mark.parametrize("state", State)
def test_servers_are_counted_when_they_have_ended(state):
    found = Counters()
    found.settled([_row(state)])

    ends = {("automatic", state.value): 1} if state.final else {}
    assert found.counts("servers") == ends


def test_an_evacuation_counts_in_each_bound_that_it_keeps():
    found = Counters()
    found.settled(
        [
            _row(State.RECOVERED, issued_at=100.0, finished_at=130.0),
            _row(State.RECOVERED, issued_at=100.0, updated_at=99999.0),
        ]
    )

    within, total = found.seconds()
    assert total == 30.0 + 99899.0
    assert within == {bound: bound >= 30 for bound in BOUNDS} | {EVER: 2}


@pytest.mark.parametrize(
    "row",
    [
        _row(State.RECOVERED),
        _row(State.FAILED, issued_at=1.0, finished_at=2.0),
        _row(State.WATCHING, issued_at=1.0),
    ],
    ids=["moved by others", "failed", "under way"],
)
def test_only_what_we_brought_back_has_taken_time(row):
    found = Counters()
    found.settled([row])

    assert found.seconds() == ({}, 0.0)


def test_threads_lose_no_count():
    found = Counters()

    def count(_):
        for _ in range(500):
            found.ended(Phase.DONE)

    with futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert found.counts("recoveries") == {("done",): 4000}


@pytest.mark.parametrize(
    ("event", "result", "servers"),
    [
        ("server.custom", "delivered", {("custom", "notified"): 1}),
        ("server.custom", "given_up", {("custom", "failed"): 1}),
        ("server.custom", "failed", {}),
        ("server.custom.copy", "delivered", {}),
        ("server.failed", "given_up", {}),
    ],
)
def test_a_custom_server_ends_by_its_notice(event, result, servers):
    found = Counters()
    found.told(dataclasses.replace(NOTICE, event=event), result)

    assert found.counts("servers") == servers
    assert found.counts("notices") == {("webhook", result): 1}
