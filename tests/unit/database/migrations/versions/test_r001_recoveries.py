import pytest
import sqlalchemy as sa
from alembic import migration, operations

from waffles.database.migrations.versions import r001_recoveries
from waffles.recovery.store import store

TABLES = {
    "engine",
    "outbox",
    "pause",
    "recovery",
    "recovery_log",
    "recovery_server",
    "turn",
}


def test_it_is_the_first():
    assert r001_recoveries.down_revision is None


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "postgresql", "sqlite"])
def test_it_makes_the_same_tables_on_every_database(kind):
    said = []
    context = migration.MigrationContext.configure(
        dialect_name=kind,
        opts={"as_sql": True, "output_buffer": Buffer(said)},
    )

    with operations.Operations.context(context):
        r001_recoveries.upgrade()

    text = "".join(said)
    for name in TABLES:
        assert f"CREATE TABLE {name} (" in text
    assert ("COLLATE utf8mb4_bin" in text) is kind.startswith("m")
    assert ("MEDIUMTEXT" in text) is kind.startswith("m")
    assert ("AUTOINCREMENT" in text) is (kind == "sqlite")
    assert "INSERT INTO turn (id, number) VALUES (1, 0)" in text
    assert text.count("CREATE INDEX") == 6


class Buffer:
    """What is written to it."""

    def __init__(self, said):
        self.write = said.append

    def flush(self):
        pass


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
            r001_recoveries.upgrade()
    finally:
        sa.event.remove(connection, "before_cursor_execute", hook)


def shape(connection):
    there = sa.inspect(connection)
    return {
        name: (str(there.get_columns(name)), there.get_indexes(name))
        for name in there.get_table_names()
    }


@pytest.mark.parametrize("most", range(13))
def test_it_goes_on_where_it_was_killed(tmp_path, most):
    """Wherever that was: MySQL keeps what was done until then."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/recovery.db")
    with engine.begin() as connection:
        with pytest.raises(Killed):
            run(connection, most)
        run(connection)
        found = shape(connection)
        turns = connection.execute(sa.text("SELECT * FROM turn")).all()
    engine.dispose()

    other = sa.create_engine(f"sqlite:///{tmp_path}/other.db")
    with other.begin() as connection:
        run(connection)
        assert found == shape(connection)
    other.dispose()
    assert [tuple(row) for row in turns] == [(1, 0)]


def test_it_has_run_on_a_file_of_sqlite(tmp_path):
    url = f"sqlite:///{tmp_path}/recovery.db"
    store.upgrade(url)
    engine = sa.create_engine(url)

    assert set(sa.inspect(engine).get_table_names()) > TABLES
    engine.dispose()
