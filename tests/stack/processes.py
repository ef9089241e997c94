"""Processes that are started, waited for and ended: each by its id.

Each leads a process group of its own, so that what it starts ends with it,
and Ctrl-C in a terminal reaches none of them: the harness ends them.  What
they print is their log.
"""

import dataclasses
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any

from tests.stack.waiting import until

#: Characters of a log that a failure shows.
END = 3000

#: Seconds that a process has to end when it is asked to.
GRACE = 10.0

Command = Sequence[str | Path]


class Failed(Exception):
    """A process did not do what it was started for; with its log's end."""


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """One process, and its part of a log file: all from ``begin`` on."""

    name: str
    popen: subprocess.Popen[bytes]
    file: Path
    begin: int

    def log(self) -> str:
        text = self.file.read_bytes()[self.begin :]
        return text.decode(errors="replace")

    def failed(self, what: str) -> Failed:
        end = self.log()[-END:]
        return Failed(f"{self.name} {what}. Its log ends:\n{end}")

    def ended(self) -> bool:
        """Whether it has; its id stays its own until :meth:`end`."""
        if self.popen.returncode is not None:
            return True
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self.popen.pid, how) is not None
        except ChildProcessError:
            # A thread that ends all was faster.
            return True

    def end(self, sign: int = signal.SIGKILL) -> int:
        """Have it and all of its group end; the exit code.

        :param sign: what it is asked by; SIGKILL comes after it
        """
        end([self], sign)
        return self.popen.returncode

    def signal(self, sign: int) -> bool:
        """Whether there was anybody in the group to get the signal."""
        try:
            os.killpg(self.popen.pid, sign)
        except ProcessLookupError:
            return False
        return True


def end(processes: Iterable[Process], sign: int = signal.SIGKILL) -> None:
    """Have processes and all of their groups end, those that have not."""
    running = [one for one in processes if one.popen.returncode is None]
    for one in running:
        one.signal(sign)
    until(lambda: all(one.ended() for one in running), GRACE)
    for one in running:
        one.signal(signal.SIGKILL)
        one.popen.wait()
    until(lambda: not any(one.signal(0) for one in running), GRACE)


class Processes:
    """All processes of a cloud, by name.

    :param logs: the folder for their logs
    :param environ: what each of them finds in its environment
    """

    def __init__(self, logs: Path, environ: Mapping[str, str]) -> None:
        self.logs, self.environ = logs, environ
        self._all: dict[str, Process] = {}
        self._lock = threading.Lock()
        self._closed = False

    def __getitem__(self, name: str) -> Process:
        """The process that was last started by a name."""
        return self._all[name]

    def start(
        self,
        name: str,
        command: Command,
        user: str | None = None,
        **environ: str,
    ) -> Process:
        """Start a process; one of that name is ended.

        :param user: whose it is, where we may choose
        """
        if name in self._all:
            self._all[name].end()
        file = self.logs / f"{name}.log"
        with self._lock, file.open("ab") as log:
            if self._closed:
                raise Failed(f"{name} is not started: the cloud ends")
            begin = log.tell()
            popen = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self.environ, **environ},
                cwd=self.logs.parent,
                start_new_session=True,
                **(_owner(user) if user else {}),
            )
            self._all[name] = Process(name, popen, file, begin)
        return self._all[name]

    def run(self, name: str, command: Command, **how: Any) -> None:
        """Run a command to its end.

        :raises Failed: its exit code is not 0
        """
        process = self.start(name, command, **how)
        if not until(process.ended):
            raise process.failed("does not end")
        if code := process.end():
            raise process.failed(f"ended with {code}")

    def serve(
        self,
        name: str,
        command: Command,
        answers: Callable[[], bool],
        **how: Any,
    ) -> None:
        """Start a process, and wait until it answers.

        :raises Failed: it ended instead
        """
        process = self.start(name, command, **how)
        if not until(lambda: process.ended() or answers()):
            raise process.failed("does not answer")
        if process.ended():
            raise process.failed(f"ended with {process.end()}")

    def together(self, *jobs: Callable[[], object]) -> None:
        """Run jobs in threads; when one fails, the rest is ended with it."""
        with futures.ThreadPoolExecutor(len(jobs)) as pool:
            try:
                running = [pool.submit(job) for job in jobs]
                for done in futures.as_completed(running):
                    done.result()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """End all.  Nothing of them is kept, so none is asked politely."""
        with self._lock:
            self._closed = True
        end(self._all.values())


def _owner(user: str) -> dict[str, Any]:
    """For Popen: only root may choose."""
    if os.geteuid():
        return {}
    return {"user": user, "group": user, "extra_groups": []}
