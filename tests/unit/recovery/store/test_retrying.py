import dataclasses

import pytest

from tests.unit.recovery.cloud import Nova
from tests.unit.recovery.stores import (
    HOST,
    LINE,
    column,
    created,
    events,
    had,
    last,
    leased,
    notice,
    put,
    server,
    states,
    take,
)
from tests.unit.recovery.working import Bench
from waffles.recovery.engine import evacuating, forcing
from waffles.recovery.model import Decision, Phase, Return, State
from waffles.recovery.store import retrying, tables
from waffles.recovery.store import store as stores

#: Rows that can be tried once more, and the states that they begin in; None
#: where the next plan is to judge them.
TRIED = {
    "failed": (server(1, State.FAILED, issued_at=5.0), State.QUEUED),
    "failed in Nova": (
        server(1, State.FAILED, issued_at=5.0, migration=7, attempt=3),
        State.QUEUED,
    ),
    "failed on another host": (
        server(
            1,
            State.FAILED,
            issued_at=5.0,
            migration=7,
            attempt=3,
            destination="c2",
        ),
        State.RESTORING,
    ),
    "failed without a try": (server(1, State.FAILED), None),
    "stuck, watched": (
        server(1, State.STUCK, issued_at=5.0, migration=7, attempt=2),
        State.WATCHING,
    ),
    "stuck, issued": (
        server(1, State.STUCK, issued_at=5.0, attempt=2),
        State.ISSUING,
    ),
    "stuck without a try": (server(1, State.STUCK), None),
    "not delivered": (
        server(1, State.FAILED, decision=Decision.CUSTOM),
        State.NOTIFYING,
    ),
}


def stored(store, *found):
    """A lease of a recovery that is running."""
    lease = leased(store)
    lease.add([dataclasses.replace(one, wake_at=1e12) for one in found])
    lease.save(phase=Phase.RUNNING)
    return lease


@pytest.mark.parametrize(("row", "state"), TRIED.values(), ids=TRIED)
def test_a_server_begins_anew(store, row, state):
    assert retrying.target(row) is state
    id = stored(store, row).recovery_id
    before = store.servers(id)

    store.retry(id, "me")

    found = store.servers(id)
    if state is None:
        assert found == []
        return
    is_open = state in (State.WATCHING, State.ISSUING, State.RESTORING)
    is_stuck = row.state is State.STUCK
    now = found[0].updated_at
    assert now > before[0].updated_at
    assert found[0] == dataclasses.replace(
        before[0],
        state=state,
        attempt=row.attempt if is_stuck else 0,
        wake_at=0.0,
        finished_at=None,
        issued_at=row.issued_at
        if state in (State.QUEUED, State.ISSUING, State.NOTIFYING)
        else now,
        updated_at=now,
    )
    assert column(store, "open_key", tables.server) == [
        "server-1" if is_open else None
    ]


@pytest.mark.parametrize(
    "state", [state for state in State if state not in retrying.RETRIED]
)
def test_others_are_left_as_they_are(store, state):
    id = stored(store, server(1, state), server(2, State.FAILED)).recovery_id
    (before, _) = store.servers(id)

    store.retry(id, "me")

    assert store.servers(id) == [before]


@pytest.mark.parametrize("ids", [None, [], ["server-1"]], ids=str)
def test_there_must_be_something_to_try(store, ids):
    id = stored(store, server(1, State.RECOVERED)).recovery_id

    with pytest.raises(
        stores.NotNow, match="No server|server-1 is not failed"
    ):
        store.retry(id, "me", ids)


def test_servers_may_be_named(store):
    failed = [server(n, State.FAILED, issued_at=5.0) for n in range(3)]
    id = stored(store, *failed).recovery_id

    store.retry(id, "me", {"server-0", "server-2"})

    assert states(store, id) == {
        "server-0": "queued",
        "server-1": "failed",
        "server-2": "queued",
    }
    assert last(store, id) == "Retried by me: server-0, server-2"


