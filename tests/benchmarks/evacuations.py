"""Evacuations of a large host: the engine, the ideal, and the serial loop.

The engine is a process of its own, as in production, on SQLite; its time is
from the moment at which a recovery is written down to its end, with all that
is verified on the way.  The ideal has as many in flight as it may at every
moment, and looks at each in the moment in which it has ended.  The serial
loop is what ``nova host-evacuate`` does: it asks for one after another, and
does not wait for any of them, nor look what became of it.
"""

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tqdm
from keystoneauth1 import noauth, session
from novaclient import client
from novaclient.v2 import shell

from tests.evacuations import Fake, judge, running
from waffles.recovery.model import Assertion, Line, Phase, Recovery
from waffles.recovery.store import store

SERVERS, LATENCY, SECONDS = 1_000, 0.05, 2.0

#: Evacuations in flight.
LIMITS = (50, 200)

#: One server's: it is asked for, it is evacuated, a list shows that, and it is
#: looked at.
ONE = LATENCY + SECONDS + 2 * LATENCY

#: Seconds that the engine has at most.
PATIENCE = 300.0

OPTIONS = """
[waffles_recovery]
connection = {url}
in_flight_per_recovery = {limit}
in_flight = {limit}
poll_interval = 0.1
"""


class Measured(NamedTuple):
    """What a way to do it costs.

    :param seconds: for all servers
    :param calls: to Nova for one server
    :param megabytes: that it had in memory at most; None where nobody knows
    """

    seconds: float
    calls: float
    megabytes: float | None = None

    def __str__(self) -> str:
        memory = "" if self.megabytes is None else f"{self.megabytes:9.1f}"
        return f"{self.seconds:9.2f} {self.calls:9.2f} {memory}".rstrip()


def rows() -> Iterator[tuple[str, Measured]]:
    """All ways, each by its name."""
    for limit in LIMITS:
        yield f"ideal, {limit} in flight", ideal(limit)
        yield f"waffles, {limit} in flight", engine(limit)
    yield "nova host-evacuate", serial()


def ideal(limit: int) -> Measured:
    """As many in flight as may be, at every moment."""
    return Measured(SERVERS / limit * ONE, calls=2)


def engine(limit: int) -> Measured:
    """``waffles recovery run``, from the row to the end of the recovery."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(servers=SERVERS, latency=LATENCY, seconds=SECONDS) as fake,
    ):
        url = f"sqlite:///{folder}/recovery.db"
        file = Path(folder, "waffles.conf")
        options = OPTIONS.format(url=url, limit=limit)
        file.write_text(fake.access + options)
        with contextlib.closing(store.open(url)) as known, _process(file) as p:
            _until(lambda: bool(known.engines()))
            _force_down(fake)
            began = time.perf_counter()
            recovery_id = _declared(known, fake.dead[0])
            with _progress(fake, f"waffles, {limit} in flight", "done"):
                _until(lambda: not known.recoveries(limit=1, open=True))
            seconds = time.perf_counter() - began
            megabytes = _most_memory(p.pid)
            counts, found = fake.counts(), known.servers(recovery_id)
        wrong = judge.problems(counts, found, limit)
        assert not wrong, wrong[:10]
        return Measured(seconds, _calls(counts), megabytes)


def serial() -> Measured:
    """``nova host-evacuate``."""
    with running(servers=SERVERS, latency=LATENCY, seconds=SECONDS) as fake:
        nova = _force_down(fake)
        asked = argparse.Namespace(
            host=fake.dead[0], strict=True, target_host=None
        )
        began = time.perf_counter()
        with (
            _progress(fake, "nova host-evacuate", "asked"),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            shell.do_host_evacuate(nova, asked)
        seconds = time.perf_counter() - began
        counts = fake.counts()
        accepted = [one["accepted"] for one in counts["servers"].values()]
        assert accepted == [1] * SERVERS
        return Measured(seconds, _calls(counts))


def _force_down(fake: Fake) -> Any:
    """Tell Nova that the host is down, as a monitor does; gives its client."""
    auth = noauth.NoAuth(f"{fake.url}/v2.1")
    nova = client.Client("2.94", session=session.Session(auth))
    (service,) = nova.services.list(host=fake.dead[0])
    nova.services.force_down(service.id, True)
    return nova


@contextlib.contextmanager
def _process(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An engine, which is asked to end."""
    waffles = Path(sys.executable).with_name("waffles")
    with (
        file.with_name("engine.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603
            [waffles, "--config-file", file, "recovery", "run"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def _declared(rows: store.Store, host: str) -> str:
    """Declare a host dead; the id of its recovery."""
    assertion = Assertion(host, fenced=True, fenced_by="benchmark")
    recovery = Recovery("", host, Phase.RECEIVED, assertion, service_id="")
    line = Line("asserted", f"{host} is declared dead")
    return rows.create(recovery, by="benchmark", line=line)[0].id


@contextlib.contextmanager
def _progress(fake: Fake, name: str, count: str) -> Iterator[None]:
    """Show each second how far Nova is.

    :param count: of its totals
    """
    ended = threading.Event()

    def show() -> None:
        with tqdm.tqdm(total=SERVERS, desc=name) as bar:
            while not ended.wait(1):
                bar.update(fake.totals()[count] - bar.n)

    thread = threading.Thread(target=show)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


def _most_memory(pid: int) -> float:
    """Megabytes that a process has had in memory at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (one for one in status.splitlines() if "VmHWM" in one)
    return int(line.split()[1]) / 1024


def _calls(counts: dict[str, Any]) -> float:
    return float(sum(counts["calls"].values()) / SERVERS)
