"""Figures for Prometheus: what the store holds, and what this engine did.

``metrics_address`` (``host:port``) is where they are; they are plain HTTP and
open to whoever reaches that address, and name no server and no project.  What
the store holds is read at each scrape.  ``etc/prometheus-alerts.yaml`` has
alerts on them.
"""

import contextlib
import importlib
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

from waffles import exceptions
from waffles.recovery.engine import figures
from waffles.recovery.engine.counters import Counters
from waffles.recovery.engine.figures import Calls, Store

PREFIX = "waffles_recovery_"

#: Seconds that the store has in a scrape: Prometheus waits for ten, as a rule.
PATIENCE = 5.0


@contextlib.contextmanager
def served(
    address: str,
    store: Store,
    counted: Counters | None = None,
    calls: Callable[[], Calls] = dict,
) -> Iterator[int]:
    """Have the figures at an address meanwhile, in threads of their own.

    :param address: as ``metrics_address`` has it; empty for nowhere
    :param calls: gives how often Nova was called, by method and kind
    :returns: the port; 0 for nowhere
    :raises ConfigError: the address cannot be had
    """
    if not address:
        yield 0
        return
    try:
        # Only now, as not all have it.
        prometheus: Any = importlib.import_module("prometheus_client")
    except ImportError:
        why = "needs prometheus-client: pip install 'waffles[metrics]'"
        raise _error(why) from None
    registry = prometheus.CollectorRegistry(auto_describe=False)
    counted = counted or Counters()
    host, port = place(address)
    with futures.ThreadPoolExecutor(1, "waffles-metrics") as pool:
        registry.register(_Collector(prometheus, pool, store, counted, calls))
        try:
            server, thread = prometheus.start_http_server(port, host, registry)
        except OSError as error:
            raise _error(f"{address}: {error.strerror or error}") from None
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Collector:
    """The figures as prometheus-client takes them, at each scrape."""

    def __init__(
        self,
        prometheus: Any,
        pool: futures.Executor,
        store: Store,
        counted: Counters,
        calls: Callable[[], Calls],
    ) -> None:
        self._metric, self._pool, self._store = prometheus.Metric, pool, store
        self._counted, self._calls = counted, calls

    def collect(self) -> Iterator[Any]:
        found = figures.families(
            self._held(), self._store.takeovers, self._counted, self._calls()
        )
        for family in found:
            name = PREFIX + family.name
            metric = self._metric(name, family.text, family.kind)
            for value, labels, suffix in family.samples:
                metric.add_sample(name + suffix, dict(labels), value)
            yield metric

    def _held(self) -> list[figures.Family] | None:
        """What the store holds; None if it does not say so soon."""
        reading = self._pool.submit(figures.of_store, self._store)
        try:
            return reading.result(PATIENCE)
        except (exceptions.Unavailable, TimeoutError):
            reading.cancel()
            return None


def place(address: str) -> tuple[str, int]:
    """Host and port of an address.

    >>> place("[::1]:9790")
    ('::1', 9790)
    """
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _error(why: str) -> exceptions.ConfigError:
    return exceptions.ConfigError(
        why, group="waffles_recovery", option="metrics_address"
    )
