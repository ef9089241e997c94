import dataclasses
import threading
import time
from functools import partial

import pytest
import sqlalchemy as sa

from tests.unit.cells.journals import (
    database,
    due,
    journal,
    lapse,
    put,
    url,
)
from waffles import exceptions
from waffles.cells.journal.entries import WRITE, Entry, Kind
from waffles.cells.journal.journal import FIRST, MOST, Journal
from waffles.database.access import Database

__all__ = ["database", "journal", "url"]

CELLS = {"c2": "pending", "c3": "pending"}


def entry(flavor_id="m1", kind=Kind.UPDATE, cells=CELLS, **more):
    return Entry(flavor_id, kind, cells, **more)


def left(begun, cells):
    return dataclasses.replace(begun, cells=cells)


def waiting(journal, flavor_id="m1", kind=Kind.UPDATE):
    """A write that is left, and is due."""
    begun = journal.begin(entry(flavor_id, kind))
    journal.end(left(begun, {"c3": "timed-out"}), "it hangs")
    due(journal)
    return begun


def test_a_write_is_there_before_it_has_ended(journal):
    begun = journal.begin(entry(made={"ram": 1}, request_id="req-1"))

    (found,) = journal.entries()
    assert found.key == begun.key
    assert (found.flavor_id, found.kind, found.cells) == (
        "m1",
        Kind.UPDATE,
        CELLS,
    )
    assert (found.made, found.request_id) == ({"ram": 1}, "req-1")
    assert abs(found.created_at - time.time()) < 60


def test_what_is_finished_is_gone(journal):
    begun = journal.begin(entry())

    journal.end(left(begun, {}))

    assert journal.entries() == []


def test_what_is_left_says_where_and_why(journal):
    begun = journal.begin(entry())

    journal.end(left(begun, {"c3": "timed-out"}), "Cell c3 hangs.")

    (found,) = journal.entries()
    assert (found.cells, found.error) == (
        {"c3": "timed-out"},
        "Cell c3 hangs.",
    )


def test_a_flavor_is_in_one_hand(journal):
    journal.begin(entry())

    with pytest.raises(exceptions.Unavailable, match="Another change of"):
        journal.begin(entry())

    assert journal.begin(entry("m2"))


def test_one_that_waits_has_its_turn(database):
    journal = Journal(database, patience=30.0)
    first, found = journal.begin(entry()), []
    thread = threading.Thread(
        target=lambda: found.append(journal.begin(entry()))
    )
    thread.start()

    journal.end(left(first, {}))

    thread.join(30)
    assert [one.key for one in journal.entries()] == [found[0].key]


def test_many_processes_have_a_flavor_one_after_another(url, database):
    inside, together, lock = [0], [], threading.Lock()

    def work():
        own = Database(url)
        journal = Journal(own, patience=60.0)
        for _ in range(3):
            begun = journal.begin(entry())
            with lock:
                inside[0] += 1
                together.append(inside[0])
            time.sleep(0.002)
            with lock:
                inside[0] -= 1
            journal.end(left(begun, {}))
        own.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert together == [1] * 12


def test_the_flavor_of_the_dead_is_taken_over_by_a_request(database):
    journal = Journal(database, patience=1.0, sleep=lambda seconds: None)
    journal.begin(entry())
    lapse(journal)

    assert journal.begin(entry())
    assert len(journal.entries()) == 2


@pytest.mark.parametrize(
    ("earlier", "kind", "passes"),
    [
        (Kind.UNDO, Kind.CREATE, False),
        (Kind.UNDO, Kind.SPECS, False),
        (Kind.UNDO, Kind.DELETE, False),
        (Kind.DELETE, Kind.CREATE, False),
        (Kind.DELETE, Kind.DELETE, True),
        (Kind.DELETE, Kind.SPECS, True),
        (Kind.SPECS, Kind.CREATE, True),
        (Kind.CREATE, Kind.CREATE, True),
        (Kind.UPDATE, Kind.DELETE, True),
    ],
)
def test_some_writes_must_have_ended_before(journal, earlier, kind, passes):
    waiting(journal, kind=earlier)

    if passes:
        assert journal.begin(entry(kind=kind))
    else:
        with pytest.raises(exceptions.Unavailable, match="not finished.*c3"):
            journal.begin(entry(kind=kind))
        assert len(journal.entries()) == 1
    assert journal.begin(entry("m2", kind))


def test_a_create_waits_for_a_delete_that_is_under_way(database):
    journal = Journal(database, patience=30.0)
    first, found = journal.begin(entry(kind=Kind.DELETE)), []
    thread = threading.Thread(
        target=lambda: found.append(journal.begin(entry(kind=Kind.CREATE)))
    )
    thread.start()

    time.sleep(0.05)
    journal.end(left(first, {}))

    thread.join(30)
    assert len(found) == 1


def test_the_delete_of_the_dead_is_not_finished(database):
    journal = Journal(database, patience=1.0)
    journal.begin(entry(kind=Kind.DELETE))
    lapse(journal)

    with pytest.raises(exceptions.Unavailable, match="not finished.*c2, c3"):
        journal.begin(entry(kind=Kind.CREATE))


def test_what_is_to_be_done_can_be_changed(journal):
    begun = journal.begin(entry(kind=Kind.CREATE))

    assert journal.turn(
        dataclasses.replace(begun, kind=Kind.UNDO, cells={"c1": "pending"})
    )

    (found,) = journal.entries()
    assert (found.kind, found.cells) == (Kind.UNDO, {"c1": "pending"})
    with pytest.raises(exceptions.Unavailable):
        journal.begin(entry())


