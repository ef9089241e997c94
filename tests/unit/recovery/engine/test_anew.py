import dataclasses

import pytest

from tests.unit.recovery.engine.running import plan, planned, rounds
from waffles import exceptions
from waffles.recovery.engine import anew, forcing
from waffles.recovery.model import Decision, Phase, Server, State


@pytest.fixture
def held(bench):
    """A recovery of two servers that a threshold holds, and what has it."""

    def held(**settings):
        one = bench(2, threshold_cloud=0, **settings)
        one.nova.force_down("id-of-c3", True)
        work = planned(one)
        assert work.lease.recovery().phase is Phase.HELD
        return one, work

    return held


def let_go(one, work):
    one.store.release(work.lease.recovery_id, "ann")
    forcing.held(work, work.lease.recovery())
    return plan(work)


def test_a_tag_that_was_set_while_it_was_held_counts(held):
    one, work = held()
    one.nova.edit("s0", tags=["no-recovery"])
    one.nova.edit("s1", tags=["automatic-recovery", "recovery-priority:900"])

    assert let_go(one, work).phase is Phase.RUNNING
    found = rounds(work)

    assert one.nova.asked == ["s1"]
    assert one.states(found) == {"s0": "skipped", "s1": "recovered"}
    rows = one.rows(found)
    assert "no-recovery" in rows["s0"].reason
    assert rows["s0"].finished_at
    assert rows["s1"].priority == 900


def test_who_is_to_be_told_now_is_told_when_every_gate_is_open(held):
    one, work = held(webhook_url="https://x.example")
    one.nova.edit("s0", tags=["custom-recovery"])
    work.lease.save(phase=Phase.PLANNING)
    plan(work)
    told = [notice.event for notice in one.store.undelivered(10)]
    assert told == ["recovery.held"]

    let_go(one, work)

    told = [notice.event for notice in one.store.undelivered(10)]
    assert sorted(told) == ["recovery.held", "server.custom"]
    assert one.states(work.lease.recovery())["s0"] == "notifying"


def test_a_server_that_was_moved_while_it_was_held_is_not_asked_for(held):
    one, work = held()
    one.nova.edit("s0", **{"OS-EXT-SRV-ATTR:host": "c2"})

    let_go(one, work)
    found = rounds(work)

    assert one.nova.asked == ["s1"]
    row = one.rows(found)["s0"]
    assert (row.state, row.attempt) == (State.RECOVERED, 0)
    assert row.reason == "somebody else has moved it to c2"


def test_a_server_that_is_just_moving_is_watched(held):
    one, work = held()
    host = "OS-EXT-SRV-ATTR:host"
    task = "OS-EXT-STS:task_state"
    one.nova.edit("s0", **{host: "c2", task: "rebuilding"})

    found = let_go(one, work)
    assert one.states(found)["s0"] == "restoring"
    one.nova.edit("s0", **{task: None})
    found = rounds(work)

    assert one.nova.asked == ["s1"]
    assert one.states(found)["s0"] == "recovered"


def test_what_nobody_tells_of_waits(held):
    one, work = held()
    one.nova.edit("s0", **{"OS-EXT-SRV-ATTR:host": "c2"})
    one.nova.faults["server"] = [exceptions.Unavailable("No answer.")]

    found = let_go(one, work)

    assert one.states(found) == {"s0": "queued", "s1": "queued"}
    assert found.phase is Phase.RUNNING


def test_what_another_recovery_has_begun_with_stays_with_that(held):
    one, work = held()
    one.nova.edit("s0", **{"OS-EXT-SRV-ATTR:host": "c2"})
    one.nova.edit("s0", **{"OS-EXT-STS:task_state": "rebuilding"})
    one.nova.host = "c2"
    one.declare()
    other = one.claim("two")
    (row,) = other.lease.add([Server("s0", source="c2", state=State.QUEUED)])
    assert other.lease.take([row.key], floor=0, per_recovery=9, in_all=9)

    found = let_go(one, work)

    assert one.states(found)["s0"] == "queued"
    assert found.phase is Phase.RUNNING


def test_what_has_been_begun_is_not_judged_again(bench):
    one = bench(1)
    one.nova.endings["s0"] = ["error", ""]
    work = planned(one)
    rounds(work, 4)
    one.nova.edit("s0", tags=["no-recovery"])

    work.lease.save(phase=Phase.PLANNING)
    plan(work)

    row = one.rows(work.lease.recovery())["s0"]
    assert (row.state is State.SKIPPED, row.attempt > 0) == (False, True)


def test_what_it_was_before_its_first_attempt_is_kept():
    planned = Server(
        "s0",
        name="new",
        decision=Decision.AUTOMATIC,
        state=State.QUEUED,
        status="error",
        tags=("a",),
    )
    row = Server("s0", state=State.QUEUED, status="stopped", key=7)

    assert anew.judged(row, planned) == dataclasses.replace(planned, key=7)
    tried = dataclasses.replace(row, issued_at=5.0)
    assert anew.judged(tried, planned).status == "stopped"
