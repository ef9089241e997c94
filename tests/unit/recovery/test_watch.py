import dataclasses
import datetime

import pytest

from waffles.recovery import watch
from waffles.recovery.model import Server, State

LIMITS = watch.Limits(
    settle=60, timeout=600, attempts=3, delay=30, delay_max=50
)
NOW = 1000.0
ROW = Server(
    "s1",
    state=State.ISSUING,
    source="dead",
    status="active",
    attempt=1,
    floor=10,
    issued_at=NOW,
)


def row(**more):
    return dataclasses.replace(ROW, **more)


def migration(number, status, server_id="s1", destination="new"):
    return {
        "id": number,
        "status": status,
        "instance_uuid": server_id,
        "dest_compute": destination,
    }


def server(host="new", vm="active", task=None, **more):
    return {
        "OS-EXT-SRV-ATTR:host": host,
        "OS-EXT-STS:vm_state": vm,
        "OS-EXT-STS:task_state": task,
        **more,
    }


def test_the_newest_evacuation_of_each_server_counts():
    found = watch.sights(
        [
            migration(4, "error"),
            migration(7, "accepted", destination=None),
            migration(5, "done", "s2"),
        ]
    )

    assert found == {"s1": (7, "accepted", ""), "s2": (5, "done", "new")}


@pytest.mark.parametrize("over", sorted(watch.OVER))
def test_one_that_is_under_way_counts_before_a_newer_one_that_is_over(over):
    found = [
        migration(9, over),
        migration(4, "accepted"),
        migration(5, "pre-migrating"),
        migration(8, "error"),
    ]

    for seen in (found, found[::-1]):
        assert watch.sights(seen)["s1"] == (5, "pre-migrating", "new")


@pytest.mark.parametrize(
    ("status", "state"),
    [("pre-migrating", State.WATCHING), ("error", State.ISSUING)],
)
def test_below_the_floor_only_what_is_under_way_counts(status, state):
    found = watch.looked(ROW, watch.Sight(7, status, "new"), NOW, LIMITS)

    assert found.state is state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("accepted", State.WATCHING),
        ("pre-migrating", State.WATCHING),
        ("a status of tomorrow", State.WATCHING),
        ("done", State.RESTORING),
        ("completed", State.RESTORING),
        ("error", State.RESTORING),
        ("failed", State.RESTORING),
    ],
)
@pytest.mark.parametrize("before", [State.ISSUING, State.WATCHING])
def test_a_migration_above_the_floor_is_ours(before, status, state):
    found = watch.looked(
        row(state=before), watch.Sight(11, status, "new"), NOW, LIMITS
    )

    assert found.state is state
    assert (found.migration, found.migration_status) == (11, status)
    assert found.destination == "new"


@pytest.mark.parametrize(
    "sight", [None, watch.Sight(10, "error", "new")], ids=["none", "older"]
)
def test_what_nova_does_not_show_is_waited_for(sight):
    assert watch.looked(ROW, sight, NOW + 9999, LIMITS) == ROW


@pytest.mark.parametrize("after", [1, 60], ids=["at once", "at the limit"])
def test_an_evacuation_without_a_sign_is_silent_behind_settle_time_only(after):
    assert not watch.silent(ROW, NOW + after, LIMITS)
    assert watch.silent(ROW, NOW + 61, LIMITS)


def test_only_what_nova_has_not_shown_is_silent():
    assert not watch.silent(row(state=State.WATCHING), NOW + 61, LIMITS)


@pytest.mark.parametrize(
    ("task", "state", "late"),
    [
        ("rebuilding", State.ISSUING, State.STUCK),
        ("rebuild_spawning", State.ISSUING, State.STUCK),
        ("powering-off", State.QUEUED, State.QUEUED),
    ],
    ids=["accepted", "begun", "of before the host was gone"],
)
def test_what_nova_rebuilds_is_not_asked_for_again(task, state, late):
    shown = server("dead", task=task)

    assert watch.checked(ROW, shown, NOW + 61, LIMITS).state is state
    assert watch.checked(ROW, shown, NOW + 601, LIMITS).state is late


