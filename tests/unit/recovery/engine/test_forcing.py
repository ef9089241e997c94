import pytest

from tests.unit.recovery.cloud import Nova
from tests.unit.recovery.working import Bench
from waffles import exceptions
from waffles.recovery.engine import forcing
from waffles.recovery.model import Phase, State


@pytest.fixture
def bench(tmp_path):
    made = []

    def bench(servers=3, **settings):
        made.append(Bench(tmp_path, Nova(servers), **settings))
        return made[-1]

    yield bench
    for one in made:
        one.close()


def forced(one):
    one.declare()
    work = one.claim()
    forcing.received(work, work.lease.recovery())
    forcing.forcing(work, work.lease.recovery())
    return work


def planned(one):
    work = forced(one)
    forcing.planning(work, work.lease.recovery())
    return work


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


def test_a_custom_server_waits_for_its_notice(bench):
    one = bench(1, webhook_url="https://x.example")
    one.nova.edit("s0", tags=["custom-recovery"])

    work = planned(one)

    (row,) = work.lease.servers()
    assert row.state is State.NOTIFYING
    (notice,) = one.store.undelivered(10)
    assert (notice.event, notice.server_key) == ("server.custom", row.key)


def test_where_nobody_can_be_told_a_custom_server_has_failed(bench):
    one = bench(1)
    one.nova.edit("s0", tags=["custom-recovery"])

    work = planned(one)

    (row,) = work.lease.servers()
    assert row.state is State.FAILED
    assert "nobody can be told" in row.reason


def test_a_notice_that_was_given_up_is_sent_again_after_a_retry(bench):
    one = bench(1, webhook_url="https://x.example")
    one.nova.edit("s0", tags=["custom-recovery"])
    work = planned(one)
    (notice,) = one.store.undelivered(10)
    one.store.failed(notice.key, "no answer", None)
    assert one.states(work.lease.recovery()) == {"s0": "failed"}

    one.store.retry(work.lease.recovery_id, "ann")
    other = one.claim("two")
    forcing.planning(other, other.lease.recovery())

    assert one.states(other.lease.recovery()) == {"s0": "notifying"}
    assert [
        notice.event
        for notice in one.store.undelivered(10)
        if not notice.gave_up_at
    ] == ["server.custom"]


@pytest.mark.parametrize("tag", ["custom-recovery", "automatic-recovery"])
def test_nobody_is_told_of_a_server_before_every_gate_is_open(bench, tag):
    """Who is told starts it elsewhere."""
    one = bench(1, threshold_cloud=30, webhook_url="https://x.example")
    one.nova.edit("s0", tags=[tag], **{"OS-EXT-STS:vm_state": "paused"})
    one.nova.force_down("id-of-c2", True)
    work = planned(one)
    assert work.lease.recovery().phase is Phase.HELD
    told = [notice.event for notice in one.store.undelivered(10)]
    assert told == ["recovery.held"]

    one.store.release(work.lease.recovery_id, "ann")
    for _ in range(2):
        forcing.planning(work, work.lease.recovery())

    told = [notice.event for notice in one.store.undelivered(10)]
    assert len(told) == 2
    assert told[0].startswith("server.")
