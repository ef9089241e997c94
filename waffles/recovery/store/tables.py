"""The tables of the store.

Two columns named ``open_key`` decide: they are unique, and NULL does not
collide.  That of a recovery is its host until it has ended; that of a server
is its id from the moment that it is taken until its evacuation has ended, and
on while it is stuck.

The revisions of :mod:`waffles.database.migrations` make these tables.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column

from waffles.database.columns import KEY, TIME, Json, Name, Named, Prose
from waffles.database.metadata import table
from waffles.recovery.model import Decision, Gate, Phase, Return, State


def _gates(found: list[dict[str, Any]]) -> tuple[Gate, ...]:
    """Gates, of what JSON has."""
    return tuple(Gate(**gate) for gate in found)


def _needed(name: str, kind: Any, **how: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **how)


def _of_recovery(**how: Any) -> Column[Any]:
    target = sa.ForeignKey("recovery.id")
    return Column("recovery_id", Name(36), target, **how)


recovery = table(
    "recovery",
    Column("row_id", KEY, primary_key=True, key="key"),
    _needed("id", Name(36), unique=True),
    _needed("host", Name(255)),
    Column("open_key", Name(255), unique=True),
    _needed("phase", Named(Phase)),
    Column("idempotency_by", Name(255)),
    Column("idempotency_key", Name(255)),
    _needed("digest", Name(128)),
    _needed("fenced", sa.Boolean()),
    _needed("fenced_by", Prose()),
    Column("fenced_at", TIME),
    _needed("evidence", Prose()),
    _needed("reason", Prose()),
    _needed("kdump", sa.Boolean()),
    _needed("service_id", Name(64)),
    _needed("zone", Name(255)),
    _needed("asserted_by", Name(255)),
    _needed("project_id", Name(255)),
    _needed("request_id", Name(255)),
    _needed("gates", Json(_gates)),
    _needed("released", Json(frozenset)),
    _needed("released_by", Prose()),
    _needed("paused", Prose()),
    _needed("note", Prose()),
    _needed("baseline", Name(64)),
    _needed("disabled", sa.Boolean()),
    _needed("return_state", Named(Return), key="returning"),
    Column("return_at", TIME),
    _needed("epoch", sa.Integer()),
    _needed("owner", Name(255)),
    _needed("lease_until", TIME),
    _needed("wake_at", TIME),
    _needed("created_at", TIME),
    _needed("updated_at", TIME),
    Column("finished_at", TIME),
    sa.UniqueConstraint("idempotency_by", "idempotency_key"),
    sa.Index(None, "host"),
)

server = table(
    "recovery_server",
    Column("row_id", KEY, primary_key=True, key="key"),
    _of_recovery(nullable=False),
    _needed("server_id", Name(36)),
    Column("open_key", Name(36), unique=True),
    _needed("name", Prose()),
    _needed("project_id", Name(255)),
    _needed("user_id", Name(255)),
    _needed("decision", Named(Decision)),
    _needed("reason", Prose()),
    _needed("state", Named(State)),
    _needed("priority", sa.Integer()),
    _needed("recovery_group", Name(255), key="group"),
    _needed("server_group", Name(255)),
    _needed("status", Name(64)),
    _needed("tags", Json(tuple)),
    _needed("source", Name(255)),
    _needed("destination", Name(255)),
    _needed("attempt", sa.Integer()),
    _needed("floor", sa.BigInteger()),
    _needed("migration", sa.BigInteger()),
    _needed("migration_status", Name(64)),
    _needed("request_id", Name(255)),
    Column("issued_at", TIME),
    Column("finished_at", TIME),
    _needed("wake_at", TIME),
    _needed("updated_at", TIME),
    sa.UniqueConstraint("recovery_id", "server_id"),
    sa.Index(None, "state"),
    sa.Index(None, "project_id"),
)

log = table(
    "recovery_log",
    Column("row_id", KEY, primary_key=True, key="key"),
    _of_recovery(index=True),
    _needed("server_id", Name(36)),
    _needed("event", Name(64)),
    _needed("message", Prose()),
    _needed("request_id", Name(255)),
    _needed("logged_at", TIME, key="at"),
    _needed("engine", Name(255)),
)

outbox = table(
    "outbox",
    Column("row_id", KEY, primary_key=True, key="key"),
    _of_recovery(nullable=False, index=True),
    _needed("server_key", sa.BigInteger(), index=True),
    _needed("event", Name(64)),
    _needed("target", Name(64)),
    _needed("payload", Json(dict)),
    _needed("attempts", sa.Integer()),
    _needed("next_at", TIME),
    Column("delivered_at", TIME),
    Column("gave_up_at", TIME),
    _needed("error", Prose()),
    _needed("created_at", TIME),
)

engine = table(
    "engine",
    Column("name", Name(255), primary_key=True),
    _needed("host", Name(255)),
    _needed("pid", sa.Integer()),
    _needed("started_at", TIME),
    _needed("seen_at", TIME),
)

#: No row, or one.
pause = table(
    "pause",
    Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    _needed("reason", Prose()),
    _needed("set_by", Name(255), key="by"),
    _needed("since", TIME),
    Column("ends_at", TIME, key="until"),
)

#: One row: who changes it has the turn until its transaction ends.
turn = table(
    "turn",
    Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    _needed("number", sa.BigInteger()),
)
