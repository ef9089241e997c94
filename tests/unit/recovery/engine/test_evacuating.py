import dataclasses
import threading
import time

import pytest

from tests.unit.recovery.engine.running import begun, closed, rounds
from waffles import exceptions
from waffles.clients import errors
from waffles.recovery.engine import engine, evacuating, forcing, pace
from waffles.recovery.model import Phase, Server, State
from waffles.recovery.store import leases, store


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
    evacuation.close()
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

    assert evacuation.pace.is_quiet
    row = next(
        row
        for row in one.rows(work.lease.recovery()).values()
        if row.state is State.QUEUED
    )
    assert (row.attempt, row.wake_at > one.store.now()) == (0, True)


def test_behind_a_rest_one_server_is_tried_first(bench):
    one = bench(6, in_flight_per_recovery=2)
    one.nova.faults["evacuate"] = [errors.Busy("Too much.", 0)] * 2
    work = begun(one)
    evacuation = evacuating.Evacuation(work)
    evacuation.round(work.lease.recovery())
    assert len(one.nova.asked) == 2

    evacuation.pace.quiet_until = 0.0
    evacuation.round(work.lease.recovery())

    assert len(one.nova.asked) == 3
    assert evacuation.pace.rests == 0


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
    assert closed(found) == ["alive"]
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


def slowed(one):
    """Have Nova answer nobody, until the event is set; gives that."""
    answers, evacuate = threading.Event(), one.nova.evacuate

    def slow(server_id):
        request_id = evacuate(server_id)
        assert answers.wait(20)
        return request_id

    one.nova.evacuate = slow
    return answers


def test_a_host_that_is_heard_of_takes_back_what_waits_for_a_thread(bench):
    one = bench(20)
    answers, work = slowed(one), begun(one)
    evacuation = evacuating.Evacuation(work)
    evacuation.round(work.lease.recovery())
    one.nova.report("dead")
    threading.Timer(0.3, answers.set).start()

    evacuation.round(work.lease.recovery())

    rows = one.rows(work.lease.recovery()).values()
    assert len(one.nova.asked) == 4
    assert sum(bool(row.request_id) for row in rows) == 4
    waiting = [row.attempt for row in rows if row.state is State.QUEUED]
    assert waiting == [0] * 16


@pytest.mark.parametrize("what", ["this one", "all"])
def test_a_pause_takes_back_what_waits_for_a_thread(bench, what):
    one = bench(20)
    answers, work = slowed(one), begun(one)
    evacuation = evacuating.Evacuation(work)
    evacuation.round(work.lease.recovery())
    if what == "all":
        one.store.set_pause("ann", "wait", None)
    else:
        one.store.pause(work.lease.recovery_id, "ann", "wait")

    evacuation.round(work.lease.recovery())
    answers.set()
    evacuation.close()

    assert len(one.nova.asked) == 4
    found = list(one.states(work.lease.recovery()).values())
    assert found.count("queued") == 16


def test_a_pause_of_all_stops_a_recovery_that_runs(bench):
    one = bench(8, in_flight_per_recovery=1)
    work = begun(one)
    rounds(work, 2)
    before = list(one.nova.asked)
    one.store.set_pause("ann", "the storage is being moved", None)

    rounds(work, 20)
    assert one.nova.asked == before

    one.store.lift_pause("ann")
    rounds(work, 40)
    assert len(one.nova.asked) == 8


@pytest.mark.parametrize("why", ["paused", "all paused", "notices"])
def test_a_recovery_that_only_waits_leaves_the_engine_to_others(bench, why):
    one = bench(1, webhook_url="https://x.example")
    if why == "notices":
        one.nova.edit("s0", tags=["custom-recovery"])
    work = begun(one)
    if why == "paused":
        one.store.pause(work.lease.recovery_id, "ann", "wait")
    if why == "all paused":
        one.store.set_pause("ann", "wait", None)

    wait = evacuating.Evacuation(work).round(work.lease.recovery())

    assert wait > engine.LET_GO


def test_a_second_evacuation_that_fails_is_no_reason_for_a_third(bench):
    """Somebody's begins behind our look, so Nova takes ours as well."""
    one = bench(1)
    work = begun(one)
    one.nova.endings["s0"] = ["error"] * 3
    evacuate = one.nova.evacuate

    def both(server_id):
        one.nova.move(server_id, "pre-migrating")
        return evacuate(server_id)

    one.nova.evacuate = both
    rounds(work)

    assert one.nova.asked == ["s0"]
    row = one.rows(work.lease.recovery())["s0"]
    assert (row.state, row.migration) == (State.WATCHING, 1)


