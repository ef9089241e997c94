import pytest
import sqlalchemy as sa
from alembic import migration, operations

from waffles.database.migrations.versions import (
    r001_recoveries,
    r002_cell_writes,
)


def test_it_comes_behind_the_first():
    assert r002_cell_writes.down_revision == r001_recoveries.revision


class Buffer:
    """What is written to it."""

    def __init__(self):
        self.said = []
        self.write = self.said.append

    def flush(self):
        pass


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "postgresql", "sqlite"])
def test_it_makes_the_same_table_on_every_database(kind):
    buffer = Buffer()
    context = migration.MigrationContext.configure(
        dialect_name=kind, opts={"as_sql": True, "output_buffer": buffer}
    )

    with operations.Operations.context(context):
        r002_cell_writes.upgrade()

    text = "".join(buffer.said)
    assert "CREATE TABLE cell_write (" in text
    assert "CREATE INDEX ix_cell_write_flavor_id" in text
    assert ("COLLATE utf8mb4_bin" in text) is kind.startswith("m")
    assert ("MEDIUMTEXT" in text) is kind.startswith("m")
    assert ("AUTOINCREMENT" in text) is (kind == "sqlite")


class Killed(Exception):
    """The process has ended."""


def run(connection, most=1000):
    """Run the revision, until so many statements have changed the schema."""
    done = []

    def hook(connection, cursor, statement, *more):
        if statement.strip().startswith("CREATE"):
            if len(done) == most:
                raise Killed
            done.append(statement)

    sa.event.listen(connection, "before_cursor_execute", hook)
    try:
        context = migration.MigrationContext.configure(connection)
        with operations.Operations.context(context):
            r002_cell_writes.upgrade()
    finally:
        sa.event.remove(connection, "before_cursor_execute", hook)


def shape(connection):
    there = sa.inspect(connection)
    return (
        str(there.get_columns("cell_write")),
        there.get_indexes("cell_write"),
        there.get_unique_constraints("cell_write"),
    )


@pytest.mark.parametrize("most", [0, 1])
def test_it_goes_on_where_it_was_killed(tmp_path, most):
    """Wherever that was: MySQL keeps what was done until then."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/killed.db")
    with engine.begin() as connection:
        with pytest.raises(Killed):
            run(connection, most)
        run(connection)
        found = shape(connection)
        run(connection)
        assert shape(connection) == found
    engine.dispose()

    other = sa.create_engine(f"sqlite:///{tmp_path}/other.db")
    with other.begin() as connection:
        run(connection)
        assert shape(connection) == found
    other.dispose()
