"""The command ``waffles audit``, run as an operator would."""

from pathlib import Path

from waffles.demo import commands
from waffles.demo.api import Unexpected

#: What the command needs to reach the demo as its administrator.
CLOUD = """
[waffles]
auth_type = admin_token
endpoint = {url}/v2.1
token = admin
"""

#: What fits on a screen.
COLUMNS = ("-c", "name", "-c", "pointer", "-c", "reason")

#: The exit code that says that servers break the rules.
VIOLATIONS = 1


def connect(config: Path, url: str) -> None:
    """Add to the configuration where the demo is."""
    config.write_text(config.read_text() + CLOUD.format(url=url))


def words(config: Path) -> tuple[str, ...]:
    """What follows ``waffles`` where servers are audited."""
    return ("audit", "--config-file", str(config), *COLUMNS)


def finds(name: str, config: Path) -> None:
    """Audit the demo's servers, and show what is said of them.

    :param name: of the server that must be found
    :raises Unexpected: it is not found
    """
    done = commands.run(*words(config))
    if done.returncode != VIOLATIONS or name not in done.stdout:
        raise Unexpected(
            f"the audit is not as expected.\n"
            f"expected: exit code {VIOLATIONS} and {name!r}\n"
            f"came:     {done.returncode} {done.stdout}{done.stderr}"
        )
