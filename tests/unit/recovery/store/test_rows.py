import dataclasses

import pytest

from waffles.recovery.model import (
    IN_FLIGHT,
    Assertion,
    Line,
    Notice,
    Phase,
    Recovery,
    Server,
    State,
)
from waffles.recovery.store import rows, tables

RECOVERY = Recovery(
    "1", "h", Phase.HELD, Assertion("h", True, kdump=True), "s", zone="z"
)
SERVER = Server("server-1", state=State.STUCK, tags=("a",), key=7)


@pytest.mark.parametrize(
    ("value", "table"),
    [
        (RECOVERY, tables.recovery),
        (SERVER, tables.server),
        (Line("e", "m"), tables.log),
        (Notice("e", "t", {}), tables.outbox),
    ],
    ids=lambda one: type(one).__name__,
)
def test_every_field_of_a_value_has_a_column(value, table):
    made = rows.of_recovery if value is RECOVERY else rows.of_value

    assert made(value).keys() <= set(table.c.keys())
    names = {field.name for field in dataclasses.fields(value)}
    assert names - {"key", "assertion"} <= made(value).keys()


def test_a_value_is_its_row():
    row = rows.of_recovery(RECOVERY)
    assert rows.to_recovery(row) == RECOVERY
    assert rows.to_server(rows.of_value(SERVER) | {"key": 7}) == SERVER


def test_a_line_of_the_whole_cloud_is_of_no_recovery():
    row = rows.of_value(Line("e", "m")) | {"key": 1, "recovery_id": None}

    assert rows.to_line(row).recovery_id == ""


def test_what_is_in_flight_is_open():
    assert IN_FLIGHT < rows.OPEN
    assert not any(state.final for state in rows.OPEN)


def test_an_engine_may_write_all_but_who_a_server_is():
    fields = {field.name for field in dataclasses.fields(Server)}

    assert fields - set(rows.WRITTEN) == {
        "server_id",
        "name",
        "project_id",
        "user_id",
        "finished_at",
        "updated_at",
        "key",
        "recovery_id",
    }
