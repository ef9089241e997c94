import contextlib
import logging
import socket
import sqlite3
import threading
import time
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from tests.unit.recovery.stores import (
    FORK,
    Process,
    created,
    leased,
    servers,
    take,
    within,
)
from waffles import exceptions
from waffles.database import access as databases
from waffles.database.access import Database
from waffles.recovery.store import tables, taking


class Failing(Exception):
    """What a driver raises."""

    def __init__(self, *args, **more):
        super().__init__(*args)
        self.__dict__.update(more)


def error(orig, lost=False):
    return sa.exc.OperationalError("X", {}, orig, connection_invalidated=lost)


#: What drivers say when another transaction won.
CONFLICTS = {
    "Galera at COMMIT": Failing(1213, "Deadlock found"),
    "MySQL": Failing(1205, "Lock wait timeout exceeded"),
    "PostgreSQL": Failing("deadlock detected", sqlstate="40P01"),
    "PostgreSQL at COMMIT": Failing("could not serialize", sqlstate="40001"),
    "SQLite": Failing("database is locked", sqlite_errorcode=5),
}
BUSY = CONFLICTS["SQLite"]


@pytest.fixture
def database(store):
    return store.database


@pytest.fixture
def quick(made):
    """A database that does not wait for long."""
    found = Database(made, timeout=1.0)
    yield found
    found.close()


@contextlib.contextmanager
def raising(database, event, *errors):
    """Raise errors, one for each time that an event of SQLAlchemy's comes."""
    left = list(errors)

    def hook(*args):
        if left and (found := left.pop(0)):
            raise found

    sa.event.listen(database.engine, event, hook)
    try:
        yield left
    finally:
        sa.event.remove(database.engine, event, hook)


def count(connection):
    table = tables.engine
    found = sa.select(sa.func.count()).select_from(table)
    return connection.scalar(found)


class Writer:
    """A transaction that counts how often it is run."""

    def __init__(self, name="one"):
        self.name, self.runs = name, 0

    def __call__(self, connection):
        self.runs += 1
        row = {"name": self.name, "host": "", "pid": 1}
        row |= {"started_at": 1.0, "seen_at": 1.0}
        connection.execute(tables.engine.insert().values(row))
        return count(connection)


@pytest.mark.parametrize("orig", CONFLICTS.values(), ids=CONFLICTS)
@pytest.mark.parametrize("event", ["commit", "before_execute"])
def test_a_transaction_is_run_again_when_another_won(database, event, orig):
    writer = Writer()
    errors = [None, *[error(orig)] * 3] if event != "commit" else [error(orig)]

    with raising(database, event, *errors) as left:
        assert database.write(writer) == 1

    assert left == []
    assert writer.runs == len([one for one in errors if one]) + 1
    assert database.read(count) == 1


@pytest.mark.parametrize("writes", [True, False])
def test_it_is_run_again_on_another_connection(database, writes):
    with raising(database, "before_execute", error(Failing(2013), True)):
        run = database.write if writes else database.read
        assert run(count) == 0


def test_what_was_lost_during_commit_is_not_run_again(database, caplog):
    writer = Writer()
    lost = error(Failing(2013, "Lost connection"), lost=True)

    with (
        raising(database, "commit", lost),
        pytest.raises(exceptions.Unavailable, match="nobody knows whether"),
    ):
        database.write(writer)

    assert writer.runs == 1
    assert "Lost during COMMIT: (2013, 'Lost connection')" in caplog.text


def test_it_gives_up_in_the_end(quick, caplog):
    writer, forever = Writer(), [error(BUSY)] * 10_000

    with (
        raising(quick, "commit", *forever),
        pytest.raises(exceptions.Unavailable, match="gives no answer"),
    ):
        within(10, lambda: quick.write(writer))

    assert writer.runs > 2
    assert quick.read(count) == 0
    assert "The database of recoveries: database is locked" in caplog.text


def test_it_does_not_begin_again_when_it_has_waited_for_long(quick):
    runs = []

    def slow(connection):
        runs.append(1)
        time.sleep(quick.wait + 0.1)
        raise error(BUSY)

    with pytest.raises(exceptions.Unavailable):
        quick.read(slow)

    assert len(runs) == 1


def test_tries_come_at_random_times_and_not_at_once(made):
    pauses = []
    with (
        contextlib.closing(Database(made, sleep=pauses.append)) as found,
        raising(found, "commit", *[error(BUSY)] * 12),
    ):
        found.write(Writer())

    assert len(set(pauses)) == len(pauses) == 12
    assert 0 <= min(pauses) < max(pauses) <= databases.PAUSE


@pytest.mark.parametrize(
    "orig",
    [
        Failing(1040, "Too many connections"),
        Failing("the database system is starting up", sqlstate="57P03"),
        Failing("database or disk is full", sqlite_errorcode=13),
        Failing("disk I/O error", sqlite_errorcode=10),
    ],
    ids=str,
)
def test_what_will_not_pass_soon_is_not_tried_again(database, orig):
    writer = Writer()

    with (
        raising(database, "commit", error(orig)),
        pytest.raises(exceptions.Unavailable) as caught,
    ):
        database.write(writer)

    assert writer.runs == 1
    assert str(caught.value) == databases.AWAY
    assert caught.value.code == 503


@pytest.mark.parametrize("writes", [True, False])
def test_what_is_wrong_with_a_statement_is_an_error(database, writes):
    run = database.write if writes else database.read

    with pytest.raises(sa.exc.DBAPIError):
        run(lambda c: c.exec_driver_sql("SELECT * FROM nothing"))


