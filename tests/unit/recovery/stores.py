"""Stores, what is in them, and processes that use one at once.

The tests of the store are run on other databases as well: there the fixture
``url`` is another one (tests/stack/test_recovery_store.py).
"""

import multiprocessing
import os
import shutil
import time
import traceback

import pytest
import sqlalchemy as sa

from waffles.recovery.model import (
    Assertion,
    Decision,
    Line,
    Notice,
    Phase,
    Recovery,
    Server,
    State,
)
from waffles.recovery.store import store as stores
from waffles.recovery.store import tables

LINE = Line("received", "by a test")
HOST = "compute-1"

#: Longer than any test.
LONG = 3600.0

#: No other processes that have threads, or connections, but ours.
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'recovery.db'}"


@pytest.fixture(scope="session")
def blank(tmp_path_factory):
    """A file with all tables, and nothing in them."""
    file = tmp_path_factory.mktemp("blank") / "recovery.db"
    stores.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def made(url, blank):
    """The URL of a database with all tables, and nothing in them."""
    shutil.copy(blank, url.removeprefix("sqlite:///"))
    return url


@pytest.fixture
def store(made):
    opened = stores.open(made)
    yield opened
    opened.close()


def recovery(host=HOST, **more):
    """One that has just been asked for."""
    said = Assertion(host, fenced=True, fenced_by="ipmi")
    return Recovery("", host, Phase.RECEIVED, said, "service-1", **more)


def created(store, host=HOST):
    made, _ = store.create(recovery(host), line=LINE)
    return made


def leased(store, host=HOST, engine="one", length=LONG):
    """A lease of a new recovery."""
    return had(store, created(store, host).id, engine, length)


def had(store, recovery_id, engine="one", length=LONG):
    """A lease of a recovery; all others that are due are left alone."""
    others = []
    while (lease := store.claim(engine, length)).recovery_id != recovery_id:
        others.append(lease)
    for other in others:
        other.release()
    return lease


def server(number=1, state=State.QUEUED, **more):
    name = more.pop("server_id", f"server-{number}")
    more = {"decision": Decision.AUTOMATIC, "source": HOST} | more
    return Server(name, f"name-{number}", state=state, **more)


def servers(count, **more):
    return [server(number, **more) for number in range(count)]


def notice(server_id="server-1", target="webhook", event="server.custom"):
    return Notice(event, target, {"server_id": server_id})


def take(lease, found, floor=0, per_recovery=100, in_all=100):
    return lease.take(
        [one.key for one in found],
        floor=floor,
        per_recovery=per_recovery,
        in_all=in_all,
    )


def states(store, recovery_id):
    """By server_id."""
    found = store.servers(recovery_id)
    return {one.server_id: one.state.value for one in found}


def events(store, recovery_id):
    return [line.event for line in store.lines(recovery_id)]


def last(store, recovery_id):
    """The newest line of a log."""
    return store.lines(recovery_id)[-1].message


def column(store, name, table=tables.recovery):
    """What stands in a column, by the keys of rows."""
    found = sa.select(table.c[name]).order_by(table.c.key)
    return store.database.read(lambda c: list(c.scalars(found)))


def put(store, table=tables.recovery, **values):
    """Change all rows of a table behind the store's back."""
    update = table.update().values(values)
    store.database.write(lambda c: c.execute(update))


def lapse(store):
    """Have the time of all leases run out."""
    put(store, lease_until=1.0)


class Process:
    """A job in a process of its own.

    :param job: gives something that can be pickled, or raises
    """

    def __init__(self, job, gate=None):
        self._ours, theirs = FORK.Pipe(False)
        self._process = FORK.Process(
            target=self._run, args=(job, gate, theirs)
        )
        self._process.start()
        theirs.close()

    @staticmethod
    def _run(job, gate, theirs):  # pragma: no cover: another process
        try:
            if gate:
                gate.wait()
            theirs.send((job(), None))
        except BaseException:
            theirs.send((None, traceback.format_exc()))
        finally:
            theirs.close()
            os._exit(0)

    def result(self):
        """What the job has given; an error of it fails the test."""
        found, error = (
            self._ours.recv() if self._ours.poll(60) else (0, "late")
        )
        self.kill()
        assert not error, error
        return found

    def kill(self):
        """End it, as a power failure would."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._ours.close()


def together(*jobs):
    """What jobs give that begin at the same moment, each in a process."""
    gate = FORK.Barrier(len(jobs))
    running = [Process(job, gate) for job in jobs]
    return [process.result() for process in running]


def within(seconds, job):
    """What a job gives or raises, which must not take longer."""
    began = time.monotonic()
    try:
        return job()
    finally:
        assert time.monotonic() - began < seconds