def test_each_server_that_is_named_must_be_one_to_try(store):
    id = stored(
        store, server(1, State.FAILED), server(2, State.SKIPPED)
    ).recovery_id

    for named in ("server-2", "server-3"):
        with pytest.raises(stores.NotNow, match=f"{named} is not failed"):
            store.retry(id, "me", ["server-1", named])
    assert len(store.servers(id)) == 2


@pytest.mark.parametrize(
    ("phase", "then"),
    [
        (Phase.PLANNING, Phase.PLANNING),
        (Phase.HELD, Phase.HELD),
        (Phase.RUNNING, Phase.PLANNING),
        (Phase.SETTLING, Phase.PLANNING),
    ],
)
def test_what_is_open_is_planned_anew(store, phase, then):
    lease = stored(store, server(1, State.FAILED))
    lease.save(phase=phase, note="x")

    found = store.retry(lease.recovery_id, "me")

    assert (found.phase, found.note) == (then, "x")
    assert store.open_of(HOST) == found
    assert store.claim("two", 30).recovery_id == found.id


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.PARTIAL, Phase.FAILED])
def test_what_has_ended_is_opened_again(store, phase):
    lease = stored(store, server(1, State.FAILED))
    lease.save(phase=phase, note="x", return_at=5.0)
    lease.release(wake_at=1e12)

    found = store.retry(lease.recovery_id, "me")

    assert (found.phase, found.note) == (Phase.PLANNING, "")
    assert (found.returning, found.return_at) == (Return.DOWN, None)
    assert found.finished_at is None
    assert store.open_of(HOST) == found
    assert store.claim("two", 30).recovery_id == found.id
    assert events(store, found.id)[-1] == "retried"


def test_a_host_that_has_returned_is_left_alone(store):
    lease = stored(store, server(1, State.FAILED))
    lease.save(phase=Phase.FAILED, returning=Return.RETURNED)

    with pytest.raises(stores.NotNow, match=f"Host {HOST} has returned"):
        store.retry(lease.recovery_id, "me")


def test_nothing_is_evacuated_from_a_host_on_its_way_back(store):
    """Its nova-compute may run: declared dead anew, it is fenced anew."""
    lease = stored(store, server(1, State.FAILED, issued_at=5.0))
    lease.save(phase=Phase.FAILED)
    before = store.ask_return(lease.recovery_id, "ann")

    with pytest.raises(stores.NotNow, match=f"{HOST} is on its way back"):
        store.retry(lease.recovery_id, "me")

    assert store.recovery(lease.recovery_id) == before
    assert states(store, lease.recovery_id) == {"server-1": "failed"}


def test_what_was_let_go_days_ago_is_judged_again(store):
    lease = stored(store, server(1, State.FAILED))
    put(store, released=frozenset({"alive"}), released_by="ann")
    lease.save(phase=Phase.FAILED)

    found = store.retry(lease.recovery_id, "me")

    assert (found.released, found.released_by) == (frozenset(), "")


@pytest.mark.parametrize("phase", [Phase.HELD, Phase.RUNNING])
def test_what_is_open_stays_let_go(store, phase):
    lease = stored(store, server(1, State.FAILED))
    put(store, released=frozenset({"alive"}))
    lease.save(phase=phase)

    assert store.retry(lease.recovery_id, "me").released == {"alive"}


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, Nova(1), max_attempts=1)
    yield made
    made.close()


def _carried_out(work):
    """Carry a recovery out; it, as it is then."""
    stages = {
        Phase.RECEIVED: forcing.received,
        Phase.FORCING: forcing.forcing,
        Phase.PLANNING: forcing.planning,
        Phase.SETTLING: evacuating.settling,
    }
    evacuation = None
    while not (found := work.lease.recovery()).phase.final:
        if found.phase is Phase.RUNNING:
            evacuation = evacuation or evacuating.Evacuation(work)
            evacuation.round(found)
        else:
            assert found.phase is not Phase.HELD, found.note
            stages[found.phase](work, found)
    return found


