"""What a stage of a recovery has at hand: one engine's hold on one host."""

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent import futures
from typing import Any, TypeVar

from waffles import exceptions
from waffles.clients.compute import Compute
from waffles.clients.glance import Glance
from waffles.recovery.engine.counters import Counters
from waffles.recovery.model import Line, Notice, Recovery, Server
from waffles.recovery.options import ISSUING, Settings
from waffles.recovery.store.store import Lease, Store

T = TypeVar("T")
A = TypeVar("A")

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Work:
    """A lease on a recovery, and all that it takes to go on with it.

    :param pool: in which Nova is asked for several servers at once
    :param sleep: waits some seconds; True once the engine is to end
    """

    store: Store
    lease: Lease
    compute: Compute
    glance: Glance
    settings: Settings
    counted: Counters
    pool: futures.Executor
    sleep: Callable[[float], bool]

    def line(
        self,
        recovery: Recovery,
        event: str,
        message: str,
        server: Server | None = None,
        request_id: str = "",
    ) -> Line:
        """A line for the record, which is written to the log at once."""
        LOG.info(
            "Recovery %s, host %s%s: %s: %s [%s]",
            recovery.id,
            recovery.host,
            f", server {server.server_id}" if server else "",
            event,
            message,
            request_id or recovery.request_id or "-",
        )
        server_id = server.server_id if server else ""
        return Line(event, message, server_id, request_id)

    def save(
        self,
        recovery: Recovery,
        *lines: Line,
        notices: Iterable[Notice] = (),
        **columns: Any,
    ) -> Recovery:
        """Write columns that differ, and what is to be said with them."""
        changed = {
            name: value
            for name, value in columns.items()
            if getattr(recovery, name) != value
        }
        notices = list(notices)
        if not (changed or lines or notices):
            return recovery
        return self.lease.save(lines=lines, notices=notices, **changed)

    def renew(self) -> None:
        """Keep the lease where it would not last for one more call.

        :raises Lost: somebody else has it
        """
        if self.lease.left() < self.settings.lease_time / 2:
            self.lease.renew()

    def fence(self) -> None:
        """Make sure, in the store, that the recovery is ours.

        :raises Lost: somebody has taken it away, or ended it
        """
        self.lease.renew()

    def service(self, host: str) -> Mapping[str, Any] | None:
        """The nova-compute of a host, by its exact name."""
        found = self.compute.services(host=host, binary="nova-compute")
        return next((one for one in found if one["host"] == host), None)

    def seen(self, host: str) -> Mapping[str, Any]:
        """The nova-compute of a host, with all that Nova knows of it.

        :raises Unavailable: there is none, or its cell is not seen now
        """
        found = self.service(host)
        if found is None:
            raise exceptions.Unavailable(
                f"Nova shows no nova-compute of {host}."
            )
        if found["status"] == "UNKNOWN":
            raise exceptions.Unavailable(
                f"Nova does not see the cell of {host} now."
            )
        return found


def window() -> Callable[[], bool]:
    """Begin the time in which requests may follow what was written down.

    What is given says whether it is not over, as after a stop of the process.
    """
    end = time.monotonic() + ISSUING
    return lambda: time.monotonic() < end
