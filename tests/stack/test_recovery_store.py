"""What holds for the store on SQLite holds on MariaDB and PostgreSQL.

The tests are those of tests/unit; only their database is another.
What concerns servers alone is at the end.
"""

import contextlib
import os
import signal
import time
from functools import partial

import pytest
import sqlalchemy as sa

from tests.stack.waiting import until
from tests.unit.database.test_access import *
from tests.unit.database.test_columns import *
from tests.unit.database.test_upgrades import *
from tests.unit.recovery.store.test_claims import *
from tests.unit.recovery.store.test_creates import *
from tests.unit.recovery.store.test_ending import *
from tests.unit.recovery.store.test_holds import *
from tests.unit.recovery.store.test_leases import *
from tests.unit.recovery.store.test_orders import *
from tests.unit.recovery.store.test_outbox import *
from tests.unit.recovery.store.test_pauses import *
from tests.unit.recovery.store.test_presence import *
from tests.unit.recovery.store.test_reads import *
from tests.unit.recovery.store.test_retrying import *
from tests.unit.recovery.store.test_taking import *

# ruff: noqa: F403
from tests.unit.recovery.stores import (
    FORK,
    Process,
    created,
    leased,
    servers,
    store,
    take,
    within,
)
from waffles import exceptions
from waffles.database.access import Database
from waffles.database.metadata import METADATA
from waffles.database.upgrades import VERSION_TABLE, head
from waffles.recovery.store import store as stores
from waffles.recovery.store import tables, taking

__all__ = ["store"]

KINDS = ("mariadb", "postgresql")


class Shared:
    """One database of each kind, for all tests that begin with no rows."""

    def __init__(self, servers, folder):
        self._servers, self._folder, self._made = servers, folder, {}

    def url(self, kind):
        if kind not in self._made:
            self._made[kind] = self._servers.make(kind, self._folder)
            stores.upgrade(self._made[kind])
        return self._made[kind]

    def clear(self, kind):
        """Leave it as an upgrade has made it."""

        def clear(connection):
            for table in reversed(METADATA.sorted_tables):
                connection.execute(table.delete())
            first = {"id": 1, "number": 0}
            connection.execute(tables.turn.insert().values(first))
            version = sa.table(VERSION_TABLE, sa.column("version_num"))
            connection.execute(version.update().values(version_num=head()))

        with contextlib.closing(Database(self.url(kind), 60)) as database:
            database.write(clear)


@pytest.fixture(scope="module")
def shared(database_servers, tmp_path_factory):
    return Shared(database_servers, tmp_path_factory.mktemp("shared"))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def url(request, kind, shared, database_servers, tmp_path):
    """A database with nothing in it, or with all tables."""
    if "made" in request.fixturenames:
        return shared.url(kind)
    return database_servers.make(kind, tmp_path)


@pytest.fixture
def made(kind, url, shared):
    shared.clear(kind)
    return url


def sessions(store, kind):
    """The ids of all connections to the database, but for the asking one."""
    query = {
        "mariadb": "SELECT id FROM information_schema.processlist"
        " WHERE db = DATABASE() AND id != CONNECTION_ID()",
        "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname ="
        " current_database() AND pid != pg_backend_pid()",
    }[kind]
    return store.database.read(
        lambda c: c.exec_driver_sql(query).scalars().all()
    )


def test_connections_that_the_server_has_ended_are_replaced(store, kind, url):
    made = created(store)
    how = {
        "mariadb": "KILL {}",
        "postgresql": "SELECT pg_terminate_backend({})",
    }
    with contextlib.closing(stores.open(url)) as other:
        (ended,) = sessions(other, kind)
        other.database.read(
            lambda c: c.exec_driver_sql(how[kind].format(ended))
        )

    assert store.recovery(made.id) == made
    store.pause(made.id, "me", "")


def hold(url, told):
    """Have the turn, and then say nothing any more."""

    def work(connection):
        taking.turn(connection)
        told()

    with contextlib.closing(Database(url, timeout=2.0)) as database:
        database.write(work)


def test_who_says_nothing_any_more_holds_nobody_up_for_long(store, made):
    """Not killed: its connection is open, and so is its transaction."""
    lease = leased(store)
    rows = lease.add(servers(2))
    ours, theirs = FORK.Pipe()

    def told():
        theirs.send(os.getpid())
        theirs.recv()

    process = Process(partial(hold, made, told))
    os.kill(ours.recv(), signal.SIGSTOP)
    try:
        assert until(lambda: takes(lease, rows), 60)
    finally:
        process.kill()
    hold(made, lambda: None)


def takes(lease, rows):
    try:
        return bool(take(lease, rows))
    except exceptions.Unavailable:
        return False


@contextlib.contextmanager
def frozen(database_servers, kind, store):
    """A server that has our connection, and answers nothing."""
    if kind == "mariadb":
        pid = database_servers.processes["mariadb"].popen.pid
    else:
        query = "SELECT pg_backend_pid()"
        pid = store.database.read(
            lambda c: c.exec_driver_sql(query).scalar_one()
        )
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_server_that_is_frozen_is_not_waited_for(
    made, kind, database_servers
):
    with contextlib.closing(stores.open(made, timeout=2.0)) as opened:
        found = created(opened)
        with frozen(database_servers, kind, opened):
            for _ in range(2):
                with contextlib.suppress(exceptions.Unavailable):
                    within(30, lambda: opened.recovery(found.id))
        assert until(lambda: works(opened, found.id), 60)


def works(store, id):
    try:
        return store.recovery(id) is not None
    except exceptions.Unavailable:
        return False


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"password": "hunter2"}, "(?i)denied|authentication failed"),
        ({"username": "hunter3"}, "(?i)denied|authentication failed"),
        ({"database": "none"}, "(?i)unknown database|does not exist"),
    ],
    ids=["password", "user", "database"],
)
def test_what_is_wrong_with_a_url_is_told_at_the_start(url, change, why):
    wrong = sa.make_url(url).set(**change)

    with pytest.raises(exceptions.ConfigError, match=why) as caught:
        stores.open(wrong.render_as_string(hide_password=False))

    assert "hunter2" not in str(caught.value)
    assert "[waffles_recovery] connection: " in str(caught.value)


def test_a_server_is_upgraded_when_somebody_says_so(url):
    with pytest.raises(exceptions.ConfigError, match="waffles db upgrade"):
        stores.open(url)

    stores.upgrade(url)
    stores.open(url).close()


def test_the_clock_is_the_databases(store):
    """In seconds since 1970, whatever the time zone."""
    assert abs(store.now() - time.time()) < 60
    with contextlib.closing(Database(zoned(store))) as database:
        assert abs(database.read(database.now) - time.time()) < 60


def zoned(store):
    """The same database, where it is another time of day."""
    url = store.database.url
    if url.drivername.startswith("mysql"):
        query = {"init_command": "SET time_zone = '-11:30'"}
    else:
        query = {"options": "-c timezone=Asia/Kathmandu"}
    return url.update_query_dict(query).render_as_string(hide_password=False)
