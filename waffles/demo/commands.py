"""The command ``waffles``, run as an operator would."""

import shlex
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

#: Seconds that a command may take.
SECONDS = 60

# Where a console script lies differs between installations.
_RUN = "import sys; from waffles.cli import app; sys.exit(app.main())"


def typed(*words: str) -> str:
    """A command as an operator types it.

    :param words: what follows ``waffles``
    """
    return shlex.join([_script(), *words])


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command, and show what it writes."""
    print(f"    $ {typed(*words)}")
    done = _run(words, captured=True)
    print(textwrap.indent(done.stdout.rstrip(), "    "))
    print(f"    exit code {done.returncode}")
    return done


def watch(*words: str) -> int:
    """Run a command that draws on the terminal itself; gives its exit code."""
    print(f"    $ {typed(*words)}", flush=True)
    done = _run(words, captured=False)
    print(f"    exit code {done.returncode}")
    return done.returncode


def _run(
    words: Sequence[str], captured: bool
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-c", _RUN, *words],
        capture_output=captured,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def _script() -> str:
    """The console script; by its path, as it may stand outside of PATH."""
    beside = Path(sys.executable).with_name("waffles")
    return str(beside) if beside.exists() else beside.name
