import itertools
from functools import partial

import pytest

from tests.unit.recovery.stores import (
    LONG,
    column,
    created,
    had,
    leased,
    notice,
    put,
    server,
    together,
)
from waffles.recovery.model import Notice, Phase, State
from waffles.recovery.store import store as stores
from waffles.recovery.store import tables


def keys(found):
    return [one.key for one in found]


def posted(store, *targets):
    """A lease of a recovery, with a custom server and notices about it."""
    lease = leased(store)
    told = [notice("server-1", target) for target in targets or ["webhook"]]
    lease.add([server(1, State.NOTIFYING)], notices=told)
    return lease


def state(lease):
    (found,) = lease.servers()
    return found.state


def test_a_notice_is_had_once_at_a_time(store):
    (before,) = posted(store).notices()

    (found,) = store.due("one", 9, 60)

    assert found.attempts == 1
    assert store.now() + 50 < found.next_at <= store.now() + 60
    assert (found.key, found.payload) == (before.key, before.payload)
    assert store.due("two", 9, 60) == []


def test_a_notice_is_had_again_when_its_time_is_over(store):
    posted(store)
    store.due("one", 9, -1)

    assert [one.attempts for one in store.due("two", 9, 60)] == [2]


def test_those_that_have_waited_longest_come_first(store):
    lease = leased(store)
    times = [5.0, 3.0, 4.0, store.now() + 60]
    lease.save(
        notices=[Notice("x", "bus", {"n": n}, next_at=n) for n in times]
    )

    assert [one.payload["n"] for one in store.due("one", 2, 60)] == [3.0, 4.0]
    assert [one.payload["n"] for one in store.due("one", 9, 60)] == [5.0]


def test_a_notice_of_a_recovery_that_has_ended_is_delivered(store):
    posted(store).save(phase=Phase.DONE)

    assert len(store.due("one", 9, 60)) == 1


def test_what_is_delivered_is_not_delivered_again(store):
    lease = posted(store)
    (found,) = store.due("one", 9, -1)
    store.failed(found.key, "503", 0.0)

    assert store.delivered(found.key)

    assert store.due("one", 9, 60) == store.undelivered(9) == []
    (after,) = lease.notices()
    assert after.delivered_at
    assert abs(after.delivered_at - store.now()) < 30
    assert (after.error, after.gave_up_at) == ("", None)
    assert not store.delivered(found.key)
    assert not store.failed(found.key, "late", None)
    assert lease.notices() == [after]


def test_what_failed_is_due_later(store):
    lease = posted(store)
    (found,) = store.due("one", 9, 60)

    assert store.failed(found.key, "503", store.now() + 60)
    assert store.due("one", 9, 60) == []
    assert store.failed(found.key, "504", store.now() - 1)

    (again,) = store.due("one", 9, 60)
    assert (again.attempts, again.error) == (2, "504")
    assert state(lease) is State.NOTIFYING


def test_what_is_given_up_is_not_due(store):
    lease = posted(store)
    (found,) = store.due("one", 9, 60)

    assert store.failed(found.key, "410", None)

    assert store.due("one", 9, 60) == []
    (after,) = store.undelivered(9)
    assert after.gave_up_at
    assert after.error == "410"
    assert lease.notices() == [after]
    assert not store.delivered(found.key)


def test_undelivered_ones_are_listed_newest_first(store):
    lease = posted(store, "a", "b", "c", "d")
    all = lease.notices()
    store.delivered(all[1].key)
    store.failed(all[2].key, "410", None)

    assert [one.target for one in store.undelivered(9)] == ["d", "c", "a"]
    assert [one.target for one in store.undelivered(2)] == ["d", "c"]


def test_a_custom_server_is_notified_when_its_notice_is_delivered(store):
    lease = posted(store)
    store.delivered(lease.notices()[0].key)

    (found,) = lease.servers()
    assert found.state is State.NOTIFIED
    assert found.reason == ""
    assert found.finished_at == found.updated_at


def test_a_custom_server_has_failed_when_its_notice_is_given_up(store):
    lease = posted(store)
    store.failed(lease.notices()[0].key, "no answer", None)

    (found,) = lease.servers()
    assert found.state is State.FAILED
    assert found.reason == "its notice could not be delivered: no answer"
    assert found.finished_at == found.updated_at


@pytest.mark.parametrize("order", [*itertools.permutations("ABC")])
@pytest.mark.parametrize(
    ("well", "end"),
    [("ABC", "notified"), ("B", "notified"), ("", "failed")],
    ids=["all delivered", "one delivered", "none delivered"],
)
def test_one_delivered_notice_is_enough_in_any_order(store, well, order, end):
    lease = posted(store, *"ABC")
    keys = {one.target: one.key for one in lease.notices()}

    for target in order:
        if target in well:
            store.delivered(keys[target])
        else:
            store.failed(keys[target], "410", None)

    assert state(lease) == end


@pytest.mark.parametrize("event", ["server.failed", "server.stuck"])
def test_other_notices_are_no_matter_for_the_server(store, event):
    lease = leased(store)
    told = [notice(event=event), notice(event=event)]
    lease.add([server(1, State.NOTIFYING)], notices=told)
    one, two = keys(lease.notices())

    store.delivered(one)
    store.failed(two, "410", None)

    assert state(lease) is State.NOTIFYING


@pytest.mark.parametrize("delivered", [True, False])
@pytest.mark.parametrize(
    "other", [state for state in State if state is not State.NOTIFYING]
)
def test_a_server_that_does_not_wait_for_it_stays_as_it_is(
    store, other, delivered
):
    lease = posted(store)
    put(store, tables.server, state=other)
    (before,) = lease.servers()
    (key,) = keys(lease.notices())

    assert store.delivered(key) if delivered else store.failed(key, "", None)

    assert lease.servers() == [before]


def test_who_waits_for_notices_is_woken(store):
    lease = posted(store)
    (key,) = keys(lease.notices())
    lease.release(wake_at=1e12)
    assert store.claim("two", 30) is None

    store.delivered(key)

    assert store.claim("two", 30).recovery_id == lease.recovery_id


def send(url, name):
    """Have notices, and give their keys."""
    opened = stores.open(url)
    found = []
    while some := opened.due(name, 5, LONG):
        found += keys(some)
    opened.close()
    return found


def test_engines_that_look_at_once_have_different_notices(store, url):
    lease = leased(store)
    lease.save(notices=[Notice("x", "bus", {}) for _ in range(60)])

    found = together(*[partial(send, url, f"engine-{n}") for n in range(4)])
    lease.save(notices=[Notice("x", "bus", {}) for _ in range(7)])
    found.append(send(url, "last"))

    assert sorted(sum(found, [])) == keys(lease.notices())
    assert len(found[-1]) == 7


def give_up(url, key):
    opened = stores.open(url)
    opened.failed(key, "410", None)
    opened.close()


def test_the_last_of_those_that_give_up_at_once_fails_the_server(store, url):
    for number in range(4):
        lease = had(store, created(store, f"compute-{number}").id)
        told = [notice(target=target) for target in "AB"]
        lease.add([server(1, State.NOTIFYING)], notices=told)

        together(
            *[partial(give_up, url, key) for key in keys(lease.notices())]
        )

        assert state(lease) is State.FAILED
    give_up(url, keys(lease.notices())[0])


def test_a_delivery_does_not_stop_an_engine(store):
    lease = posted(store)
    store.delivered(lease.notices()[0].key)

    lease.renew()
    assert column(store, "wake_at") == [0.0]
