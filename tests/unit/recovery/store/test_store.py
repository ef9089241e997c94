import contextlib
import inspect
from pathlib import Path

from tests.unit.recovery.stores import created, together
from waffles.database import upgrades
from waffles.recovery.store import store as stores


def test_a_file_is_made_where_there_is_none(url):
    with contextlib.closing(stores.open(url)) as opened:
        made = created(opened)
    with contextlib.closing(stores.open(url)) as again:
        assert again.recovery(made.id) == made


def test_who_opens_it_first_at_the_same_moment_makes_it(url):
    def opens():
        with contextlib.closing(stores.open(url)) as opened:
            return len(opened.recoveries(limit=9))

    assert together(*[opens] * 6) == [0] * 6
    assert opens() == 0


def test_nothing_is_made_by_a_look_at_the_version(url):
    assert stores.version(url) == ("", upgrades.head())
    assert not Path(url.removeprefix("sqlite:///")).exists()


def pragma(store, name):
    def ask(connection):
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    return store.database.read(ask)


def test_a_file_loses_nothing_and_lets_readers_read(store):
    assert pragma(store, "journal_mode") == "wal"
    assert pragma(store, "synchronous") == 2  # FULL
    assert pragma(store, "foreign_keys") == 1
    assert pragma(store, "busy_timeout") == 5000


def test_the_public_part_is_documented():
    for name in stores.__all__:
        assert inspect.getdoc(getattr(stores, name))
    for name, method in inspect.getmembers(stores.Store, callable):
        if not name.startswith("_"):
            assert method.__doc__, name
