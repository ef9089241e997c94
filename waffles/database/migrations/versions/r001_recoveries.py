"""Recoveries, their servers and logs, notices, engines, and the pause.

MySQL cannot take back what has changed a schema, so what an upgrade that was
killed has left is gone on with.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column
from sqlalchemy.dialects import mysql

revision = "001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.Double[float]()
LONG = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    _recovery()
    _server()
    _log()
    _outbox()
    _table(
        "engine",
        _needed("name", sa.String(255)),
        _needed("host", sa.String(255)),
        _needed("pid", sa.Integer()),
        _needed("started_at", TIME),
        _needed("seen_at", TIME),
        sa.PrimaryKeyConstraint("name", name="pk_engine"),
    )
    _table(
        "pause",
        Column("id", sa.Integer(), autoincrement=False, nullable=False),
        _needed("reason", sa.Text()),
        _needed("set_by", sa.String(255)),
        _needed("since", TIME),
        Column("ends_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_pause"),
    )
    _table(
        "turn",
        Column("id", sa.Integer(), autoincrement=False, nullable=False),
        _needed("number", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_turn"),
    )
    op.execute("DELETE FROM turn")
    op.execute("INSERT INTO turn (id, number) VALUES (1, 0)")


def _recovery() -> None:
    _table(
        "recovery",
        Column("row_id", KEY, nullable=False),
        _needed("id", sa.String(36)),
        _needed("host", sa.String(255)),
        Column("open_key", sa.String(255)),
        _needed("phase", sa.String(16)),
        Column("idempotency_by", sa.String(255)),
        Column("idempotency_key", sa.String(255)),
        _needed("digest", sa.String(128)),
        _needed("fenced", sa.Boolean()),
        _needed("fenced_by", sa.Text()),
        Column("fenced_at", TIME),
        _needed("evidence", sa.Text()),
        _needed("reason", sa.Text()),
        _needed("kdump", sa.Boolean()),
        _needed("service_id", sa.String(64)),
        _needed("zone", sa.String(255)),
        _needed("asserted_by", sa.String(255)),
        _needed("project_id", sa.String(255)),
        _needed("request_id", sa.String(255)),
        _needed("gates", LONG),
        _needed("released", LONG),
        _needed("released_by", sa.Text()),
        _needed("paused", sa.Text()),
        _needed("note", sa.Text()),
        _needed("baseline", sa.String(64)),
        _needed("disabled", sa.Boolean()),
        _needed("return_state", sa.String(16)),
        Column("return_at", TIME),
        _needed("epoch", sa.Integer()),
        _needed("owner", sa.String(255)),
        _needed("lease_until", TIME),
        _needed("wake_at", TIME),
        _needed("created_at", TIME),
        _needed("updated_at", TIME),
        Column("finished_at", TIME),
        sa.PrimaryKeyConstraint("row_id", name="pk_recovery"),
        sa.UniqueConstraint("id", name="uq_recovery_id"),
        sa.UniqueConstraint("open_key", name="uq_recovery_open_key"),
        sa.UniqueConstraint(
            "idempotency_by",
            "idempotency_key",
            name="uq_recovery_idempotency_by_idempotency_key",
        ),
    )
    _index("recovery", "host")


def _server() -> None:
    _table(
        "recovery_server",
        Column("row_id", KEY, nullable=False),
        _needed("recovery_id", sa.String(36)),
        _needed("server_id", sa.String(36)),
        Column("open_key", sa.String(36)),
        _needed("name", sa.Text()),
        _needed("project_id", sa.String(255)),
        _needed("user_id", sa.String(255)),
        _needed("decision", sa.String(16)),
        _needed("reason", sa.Text()),
        _needed("state", sa.String(16)),
        _needed("priority", sa.Integer()),
        _needed("recovery_group", sa.String(255)),
        _needed("server_group", sa.String(255)),
        _needed("status", sa.String(64)),
        _needed("tags", LONG),
        _needed("source", sa.String(255)),
        _needed("destination", sa.String(255)),
        _needed("attempt", sa.Integer()),
        _needed("floor", sa.BigInteger()),
        _needed("migration", sa.BigInteger()),
        _needed("migration_status", sa.String(64)),
        _needed("request_id", sa.String(255)),
        Column("issued_at", TIME),
        Column("finished_at", TIME),
        _needed("wake_at", TIME),
        _needed("updated_at", TIME),
        sa.PrimaryKeyConstraint("row_id", name="pk_recovery_server"),
        sa.UniqueConstraint("open_key", name="uq_recovery_server_open_key"),
        sa.UniqueConstraint(
            "recovery_id",
            "server_id",
            name="uq_recovery_server_recovery_id_server_id",
        ),
        _of_recovery("recovery_server"),
    )
    _index("recovery_server", "state", "project_id")


def _log() -> None:
    _table(
        "recovery_log",
        Column("row_id", KEY, nullable=False),
        Column("recovery_id", sa.String(36)),
        _needed("server_id", sa.String(36)),
        _needed("event", sa.String(64)),
        _needed("message", sa.Text()),
        _needed("request_id", sa.String(255)),
        _needed("logged_at", TIME),
        _needed("engine", sa.String(255)),
        sa.PrimaryKeyConstraint("row_id", name="pk_recovery_log"),
        _of_recovery("recovery_log"),
    )
    _index("recovery_log", "recovery_id")


def _outbox() -> None:
    _table(
        "outbox",
        Column("row_id", KEY, nullable=False),
        _needed("recovery_id", sa.String(36)),
        _needed("server_key", sa.BigInteger()),
        _needed("event", sa.String(64)),
        _needed("target", sa.String(64)),
        _needed("payload", LONG),
        _needed("attempts", sa.Integer()),
        _needed("next_at", TIME),
        Column("delivered_at", TIME),
        Column("gave_up_at", TIME),
        _needed("error", sa.Text()),
        _needed("created_at", TIME),
        sa.PrimaryKeyConstraint("row_id", name="pk_outbox"),
        _of_recovery("outbox"),
    )
    _index("outbox", "recovery_id", "server_key")


def _needed(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _of_recovery(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_recovery_id"
    return sa.ForeignKeyConstraint(["recovery_id"], ["recovery.id"], name)


def _index(table: str, *columns: str) -> None:
    there = _inspector()
    had = {one["name"] for one in there.get_indexes(table)} if there else ()
    for column in columns:
        if (name := f"ix_{table}_{column}") not in had:
            op.create_index(name, table, [column])


def _table(name: str, *parts: Any) -> None:
    there = _inspector()
    if there and there.has_table(name):
        return
    op.create_table(
        name,
        *parts,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        sqlite_autoincrement=True,
    )


def _inspector() -> sa.Inspector | None:
    """What is there; None where statements are only written down."""
    context = op.get_context()
    return None if context.as_sql else sa.inspect(op.get_bind())
