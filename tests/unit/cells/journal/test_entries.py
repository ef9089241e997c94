import dataclasses

import pytest

from tests.unit.cells.journals import database, journal, url
from waffles.cells.journal import entries
from waffles.cells.journal.entries import WRITE, Entry, Kind, busy

__all__ = ["database", "journal", "url"]


def entry(flavor_id="m1", kind=Kind.UPDATE):
    return Entry(flavor_id, kind, {"c3": "failed"})


def test_flavors_with_writes_are_known(journal):
    journal.leave(journal.begin(entry("m1")))
    journal.begin(entry("m2"))

    assert busy(journal) == {"m1", "m2"}


def test_all_of_an_entry_has_a_column():
    fields = {field.name for field in dataclasses.fields(Entry)}

    assert fields <= set(WRITE.c.keys())


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            Kind.DELETE,
            "An earlier delete of flavor m1 is not finished yet: c3.",
        ),
        (
            Kind.UNDO,
            "An earlier failed create of flavor m1 is not finished yet: c3.",
        ),
    ],
)
def test_what_is_in_the_way_is_told(kind, said):
    assert str(entries.unfinished(entry(kind=kind))) == said
    assert "flavor m1 is under way" in str(entries.in_hand("m1"))


def test_kinds_have_room_in_the_database():
    assert max(map(len, Kind)) <= 16