def test_an_evacuation_is_adopted_though_a_newer_one_has_failed(bench):
    one = bench(1)
    work = begun(one)
    one.nova.move("s0", "pre-migrating")
    one.nova.move("s0", "error")

    rounds(work, 2)

    assert one.nova.asked == []
    assert one.states(work.lease.recovery()) == {"s0": "watching"}


def test_what_nova_rebuilds_is_not_asked_for_again(bench):
    one = bench(1, settle_time=-1)
    work = begun(one)
    one.nova.faults["evacuate"] = [exceptions.Unavailable("No answer.")]
    task = {"OS-EXT-STS:task_state": "rebuild_spawning"}
    one.nova.edit("s0", **task)

    rounds(work, 4)

    assert one.nova.asked == ["s0"]
    assert one.states(work.lease.recovery()) == {"s0": "issuing"}


def test_a_member_that_waits_for_its_group_keeps_no_other_waiting(bench):
    one = bench(6, stagger=0.0001)
    group = {"id": "g", "policy": "anti-affinity", "members": ["s0", "s1"]}
    one.nova.server_groups = lambda: [group]
    for name in group["members"]:
        tags = ["automatic-recovery", "recovery-priority:900"]
        one.nova.edit(name, tags=tags)
    one.nova.endings["s0"] = [""]

    rounds(begun(one), 60)

    assert sorted(one.nova.asked) == ["s0", "s2", "s3", "s4", "s5"]


def test_while_nova_is_slow_nothing_is_begun_before_it_has_answered(bench):
    one = bench(3, in_flight_per_recovery=9)
    answers, work = slowed(one), begun(one)
    evacuation = evacuating.Evacuation(work)
    evacuation.pace.rests = 1

    for _ in range(3):
        evacuation.round(work.lease.recovery())
    before = list(one.nova.asked)
    answers.set()
    evacuation.close()

    assert before == ["s0"]


@pytest.mark.parametrize("status", ["UNKNOWN", None], ids=["cell", "gone"])
def test_a_host_that_is_not_seen_has_not_moved(bench, status):
    one = bench(1)
    work = begun(one)
    service = one.nova.service("dead")
    for name in list(service):
        if name not in ("host", "binary"):
            del service[name]
    service |= {"status": status} if status else {"host": "another"}

    with pytest.raises(exceptions.Unavailable, match="Nova (does not|shows)"):
        evacuating.Evacuation(work).round(work.lease.recovery())

    assert work.lease.recovery().phase is Phase.RUNNING
    assert one.nova.asked == []


def test_people_are_told_once_that_nova_refuses_us(bench, monkeypatch):
    monkeypatch.setattr(pace, "PAUSE", 0.0)
    one = bench(1, webhook_url="https://x.example")
    work = begun(one)
    refused = errors.Refused("No: [waffles] needs an administrator.")
    one.nova.faults["evacuate"] = [refused] * 5

    for _ in range(2):  # also another engine, which goes on
        found = rounds(work, 2)
    (told,) = one.store.undelivered(10)
    assert (told.event, told.payload["state"]) == ("recovery.held", "running")
    assert told.payload["reason"] == str(refused)
    assert found.note == evacuating.REFUSED
    assert "waits" in one.events(found)

    found = rounds(work)
    assert one.states(found) == {"s0": "recovered"}
    assert found.note == ""


def test_a_call_that_breaks_takes_no_other_answer_with_it(bench):
    one = bench(3)
    work, evacuate = begun(one), one.nova.evacuate

    def broken(server_id):
        request_id = evacuate(server_id)
        assert server_id != "s0"
        return request_id

    one.nova.evacuate = broken
    evacuation = evacuating.Evacuation(work)
    with pytest.raises(AssertionError):
        evacuation.round(work.lease.recovery())
    evacuation.close()

    rows = one.rows(work.lease.recovery())
    assert [bool(row.request_id) for row in rows.values()] == [
        False,
        True,
        True,
    ]
    assert rows["s0"].state is State.ISSUING


def test_nothing_is_begun_before_stagger_is_over(bench):
    one = bench(2, stagger=1000)

    rounds(begun(one), 5)

    assert one.nova.asked == ["s0"]


def test_a_stagger_begins_with_what_is_begun(bench):
    """Not with what was wanted, while another recovery had all the room."""
    one = bench(1, stagger=1000)
    work = begun(one)
    evacuation = evacuating.Evacuation(work)
    one.nova.host = "c3"
    one.declare()
    other = one.claim("two")
    (row,) = other.lease.add([Server("s0", source="c3", state=State.QUEUED)])
    assert other.lease.take([row.key], floor=0, per_recovery=9, in_all=9)
    evacuation.round(work.lease.recovery())
    assert one.nova.asked == []

    other.lease.update([dataclasses.replace(row, state=State.FAILED)])
    evacuation.round(work.lease.recovery())

    assert one.nova.asked == ["s0"]
