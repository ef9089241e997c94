"""Real Novas as cells: each a process of its own, on a port of 127.0.0.1.

::

    with realcells.running(2, folder) as (c1, c2):
        c1.call("GET", "/flavors").data

A cell is Nova's own API with Nova's own pipeline and databases (SQLite), but
for ``auth_token``: :mod:`tests.realcells.auth` takes ``admin:<project>`` and
``user:<project>`` for tokens.  Of what Nova asks, Keystone and Placement are
stand-ins in the same process (:mod:`tests.realcells.standins`); no service
listens on the bus.  Hosts are rows of the databases, and always up.

Cells are equal when they start, but for the names of their hosts: what is
asked of two in one order gives the same ids in both.
"""

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent import futures
from pathlib import Path

from tests.realcells import conf
from tests.realcells.asking import Api
from tests.stack import ports

ROOT = Path(__file__).parents[2]

#: The hosts of a cell; the last one is called the same in every cell.
HOSTS = ("{cell}-host1", "{cell}-host2", "shared-host")

#: Seconds that a command may take on a busy machine.
PATIENCE = 120.0

#: Characters of a log that a failure shows.
END = 3000


class Cell(Api):
    """A cell, running or not; its data stay in a folder."""

    def __init__(self, name: str, port: int, folder: Path) -> None:
        super().__init__(f"http://127.0.0.1:{port}/v2.1")
        self.name, self.folder = name, folder
        self._port = port
        self._process: subprocess.Popen[str] | None = None

    def configure(self, more: str) -> None:
        """Write what it reads at its next start.

        :param more: groups for its configuration, those of waffles too
        """
        conf.write(self.folder, self.name, self._port, more)

    def start(self, hosts: Sequence[str] = ()) -> None:
        """Start it, with the data that it had, and wait until it answers.

        :param hosts: to be made, where there is none of that name
        """
        command = [sys.executable, "-m", "tests.realcells"]
        with self.log.open("a") as log:
            process = subprocess.Popen(  # noqa: S603
                [*command, self.folder, str(self._port), *hosts],
                cwd=ROOT,
                # Should we be killed, the cell ends with its input.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._process = process
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            self.stop()
            raise AssertionError(self.log.read_text()[-END:])

    def stop(self) -> None:
        """End it at once, as if its power failed: connections are refused."""
        if self._process is not None:
            # Leaving the block closes the pipes, and waits.
            with self._process as process:
                process.kill()
            self._process = None

    def pause(self) -> None:
        """Let it hang: connections are made, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Let it go on with what it was asked meanwhile."""
        self._signal(signal.SIGCONT)

    @property
    def log(self) -> Path:
        """What Nova logs, and what the process says."""
        return self.folder / "nova.log"

    def _signal(self, sign: int) -> None:
        assert self._process is not None
        self._process.send_signal(sign)


def prepare(folder: Path) -> None:
    """Make the databases that every cell begins with."""
    folder.mkdir()
    conf.write(folder, "prepared", 0)
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.realcells.databases", folder],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-END:]


@contextlib.contextmanager
def running(
    many: int, folder: Path, hosts: Sequence[str] = HOSTS, more: str = ""
) -> Iterator[list[Cell]]:
    """Cells ``c1``, ``c2``, …, which are stopped at the end.

    :param folder: for all files; what :func:`prepare` has made is used again
    :param hosts: of each, where ``{cell}`` stands for its name
    :param more: groups for the configuration of each
    """
    prepared = folder / "prepared"
    if not prepared.exists():
        prepare(prepared)
    names = [f"c{number + 1}" for number in range(many)]
    free = ports.free(names)
    cells = [Cell(name, free[name], folder / name) for name in names]

    def make(cell: Cell) -> None:
        shutil.copytree(prepared, cell.folder)
        cell.configure(more)
        cell.start([host.format(cell=cell.name) for host in hosts])

    try:
        with futures.ThreadPoolExecutor(many) as pool:
            list(pool.map(make, cells))
        yield cells
    finally:
        for cell in cells:
            cell.stop()
            shutil.rmtree(cell.folder, ignore_errors=True)
