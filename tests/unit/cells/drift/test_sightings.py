import pytest

from waffles.cells.drift import sightings

SMALL = {"id": "s", "name": "small", "ram": 64}
LARGE = {"id": "s", "name": "small", "ram": 128}


@pytest.fixture
def look(caplog):
    """Looks a minute later than before; gives what was logged."""
    clock = [0.0]
    made = sightings.Sightings(lambda: clock[0])

    def look(there, later=sightings.PAUSE):
        caplog.clear()
        made.see("c1", {"c1": [SMALL], "c2": there})
        clock[0] += later
        return [record.getMessage() for record in caplog.records]

    return look


def test_what_is_seen_twice_is_told_once(look):
    assert look([LARGE]) == []
    (told,) = look([LARGE])
    assert look([LARGE]) == []

    assert told.startswith("Flavor s differs in cell c2 from home: ram.")


def test_what_was_mended_and_differs_anew_is_told_anew(look):
    look([LARGE])
    look([LARGE])
    look([SMALL])

    assert look([LARGE]) == []
    assert look([LARGE])


def test_what_one_look_has_found_may_be_a_write(look):
    assert look([LARGE]) == []
    assert look([SMALL]) == []


def test_a_list_says_nothing_of_what_it_does_not_show(look):
    look([])

    assert look([]) == []


def test_looks_are_rare(look):
    look([LARGE], later=1.0)

    assert look([LARGE]) == []
