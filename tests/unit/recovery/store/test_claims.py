import time
from functools import partial

import pytest

from tests.unit.recovery.stores import (
    LONG,
    Process,
    created,
    events,
    lapse,
    last,
    leased,
    put,
    together,
)
from waffles.recovery.model import Line, Phase, Return
from waffles.recovery.store import store as stores


def test_a_recovery_is_had_once(store):
    made = created(store)

    lease = store.claim("one", 30)

    assert (lease.recovery_id, lease.epoch) == (made.id, 1)
    assert lease.recovery().owner == "one"
    assert store.now() < lease.until <= store.now() + 30
    assert store.claim("two", 30) is None
    assert store.claim("one", 30) is None
    assert store.takeovers == 0


def test_there_may_be_nothing_to_do(store):
    assert store.claim("one", 30) is None


def test_one_that_was_let_go_is_to_be_had(store):
    leased(store).release()

    lease = store.claim("two", 30)

    assert lease.epoch == 2
    assert store.takeovers == 0
    assert events(store, lease.recovery_id) == ["received"]


@pytest.mark.parametrize(("seconds", "had"), [(-1, True), (60, False)])
def test_one_that_sleeps_is_had_when_its_time_has_come(store, seconds, had):
    leased(store).release(wake_at=store.now() + seconds)

    assert bool(store.claim("two", 30)) is had


@pytest.mark.parametrize("phase", Phase)
def test_one_that_has_ended_is_left_alone(store, phase):
    lease = leased(store)
    lease.save(phase=phase)
    lease.release()

    assert bool(store.claim("two", 30)) is not phase.final


@pytest.mark.parametrize("returning", Return)
def test_one_whose_host_comes_back_is_to_be_had(store, returning):
    lease = leased(store)
    lease.save(phase=Phase.DONE, returning=returning)
    lease.release()

    assert bool(store.claim("two", 30)) is (returning is Return.WAITING)


def test_the_work_of_one_that_died_is_taken_over(store):
    first = leased(store, engine="one")
    lapse(store)

    second = store.claim("two", 30)

    assert (second.recovery_id, second.epoch) == (first.recovery_id, 2)
    assert store.takeovers == 1
    assert last(store, first.recovery_id) == (
        "The lease of one has run out; two goes on."
    )
    (line,) = [x for x in store.lines(first.recovery_id) if x.engine]
    assert (line.event, line.engine) == ("taken-over", "two")
    with pytest.raises(stores.Lost):
        first.renew()


def test_engines_do_not_all_begin_with_the_oldest(store):
    made = [created(store, f"compute-{number}").id for number in range(20)]

    had = [store.claim("one", LONG).recovery_id for _ in made]

    assert sorted(had) == sorted(made)
    assert had != made


def test_the_oldest_twenty_come_first(store):
    made = [created(store, f"compute-{number}").id for number in range(25)]
    found = set()
    for _ in range(40):
        lease = store.claim("one", LONG)
        found.add(lease.recovery_id)
        lease.release()

    assert found <= set(made[:20])


def have(store, recovery_id):
    store.claim("one", LONG)


def end(store, recovery_id):
    put(store, open_key=None)


def sleep(store, recovery_id):
    put(store, wake_at=store.now() + 60)


@pytest.mark.parametrize("meanwhile", [have, end, sleep])
def test_what_has_changed_since_it_was_seen_is_passed_over(store, meanwhile):
    first = created(store, "a")
    meanwhile(store, first.id)
    second = created(store, "b")
    slow = stores.Store(store.database)
    slow._due = lambda connection: [("gone", 0), (first.id, 0), (second.id, 0)]

    assert slow.claim("two", 30).recovery_id == second.id
    assert store.recovery(first.id).owner in ("", "one")


def claims(url, engine):
    """All that an engine can have."""
    opened = stores.open(url)
    found = []
    while lease := opened.claim(engine, LONG):
        found.append((lease.recovery_id, lease.epoch))
    opened.close()
    return found


def test_engines_that_look_at_once_have_different_recoveries(store, url):
    made = [created(store, f"compute-{number}").id for number in range(12)]

    found = together(*[partial(claims, url, f"engine-{n}") for n in range(4)])

    assert sorted(sum(found, [])) == sorted((id, 1) for id in made)
    assert claims(url, "late") == []


def work(url, name, times=1_000_000):
    """Have recoveries, and write that into their logs."""
    opened = stores.open(url)
    for _ in range(times):
        if lease := opened.claim(name, 0.3):
            lease.save(lines=[Line("had", f"epoch {lease.epoch}")])
    opened.close()


def test_no_epoch_is_had_twice_while_engines_are_killed(store, url):
    made = [created(store, f"compute-{number}").id for number in range(4)]
    work(url, "first", 5)
    running = [Process(partial(work, url, f"engine-{n}")) for n in range(3)]

    for number in range(6):
        time.sleep(0.1 + number / 20)
        running.pop(0).kill()
        running.append(Process(partial(work, url, f"late-{number}")))
    for process in running:
        process.kill()

    for recovery_id in made:
        lines = store.lines(recovery_id)
        had = [line.message for line in lines if line.event == "had"]
        assert len(had) == len(set(had)) <= store.recovery(recovery_id).epoch
    assert any("run out" in line.message for line in lines)
    lapse(store)
    assert {id for id, _ in claims(url, "last")} == set(made)
