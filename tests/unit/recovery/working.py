"""An engine's hold on a recovery, on a real store and a made-up Nova."""

import dataclasses
import threading
from concurrent import futures

from waffles import config
from waffles.recovery import options
from waffles.recovery.engine import engine
from waffles.recovery.engine.counters import Counters
from waffles.recovery.engine.work import Work
from waffles.recovery.model import Assertion, Line, Phase, Recovery
from waffles.recovery.store import store

#: No waits, where nothing else is said.
QUICK = {
    "poll_interval": 0,
    "settle_time": 60,
    "evacuation_timeout": 600,
    "retry_delay": 0,
    "retry_delay_max": 0,
    "heartbeat_interval": 0,
    "healthy_delay": 0,
    "threshold_cloud": 100,
    "threshold_zone": 100,
}


class Bench:
    """A store, a Nova, and an engine's lease on one recovery of a host."""

    def __init__(self, tmp_path, nova, **settings):
        self.nova, self.file = nova, tmp_path / "recovery.db"
        self.store = store.open(f"sqlite:///{self.file}")
        found = config.section(
            config.read([]), "waffles_recovery", options.OPTS
        )
        self.settings = dataclasses.replace(
            options.Settings.of(found), **QUICK | settings
        )
        self.pool = futures.ThreadPoolExecutor(4)
        self.stop = threading.Event()

    def close(self):
        self.pool.shutdown()
        self.store.close()

    def declare(self, fenced_at=None, **more):
        """Somebody says that the host is gone; gives the recovery."""
        said = Assertion(self.nova.host, fenced=True, fenced_at=fenced_at)
        made, new = self.store.create(
            Recovery(
                "",
                self.nova.host,
                Phase.RECEIVED,
                said,
                service_id=f"id-of-{self.nova.host}",
                **more,
            ),
            line=Line("received", "by a test"),
        )
        assert new
        return made

    def claim(self, name="one"):
        """An engine's hold on a recovery that is due."""
        lease = self.store.claim(name, self.settings.lease_time)
        assert lease, "there is nothing to be had"
        return Work(
            self.store,
            lease,
            self.nova,
            None,
            self.settings,
            Counters(),
            self.pool,
            self.stop.wait,
        )

    def engine(self):
        """An engine, to be run in a thread."""
        return engine.Engine(
            self.store, self.nova, None, self.settings, self.stop
        )

    def rows(self, recovery):
        """The servers of a recovery by their ids."""
        found = self.store.servers(recovery.id)
        return {row.server_id: row for row in found}

    def states(self, recovery):
        return {
            server_id: row.state.value
            for server_id, row in self.rows(recovery).items()
        }

    def events(self, recovery):
        """What stands in the log of a recovery, without its servers'."""
        lines = self.store.lines(recovery.id)
        return [line.event for line in lines if not line.server_id]
