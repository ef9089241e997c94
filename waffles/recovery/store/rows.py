"""Rows of the tables, and the values of the model that they stand for."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from waffles.recovery.model import (
    Assertion,
    Line,
    Notice,
    Recovery,
    Server,
    State,
)
from waffles.recovery.store import tables

Row = sa.RowMapping

T = TypeVar("T")

#: States of servers that one evacuation is about, and no other may be.
OPEN = frozenset({State.ISSUING, State.WATCHING, State.RESTORING})

#: What an engine may write of a server.
WRITTEN = (
    "decision reason state priority group server_group status tags source"
    " destination attempt floor migration migration_status request_id"
    " issued_at wake_at"
).split()


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


_ASSERTION = _names(Assertion)
_RECOVERY = tuple(name for name in _names(Recovery) if name != "assertion")
_SERVER, _LINE, _NOTICE = _names(Server), _names(Line), _names(Notice)


def to_recovery(row: Row) -> Recovery:
    """A row as a value."""
    assertion = Assertion(**{name: row[name] for name in _ASSERTION})
    kept = {name: row[name] for name in _RECOVERY}
    return Recovery(assertion=assertion, **kept)


def to_server(row: Row) -> Server:
    """A row as a value."""
    return Server(**{name: row[name] for name in _SERVER})


def to_line(row: Row) -> Line:
    """A row as a value."""
    kept = {name: row[name] for name in _LINE}
    return Line(**kept | {"recovery_id": row["recovery_id"] or ""})


def to_notice(row: Row) -> Notice:
    """A row as a value."""
    return Notice(**{name: row[name] for name in _NOTICE})


def of_recovery(value: Recovery) -> dict[str, Any]:
    """The columns of a value, without its key."""
    kept = {name: getattr(value, name) for name in _RECOVERY}
    said = {name: getattr(value.assertion, name) for name in _ASSERTION}
    return said | kept


def of_value(value: Server | Line | Notice) -> dict[str, Any]:
    """The columns of a value, without its key."""
    names = _names(value)
    return {name: getattr(value, name) for name in names if name != "key"}


def fetch(
    connection: sa.Connection, found: sa.Select[Any], made: Callable[[Row], T]
) -> list[T]:
    """The rows that a statement finds, each as a value."""
    return [made(row) for row in connection.execute(found).mappings()]


def added(server: Server, recovery_id: str, now: float) -> dict[str, Any]:
    """A new row; what is final from the beginning has ended now."""
    ended = now if server.state.final else None
    return of_value(server) | {
        "recovery_id": recovery_id,
        "open_key": server.server_id if server.state in OPEN else None,
        "finished_at": server.finished_at or ended,
        "updated_at": now,
    }


def changed(recovery_id: str) -> sa.Update:
    """The statement for a server, with parameters of :func:`changes`."""
    table = tables.server
    keeps = sa.bindparam("b_keeps", type_=sa.Integer) == 1
    names = (*WRITTEN, "finished_at", "updated_at")
    values: dict[str, Any] = {
        name: sa.bindparam(f"b_{name}") for name in names
    }
    kept = sa.case((keeps, table.c.open_key), else_=sa.bindparam("b_open_key"))
    return (
        table.update()
        .where(
            table.c.key == sa.bindparam("b_key"),
            table.c.recovery_id == recovery_id,
        )
        .values(values | {"open_key": kept})
    )


def changes(server: Server, now: float) -> dict[str, Any]:
    """The parameters that write a server down; who is stuck stays open."""
    state, ended = server.state, server.finished_at or now
    found = {name: getattr(server, name) for name in WRITTEN} | {
        "key": server.key,
        "keeps": int(state is State.STUCK),
        "open_key": server.server_id if state in OPEN else None,
        "finished_at": ended if state.final else None,
        "updated_at": now,
    }
    return {f"b_{name}": value for name, value in found.items()}
