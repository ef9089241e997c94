"""Installs what the stack needs from Debian: ``python -m tests.stack.debian``.

The packages would start their services; that is prevented while they are
installed.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MARIADB = Path("/usr/sbin/mariadbd")
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CHROMIUM = Path("/usr/bin/chromium")
CHROMEDRIVER = Path("/usr/bin/chromedriver")

#: Each version of it has a folder of its own.
POSTGRESQL = max(
    Path("/usr/lib/postgresql").glob("*/bin/postgres"),
    default=Path("/usr/lib/postgresql/bin/postgres"),
)

#: package -> what we run of it
PACKAGES = {
    "mariadb-server": MARIADB,
    "postgresql": POSTGRESQL,
    "rabbitmq-server": RABBITMQ,
    "chromium": CHROMIUM,
    "chromium-driver": CHROMEDRIVER,
}

#: What Debian's packages ask before they start a service; 101 forbids it.
POLICY = Path("/usr/sbin/policy-rc.d")
FORBID = "#!/bin/sh\nexit 101\n"


def main() -> None:
    missing = [name for name, file in PACKAGES.items() if not file.exists()]
    if not missing:
        return
    if os.geteuid():
        sys.exit(
            f"The stack needs these Debian packages, and only root can"
            f" install them: {' '.join(missing)}"
        )
    with no_service_starts(POLICY):
        apt_get("update")
        apt_get("install", "-y", "--no-install-recommends", *missing)


def apt_get(*arguments: str) -> None:
    """Run apt-get, which asks nothing."""
    subprocess.run(  # noqa: S603
        ["/usr/bin/apt-get", *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
    )


@contextlib.contextmanager
def no_service_starts(policy: Path) -> Iterator[None]:
    """Forbid packages to start services; a policy that is there stays."""
    if policy.exists():
        yield
        return
    policy.write_text(FORBID)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


if __name__ == "__main__":
    main()
