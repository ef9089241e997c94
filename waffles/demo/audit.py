"""The command ``waffles audit``, run as an operator would."""

import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

from waffles.demo.api import Unexpected

#: What the command needs to reach the demo as its administrator.
CLOUD = """
[waffles]
auth_type = admin_token
endpoint = {url}/v2.1
token = admin
"""

#: What fits on a screen.
COLUMNS = "-c name -c pointer -c reason"

#: The exit code that says that servers break the rules.
VIOLATIONS = 1

# Where a console script lies differs between installations.
_RUN = "import sys; from waffles.cli import app; sys.exit(app.main())"


def connect(config: Path, url: str) -> None:
    """Add to the configuration where the demo is."""
    config.write_text(config.read_text() + CLOUD.format(url=url))


def command(config: Path) -> str:
    """The command as an operator types it."""
    typed = shlex.join([_script(), "audit", "--config-file", str(config)])
    return f"{typed} {COLUMNS}"


def _script() -> str:
    """The console script; by its path, as it may stand outside of PATH."""
    beside = Path(sys.executable).with_name("waffles")
    return str(beside) if beside.exists() else beside.name


def finds(name: str, config: Path) -> None:
    """Audit the demo's servers, and show what is said of them.

    :param name: of the server that must be found
    :raises Unexpected: it is not found
    """
    typed = command(config)
    print(f"    $ {typed}")
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-c", _RUN, *shlex.split(typed)[1:]],
        capture_output=True,
        text=True,
        timeout=30,
    )
    print(textwrap.indent(done.stdout.rstrip(), "    "))
    print(f"    exit code {done.returncode}")
    if done.returncode != VIOLATIONS or name not in done.stdout:
        raise Unexpected(
            f"the audit is not as expected.\n"
            f"expected: exit code {VIOLATIONS} and {name!r}\n"
            f"came:     {done.returncode} {done.stdout}{done.stderr}"
        )
