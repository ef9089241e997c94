import threading
import time

import pytest

from tests.unit.recovery.cloud import Nova
from tests.unit.recovery.working import Bench
from waffles import exceptions
from waffles.clients import errors
from waffles.recovery.engine import evacuating, forcing
from waffles.recovery.model import Phase, State
from waffles.recovery.store import leases, store


@pytest.fixture
def bench(tmp_path):
    made = []

    def bench(servers=3, **settings):
        made.append(Bench(tmp_path, Nova(servers), **settings))
        return made[-1]

    yield bench
    for one in made:
        one.close()


def begun(bench, name="one"):
    """A recovery whose gates are open, with its plan made."""
    bench.declare()
    work = bench.claim(name)
    for stage in (forcing.received, forcing.forcing, forcing.planning):
        stage(work, work.lease.recovery())
    assert work.lease.recovery().phase is Phase.RUNNING
    return work


def rounds(work, many=20):
    """Rounds, until the phase changes."""
    evacuation = evacuating.Evacuation(work)
    for _ in range(many):
        evacuation.quiet_until = 0.0
        evacuation.round(work.lease.recovery())
        if work.lease.recovery().phase is not Phase.RUNNING:
            break
    return work.lease.recovery()


def test_every_server_that_asks_for_it_comes_back_once(bench):
    one = bench()
    work = begun(one)

    found = rounds(work)

    assert found.phase is Phase.SETTLING
    assert sorted(one.nova.asked) == ["s0", "s1", "s2"]
    row = one.rows(found)["s1"]
    assert (row.state, row.source) == (State.RECOVERED, "dead")
    assert (row.destination, row.attempt) == ("c2", 1)
    assert row.migration_status == "done"


def test_few_calls_are_made_for_a_server(bench):
    """Ten servers at once: one request and one look at each, and lists."""
    one = bench(10, heartbeat_interval=60)
    work = begun(one)
    one.nova.calls.clear()

    rounds(work)

    per_server = [c for c in one.nova.calls if c in ("evacuate", "server")]
    assert len(per_server) == 20
    assert len(one.nova.calls) <= 25


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        ({"in_flight_per_recovery": 2}, 2),
        ({"in_flight": 3}, 3),
        ({"stagger": 0.001}, 1),
    ],
    ids=["of a recovery", "of all", "stagger"],
)
def test_no_more_are_in_flight_than_the_limits_say(bench, settings, most):
    one = bench(8, **settings)

    rounds(begun(one), 100)

    assert len(one.nova.asked) == 8
    assert one.nova.most == most


def test_the_intent_is_on_record_before_nova_is_asked(bench):
    one = bench(1)
    work = begun(one)
    seen = []

    def evacuate(server_id):
        (row,) = one.store.servers(work.lease.recovery_id)
        seen.append((row.state, row.attempt))
        return "req-1"

    one.nova.evacuate = evacuate
    rounds(work, 1)

    assert seen == [(State.ISSUING, 1)]


def test_a_slow_answer_keeps_no_other_server_waiting(bench):
    one = bench(2)
    work, answers = begun(one), threading.Event()
    evacuate = one.nova.evacuate

    def slow(server_id):
        request_id = evacuate(server_id)
        assert server_id != "s0" or answers.wait(20)
        return request_id

    one.nova.evacuate = slow
    evacuation = evacuating.Evacuation(work)
    for _ in range(5):
        evacuation.round(work.lease.recovery())
    before = one.states(work.lease.recovery())
    answers.set()
    evacuation.close(work.lease.recovery())
    rounds(work)

    assert before == {"s0": "issuing", "s1": "recovered"}
    assert one.states(work.lease.recovery())["s0"] == "recovered"
    assert sorted(one.nova.asked) == ["s0", "s1"]


@pytest.mark.parametrize("acts", [True, False], ids=["acted", "did not act"])
def test_an_answer_that_is_lost_is_no_second_evacuation(bench, acts):
    one = bench(1)
    one.nova.faults["evacuate"] = [exceptions.Unavailable("No answer.")]
    one.nova.acts_late = acts

    found = rounds(begun(one))

    assert one.nova.asked == ["s0"]
    state = "recovered" if acts else "issuing"
    assert one.states(found) == {"s0": state}


def test_what_nova_never_heard_of_is_asked_for_again_behind_settle_time(
    bench,
):
    one = bench(1, settle_time=0)
    one.nova.faults["evacuate"] = [exceptions.Unavailable("No answer.")]

    found = rounds(begun(one))

    assert one.nova.asked == ["s0", "s0"]
    row = one.rows(found)["s0"]
    assert (row.state, row.attempt) == (State.RECOVERED, 1)


