import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

from waffles.database import metadata


@pytest.fixture
def pets():
    """A table, while the test runs."""
    made = metadata.table(
        "pets",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(9), unique=True),
        sa.Column("kind", sa.String(9), index=True),
        sa.Column("mother", sa.Integer(), sa.ForeignKey("pets.id")),
    )
    yield made
    metadata.METADATA.remove(made)


def test_constraints_and_indexes_are_named_alike_everywhere(pets):
    assert {str(one.name) for one in [*pets.constraints, *pets.indexes]} == {
        "pk_pets",
        "uq_pets_name",
        "ix_pets_kind",
        "fk_pets_mother",
    }


@pytest.mark.parametrize("name", ["mysql", "mariadb"])
def test_mysql_compares_texts_byte_by_byte(pets, name):
    dialect = mysql.dialect()
    dialect.name = name
    text = str(sa.schema.CreateTable(pets).compile(dialect=dialect))

    assert "ENGINE=InnoDB" in text
    assert "COLLATE utf8mb4_bin" in text


def test_sqlite_gives_no_number_again(pets):
    text = str(sa.schema.CreateTable(pets).compile(dialect=sqlite.dialect()))

    assert "AUTOINCREMENT" in text
