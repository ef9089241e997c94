import datetime

import pytest

from tests.unit.recovery.engine.running import (
    begun,
    closed,
    forced,
    plan,
    planned,
    rounds,
)
from waffles import exceptions
from waffles.recovery.engine import forcing
from waffles.recovery.model import Phase
from waffles.recovery.store import store


def test_the_host_is_forced_down_and_then_disabled_with_our_reason(bench):
    one = bench()

    work = forced(one)

    found, service = work.lease.recovery(), one.nova.service("dead")
    assert [c for c in one.nova.calls if c != "services"] == [
        "force_down",
        "disable",
    ]
    assert service["forced_down"]
    assert service["disabled_reason"] == f"waffles: recovery {found.id}"
    assert (found.phase, found.disabled) == (Phase.PLANNING, True)
    assert found.baseline == service["updated_at"]


def test_what_is_done_already_is_not_done_again(bench):
    """An engine was killed behind its first step."""
    one = bench()
    one.nova.force_down("id-of-dead", True)
    one.nova.calls.clear()

    forced(one)

    assert [c for c in one.nova.calls if c != "services"] == ["disable"]


def test_a_service_that_somebody_else_disabled_is_not_ours(bench):
    one = bench()
    one.nova.disable("id-of-dead", "broken fan")

    work = forced(one)

    assert not work.lease.recovery().disabled
    assert one.nova.service("dead")["disabled_reason"] == "broken fan"


def test_one_that_an_earlier_recovery_disabled_is_ours(bench):
    one = bench()
    one.nova.disable("id-of-dead", "waffles: recovery of last week")

    assert forced(one).lease.recovery().disabled


def test_what_nova_does_not_show_is_not_taken_for_done(bench):
    one = bench()
    one.nova.force_down = lambda service_id, forced: {}

    with pytest.raises(exceptions.Unavailable, match="does not show dead"):
        forced(one)


@pytest.mark.parametrize("status", ["UNKNOWN", "gone"])
def test_a_host_that_nova_cannot_see_is_held(bench, status):
    one = bench()
    one.nova.service("dead")["status"] = status
    if status == "gone":
        one.nova.service("dead")["host"] = "another"

    work = forced(one)

    found = work.lease.recovery()
    assert (found.phase, found.gates[0].name) == (Phase.HELD, "cell")
    assert "force_down" not in one.nova.calls


def test_every_server_of_the_host_gets_a_row_with_its_reason(bench):
    one = bench(3)
    one.nova.edit("s1", tags=["not-automatic-recovery"])
    one.nova.edit("s2", tags=[])

    work = planned(one)

    found = one.rows(work.lease.recovery())
    assert [row.state.value for row in found.values()] == [
        "queued",
        "skipped",
        "skipped",
    ]
    assert all(row.reason for row in found.values())
    assert work.lease.recovery().phase is Phase.RUNNING


def test_planning_twice_leaves_what_was_done(bench):
    one = bench(2)
    work = planned(one)
    (row, _) = work.lease.servers()
    work.lease.take([row.key], floor=0, per_recovery=9, in_all=9)

    work.lease.save(phase=Phase.PLANNING)
    forcing.planning(work, work.lease.recovery())

    states = one.states(work.lease.recovery())
    assert states == {"s0": "issuing", "s1": "queued"}
    assert one.events(work.lease.recovery()).count("planned") == 1


def test_a_cell_that_goes_away_in_between_is_held_and_looked_at_again(bench):
    one = bench()
    work = forced(one)
    one.nova.service("dead")["status"] = "UNKNOWN"
    forcing.planning(work, work.lease.recovery())
    assert work.lease.recovery().phase is Phase.HELD
    one.nova.service("dead")["status"] = "disabled"

    forcing.held(work, work.lease.recovery())
    assert work.lease.recovery().phase is Phase.HELD
    forcing.LOOK, before = -1.0, forcing.LOOK
    try:
        forcing.held(work, work.lease.recovery())
    finally:
        forcing.LOOK = before

    assert work.lease.recovery().phase is Phase.PLANNING


