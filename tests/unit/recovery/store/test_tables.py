import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from waffles.database.metadata import METADATA
from waffles.recovery.store import tables

#: The bytes of an index of InnoDB's, and of a character of utf8mb4.
MOST, BYTES = 3072, 4

TABLES = list(METADATA.tables.values())


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_mysql_compares_texts_byte_by_byte(table):
    made = str(sa.schema.CreateTable(table).compile(dialect=mysql.dialect()))

    assert "ENGINE=InnoDB" in made
    assert "CHARSET=utf8mb4" in made
    assert "COLLATE utf8mb4_bin" in made


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_mysql_can_make_every_index(table):
    unique = [
        one
        for one in table.constraints
        if isinstance(one, sa.UniqueConstraint)
    ]
    for index in [*unique, *table.indexes, table.primary_key]:
        lengths = [
            getattr(column.type, "length", None) or 2
            for column in index.columns
        ]
        assert sum(lengths) * BYTES <= MOST, index


@pytest.mark.parametrize("table", TABLES, ids=str)
@pytest.mark.parametrize("kind", [mysql, postgresql, sqlite])
def test_no_name_of_a_column_must_be_quoted(table, kind):
    """So that people can type them; as recent versions keep words."""
    quoted = kind.dialect().identifier_preparer.quote
    later = {"returning", "key", "by", "until", "at", "group"}

    for column in table.columns:
        assert quoted(column.name) == column.name
        assert column.name not in later


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (tables.recovery, ("id",)),
        (tables.recovery, ("open_key",)),
        (tables.recovery, ("idempotency_by", "idempotency_key")),
        (tables.server, ("open_key",)),
        (tables.server, ("recovery_id", "server_id")),
    ],
)
def test_what_decides_is_unique(table, columns):
    assert columns in {
        tuple(column.name for column in one.columns)
        for one in table.constraints
        if isinstance(one, sa.UniqueConstraint)
    }
