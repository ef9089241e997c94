"""The journal of writes of flavors that all cells are to have.

What an upgrade that was killed has left is gone on with.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column
from sqlalchemy.dialects import mysql

revision = "002"
down_revision = "001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.Double[float]()
LONG = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")

NAME, INDEX = "cell_write", "ix_cell_write_flavor_id"


def upgrade() -> None:
    there = _inspector()
    if not (there and there.has_table(NAME)):
        _table()
    there = _inspector()
    had = {one["name"] for one in there.get_indexes(NAME)} if there else ()
    if INDEX not in had:
        op.create_index(INDEX, NAME, ["flavor_id"])


def _table() -> None:
    op.create_table(
        NAME,
        Column("row_id", KEY, nullable=False),
        _needed("flavor_id", sa.String(255)),
        Column("open_key", sa.String(255)),
        _needed("kind", sa.String(16)),
        _needed("cells", LONG),
        _needed("made", LONG),
        _needed("request_id", sa.String(255)),
        _needed("owner", sa.String(64)),
        _needed("lease_until", TIME),
        _needed("attempts", sa.Integer()),
        _needed("next_at", TIME),
        _needed("created_at", TIME),
        _needed("error", sa.Text()),
        sa.PrimaryKeyConstraint("row_id", name="pk_cell_write"),
        sa.UniqueConstraint("open_key", name="uq_cell_write_open_key"),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        sqlite_autoincrement=True,
    )


def _needed(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _inspector() -> sa.Inspector | None:
    """What is there; None where statements are only written down."""
    context = op.get_context()
    return None if context.as_sql else sa.inspect(op.get_bind())