@pytest.mark.parametrize("host", ["dead", None, ""])
def test_a_server_that_is_where_it_was_may_be_asked_for(host):
    assert watch.elsewhere(ROW, server(host), NOW, LIMITS) is None


@pytest.mark.parametrize(
    ("shown", "state", "reason"),
    [
        (server(), State.RECOVERED, "somebody else has moved it to new"),
        (None, State.SKIPPED, "it has been deleted"),
        (server(vm="error"), State.FAILED, "it is in ERROR on new"),
        (
            server(task="rebuilding"),
            State.RESTORING,
            "Nova is still at work on it",
        ),
    ],
    ids=["moved", "deleted", "in error", "on its way"],
)
def test_a_server_that_has_moved_need_not_be_asked_for(shown, state, reason):
    found = watch.elsewhere(row(status="stopped"), shown, NOW, LIMITS)

    assert (found.state, found.reason) == (state, reason)
    assert found.attempt == 0


def test_what_nova_never_heard_of_is_asked_for_again_as_the_same_attempt():
    found = watch.checked(ROW, server("dead"), NOW + 61, LIMITS)

    assert (found.state, found.attempt) == (State.QUEUED, 0)


@pytest.mark.parametrize(
    ("sight", "state"),
    [
        (watch.Sight(11, "accepted", ""), State.WATCHING),
        (watch.Sight(11, "pre-migrating", "new"), State.WATCHING),
        (None, State.WATCHING),
    ],
    ids=["accepted", "pre-migrating", "gone"],
)
def test_an_evacuation_that_does_not_end_is_stuck_and_never_asked_for_again(
    sight, state
):
    before = row(state=State.WATCHING, migration=11)

    in_time = watch.looked(before, sight, NOW + 600, LIMITS)
    late = watch.looked(before, sight, NOW + 601, LIMITS)

    assert (in_time.state, late.state) == (state, State.STUCK)


@pytest.mark.parametrize(
    ("status", "shown", "state", "reason"),
    [
        ("done", server(), State.RECOVERED, "evacuated"),
        ("completed", server(), State.RECOVERED, "evacuated"),
        (
            "completed",
            server("dead", task="rebuilding"),
            State.RESTORING,
            "its migration is completed, yet Nova has it here",
        ),
        (
            "done",
            server(task="rebuild_spawning"),
            State.RESTORING,
            "Nova is still at work on it",
        ),
        (
            "done",
            server(vm="error", fault={"message": "No disk"}),
            State.FAILED,
            "it is in ERROR on new: No disk",
        ),
        (
            "failed",
            server("dead"),
            State.QUEUED,
            "its migration is failed; it is tried again",
        ),
        (
            "error",
            server("dead", "error", fault={"message": "No valid host"}),
            State.QUEUED,
            "its migration is error: No valid host; it is tried again",
        ),
        (
            "error",
            server("third"),
            State.RECOVERED,
            "somebody else has moved it to third",
        ),
        ("done", None, State.SKIPPED, "it has been deleted"),
    ],
    ids=[
        "done",
        "completed",
        "the source has started again: completed is not moved",
        "still being rebuilt",
        "in error where it went",
        "late failure: ACTIVE on the dead host",
        "no valid host",
        "moved by somebody else",
        "deleted",
    ],
)
def test_recovered_is_migration_and_host_and_no_task(
    status, shown, state, reason
):
    before = row(state=State.RESTORING, migration=11, migration_status=status)

    found = watch.checked(before, shown, NOW, LIMITS)

    assert (found.state, found.reason) == (state, reason)


@pytest.mark.parametrize(
    ("attempt", "wait"), [(1, 30), (2, 50)], ids=["first", "second"]
)
def test_a_failure_is_tried_again_later_and_later(attempt, wait):
    before = row(
        state=State.RESTORING, attempt=attempt, migration_status="error"
    )

    found = watch.checked(before, server("dead"), NOW, LIMITS)

    assert (found.state, found.attempt) == (State.QUEUED, attempt)
    assert found.wake_at == NOW + wait


