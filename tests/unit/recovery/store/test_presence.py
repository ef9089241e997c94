from functools import partial

import sqlalchemy as sa

from tests.unit.recovery.stores import put, together
from waffles.recovery.store import store as stores
from waffles.recovery.store import tables


def test_an_engine_says_that_it_runs(store):
    before = store.now()
    store.beat("one", "node-1", 17)
    (first,) = store.engines()
    store.beat("one", "node-1", 17)
    (second,) = store.engines()

    assert (first.name, first.host, first.pid) == ("one", "node-1", 17)
    assert before <= first.started_at == first.seen_at <= store.now()
    assert second.started_at == first.started_at
    assert second.seen_at > first.seen_at


def test_engines_come_and_go(store):
    for name in ("two", "one", "Two"):
        store.beat(name, "node-1", 17)
    assert [one.name for one in store.engines()] == ["Two", "one", "two"]

    store.leave("two")
    store.leave("three")
    assert [one.name for one in store.engines()] == ["Two", "one"]


def test_one_that_has_not_been_seen_for_a_day_is_forgotten(store):
    store.beat("old", "node-1", 17)
    put(store, tables.engine, seen_at=store.now() - 86_390)
    store.beat("one", "node-1", 17)
    assert len(store.engines()) == 2

    put(store, tables.engine, seen_at=store.now() - 86_410)
    store.beat("two", "node-1", 17)
    assert [one.name for one in store.engines()] == ["two"]


def beat(url):
    opened = stores.open(url)
    opened.beat("same", "node-1", 17)
    opened.close()


def test_two_beats_at_once_are_one_engine(store, url):
    together(*[partial(beat, url)] * 4)
    beat(url)

    assert [one.name for one in store.engines()] == ["same"]


def test_one_that_is_written_down_meanwhile_is_counted(store, monkeypatch):
    """Its UPDATE has found nothing, and its INSERT is refused."""
    write, tries = store.database.write, []

    def late(work):
        tries.append(work)
        if len(tries) == 1:
            write(work)
            raise sa.exc.IntegrityError("INSERT", {}, Exception())
        return write(work)

    monkeypatch.setattr(store.database, "write", late)
    store.beat("one", "node-1", 17)

    assert len(tries) == 2
    (found,) = store.engines()
    assert found.seen_at > found.started_at
