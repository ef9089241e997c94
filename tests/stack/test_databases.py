"""Databases that are there without a cloud, and gone behind a run."""

from pathlib import Path

import pytest
import sqlalchemy

from tests.stack import databases as servers

#: What is left of a PostgreSQL that was killed.
SHARED_MEMORY = Path("/proc/sysvipc/shm")


@pytest.mark.parametrize("kind", servers.KINDS)
def test_each_database_is_empty_and_the_tests_own(databases, kind):
    engine = sqlalchemy.create_engine(databases[kind])
    try:
        assert sqlalchemy.inspect(engine).get_table_names() == []
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE recovery (id INTEGER)")
    finally:
        engine.dispose()


def test_nothing_is_left_of_servers():
    with servers.running() as found:
        postgresql = found.processes["postgresql"]
        pid = str(postgresql.popen.pid)
        assert pid in SHARED_MEMORY.read_text().split()

    assert pid not in SHARED_MEMORY.read_text().split()
    assert not found.site.folder.exists()