@pytest.mark.parametrize("name", ["migrations_of", "actions", "server"])
def test_what_cannot_be_read_is_no_reason_to_ask_again(bench, name):
    one = bench(1, settle_time=0)
    work = begun(one)
    one.nova.faults["evacuate"] = [exceptions.Unavailable("No answer.")]
    one.nova.faults[name] = [exceptions.Unavailable("No answer.")] * 99

    rounds(work)

    assert one.nova.asked == ["s0"]
    assert one.states(work.lease.recovery()) == {"s0": "issuing"}


def test_nothing_is_asked_while_the_migrations_cannot_be_read(bench):
    one = bench()
    work = begun(one)
    one.nova.faults["migrations"] = [exceptions.Unavailable("No answer.")]

    with pytest.raises(exceptions.Unavailable):
        rounds(work)

    assert one.nova.asked == []


def test_an_action_tells_of_an_evacuation_that_no_list_shows(bench):
    one = bench(1, settle_time=0)
    work = begun(one)
    one.nova.faults["evacuate"] = [exceptions.Unavailable("No answer.")]
    one.nova.actions = lambda server_id: [
        {
            "action": "evacuate",
            "request_id": "req-9",
            "start_time": "2999-01-01T00:00:00",
        }
    ]

    rounds(work)

    assert one.nova.asked == ["s0"]


@pytest.mark.parametrize(
    "error",
    [errors.Busy("Too much.", 1), errors.Refused("No token.")],
    ids=["busy", "refused"],
)
def test_what_was_surely_not_done_is_asked_for_again(bench, error):
    one = bench(2)
    one.nova.faults["evacuate"] = [error]

    work = begun(one)
    evacuation = evacuating.Evacuation(work)
    evacuation.round(work.lease.recovery())

    assert evacuation.quiet_until > one.store.now()
    row = next(
        row
        for row in one.rows(work.lease.recovery()).values()
        if row.state is State.QUEUED
    )
    assert (row.attempt, row.wake_at) == (0, evacuation.quiet_until)


def test_behind_a_rest_one_server_is_tried_first(bench):
    one = bench(6, in_flight_per_recovery=2)
    one.nova.faults["evacuate"] = [errors.Busy("Too much.", 0)] * 2
    work = begun(one)
    evacuation = evacuating.Evacuation(work)
    evacuation.round(work.lease.recovery())
    assert len(one.nova.asked) == 2

    evacuation.quiet_until = 0.0
    evacuation.round(work.lease.recovery())

    assert len(one.nova.asked) == 3
    assert evacuation.rests == 0


@pytest.mark.parametrize(
    ("code", "states", "asked"),
    [(409, {"s0": "failed"}, 1), (404, {"s0": "skipped"}, 1)],
    ids=["not in this state", "deleted"],
)
def test_what_nova_refuses_is_not_asked_for_again(bench, code, states, asked):
    one = bench(1)
    one.nova.faults["evacuate"] = [exceptions.Hidden(code, "Nova says no.")]

    found = rounds(begun(one))

    assert one.states(found) == states
    assert len(one.nova.asked) == asked


def test_where_nova_takes_the_host_for_alive_the_gates_are_judged_anew(bench):
    one = bench(1)
    one.nova.faults["evacuate"] = [exceptions.Hidden(400, "Still in use.")]

    found = rounds(begun(one))

    assert found.phase is Phase.PLANNING
    assert one.rows(found)["s0"].state is State.QUEUED


@pytest.mark.parametrize(
    ("endings", "state", "attempts"),
    [
        (["error"], "recovered", 2),
        (["failed", "error"], "recovered", 3),
        (["error", "error", "error"], "failed", 3),
    ],
    ids=["once", "twice", "always"],
)
def test_a_failure_is_tried_again_as_often_as_allowed(
    bench, endings, state, attempts
):
    one = bench(1)
    one.nova.endings["s0"] = endings

    found = rounds(begun(one))

    row = one.rows(found)["s0"]
    assert (row.state.value, row.attempt) == (state, attempts)
    assert len(one.nova.asked) == attempts


def test_shutoff_stays_shutoff_after_a_retry(bench):
    one = bench(1)
    one.nova.edit("s0", **{"OS-EXT-STS:vm_state": "stopped"})
    one.nova.endings["s0"] = ["error"]

    evacuating.PATIENCE, before = 0.0, evacuating.PATIENCE
    try:
        found = rounds(begun(one))
    finally:
        evacuating.PATIENCE = before

    assert one.nova.server("s0")["OS-EXT-STS:vm_state"] == "stopped"
    assert one.states(found) == {"s0": "recovered"}


