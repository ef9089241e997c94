import threading

import pytest

from waffles import exceptions
from waffles.cells.journal.alone import Alone
from waffles.cells.journal.entries import Entry, Kind, busy


def entry(flavor_id="m1"):
    return Entry(flavor_id, Kind.UPDATE, {"c2": "pending"})


def test_a_flavor_is_in_one_hand():
    alone = Alone(patience=0.0)
    begun = alone.begin(entry())

    with pytest.raises(exceptions.Unavailable, match="Another change of"):
        alone.begin(entry())
    alone.begin(entry("m2"))

    alone.end(begun)
    again = alone.begin(entry())
    alone.leave(again)
    alone.begin(entry())


def test_one_that_waits_has_its_turn():
    alone = Alone(patience=30.0)
    begun, found = alone.begin(entry()), []
    thread = threading.Thread(
        target=lambda: found.append(alone.begin(entry()))
    )
    thread.start()

    alone.end(begun)

    thread.join(30)
    assert len(found) == 1


def test_nothing_is_kept():
    alone = Alone()
    begun = alone.begin(entry())
    assert alone.turn(begun)
    alone.end(begun)

    assert alone.claim() is None
    assert alone.entries() == []
    assert not alone.replays
    assert busy(alone) == frozenset()
