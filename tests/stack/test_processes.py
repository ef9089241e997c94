"""Nothing of a cloud is left, however its run ends."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.stack import site, waiting
from tests.stack.processes import Failed, Processes

#: Ignores what asks it to end, and so does the process that it starts.
STUBBORN = ["sh", "-c", "trap '' TERM INT; sleep 1000 & echo $!; wait; wait"]

RUN = """
    import time
    from tests.stack import site
    with site.prepared() as place:
        place.processes.start("stubborn", {stubborn})
        print(place.folder, flush=True)
        time.sleep(1000)
"""


@pytest.fixture
def processes(tmp_path):
    logs = tmp_path / "log"
    logs.mkdir()
    processes = Processes(logs, {"PATH": os.environ["PATH"]})
    yield processes
    processes.close()


def child(processes):
    """The id of what the stubborn process has started."""
    assert waiting.until(lambda: "\n" in processes["stubborn"].log())
    return int(processes["stubborn"].log())


def runs(pid):
    """Whether there is such a process that has not ended."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().split(") ")[1][0] != "Z"


def test_a_process_ends_with_all_that_it_has_started(processes):
    processes.start("stubborn", STUBBORN)
    started = child(processes)
    assert runs(started)

    processes.close()

    assert not runs(started)


def test_a_failure_of_one_ends_the_others(processes):
    processes.start("stubborn", STUBBORN)
    started = child(processes)

    with pytest.raises(Failed, match="ended with 3. Its log ends:\nno"):
        processes.together(
            lambda: processes.run("bad", ["sh", "-c", "echo no; exit 3"]),
            lambda: processes.run("long", ["sleep", "1000"]),
        )

    assert not runs(started)
    with pytest.raises(Failed, match="late is not started"):
        processes.start("late", ["sleep", "1000"])


def test_a_log_is_that_of_the_last_start(processes):
    processes.run("echo", ["echo", "first"])
    processes.run("echo", ["echo", "second"])

    assert processes["echo"].log() == "second\n"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_nothing_is_left_of_a_run_that_is_ended(name, monkeypatch):
    monkeypatch.delenv(site.KEEP, raising=False)
    run = textwrap.dedent(RUN).format(stubborn=STUBBORN)
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", run],
        cwd=site.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as popen:
        folder = Path(popen.stdout.readline().strip())
        log = folder / "log" / "stubborn.log"
        assert waiting.until(lambda: "\n" in log.read_text())
        started = int(log.read_text())
        assert runs(started)
        popen.send_signal(signal.Signals[name])
        popen.wait(60)

    assert not runs(started)
    assert not folder.exists()
