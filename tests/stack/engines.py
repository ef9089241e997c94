"""Engines to be killed: ``waffles recovery run``, many times a minute.

The imports of an engine take a second of a processor.  So there is one
process that has made them and does nothing but fork; what it forks calls
``main`` with the arguments of a command line, as the command does.  All of
them end with it, and it with the test.
"""

import contextlib
import ctypes
import dataclasses
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.stack.site import ROOT

#: What ``waffles`` runs, and all that it would import later.
COMMAND = "waffles.cli.app:main"
IMPORTS = (
    "waffles.cli.app",
    "waffles.cli.engine",
    "psycopg",
    "pymysql",
    "sqlalchemy.dialects.mysql.pymysql",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "keystoneauth1.loading._plugins.noauth",
)

#: What fills caches that an engine would fill.
WARM = ("help", "recovery", "run")

#: prctl(2): get a signal when the parent ends.
PDEATHSIG = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Engine:
    """One process, held by a descriptor: its id is nobody else's."""

    pid: int
    descriptor: int
    log: Path

    def signal(self, sign: int) -> None:
        """Send a signal, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, sign)

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it has ended, or does in some seconds."""
        polled = select.poll()
        polled.register(self.descriptor, select.POLLIN)
        return bool(polled.poll(seconds * 1000))

    def kill(self) -> None:
        """Have it end at once, and wait for that."""
        self.signal(signal.SIGKILL)
        assert self.ended(10), f"{self.pid} does not end"
        os.close(self.descriptor)


class Nursery:
    """Where engines come from; made by :func:`running`."""

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders, self._answers = orders, answers
        self._lock = threading.Lock()

    def start(
        self,
        arguments: Sequence[str],
        log: Path,
        call: str = COMMAND,
        scaled: Mapping[str, Any] | None = None,
    ) -> Engine:
        """Start a process.

        :param log: where its output goes, behind what is there
        :param call: what gets the arguments, as ``module:function``
        :param scaled: values of constants, by ``module:name``
        """
        order = {
            "call": call,
            "arguments": list(arguments),
            "log": str(log),
            "scaled": dict(scaled or {}),
        }
        with self._lock:
            self._orders.write(json.dumps(order) + "\n")
            self._orders.flush()
            pid = int(self._answers.readline())
        return Engine(pid, os.pidfd_open(pid), log)


@contextlib.contextmanager
def running(*imports: str) -> Iterator[Nursery]:
    """A nursery that is closed at the end, with all that came from it.

    :param imports: modules that it imports; by default those of an engine
    """
    command = [sys.executable, "-W", "ignore", "-m", "tests.stack.engines"]
    with subprocess.Popen(  # noqa: S603
        [*command, *(imports or IMPORTS)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Nursery(process.stdin, process.stdout)
        finally:
            process.stdin.close()
            process.wait(10)


def main() -> None:
    """Fork for each line of the input."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    if "waffles.cli.app" in sys.argv:
        with contextlib.redirect_stdout(io.StringIO()):
            pkgutil.resolve_name(COMMAND)(list(WARM))
    # Nobody waits for what ends.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _become(json.loads(line))
        print(pid, flush=True)


def _become(order: Mapping[str, Any]) -> None:
    """Be another process from now on."""
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, opened in enumerate((os.open(os.devnull, 0), log, log)):
        os.dup2(opened, number)
    code = 1
    try:
        for place, value in order["scaled"].items():
            module, _, name = place.partition(":")
            scaled = importlib.import_module(module)
            assert hasattr(scaled, name), place
            setattr(scaled, name, value)
        code = pkgutil.resolve_name(order["call"])(order["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    main()