@pytest.mark.parametrize("how", ["threshold", "alive"])
def test_a_gate_that_only_release_opens_holds_until_then(bench, how):
    one = bench(threshold_cloud=30, webhook_url="https://x.example")
    work = forced(one)
    if how == "alive":
        one.nova.report("dead")
    else:
        one.nova.force_down("id-of-c2", True)
    forcing.planning(work, work.lease.recovery())
    held = work.lease.recovery()
    assert held.phase is Phase.HELD
    assert how in held.gates[1].name + held.gates[6].name
    forcing.LOOK, before = -1.0, forcing.LOOK
    try:
        forcing.held(work, work.lease.recovery())
    finally:
        forcing.LOOK = before
    assert work.lease.recovery().phase is Phase.HELD

    one.store.release(held.id, "ann")
    forcing.held(work, work.lease.recovery())
    forcing.planning(work, work.lease.recovery())

    found = work.lease.recovery()
    assert (found.phase, found.released_by) == (Phase.RUNNING, "ann")


def test_people_are_told_once_why_it_is_held(bench):
    one = bench(threshold_cloud=30, webhook_url="https://x.example")
    work = forced(one)
    one.nova.force_down("id-of-c2", True)

    for _ in range(3):
        work.lease.save(phase=Phase.PLANNING)
        forcing.planning(work, work.lease.recovery())

    told = [notice.event for notice in one.store.undelivered(10)]
    assert told == ["recovery.held"]
    assert one.events(work.lease.recovery()).count("held") == 1


def test_a_pause_of_all_holds_and_its_end_lets_go(bench):
    one = bench()
    one.store.set_pause("ann", "storage is being moved", None)
    work = planned(one)
    held = work.lease.recovery()
    assert held.phase is Phase.HELD
    assert "storage is being moved" in held.note

    one.store.lift_pause("ann")
    forcing.LOOK, before = -1.0, forcing.LOOK
    try:
        forcing.held(work, work.lease.recovery())
    finally:
        forcing.LOOK = before
    forcing.planning(work, work.lease.recovery())

    assert work.lease.recovery().phase is Phase.RUNNING


def test_who_was_shown_up_has_time_for_one_more_report(bench):
    one = bench(1, heartbeat_interval=10)
    one.declare()
    work = one.claim()
    forcing.received(work, work.lease.recovery())

    assert forcing.forcing(work, work.lease.recovery()) == 10
    one.nova.report("dead")

    assert closed(plan(work)) == ["alive"]


def test_who_was_shown_down_is_planned_at_once(bench):
    one = bench(1, heartbeat_interval=10)
    one.nova.service("dead")["state"] = "down"
    one.declare()
    work = one.claim()
    forcing.received(work, work.lease.recovery())

    assert forcing.forcing(work, work.lease.recovery()) == 0


def test_an_engine_that_follows_another_does_not_know_what_that_has_seen(
    bench,
):
    one = bench(1, heartbeat_interval=10)
    work = forced(one)
    work.lease.save(phase=Phase.FORCING)
    work.lease.release()
    other = one.claim("two")

    assert forcing.forcing(other, other.lease.recovery()) == 10


@pytest.mark.parametrize(
    ("more", "gates"),
    [
        ({"updated_at": "2026-11-20T12:01:00.000000"}, ["alive"]),
        ({"updated_at": "2026-11-20T12:00:20.000000"}, []),
        ({"updated_at": "2026-11-20T12:01:00", "state": "down"}, []),
        ({"updated_at": "2026-11-20T12:01:00", "status": "disabled"}, []),
        ({"updated_at": None}, []),
    ],
    ids=["since", "clocks differ", "down", "changed by somebody", "never"],
)
def test_a_host_that_has_reported_since_its_power_was_cut_is_alive(
    bench, more, gates
):
    one = bench(1)
    one.nova.service("dead").update(more)
    if more["updated_at"] is None:
        one.nova.force_down = lambda *_: one.nova.service("dead").update(
            forced_down=True, state="down"
        )
        one.nova.disable = lambda *_: one.nova.service("dead").update(
            status="disabled"
        )
    at = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
    work = forced(one, fenced_at=at.timestamp())

    assert closed(plan(work)) == gates


