import dataclasses

import pytest

from tests.unit.recovery.stores import (
    HOST,
    column,
    created,
    events,
    had,
    last,
    leased,
    put,
    server,
    states,
    take,
)
from waffles.recovery.model import Phase, State
from waffles.recovery.store import store as stores
from waffles.recovery.store import tables

#: What becomes of each state.
ENDS = {
    State.QUEUED: State.SKIPPED,
    State.NOTIFYING: State.SKIPPED,
    State.ISSUING: State.STUCK,
    State.WATCHING: State.STUCK,
    State.RESTORING: State.STUCK,
    State.STUCK: State.SKIPPED,
}


def with_servers(store, *found):
    lease = leased(store)
    lease.add([server(n, state) for n, state in enumerate(found)])
    return lease.recovery_id


@pytest.mark.parametrize("state", State)
def test_a_server_ends_as_far_as_is_known(store, state):
    id = with_servers(store, state)
    (before,) = store.servers(id)

    store.abandon(id, "me", "why", 0)

    (found,) = store.servers(id)
    assert found.state is ENDS.get(state, state)
    if state not in ENDS:
        assert found == before
    else:
        assert found.reason == "abandoned by me: why"
        assert found.finished_at == found.updated_at > before.updated_at
        assert column(store, "open_key", tables.server) == [None]


def test_the_recovery_ends(store):
    id = with_servers(store, State.QUEUED, State.RECOVERED)

    found = store.abandon(id, "me", "why", 0)

    assert found == store.recovery(id)
    assert (found.phase, found.note) == (Phase.FAILED, "Abandoned by me: why")
    assert found.finished_at == found.updated_at
    assert store.open_of(HOST) is None
    assert events(store, id)[-1] == "abandoned"
    assert last(store, id) == "Abandoned by me: why"


@pytest.mark.parametrize(
    ("found", "phase"),
    [
        ([], Phase.FAILED),
        ([State.RECOVERED], Phase.DONE),
        ([State.RECOVERED, State.SKIPPED], Phase.DONE),
        ([State.RECOVERED, State.FAILED], Phase.PARTIAL),
        ([State.FAILED, State.SKIPPED], Phase.FAILED),
        ([State.RECOVERED, State.QUEUED], Phase.FAILED),
        ([State.RECOVERED, State.WATCHING], Phase.FAILED),
    ],
    ids=str,
)
def test_it_has_failed_unless_everything_had_ended(store, found, phase):
    assert (
        store.abandon(with_servers(store, *found), "me", "", 0).phase is phase
    )


def test_a_request_that_may_be_on_its_way_is_waited_for(store):
    lease = leased(store)
    take(lease, lease.add([server(1), server(2)]))
    id = lease.recovery_id

    with pytest.raises(stores.NotNow, match="try again in (59|60) s"):
        store.abandon(id, "me", "", 60)
    assert states(store, id) == dict.fromkeys(["server-1", "server-2"],
                                              "issuing")  # fmt: skip
    lease.renew()

    put(store, tables.server, issued_at=store.now() - 61)
    store.abandon(id, "me", "", 60)
    assert set(states(store, id).values()) == {"stuck"}


@pytest.mark.parametrize("state", [State.WATCHING, State.QUEUED, State.STUCK])
def test_nobody_waits_for_what_nova_has(store, state):
    lease = leased(store)
    found = take(lease, lease.add([server(1)]))
    lease.update([dataclasses.replace(row, state=state) for row in found])

    assert store.abandon(lease.recovery_id, "me", "", 60).phase.final


def stuck(store, phase=Phase.PARTIAL):
    """A recovery with a server whose evacuation does not end."""
    lease = leased(store)
    (row,) = take(lease, lease.add([server(1)]))
    row = dataclasses.replace(row, state=State.STUCK, reason="for too long")
    lease.update([row])
    lease.save(phase=phase)
    lease.release(wake_at=1e12)
    return lease.recovery_id


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.PARTIAL])
def test_what_is_stuck_is_given_up(store, phase):
    id = stuck(store, phase)
    assert store.totals().stuck == 1

    store.abandon(id, "me", "a dead guest", 60)

    (found,) = store.servers(id)
    assert found.state is State.STUCK
    assert found.reason == "abandoned by me: a dead guest"
    assert column(store, "open_key", tables.server) == [None]
    assert store.totals().stuck == 0
    assert last(store, id) == "Abandoned by me: a dead guest"


def test_what_has_ended_stays_as_it_is_but_for_that(store):
    id = stuck(store)
    before = store.recovery(id)

    found = store.abandon(id, "me", "", 60)

    assert found == dataclasses.replace(before, updated_at=found.updated_at)
    with pytest.raises(stores.NotNow, match="has ended: it is partial"):
        store.abandon(id, "me", "", 60)


def test_what_was_never_begun_is_left_then(store):
    """As a server whose live migration is under way."""
    id = with_servers(store, State.STUCK)
    assert store.totals().stuck == 1

    store.abandon(id, "me", "", 60)

    assert states(store, id) == {"server-0": "skipped"}
    assert store.totals().stuck == 0


def test_another_recovery_may_have_its_servers(store):
    lease = leased(store)
    take(lease, lease.add([server(1)]))
    store.abandon(lease.recovery_id, "me", "", 0)
    again = had(store, created(store).id)

    assert len(take(again, again.add([server(1)]))) == 1


def test_other_recoveries_are_left_alone(store):
    other = leased(store, "compute-2")
    take(other, other.add([server(1), server(2)]), per_recovery=1)
    before = other.recovery(), other.servers()

    store.abandon(with_servers(store, State.QUEUED), "me", "", 60)

    assert (other.recovery(), other.servers()) == before
