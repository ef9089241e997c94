import contextlib
from functools import partial
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic import autogenerate, migration

import waffles.cells.journal.entries  # noqa: F401
from tests.unit.recovery.stores import FORK, Process, created, together
from waffles import exceptions
from waffles.database import metadata, upgrades
from waffles.database.access import Database
from waffles.recovery.store import store as stores
from waffles.recovery.store import tables


@pytest.fixture
def empty(url):
    """A database with nothing in it."""
    found = Database(url)
    yield found
    found.close()


def set_version(database, number):
    database.write(
        lambda c: c.exec_driver_sql(
            f"UPDATE {upgrades.VERSION_TABLE} SET version_num = '{number}'"  # noqa: S608
        )
    )


def differences(connection):
    """Between what the revisions have made and the tables of the code."""
    context = migration.MigrationContext.configure(
        connection,
        opts={
            "version_table": upgrades.VERSION_TABLE,
            "compare_server_default": True,
        },
    )
    return autogenerate.compare_metadata(context, metadata.METADATA)


def names(connection):
    """Of all tables and constraints, and whether columns may be NULL."""
    found, seen = sa.inspect(connection), {}
    for name in found.get_table_names():
        unique = found.get_unique_constraints(name)
        indexes = found.get_indexes(name)
        seen[name] = (
            {column["name"]: column["nullable"]
             for column in found.get_columns(name)},
            {tuple(one["column_names"]) for one in [*unique, *indexes]},
            {one["name"] for one in [*unique, *indexes]},
            found.get_pk_constraint(name)["constrained_columns"],
        )  # fmt: skip
    return seen


def test_the_revisions_make_the_tables_of_the_code(empty):
    upgrades.upgrade(empty)

    assert empty.read(differences) == []
    made = empty.read(names)
    assert made.pop(upgrades.VERSION_TABLE)
    assert made.keys() == metadata.METADATA.tables.keys()


def test_the_constraints_have_the_names_of_the_code(empty):
    upgrades.upgrade(empty)
    made = empty.read(names)
    del made[upgrades.VERSION_TABLE]
    empty.write(metadata.METADATA.drop_all)

    empty.write(metadata.METADATA.create_all)

    again = empty.read(names)
    again.pop(upgrades.VERSION_TABLE, None)
    assert again == made


def test_an_upgrade_tells_what_was_and_is(url):
    head = upgrades.head()

    assert stores.version(url) == ("", head)
    assert stores.upgrade(url) == ("", head)
    assert stores.upgrade(url) == (head, head)
    assert stores.version(url) == (head, head)


def test_there_is_one_turn_at_first(store):
    turn = tables.turn
    found = store.database.read(lambda c: c.execute(sa.select(turn)).all())

    assert [tuple(row) for row in found] == [(1, 0)]


def test_an_upgrade_keeps_what_is_there(store, url):
    made = created(store)

    stores.upgrade(url)

    assert store.recovery(made.id) == made


def test_a_database_of_a_newer_waffles_is_refused(store, url):
    set_version(store.database, "999")

    for job in (stores.open, stores.upgrade):
        with pytest.raises(
            exceptions.ConfigError, match="schema 999, which this waffles"
        ):
            job(url)
    assert stores.version(url) == ("999", upgrades.head())


def test_upgrades_at_the_same_moment_are_one(url):
    found = together(*[partial(stores.upgrade, url)] * 4)

    head = upgrades.head()
    assert sorted(found) == [("", head), *[(head, head)] * 3]
    assert stores.upgrade(url) == (head, head)


def half(url, told):
    """An upgrade that does not come to its end."""

    def stop(connection):
        upgrades._upgrade(connection)
        told()

    with contextlib.closing(Database(url)) as database:
        database.write(stop)


def test_an_upgrade_that_was_killed_is_made_good(url):
    ours, theirs = FORK.Pipe()

    def told():
        theirs.send("half")
        theirs.recv()

    process = Process(partial(half, url, told))
    assert ours.recv() == "half"
    process.kill()

    assert stores.upgrade(url)[1] == upgrades.head()
    with contextlib.closing(stores.open(url)) as opened:
        created(opened)
    half(url, lambda: None)


@pytest.mark.parametrize(
    ("version", "why"),
    [("", "has no schema; run: waffles db upgrade"),
     ("001", "has an old schema; run: waffles db upgrade"),
     ("999", "which this waffles does not")],
)  # fmt: skip
def test_only_a_file_makes_itself(url, monkeypatch, version, why):
    """What others share is upgraded when somebody says so."""
    database = Database(url)
    database.is_sqlite = False
    if version:
        upgrades.upgrade(database)
        set_version(database, version)
    monkeypatch.setattr(upgrades, "head", lambda: "002")

    with (
        contextlib.closing(database),
        pytest.raises(exceptions.ConfigError, match=why),
    ):
        upgrades.require(database)


class Connection:
    """One to another kind of database, which gives an answer or not."""

    def __init__(self, kind, answer):
        self.dialect, self.answer = SimpleNamespace(name=kind), answer
        self.said = []

    def execute(self, statement):
        self.said.append(str(statement).split("(")[0])

    def scalar(self, statement):
        self.execute(statement)
        return self.answer


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("sqlite", []),
        ("postgresql", ["SELECT pg_advisory_xact_lock"]),
        ("mysql", ["SELECT get_lock", "SELECT release_lock"]),
        ("mariadb", ["SELECT get_lock", "SELECT release_lock"]),
    ],
)
def test_one_upgrades_while_others_wait(kind, said):
    connection = Connection(kind, 1)

    with upgrades._alone(connection):
        assert connection.said == said[:1]

    assert connection.said == said


def test_an_upgrade_that_takes_too_long_is_not_waited_for():
    with (
        pytest.raises(exceptions.Unavailable, match="Somebody else upgrades"),
        upgrades._alone(Connection("mysql", 0)),
    ):
        raise AssertionError("it has not waited")


class Failing(Exception):
    """What a driver raises."""

    sqlite_errorcode = 0


@pytest.mark.parametrize(
    ("error", "denied"),
    [
        (Failing(1045, "Access denied for user"), True),
        (Failing(1049, "Unknown database"), True),
        (Failing(2003, "Can't connect"), False),
        (Failing('FATAL:  password authentication failed for user "u"'), True),
        (Failing('FATAL:  database "x" does not exist'), True),
        (Failing('FATAL:  role "x" does not exist'), True),
        (Failing("FATAL:  no pg_hba.conf entry for host"), True),
        (Failing("FATAL:  the database system is starting up"), False),
        (Failing("FATAL:  sorry, too many clients already"), False),
        (Failing(), False),
        (None, False),
    ],
    ids=str,
)
def test_what_time_does_not_help_is_for_the_operator(error, denied):
    assert upgrades._is_denied(error) is denied


def test_what_an_upgrade_is_told_by_others_is_passed_on(url, monkeypatch):
    def fails(connection):
        raise exceptions.Unavailable("Somebody else upgrades the database.")

    monkeypatch.setattr(upgrades, "_upgrade", fails)

    with pytest.raises(exceptions.Unavailable, match="^Somebody else"):
        stores.upgrade(url)
