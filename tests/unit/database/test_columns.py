import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

from tests.unit.recovery.stores import leased, notice, server
from waffles.database import columns
from waffles.recovery.model import Gate, Notice, State
from waffles.recovery.store import tables


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain ü 🔥", "plain ü 🔥"),
        ("a\0b\0", "a\ufffdb\ufffd"),
        ("a\ud800b", "a?b"),
        ("", ""),
    ],
)
def test_a_text_becomes_one_that_all_databases_take(store, text, stored):
    lease = leased(store)

    assert columns.storable(text) == stored
    assert lease.save(note=text).note == stored
    (found,) = lease.add([server(1, reason=text, destination=text)])
    assert found.reason == found.destination == stored


def test_what_is_too_long_for_people_is_cut_off(store):
    lease = leased(store)

    assert lease.save(note="🔥" * 99_999).note == "🔥" * columns.LONGEST


def test_a_time_is_kept_to_the_microsecond(store):
    lease = leased(store)
    time = 1795176037.863981

    assert lease.save(return_at=time).return_at == time


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"a": [1, 1.5, None, True, {"b": "ü\0\ud800"}]},
        {"long": "x" * 100_000},
    ],
    ids=["empty", "nested", "long"],
)
def test_a_payload_is_kept_as_it_is(store, payload):
    lease = leased(store)
    lease.save(notices=[Notice("x", "bus", payload)])

    assert lease.notices()[0].payload == payload


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (("b", "a"), ["b", "a"]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (
            (Gate("cell", False, "why"),),
            [{"name": "cell", "passed": False, "reason": "why"}],
        ),
        ({"a": 1}, {"a": 1}),
    ],
    ids=["tuple", "set", "gates", "mapping"],
)
def test_a_value_is_json_in_the_same_way_each_time(value, json):
    assert columns.plain(value) == json


def test_nothing_stays_nothing():
    """As in a column that may be NULL."""
    for kind in (columns.Name(9), columns.Prose(), columns.Named(State)):
        assert kind.process_bind_param(None, None) is None
    assert columns.Named(State).process_result_value(None, None) is None


def test_a_state_is_stored_by_its_value(store):
    leased(store).add([server(1, State.STUCK)])
    query = sa.text("SELECT state FROM recovery_server")

    assert store.database.read(lambda c: c.scalar(query)) == "stuck"


def test_a_time_has_eight_bytes_everywhere():
    table = sa.schema.CreateTable(tables.engine)

    for dialect in (mysql.dialect(), sqlite.dialect()):
        assert "seen_at DOUBLE NOT NULL" in str(table.compile(dialect=dialect))


def test_a_notice_keeps_its_order(store):
    lease = leased(store)
    lease.save(notices=[notice(target=name) for name in "cab"])

    assert [one.target for one in lease.notices()] == ["c", "a", "b"]
