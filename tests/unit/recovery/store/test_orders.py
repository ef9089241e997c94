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
)
from waffles.recovery.model import Gate, Phase, Return, State
from waffles.recovery.store import store as stores

GATES = (
    Gate("scheduler", True, "1 up"),
    Gate("threshold:cloud", False, "too many"),
    Gate("threshold:zone", False, "too many"),
)

ORDERS = {
    "release": lambda store, id: store.release(id, "me"),
    "pause": lambda store, id: store.pause(id, "me", ""),
    "resume": lambda store, id: store.resume(id, "me"),
    "retry": lambda store, id: store.retry(id, "me"),
    "abandon": lambda store, id: store.abandon(id, "me", "", 0),
    "return": lambda store, id: store.ask_return(id, "me"),
}


def held(store, gates=GATES):
    """A recovery that is held, and that nobody works on."""
    lease = leased(store)
    lease.save(phase=Phase.HELD, gates=gates)
    lease.release(wake_at=1e12)
    return lease.recovery_id


def ended(store, host=HOST, **more):
    lease = leased(store, host)
    lease.save(phase=Phase.DONE, **more)
    lease.release(wake_at=1e12)
    return lease.recovery_id


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_needs_a_recovery(store, name):
    created(store)

    with pytest.raises(stores.NoRecovery, match="There is no recovery x") as e:
        ORDERS[name](store, "x")

    assert e.value.code == 404


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_that_is_refused_changes_nothing(store, name):
    lease = leased(store)
    returned = {"phase": Phase.DONE, "returning": Return.RETURNED}
    lease.save(**{} if name in ("release", "resume", "retry") else returned)
    before = lease.recovery()

    with pytest.raises(stores.NotNow) as caught:
        ORDERS[name](store, before.id)

    assert caught.value.code == 409
    assert lease.recovery() == before
    assert events(store, before.id) == ["received"]


@pytest.mark.parametrize("name", ["release", "pause", "return"])
def test_who_waits_is_woken_by_an_order(store, name):
    id = ended(store) if name == "return" else held(store)
    assert store.claim("one", 30) is None

    ORDERS[name](store, id)

    assert store.claim("one", 30).recovery_id == id


@pytest.mark.parametrize(
    ("gates", "released"),
    [
        (None, {"threshold:cloud", "threshold:zone"}),
        (["threshold:zone"], {"threshold:zone"}),
        (["scheduler"], {"scheduler"}),
    ],
    ids=["all that hold it", "one of them", "one that is open"],
)
def test_gates_are_let_go(store, gates, released):
    id = held(store)

    found = store.release(id, "me", "it is a drill", gates)

    assert found == store.recovery(id)
    assert (found.released, found.released_by) == (released, "me")
    assert found.phase is Phase.HELD
    assert last(store, id) == (
        f"Released by me: it is a drill ({', '.join(sorted(released))})"
    )


def test_gates_are_let_go_one_after_another(store):
    id = held(store)
    store.release(id, "me", gates=["threshold:zone"])

    found = store.release(id, "you")

    assert found.released == {"threshold:cloud", "threshold:zone"}
    assert found.released_by == "you"
    assert last(store, id) == "Released by you (threshold:cloud)"
    with pytest.raises(stores.NotNow, match="No gate holds it"):
        store.release(id, "you")


@pytest.mark.parametrize("gates", [["scheduler", "b", "a"], ["a", "b"]])
def test_a_gate_must_be_one_to_be_let_go(store, gates):
    with pytest.raises(stores.NotNow, match=r"It has no gate a, b\."):
        store.release(held(store), "me", gates=gates)


@pytest.mark.parametrize("gates", [None, ["cell"]], ids=["all", "named"])
def test_nobody_lets_go_what_nova_does_not_see(store, gates):
    id = held(store, [Gate("cell", False, "Nova does not see the cell")])

    with pytest.raises(stores.NotNow, match="goes on by itself"):
        store.release(id, "me", gates=gates)

    assert store.recovery(id).released == frozenset()


def test_other_gates_are_let_go_beside_the_cell(store):
    id = held(store, (Gate("cell", False, "not seen"), *GATES))

    found = store.release(id, "me")

    assert found.released == {"threshold:cloud", "threshold:zone"}


def test_only_what_is_held_is_let_go(store):
    with pytest.raises(stores.NotNow, match="is received, not held"):
        store.release(created(store).id, "me")


def test_the_engine_that_holds_it_keeps_its_lease(store):
    lease = leased(store)
    lease.save(phase=Phase.HELD, gates=GATES)

    store.release(lease.recovery_id, "me")
    store.pause(lease.recovery_id, "me", "")

    assert lease.recovery().released
    lease.renew()


@pytest.mark.parametrize(
    ("reason", "text"),
    [("lunch", "Paused by me: lunch"), ("", "Paused by me")],
)
def test_a_recovery_is_paused_and_goes_on(store, reason, text):
    id = created(store).id

    assert store.pause(id, "me", reason).paused == text
    assert last(store, id) == text
    assert store.resume(id, "you").paused == ""
    assert last(store, id) == "Resumed by you"
    assert events(store, id) == ["received", "paused", "resumed"]


def test_the_reason_of_a_pause_may_change(store):
    id = created(store).id
    store.pause(id, "me", "lunch")

    assert store.pause(id, "you", "dinner").paused == "Paused by you: dinner"


def test_what_is_not_paused_does_not_go_on(store):
    with pytest.raises(stores.NotNow, match="not paused"):
        store.resume(created(store).id, "me")


@pytest.mark.parametrize("name", ["pause", "abandon"])
@pytest.mark.parametrize("phase", [Phase.DONE, Phase.PARTIAL, Phase.FAILED])
def test_what_has_ended_is_over(store, name, phase):
    id = ended(store)
    put(store, phase=phase)

    with pytest.raises(stores.NotNow, match=f"has ended: it is {phase}"):
        ORDERS[name](store, id)


def test_the_return_of_a_host_is_asked_for_once(store):
    id = ended(store)

    found = store.ask_return(id, "me")
    again = store.ask_return(id, "you")

    assert found.returning is Return.WAITING
    assert found.return_at == found.updated_at
    assert again.return_at == found.return_at
    assert events(store, id) == ["received", "return-asked"]


def test_a_host_returns_once(store):
    id = ended(store, returning=Return.RETURNED)

    with pytest.raises(stores.NotNow, match="has returned already"):
        store.ask_return(id, "me")


def test_a_host_with_an_open_recovery_does_not_return(store):
    old = ended(store)
    new = created(store)

    for id in (old, new.id):
        with pytest.raises(stores.NotNow, match=f"{new.id} .* is received"):
            store.ask_return(id, "me")
    had(store, new.id).save(phase=Phase.DONE)
    assert store.ask_return(old, "me").returning is Return.WAITING


@pytest.mark.parametrize("name", ["retry", "abandon"])
def test_an_engine_does_not_go_on_with_what_has_changed(store, name):
    lease = leased(store)
    lease.add([server(1, State.FAILED, issued_at=5.0)])

    ORDERS[name](store, lease.recovery_id)

    with pytest.raises(stores.Lost):
        lease.renew()
    found = store.recovery(lease.recovery_id)
    assert (found.epoch, found.owner) == (2, "")
    assert column(store, "lease_until") == [0.0]