def test_an_evacuation_that_is_under_way_is_adopted(bench):
    one = bench(2)
    work = begun(one)
    one.nova.move("s0")

    found = rounds(work)

    assert one.nova.asked == ["s1"]
    assert one.states(found) == {"s0": "recovered", "s1": "recovered"}
    assert one.rows(found)["s0"].attempt == 0


def test_what_never_ends_is_stuck_and_tells_people(bench):
    one = bench(1, evacuation_timeout=-1, webhook_url="https://x.example")
    one.nova.endings["s0"] = [""]

    found = rounds(begun(one))

    assert one.states(found) == {"s0": "stuck"}
    events = [notice.event for notice in one.store.undelivered(10)]
    assert "server.stuck" in events


def test_a_host_that_is_heard_of_again_stops_it(bench):
    one = bench(3, in_flight_per_recovery=1)
    work = begun(one)
    evacuation = evacuating.Evacuation(work)
    evacuation.round(work.lease.recovery())
    one.nova.report("dead")

    evacuation.round(work.lease.recovery())
    assert work.lease.recovery().phase is Phase.PLANNING
    forcing.planning(work, work.lease.recovery())

    found = work.lease.recovery()
    assert found.phase is Phase.HELD
    assert [gate.name for gate in found.gates if not gate.passed] == ["alive"]
    assert len(one.nova.asked) == 1


def test_a_recovery_that_is_paused_begins_nothing(bench):
    one = bench()
    work = begun(one)
    one.store.pause(work.lease.recovery_id, "ann", "wait for storage")

    rounds(work, 3)
    assert one.nova.asked == []

    one.store.resume(work.lease.recovery_id, "ann")
    rounds(work)
    assert len(one.nova.asked) == 3


def test_another_engine_goes_on_where_one_was_killed(bench):
    """It dies between the intent and the request, and behind the request."""
    one = bench(2, settle_time=0)
    work = begun(one)
    keys = [row.key for row in work.lease.servers()]
    work.lease.take(keys, floor=0, per_recovery=9, in_all=9)
    one.nova.evacuate("s0")
    work.lease.release()

    other = one.claim("two")
    found = rounds(other)

    assert sorted(one.nova.asked) == ["s0", "s1"]
    assert one.states(found) == {"s0": "recovered", "s1": "recovered"}


def test_an_engine_that_has_lost_its_lease_writes_nothing(bench):
    one = bench()
    work = begun(one)
    evacuation = evacuating.Evacuation(work)
    work.lease.release()
    one.claim("two")

    with pytest.raises(store.Lost):
        evacuation.round(one.store.recovery(work.lease.recovery_id))

    assert one.nova.asked == []


def test_a_request_that_is_late_is_not_sent(bench, monkeypatch):
    one = bench(1)
    work = begun(one)
    monkeypatch.setattr(evacuating, "window", lambda: lambda: False)

    rounds(work, 1)

    row = one.rows(work.lease.recovery())["s0"]
    assert one.nova.asked == []
    assert (row.state, row.attempt) == (State.QUEUED, 0)


def test_a_commit_that_took_long_is_followed_by_no_request(bench, monkeypatch):
    one = bench(1)
    work = begun(one)
    take = leases.Lease.take

    def slowly(*args, **how):
        taken = take(*args, **how)
        time.sleep(0.2)
        return taken

    monkeypatch.setattr(leases.Lease, "take", slowly)
    monkeypatch.setattr("waffles.recovery.engine.work.ISSUING", 0.1)
    rounds(work, 1)

    assert one.nova.asked == []
    assert one.states(work.lease.recovery()) == {"s0": "queued"}


@pytest.mark.parametrize(
    ("endings", "phase"),
    [
        ({}, Phase.DONE),
        ({"s0": ["failed"]}, Phase.PARTIAL),
        ({"s0": ["failed"], "s1": ["failed"]}, Phase.FAILED),
    ],
    ids=["all", "one", "none"],
)
def test_a_recovery_ends_as_its_servers_did(bench, endings, phase):
    one = bench(2, max_attempts=1, webhook_url="https://x.example")
    one.nova.endings |= endings
    work = begun(one)
    found = rounds(work)

    evacuating.settling(work, found)

    found = one.store.recovery(found.id)
    assert found.phase is phase
    assert found.finished_at
    told = [notice.event for notice in one.store.undelivered(10)]
    assert ("recovery.finished" in told) is (phase is not Phase.DONE)


def test_what_is_left_under_way_is_said_at_the_end(bench):
    one = bench(1)
    work = begun(one)
    found = rounds(work)
    one.nova.move("s9")
    one.nova.endings["s9"] = [""]

    evacuating.settling(work, found)

    found = one.store.recovery(found.id)
    assert found.note == "1 evacuations are still under way"
    assert "stale" in one.events(found)
