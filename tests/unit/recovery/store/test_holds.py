import dataclasses
import time
from functools import partial

import pytest

from tests.unit.recovery.stores import (
    LINE,
    Process,
    column,
    created,
    events,
    had,
    lapse,
    leased,
    notice,
    put,
    server,
    servers,
    states,
    take,
)
from waffles.recovery.model import Phase, State
from waffles.recovery.store import store as stores

#: What an engine does with its lease, by what it needs to be ours for.
READS = {
    "recovery": lambda lease, row: lease.recovery(),
    "servers": lambda lease, row: lease.servers(),
    "notices": lambda lease, row: lease.notices(),
}
WRITES = {
    "renew": lambda lease, row: lease.renew(),
    "save": lambda lease, row: lease.save(note="late", lines=[LINE]),
    "end": lambda lease, row: lease.save(phase=Phase.DONE),
    "add": lambda lease, row: lease.add([server(99)], [LINE], [notice()]),
    "update": lambda lease, row: lease.update(
        [dataclasses.replace(row, state=State.FAILED)], [LINE], [notice()]
    ),
    "take": lambda lease, row: take(lease, [row]),
}
LETS_GO = {"release": lambda lease, row: lease.release(wake_at=1e12)}


def taken_over(store, recovery_id):
    lapse(store)
    assert store.claim("two", 60)


def let_go(store, recovery_id):
    put(store, owner="", lease_until=0.0)


def abandoned(store, recovery_id):
    store.abandon(recovery_id, "me", "", 0)


def had_again_by_the_same_name(store, recovery_id):
    lapse(store)
    assert store.claim("one", 60).epoch == 2


def everything(store, recovery_id):
    return (
        store.recovery(recovery_id),
        store.servers(recovery_id),
        store.lines(recovery_id),
        store.undelivered(100),
        column(store, "lease_until"),
        column(store, "wake_at"),
    )


@pytest.mark.parametrize(
    "by", [taken_over, let_go, abandoned, had_again_by_the_same_name]
)
@pytest.mark.parametrize("name", READS | WRITES | LETS_GO)
def test_nothing_is_done_by_one_that_has_lost_its_lease(store, name, by):
    lease = leased(store)
    (row,) = lease.add([server()])
    by(store, lease.recovery_id)
    before = everything(store, lease.recovery_id)

    with pytest.raises(stores.Lost, match="of one on .*, epoch 1, is lost"):
        (READS | WRITES | LETS_GO)[name](lease, row)

    assert everything(store, lease.recovery_id) == before


@pytest.mark.parametrize("name", WRITES)
def test_nothing_is_written_when_the_time_is_over(store, name):
    lease = leased(store)
    (row,) = lease.add([server()])
    lapse(store)
    before = everything(store, lease.recovery_id)

    with pytest.raises(stores.Lost):
        WRITES[name](lease, row)

    assert everything(store, lease.recovery_id) == before


def test_one_may_let_go_when_the_time_is_over(store):
    lease = leased(store)
    lapse(store)

    lease.release()

    assert store.claim("two", 30).epoch == 2
    assert store.takeovers == 0


def test_it_is_ours_for_less_than_the_database_says(store):
    created(store)

    lease = store.claim("one", 30)

    assert lease.left() <= 30
    said = lease.until - store.now()
    assert lease.left() <= said
    time.sleep(0.05)
    assert lease.left() < 29.96
    lease._began -= 40
    assert lease.left() < -10


def test_it_can_be_had_for_longer(store):
    lease = leased(store, length=30)
    put(store, lease_until=store.now() + 1)
    lease._began -= 29

    lease.renew()

    assert 29 < lease.left() <= 30
    assert column(store, "lease_until") == [lease.until]
    assert store.now() + 28 < lease.until <= store.now() + 30
    assert lease.recovery().updated_at >= lease.until - 30


def test_one_that_cannot_be_had_for_longer_is_had_no_longer(store):
    lease = leased(store, length=30)
    until = lease.until
    lapse(store)
    lease._began -= 29

    with pytest.raises(stores.Lost):
        lease.renew()

    assert lease.left() <= 1
    assert lease.until == until


def test_one_that_is_let_go_keeps_what_was_written(store):
    lease = leased(store)
    lease.save(phase=Phase.HELD, note="why")

    lease.release(wake_at=5.0)

    found = store.recovery(lease.recovery_id)
    assert (found.phase, found.note, found.owner) == (Phase.HELD, "why", "")
    assert column(store, "wake_at") == [5.0]
    assert column(store, "lease_until") == [0.0]


def advance(url, name, times=1_000_000):
    """Write servers, and then that they have recovered, over and over."""
    opened = stores.open(url)
    for number in range(times):
        if lease := opened.claim(name, 0.2):
            ids = [f"{name}-{number}-{part}" for part in range(4)]
            found = lease.add([server(server_id=id) for id in ids], [LINE])
            done = {"state": State.RECOVERED}
            found = [dataclasses.replace(row, **done) for row in found]
            lease.update(found, [LINE])
    opened.close()


def test_a_write_is_whole_or_not_there_when_engines_are_killed(store, url):
    recovery_id = created(store).id
    advance(url, "first", 2)

    for number in range(6):
        process = Process(partial(advance, url, f"e{number}"))
        time.sleep(0.15 + number / 20)
        process.kill()

    found = states(store, recovery_id)
    lines = events(store, recovery_id).count("received") - 1
    recovered = list(found.values()).count("recovered")
    assert lines
    assert len(found) % 4 == recovered % 4 == 0
    assert lines == (len(found) + recovered) / 4
    lapse(store)
    assert len(had(store, recovery_id).add(servers(3))) == 3
