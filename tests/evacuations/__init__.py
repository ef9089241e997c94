"""A fake Nova that counts evacuations: ``python -m tests.evacuations``.

It is a process of its own, which prints its port.  From Nova 34 it has what an
evacuation needs, as at microversion 2.94: versions, compute services (force
down, disable), servers and their actions, migrations, host aggregates, server
groups, instance actions.  As the real one it accepts a second evacuation of a
server while the first is under way, and then the guest runs twice; here that
is on record.  No tokens are asked for: ``auth_type = none``.

Hosts ``dead-1``, ``dead-2``, … have the servers, hosts ``host-1``, … take
them.  A dead host still seems up until it is forced down.

::

    GET  /_counts    what has been done to each server, and the calls
    GET  /_totals    the same without the servers: it costs nothing
    POST /_faults    from now on something goes wrong: fields of Faults

A call takes ``latency`` seconds, and acts at some moment of these, even if who
asked has gone meanwhile.
"""

import contextlib
import dataclasses
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

#: Seconds that the process has to end.
GRACE = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What the cloud is like; each field is an option of the command.

    :param servers: on each dead host
    :param dead: hosts with servers
    :param hosts: hosts that take them
    :param latency: seconds of a call
    :param seconds: of an evacuation
    :param jitter: part of these by which one takes more or less
    :param stopped: part of the servers that is SHUTOFF
    :param untagged: part of the servers that nobody asked to recover
    :param page: most servers or migrations in an answer
    """

    servers: int = 200
    dead: int = 1
    hosts: int = 20
    latency: float = 0.05
    seconds: float = 2.0
    jitter: float = 0.0
    stopped: float = 0.1
    untagged: float = 0.0
    page: int = 1000
    seed: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Fake:
    """A running one.

    :param url: without a path
    """

    url: str
    plan: Plan
    pid: int

    @property
    def access(self) -> str:
        """The group of a configuration by which it is reached."""
        return f"[waffles]\nauth_type = none\nendpoint = {self.url}/v2.1\n"

    @property
    def dead(self) -> list[str]:
        """The hosts to be recovered."""
        return [f"dead-{number + 1}" for number in range(self.plan.dead)]

    def counts(self) -> dict[str, Any]:
        """What it has counted."""
        return self._ask("/_counts")

    def totals(self) -> dict[str, Any]:
        """The sums of it."""
        return self._ask("/_totals")

    def fails(self, **faults: Any) -> None:
        """Have something go wrong from now on; others as they were."""
        self._ask("/_faults", faults)

    def _ask(self, path: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + path, data, 30) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found


@contextlib.contextmanager
def running(**how: Any) -> Iterator[Fake]:
    """One that is stopped at the end.

    :param how: fields of Plan
    """
    plan = Plan(**how)
    options = [
        f"--{name}={value}" for name, value in dataclasses.asdict(plan).items()
    ]
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "tests.evacuations", *options],
        cwd=ROOT,
        # Should this process be killed, the other ends with its input.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield Fake(f"http://127.0.0.1:{port}", plan, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(GRACE)
