"""Journals on a real database, which tests share one after another."""

import contextlib

import pytest

from waffles.cells.journal.entries import WRITE
from waffles.cells.journal.journal import Journal
from waffles.database import upgrades
from waffles.database.access import Database


@pytest.fixture(scope="session")
def url(tmp_path_factory):
    """A database with all tables, and nothing in them."""
    found = f"sqlite:///{tmp_path_factory.mktemp('journal') / 'cells.db'}"
    with contextlib.closing(Database(found)) as database:
        upgrades.upgrade(database)
    return found


@pytest.fixture
def database(url):
    opened = Database(url)
    opened.write(lambda c: c.execute(WRITE.delete()))
    yield opened
    opened.close()


@pytest.fixture
def journal(database):
    return Journal(database, patience=0.0)


def put(journal, **values):
    """Change all rows behind the journal's back."""
    update = WRITE.update().values(values)
    journal.database.write(lambda c: c.execute(update))


def due(journal):
    """Have all that is left be due."""
    put(journal, next_at=0.0)


def lapse(journal):
    """Have whoever has something in hand be dead."""
    put(journal, lease_until=1.0, next_at=0.0)
