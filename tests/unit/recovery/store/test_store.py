import contextlib
import inspect
from pathlib import Path

import pytest

from tests.unit.recovery.stores import created, together
from waffles import exceptions
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


def test_it_is_opened_when_it_is_first_needed(url):
    opened = stores.Opened(url)
    assert not Path(url.removeprefix("sqlite:///")).exists()

    with contextlib.closing(opened()) as found:
        assert found.recoveries(limit=1) == []
        assert opened() is found


def test_one_that_is_of_a_newer_waffles_is_none_for_us(store, url):
    change = f"UPDATE {upgrades.VERSION_TABLE} SET version_num = 'newer'"  # noqa: S608
    store.database.write(lambda c: c.exec_driver_sql(change))

    with pytest.raises(exceptions.Unavailable, match="newer"):
        stores.Opened(url)()


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
