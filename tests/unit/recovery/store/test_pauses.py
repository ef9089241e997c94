import pytest

from tests.unit.recovery.stores import created, events, last, leased
from waffles.recovery.model import Phase
from waffles.recovery.store.pauses import Pause


def test_nothing_is_paused_at_first(store):
    assert store.pause_of_all() is None


def test_everything_is_paused_until_it_is_lifted(store):
    before = store.now()
    store.set_pause("me", "maintenance", None)

    found = store.pause_of_all()
    assert found == Pause("maintenance", "me", found.since, None)
    assert before <= found.since <= store.now()

    store.lift_pause("you")
    assert store.pause_of_all() is None


@pytest.mark.parametrize(("seconds", "lasts"), [(60, True), (-1, False)])
def test_a_pause_may_end_by_itself(store, seconds, lasts):
    until = store.now() + seconds
    store.set_pause("me", "maintenance", until)

    found = store.pause_of_all()
    assert bool(found) is lasts
    if lasts:
        assert found.until == until


def test_a_pause_is_replaced(store):
    store.set_pause("me", "maintenance", store.now() - 1)
    store.set_pause("you", "a storm", None)

    assert store.pause_of_all().reason == "a storm"


def test_the_logs_tell_who_it_was(store):
    first, ended = created(store, "a").id, leased(store, "b")
    ended.save(phase=Phase.DONE)

    store.set_pause("me", "maintenance", None)
    assert last(store, first) == "Everything is paused by me: maintenance"
    store.lift_pause("you")
    store.lift_pause("you")

    told = ["all-paused", "all-resumed"]
    assert events(store, first) == ["received", *told]
    assert events(store, ended.recovery_id) == ["received"]
    assert events(store, "") == told
    assert last(store, "") == "Everything is resumed by you"
    assert [line.recovery_id for line in store.lines("")] == ["", ""]


@pytest.mark.parametrize("lifted", [False, True])
def test_who_waits_is_woken(store, lifted):
    store.set_pause("me", "maintenance", None)
    lease = leased(store)
    lease.release(wake_at=1e12)
    assert store.claim("two", 30) is None

    if lifted:
        store.lift_pause("me")
    else:
        store.set_pause("me", "a storm", None)

    assert store.claim("two", 30).recovery_id == lease.recovery_id
