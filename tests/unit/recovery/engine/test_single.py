import dataclasses

import pytest

from tests.unit.recovery.engine.running import begun, plan, rounds
from waffles import exceptions
from waffles.clients import errors
from waffles.recovery.engine import evacuating, single
from waffles.recovery.model import Phase, Server, State


@pytest.fixture
def old(monkeypatch):
    """No plan is believed to be of now."""
    monkeypatch.setattr(single, "FRESH", 0.0)


@pytest.mark.parametrize(
    ("row", "fresh"),
    [
        (Server("s0", updated_at=100.0), True),
        (Server("s0", updated_at=30.0), False),
        (Server("s0", updated_at=100.0, issued_at=90.0), False),
    ],
    ids=["just planned", "planned long ago", "begun before"],
)
def test_only_what_was_just_planned_is_known_to_be_on_its_host(row, fresh):
    assert single.is_fresh(row, 100.0) is fresh


def test_what_was_just_planned_is_not_looked_at_first(bench):
    one = bench(2)
    work = begun(one)
    one.nova.calls.clear()

    rounds(work, 1)

    assert one.nova.calls.count("evacuate") == 2
    assert "server" not in one.nova.calls


def test_a_server_that_somebody_has_moved_is_not_asked_for(bench, old):
    one = bench(2)
    work = begun(one)
    one.nova.move("s0", "done")
    one.nova.edit("s0", **{"OS-EXT-SRV-ATTR:host": "c3"})

    found = rounds(work)

    assert one.nova.asked == ["s1"]
    row = one.rows(found)["s0"]
    assert (row.state, row.attempt) == (State.RECOVERED, 0)
    assert row.reason == "somebody else has moved it to c3"


def test_a_server_that_is_gone_is_not_asked_for(bench, old):
    one = bench(1)
    work = begun(one)
    one.nova.delete("s0")

    found = rounds(work)

    assert one.nova.asked == []
    assert one.states(found) == {"s0": "skipped"}


def test_a_server_that_cannot_be_read_is_not_asked_for_yet(bench, old):
    one = bench(1)
    work = begun(one)
    one.nova.faults["server"] = [exceptions.Unavailable("No answer.")]
    evacuation = evacuating.Evacuation(work)

    evacuation.round(work.lease.recovery())

    row = one.rows(work.lease.recovery())["s0"]
    assert (row.state, row.attempt) == (State.QUEUED, 0)
    assert row.wake_at > one.store.now()
    assert one.nova.asked == []


def test_a_second_attempt_looks_first_where_the_server_is(bench):
    one = bench(1)
    one.nova.endings["s0"] = ["error"]
    work = begun(one)
    evacuation = evacuating.Evacuation(work)
    while one.states(work.lease.recovery()) != {"s0": "queued"} or (
        not one.nova.asked
    ):
        evacuation.round(work.lease.recovery())
    one.nova.edit("s0", **{"OS-EXT-SRV-ATTR:host": "c3"})
    one.nova.edit("s0", **{"OS-EXT-STS:vm_state": "active"})

    found = rounds(work)

    assert one.nova.asked == ["s0"]
    assert one.states(found) == {"s0": "recovered"}


def test_a_server_that_was_moved_is_found_when_nova_refuses_it(bench):
    """It says then that the host where the server is by now is in use."""
    one = bench(2)
    work = begun(one)
    one.nova.faults["evacuate"] = [exceptions.Hidden(400, "c3 is in use.")]
    one.nova.edit("s0", **{"OS-EXT-SRV-ATTR:host": "c3"})

    assert rounds(work).phase is Phase.PLANNING
    plan(work)
    found = rounds(work)

    assert one.nova.asked.count("s0") == 1
    assert one.rows(found)["s0"].state is State.RECOVERED


def test_a_tag_that_was_set_since_is_honoured(bench, old):
    """As behind a pause, or in a long queue."""
    one = bench(2)
    work = begun(one)
    one.nova.edit("s0", tags=["no-recovery"])

    assert rounds(work).phase is Phase.PLANNING
    plan(work)
    found = rounds(work)

    assert one.nova.asked == ["s1"]
    assert one.states(found) == {"s0": "skipped", "s1": "recovered"}


def test_tags_in_another_order_are_the_same(bench, old):
    one = bench(1)
    one.nova.edit("s0", tags=["automatic-recovery", "blue"])
    work = begun(one)
    one.nova.edit("s0", tags=["blue", "automatic-recovery"])

    assert rounds(work).phase is Phase.SETTLING


@pytest.mark.parametrize("many", [0, 1], ids=["before", "behind the reset"])
def test_nothing_is_done_behind_the_window(bench, monkeypatch, many):
    one = bench(1, nonevacuable="reset")
    one.nova.edit("s0", **{"OS-EXT-STS:vm_state": "paused"})
    work = begun(one)
    opens = [True] * many
    monkeypatch.setattr(evacuating, "window", lambda: lambda: opens.pop())
    opens.insert(0, False)

    rounds(work, 1)

    assert one.nova.calls.count("reset") == many
    assert one.nova.asked == []
    assert one.states(work.lease.recovery()) == {"s0": "queued"}


def test_a_reset_comes_before_the_evacuation(bench):
    one = bench(1, nonevacuable="reset")
    one.nova.edit("s0", **{"OS-EXT-STS:vm_state": "paused"})

    found = rounds(begun(one))

    done = [c for c in one.nova.calls if c in ("reset", "evacuate")]
    assert done == ["reset", "evacuate"]
    assert one.states(found) == {"s0": "recovered"}


def test_the_rest_that_nova_asks_for_is_kept_in_the_row(bench):
    one = bench(1)
    work = begun(one)
    one.nova.faults["evacuate"] = [errors.Busy("Too much.", 300)]

    evacuating.Evacuation(work).round(work.lease.recovery())

    row = one.rows(work.lease.recovery())["s0"]
    assert 200 < row.wake_at - one.store.now() <= 301


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (exceptions.Hidden(404, "No server."), "skipped"),
        (exceptions.Hidden(403, "No right."), "issuing"),
    ],
    ids=["deleted", "not ours to see"],
)
def test_a_server_without_actions_is_gone_or_nobody_knows(
    bench, error, reason
):
    one = bench(1, settle_time=-1)
    work = begun(one)
    one.nova.faults["evacuate"] = [exceptions.Unavailable("No answer.")]
    one.nova.faults["actions"] = [error] * 99
    one.nova.faults["server"] = [error] * 99

    found = rounds(work)

    assert one.states(found) == {"s0": reason}


def test_a_migration_of_the_server_tells_of_what_no_list_of_the_host_shows(
    bench,
):
    one = bench(1, settle_time=-1)
    work = begun(one)
    one.nova.faults["evacuate"] = [exceptions.Unavailable("No answer.")]
    one.nova.acts_late = True
    one.nova.migrations = lambda host, above=0: []

    found = rounds(work, 4)

    assert one.nova.asked == ["s0"]
    assert one.states(found) == {"s0": "issuing"}


def test_what_was_not_asked_for_does_not_count_as_an_attempt():
    row = Server("s0", state=State.ISSUING, attempt=2)

    found = single.unasked(row)

    assert found == dataclasses.replace(
        row,
        state=State.QUEUED,
        attempt=1,
        reason="it was not asked for yet",
    )