def test_the_last_attempt_is_not_followed_by_another():
    before = row(state=State.RESTORING, attempt=3, migration_status="failed")

    found = watch.checked(before, server("dead"), NOW, LIMITS)

    assert found.state is State.FAILED
    assert found.reason == "its migration is failed"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("completed", server("dead")),
        ("done", server(task="rebuilding")),
    ],
    ids=["on the source", "a task without an end"],
)
def test_what_does_not_settle_is_stuck(status, shown):
    before = row(state=State.RESTORING, migration_status=status)

    found = watch.checked(before, shown, NOW + 601, LIMITS)

    assert found.state is State.STUCK
    assert found.reason.endswith("for too long")


def test_a_server_that_was_stopped_is_stopped_again():
    before = row(
        state=State.RESTORING, status="stopped", migration_status="done"
    )

    assert watch.is_to_stop(before, server())
    found = watch.checked(before, server(), NOW, LIMITS)
    assert found.state is State.RESTORING
    assert not watch.is_to_stop(before, server(task="powering-off"))
    found = watch.checked(found, server(vm="stopped"), NOW, LIMITS)
    assert found.state is State.RECOVERED


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (row(state=State.RESTORING), server()),
        (row(state=State.RESTORING, status="stopped"), server("dead")),
        (row(state=State.ISSUING, status="stopped"), server()),
        (row(state=State.RESTORING, status="stopped"), None),
        (row(state=State.RESTORING, status="stopped"), server()),
    ],
    ids=[
        "it ran before",
        "on the source",
        "not known to be over",
        "deleted",
        "moved by somebody else",
    ],
)
def test_nothing_else_is_stopped(before, shown):
    assert not watch.is_to_stop(before, shown)


@pytest.mark.parametrize("status", ["accepted", "pre-migrating", "queued"])
def test_an_evacuation_of_somebody_else_is_adopted(status):
    sight = watch.Sight(7, status, "new")
    queued = row(state=State.QUEUED, attempt=0, floor=0, issued_at=None)

    assert watch.foreign(queued, sight)
    found = watch.adopted(queued, sight, NOW)

    assert (found.state, found.migration) == (State.WATCHING, 7)
    assert found.reason == "an evacuation was under way already"
    after = watch.looked(found, sight, NOW, LIMITS)
    assert after.state is State.WATCHING


@pytest.mark.parametrize("status", sorted(watch.OVER))
def test_what_has_ended_is_not_adopted(status):
    queued = row(state=State.QUEUED)

    assert not watch.foreign(queued, watch.Sight(7, status, "new"))
    assert not watch.foreign(queued, None)
    assert not watch.foreign(ROW, watch.Sight(7, "accepted", "new"))


def test_only_what_has_ended_lets_the_source_start():
    statuses = ["accepted", "pre-migrating", "done", "completed", "new"]
    found = [migration(n, status) for n, status in enumerate(statuses)]

    assert [one["status"] for one in watch.under_way(found)] == [
        "accepted",
        "pre-migrating",
        "new",
    ]


def action(seconds, name="evacuate", request_id="req-0"):
    at = datetime.datetime.fromtimestamp(NOW + seconds, datetime.UTC)
    return {
        "action": name,
        "request_id": request_id,
        "start_time": at.replace(tzinfo=None).isoformat(),
    }


@pytest.mark.parametrize(
    ("actions", "begun"),
    [
        ([], False),
        ([action(2)], True),
        ([action(-20)], True),
        ([action(-40)], False),
        ([action(-40, request_id="req-1")], True),
        ([action(2, "reboot")], False),
    ],
    ids=[
        "none",
        "since",
        "by a clock that is behind",
        "the attempt before",
        "by its id",
        "something else",
    ],
)
def test_actions_tell_of_an_evacuation_that_no_list_shows(actions, begun):
    assert watch.begun(actions, row(request_id="req-1"), LIMITS) is begun


def test_what_nova_knows_of_and_never_shows_is_stuck():
    assert watch.lost(ROW, NOW + 600, LIMITS) == ROW
    assert watch.lost(ROW, NOW + 601, LIMITS).state is State.STUCK