def test_a_host_that_is_not_seen_any_more_was_not_forced_down(bench):
    one = bench(1)
    disable = one.nova.disable

    def vanish(service_id, reason):
        disable(service_id, reason)
        one.nova.service("dead")["status"] = "UNKNOWN"

    one.nova.disable = vanish

    with pytest.raises(exceptions.Unavailable, match="not see the cell"):
        forced(one)


def test_a_recovery_that_was_abandoned_is_not_carried_out(bench):
    one = bench(1)
    recovery = one.declare()
    work = one.claim()
    forcing.received(work, work.lease.recovery())
    before = work.lease.recovery()
    one.store.abandon(recovery.id, "ann", "a mistake", 60)

    with pytest.raises(store.Lost):
        forcing.forcing(work, before)

    assert not one.nova.service("dead")["forced_down"]
    assert one.nova.service("dead")["status"] == "enabled"


def test_people_are_told_once_though_one_of_two_gates_is_let_go(bench):
    one = bench(1, threshold_cloud=0, webhook_url="https://x.example")
    one.nova.force_down("id-of-c3", True)
    one.nova.service("c2")["status"] = "disabled"
    work = planned(one)
    held = work.lease.recovery()
    assert closed(held) == ["threshold:cloud", "computes"]
    one.store.release(held.id, "ann", gates=["threshold:cloud"])

    for _ in range(3):
        work.lease.save(phase=Phase.PLANNING)
        plan(work)

    assert one.events(held).count("held") == 1
    assert len(one.store.undelivered(10)) == 1


def test_a_host_that_nova_does_not_see_is_held_whoever_lets_it_go(bench):
    one = bench(1)
    one.nova.service("dead")["host"] = "another"
    work = forced(one)
    work.lease.save(released=frozenset({"cell"}))

    for _ in range(3):
        forcing.held(work, work.lease.recovery())

    found = work.lease.recovery()
    assert found.phase is Phase.HELD
    assert one.events(found).count("held") == 1


def test_alive_is_let_go_for_what_was_heard_until_then(bench):
    one = bench(2, in_flight_per_recovery=1)
    work = forced(one)
    one.nova.report("dead")
    assert closed(plan(work)) == ["alive"]
    one.store.release(work.lease.recovery_id, "ann")
    forcing.held(work, work.lease.recovery())

    found = plan(work)
    assert (found.phase, found.released) == (Phase.RUNNING, frozenset())
    assert "taken-for-dead" in one.events(found)
    assert rounds(work, 1).phase is Phase.RUNNING
    one.nova.report("dead")
    assert rounds(work, 1).phase is Phase.PLANNING

    assert closed(plan(work)) == ["alive"]
    assert one.nova.asked == ["s0"]


def test_who_has_let_alive_go_is_told_when_it_is_heard_of_again(bench):
    one = bench(1, webhook_url="https://x.example")
    work = forced(one)
    one.nova.report("dead")
    plan(work)
    services = one.nova.services

    def reports(host=None, binary=None):
        found = services(host, binary)
        one.nova.report("dead")
        return found

    one.store.release(work.lease.recovery_id, "ann")
    forcing.held(work, work.lease.recovery())
    one.nova.services = reports

    assert closed(plan(work)) == ["alive"]
    told = [notice.event for notice in one.store.undelivered(10)]
    assert told == ["recovery.alive"] * 2


def test_a_cell_that_is_not_seen_keeps_what_was_let_go(bench):
    one = bench(1)
    work = forced(one)
    one.nova.report("dead")
    plan(work)
    one.store.release(work.lease.recovery_id, "ann")
    one.nova.service("dead")["status"] = "UNKNOWN"

    found = plan(work)

    assert (closed(found), found.released) == (["cell"], {"alive"})


def test_what_is_planned_again_is_judged_anew(bench):
    one = bench(2)
    work = begun(one)
    one.nova.edit("s0", tags=["no-recovery"])

    work.lease.save(phase=Phase.PLANNING)
    plan(work)

    found = one.states(work.lease.recovery())
    assert found == {"s0": "skipped", "s1": "queued"}