@pytest.mark.parametrize(
    ("then", "state"),
    [("error", "failed"), ("active", "recovered")],
    ids=["still in ERROR", "mended since"],
)
def test_a_server_in_error_elsewhere_is_looked_at_not_moved(
    bench, then, state
):
    bench.declare()
    migrations = bench.nova.migrations

    def late(host, above=0):
        found = migrations(host, above)
        bench.nova.edit("s0", **{"OS-EXT-STS:vm_state": "error"})
        return found

    bench.nova.migrations = late
    found = _carried_out(bench.claim())
    assert bench.rows(found)["s0"].reason == "it is in ERROR on c2"
    bench.nova.migrations = migrations
    bench.nova.edit("s0", **{"OS-EXT-STS:vm_state": then})

    bench.store.retry(found.id, "ann")
    _carried_out(bench.claim("two"))

    assert bench.nova.asked == ["s0"]
    assert bench.states(found) == {"s0": state}


def test_a_server_that_a_late_failure_has_left_here_is_evacuated(bench):
    """Its migration names the destination all the same."""
    bench.declare()
    bench.nova.endings["s0"] = ["error"]
    found = _carried_out(bench.claim())
    assert bench.rows(found)["s0"].destination == "c2"

    bench.store.retry(found.id, "ann")
    _carried_out(bench.claim("two"))

    assert bench.nova.asked == ["s0", "s0"]
    assert bench.states(found) == {"s0": "recovered"}


def test_a_live_host_whose_gate_was_let_go_is_found_out(bench):
    bench.declare()
    bench.nova.endings["s0"] = ["error"]
    found = _carried_out(bench.claim())
    put(bench.store, released=frozenset({"alive"}))
    bench.nova.report("dead")  # days later it is on

    bench.store.retry(found.id, "ann")
    work = bench.claim("two")
    forcing.planning(work, work.lease.recovery())

    assert work.lease.recovery().phase is Phase.HELD
    assert bench.nova.asked == ["s0"]


def test_a_host_does_not_have_two_open_recoveries(store):
    lease = stored(store, server(1, State.FAILED))
    lease.save(phase=Phase.FAILED)
    other = created(store)

    with pytest.raises(stores.AlreadyOpen) as caught:
        store.retry(lease.recovery_id, "me")

    assert caught.value.recovery == other
    assert states(store, lease.recovery_id) == {"server-1": "failed"}


def test_a_server_is_not_open_in_two_recoveries(store):
    lease = stored(store)
    take(lease, lease.add([server(1)]))
    store.abandon(lease.recovery_id, "me", "", 0)
    other = leased(store, "compute-2")
    take(other, other.add([server(1)]))

    with pytest.raises(stores.NotNow, match="Another recovery is about to"):
        store.retry(lease.recovery_id, "me")

    assert states(store, lease.recovery_id) == {"server-1": "stuck"}
    assert store.open_of(HOST) is None


def test_an_undelivered_notice_is_the_engines_to_make_anew(store):
    lease = leased(store)
    custom = {"decision": Decision.CUSTOM}
    rows = [server(n, State.FAILED, **custom) for n in (1, 2)]
    lease.add(
        rows,
        [LINE],
        [
            notice("server-1"),
            notice("server-1", event="server.failed"),
            notice("server-2"),
            notice("server-1", "bus"),
        ],
    )
    sent = lease.notices()[-1]
    store.delivered(sent.key)
    put(store, phase=Phase.RUNNING)

    store.retry(lease.recovery_id, "me", ["server-1"])

    again = had(store, lease.recovery_id, "two")
    assert [(one.event, one.target) for one in again.notices()] == [
        ("server.failed", "webhook"),
        ("server.custom", "webhook"),
        ("server.custom", "bus"),
    ]


def test_what_was_refused_is_judged_by_the_next_plan(store):
    """Not queued: it would be evacuated although the rules forbid it."""
    id = stored(
        store, server(1, State.FAILED, reason="local disk")
    ).recovery_id

    store.retry(id, "me")
    again = had(store, id, "two")
    again.add([server(1, State.FAILED, reason="local disk")])

    assert states(store, id) == {"server-1": "failed"}
    assert take(again, again.servers()) == []
