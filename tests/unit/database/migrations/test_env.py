import contextlib
from importlib import resources

import sqlalchemy as sa

from waffles.database import upgrades
from waffles.database.access import Database
from waffles.recovery.store import store


def test_the_revisions_run_beside_those_of_others(tmp_path):
    url = f"sqlite:///{tmp_path}/recovery.db"
    with contextlib.closing(Database(url)) as database:
        database.write(
            lambda c: c.exec_driver_sql(
                "CREATE TABLE alembic_version (version_num VARCHAR(32))"
            )
        )
        store.upgrade(url)

        names = database.read(lambda c: sa.inspect(c).get_table_names())
        theirs = sa.text("SELECT * FROM alembic_version")
        assert database.read(lambda c: c.execute(theirs).all()) == []

    assert {upgrades.VERSION_TABLE, "alembic_version"} < set(names)


def test_the_revisions_are_part_of_the_package():
    folder = resources.files("waffles.database.migrations")

    assert folder.joinpath("env.py").is_file()
    assert any(
        file.name.startswith("r001")
        for file in folder.joinpath("versions").iterdir()
    )