def test_what_a_transaction_raises_undoes_it(database):
    def half(connection):
        Writer()(connection)
        raise KeyError("half")

    with pytest.raises(KeyError):
        database.write(half)

    assert database.read(count) == 0


def test_a_reader_changes_nothing(database):
    assert database.read(Writer()) == 1
    assert database.read(count) == 0


def test_connections_are_given_back(database):
    for number in range(3 * databases.MOST):
        database.write(Writer(f"engine-{number}"))
        with contextlib.suppress(ZeroDivisionError):
            database.write(lambda c: 1 / 0)

    assert database.engine.pool.checkedout() == 0


def test_there_are_no_more_connections_than_allowed(made):
    found = Database(made, timeout=0.4)
    gate = threading.Barrier(databases.MOST + 1)
    done = threading.Event()

    def hold(connection):
        count(connection)
        gate.wait(60)
        done.wait(60)

    threads = [threading.Thread(target=found.read, args=[hold])
               for _ in range(databases.MOST)]  # fmt: skip
    for thread in threads:
        thread.start()
    gate.wait(60)
    try:
        with pytest.raises(exceptions.Unavailable):
            within(20, lambda: found.read(count))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert found.read(count) == 0
    found.close()


class Holder:
    """A thread that has the turn, until it is told to give it back."""

    def __init__(self, database):
        self.holds, self.free = threading.Event(), threading.Event()
        self.thread = threading.Thread(
            target=database.write, args=[self._hold]
        )

    def __enter__(self):
        self.thread.start()
        assert self.holds.wait(60)
        return self

    def __exit__(self, *error):
        self.free.set()
        self.thread.join()

    def _hold(self, connection):
        taking.turn(connection)
        self.holds.set()
        self.free.wait(60)


def test_a_writer_waits_for_its_turn(database, quick):
    with Holder(database) as holder:
        timer = threading.Timer(0.2, holder.free.set)
        timer.start()
        began = time.monotonic()
        quick.write(taking.turn)

    assert time.monotonic() - began > 0.15
    timer.join()


def test_a_turn_that_does_not_come_is_not_waited_for(database, quick):
    with Holder(database), pytest.raises(exceptions.Unavailable):
        within(20, lambda: quick.write(taking.turn))


def test_a_reader_waits_for_nobody(database, quick):
    with Holder(database):
        assert within(5, lambda: quick.read(count)) == 0


def test_who_is_killed_holds_nobody_up(store, made):
    lease = leased(store)
    rows = lease.add(servers(2))
    began, told = FORK.Pipe(False)

    def hold():
        def work(connection):
            taking.turn(connection)
            told.send("holds")
            time.sleep(600)

        Database(made).write(work)

    process = Process(hold)
    assert began.recv() == "holds"
    process.kill()

    assert len(within(30, lambda: take(lease, rows))) == 2


def test_a_server_that_says_nothing_is_not_waited_for(database):
    """As PostgreSQL's driver would: it has no time-out of its own."""
    ours, theirs = socket.socketpair()
    database.timeout = 0.05
    silent = SimpleNamespace(pgconn=True, fileno=ours.fileno)
    connection = SimpleNamespace(
        connection=SimpleNamespace(dbapi_connection=silent)
    )

    with ours, theirs, database._bounded(connection):
        assert within(30, lambda: ours.recv(1)) == b""
        assert theirs.recv(1) == b""


def test_a_server_that_answers_keeps_its_connection(database):
    ours, theirs = socket.socketpair()
    silent = SimpleNamespace(pgconn=True, fileno=ours.fileno)
    connection = SimpleNamespace(
        connection=SimpleNamespace(dbapi_connection=silent)
    )

    with ours, theirs:
        with database._bounded(connection):
            theirs.send(b"x")
        theirs.send(b"y")
        assert ours.recv(2) == b"xy"


def test_a_forked_process_has_connections_of_its_own(store):
    created(store)
    assert store.database.engine.pool.checkedin() == 1

    def child():
        before = store.recoveries(limit=9)
        created(store, "compute-2")
        pool = store.database.engine.pool
        return len(before), pool.checkedin(), len(store.database._inherited)

    assert Process(child).result() == (1, 1, 1)
    assert store.database.engine.pool.checkedin() == 1
    assert store.database._inherited == []
    assert [one.host for one in store.recoveries(limit=9)] == [
        "compute-2",
        "compute-1",
    ]


def test_what_a_driver_says_is_shown_without_the_values(caplog):
    found = sa.exc.OperationalError(
        "INSERT INTO x VALUES (:secret)",
        {"secret": "hunter2"},
        Failing("no\nroom " + "x" * 500),
    )

    text = databases.brief(found)

    assert text.startswith("no\\nroom xxx")
    assert len(text) == 300
    assert databases.brief(sa.exc.TimeoutError("late")) == "late"


def test_tries_are_told_to_who_wants_to_know(database, caplog):
    caplog.set_level(logging.DEBUG, databases.__name__)

    with raising(database, "commit", error(BUSY)):
        database.write(Writer())

    assert "Once more: database is locked" in caplog.text


def test_many_threads_may_write(made):
    found = Database(made)
    threads = [
        threading.Thread(target=found.write, args=[Writer(f"engine-{number}")])
        for number in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found.read(count) == 16
    found.close()


def test_sqlite3_errors_have_the_codes_that_are_looked_for(tmp_path):
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "x")) as connection,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        connection.execute("SELECT * FROM nothing")

    assert caught.value.sqlite_errorcode == 1
