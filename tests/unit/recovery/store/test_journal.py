import pytest

from tests.unit.recovery.stores import leased, notice
from waffles.recovery.model import Line, Notice
from waffles.recovery.store import journal


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        (notice("new"), [2]),
        (notice("old"), []),
        (notice("another"), [0]),
        (Notice("recovery.held", "bus", {}), [0]),
        (Notice("x", "bus", {"server_id": "old"}, server_key=9), [9]),
        (Notice("x", "bus", {"server_id": 5}), [0]),
    ],
    ids=["new", "old", "of no row", "of the host", "with a key", "strange"],
)
def test_a_notice_gets_the_key_of_a_new_server(given, keys):
    found = journal.addressed([given], {"old": 1, "new": 2}, {"new"})

    assert [one.server_key for one in found] == keys


def test_what_has_a_time_keeps_it(store):
    lease = leased(store)
    lease.save(
        lines=[Line("a", "", at=5.0, engine="two")],
        notices=[Notice("x", "bus", {}, created_at=6.0, next_at=7.0)],
    )

    line, told = store.lines(lease.recovery_id)[-1], lease.notices()[0]
    assert (line.at, line.engine) == (5.0, "two")
    assert (told.created_at, told.next_at) == (6.0, 7.0)


def test_nothing_is_written_of_nothing(store):
    lease = leased(store)
    lease.save(lines=[], notices=[])

    assert len(store.lines(lease.recovery_id)) == 1
    assert lease.notices() == []