def test_who_breaks_down_leaves_it_as_it_is(journal):
    begun = journal.begin(entry(kind=Kind.CREATE))
    journal.turn(dataclasses.replace(begun, kind=Kind.UNDO, cells={"c1": "x"}))

    journal.leave(begun)

    due(journal)
    found = journal.claim()
    assert (found.kind, found.cells) == (Kind.UNDO, {"c1": "x"})


def test_nothing_is_claimed_before_its_time(journal):
    begun = journal.begin(entry())
    assert journal.claim() is None
    journal.end(begun)
    assert journal.claim() is None

    due(journal)

    found = journal.claim()
    assert (found.key, found.attempts) == (begun.key, 1)
    assert journal.claim() is None


def test_what_is_claimed_is_in_hand(journal):
    waiting(journal)
    journal.claim()

    with pytest.raises(exceptions.Unavailable, match="Another change of"):
        journal.begin(entry())


def test_one_of_two_that_look_at_once_has_it(url, journal):
    waiting(journal)
    other = Journal(journal.database)
    (seen,) = journal.database.read(journal._due)
    mine = dataclasses.replace(seen, attempts=1, owner="one")
    theirs = dataclasses.replace(seen, attempts=1, owner="two")

    assert journal.database.write(partial(journal._have, mine))
    assert not other.database.write(partial(other._have, theirs))


def test_what_was_tried_meanwhile_is_not_tried_at_once(journal):
    waiting(journal)
    (seen,) = journal.database.read(journal._due)
    journal.end(journal.claim(), "still")

    mine = dataclasses.replace(seen, attempts=1, owner="late")
    assert not journal.database.write(partial(journal._have, mine))


def test_who_comes_too_late_has_the_next(journal, monkeypatch):
    waiting(journal)
    waiting(journal, "m2")
    seen = journal.database.read(journal._due)
    journal.claim()
    monkeypatch.setattr(journal, "_due", lambda connection: list(seen))

    assert journal.claim()
    assert journal.claim() is None


def test_the_oldest_of_a_flavor_comes_first(journal):
    first = waiting(journal)
    second = waiting(journal)
    other = waiting(journal, "m2")

    claimed = [journal.claim(), journal.claim()]
    assert {one.key for one in claimed} == {first.key, other.key}
    assert journal.claim() is None

    journal.end(left(min(claimed, key=lambda one: one.key), {}))
    assert journal.claim().key == second.key


def test_a_claim_waits_for_a_request(journal):
    first = waiting(journal)
    request = journal.begin(entry())

    assert journal.claim() is None

    journal.end(left(request, {}))
    assert journal.claim().key == first.key


def test_a_claim_takes_over_from_the_dead(journal):
    first = waiting(journal)
    journal.begin(entry())  # and dies
    lapse(journal)

    assert journal.claim() is None  # lets go of it
    assert journal.claim().key == first.key


def test_the_dead_leave_their_own_write(journal):
    begun = journal.begin(entry())
    lapse(journal)

    found = journal.claim()

    assert (found.key, found.cells) == (begun.key, CELLS)


def test_who_has_lost_it_changes_nothing(journal):
    slow = journal.begin(entry())
    lapse(journal)
    new = journal.claim()

    journal.end(left(slow, {}))
    assert not journal.turn(dataclasses.replace(slow, kind=Kind.UNDO))

    (found,) = journal.entries()
    assert (found.owner, found.kind) == (new.owner, Kind.UPDATE)


def test_who_was_let_go_of_changes_nothing_either(database):
    """Another write of the flavor is under way then."""
    journal = Journal(database, patience=1.0)
    slow = journal.begin(entry(kind=Kind.CREATE))
    lapse(journal)
    journal.begin(entry())

    assert not journal.turn(dataclasses.replace(slow, kind=Kind.UNDO))

    kinds = [one.kind for one in journal.entries()]
    assert kinds == [Kind.CREATE, Kind.UPDATE]


def test_a_flavor_is_in_hand_longer_than_slow_cells_take(still):
    """A write is ten requests one after another, each of 30 s."""
    still.begin(entry())

    until = still.database.read(
        lambda c: c.execute(sa.select(WRITE.c.lease_until)).scalar_one()
    )
    assert until - 1000.0 >= 300


@pytest.fixture
def still(journal, monkeypatch):
    """A journal whose time is 1000."""
    monkeypatch.setattr(journal.database, "now", lambda connection: 1000.0)
    return journal


def wait_of(still, attempts, **how):
    """Seconds until a replay."""
    begun = still.begin(entry())
    still.end(dataclasses.replace(begun, attempts=attempts), **how)
    (found,) = still.entries()
    return found.next_at - 1000.0


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, FIRST), (1, 2 * FIRST), (5, 32 * FIRST), (9, MOST), (99999, MOST)],
)
def test_it_is_tried_again_later_and_later(still, attempts, seconds):
    assert wait_of(still, attempts) == seconds


def test_it_is_not_tried_before_it_has_settled(still):
    assert wait_of(still, 0, wait=30.0) == 30.0


def test_without_a_database_nothing_begins(journal, monkeypatch):
    broken(journal, monkeypatch)

    with pytest.raises(exceptions.Unavailable):
        journal.begin(entry())


def broken(journal, monkeypatch):
    def away(work):
        raise exceptions.Unavailable("The database gives no answer.")

    monkeypatch.setattr(journal.database, "write", away)


def test_a_write_that_cannot_be_ended_is_gone_on_with(journal, monkeypatch):
    begun = journal.begin(entry())
    with monkeypatch.context() as patched:
        broken(journal, patched)
        assert journal.turn(begun)  # nobody says that it is lost
        journal.end(left(begun, {}))

    lapse(journal)
    assert journal.claim().cells == CELLS


def test_a_forgotten_state_of_a_row_is_kept(journal):
    waiting(journal)
    put(journal, cells={"c9": "failed"})

    assert journal.claim().cells == {"c9": "failed"}
