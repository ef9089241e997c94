"""Engines that work on the recoveries of hosts of a real Nova.

Test modules have the fixtures of this one by ``pytest_plugins``.
"""

import contextlib
import threading
from concurrent import futures

import pytest

from tests.functional.hosts import FLAVORS, Hosts, until
from waffles import config
from waffles.clients import compute, glance, session
from waffles.recovery import options
from waffles.recovery.engine import engine
from waffles.recovery.model import (
    FINAL,
    Assertion,
    Line,
    Phase,
    Recovery,
    Return,
)
from waffles.recovery.store import store

#: What all tests say, unless they say otherwise.
RULES = {
    "local_disk": "allow",
    "threshold_cloud": 100,
    "threshold_zone": 100,
    "threshold_aggregate": 100,
    "retry_delay": 1,
    "poll_interval": 1,
    "healthy_delay": 1,
    "heartbeat_interval": 1,
}


class Hurry(threading.Event):
    """The end of an engine; whoever waits for it does so for a moment."""

    def wait(self, timeout=None):
        return super().wait(0.2)


class Engines:
    """A store, and engines that share it."""

    def __init__(self, services, folder, **rules):
        rules = RULES | {"connection": f"sqlite:///{folder}/r.db"} | rules
        said = "".join(f"{key} = {value}\n" for key, value in rules.items())
        file = folder / "waffles.conf"
        file.write_text(f"{services.access}\n[waffles_recovery]\n{said}")
        conf = config.read([str(file)])
        self.settings = options.Settings.of(
            config.section(conf, options.GROUP, options.OPTS)
        )
        self.access = session.load(conf)
        self.store = store.open(self.settings.connection)

    def compute(self, kind=compute.Compute):
        """Nova, as an engine asks it.

        :param kind: a class of the test's own, where something goes wrong
        """
        return kind(self.access, self.settings.timeout)

    def engine(self, nova=None):
        """An engine that does not run yet."""
        return engine.Engine(
            self.store,
            nova or self.compute(),
            glance.Glance(self.access, self.settings.timeout),
            self.settings,
            Hurry(),
        )

    @contextlib.contextmanager
    def running(self, many=1):
        """Have engines at work meanwhile."""
        engines = [self.engine() for _ in range(many)]
        with futures.ThreadPoolExecutor(many) as pool:
            running = [pool.submit(one.run) for one in engines]
            try:
                yield engines
            finally:
                for one in engines:
                    one.stop.set()
        for one in running:
            one.result()

    def declare(self, host, **more):
        """Somebody says that a host is gone; gives the recovery's id."""
        recovery = Recovery(
            id="",
            host=host,
            phase=Phase.RECEIVED,
            assertion=Assertion(host, fenced=True, **more),
            service_id="",
            asserted_by="somebody",
        )
        made, _ = self.store.create(recovery, line=Line("received", "gone"))
        return made.id

    def recover(self, host, many=1):
        """Declare a host dead, and have engines carry it out to the end."""
        recovery_id = self.declare(host)
        with self.running(many):
            return self.until(recovery_id, *FINAL)

    def until(self, recovery_id, *phases):
        """Wait until a recovery is in a phase; gives the recovery."""

        def there():
            found = self.store.recovery(recovery_id)
            return found if found.phase in phases else None

        try:
            return until(there)
        except AssertionError:
            raise AssertionError(self.said(recovery_id)) from None

    def rows(self, recovery_id):
        """The rows of the servers, by id."""
        found = self.store.servers(recovery_id)
        return {one.server_id: one for one in found}

    def row(self, recovery_id):
        """The row of the only server."""
        (found,) = self.rows(recovery_id).values()
        return found

    def reasons(self, recovery_id):
        """The reasons of all servers."""
        rows = self.store.servers(recovery_id)
        return "; ".join(row.reason for row in rows)

    def note(self, recovery_id):
        return self.store.recovery(recovery_id).note

    def is_back(self, recovery_id):
        """Whether the host has returned."""
        found = self.store.recovery(recovery_id)
        return found.returning is Return.RETURNED

    def said(self, recovery_id):
        """All that is on record of a recovery, for who reads a failure."""
        rows = self.store.servers(recovery_id)
        lines = self.store.lines(recovery_id)
        said = [f"{line.at} {line.event}: {line.message}" for line in lines]
        found = [self.store.recovery(recovery_id), *rows, *said]
        return "\n".join(map(str, found))


@pytest.fixture(scope="session", autouse=True)
def few_threads():
    """Threads of Nova's that wait for work take a good part of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_DEFAULT__EXECUTOR_THREAD_POOL_SIZE", "8")
        yield


@pytest.fixture(scope="module")
def flavored(cloud, nova):
    """Nova, with the flavors of the tests."""
    for name, ram in FLAVORS.items():
        flavor = {"id": name, "name": name, "ram": ram, "vcpus": 1, "disk": 1}
        Hosts(cloud, nova).call("POST", "/flavors", {"flavor": flavor})
    return nova


@pytest.fixture
def hosts(cloud, flavored):
    """Hosts that are gone at the end, with their servers."""
    made = Hosts(cloud, flavored)
    yield made
    made.clear()


@pytest.fixture
def engines(services, tmp_path):
    """A store of the test's own, and what works on it."""
    return Engines(services, tmp_path)
