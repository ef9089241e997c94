"""Where the parts of one cloud are, and who its users are."""

import contextlib
import dataclasses
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.stack import ports, signals
from tests.stack.processes import Processes

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SHARED = Path(sys.prefix) / "etc"

REGION = "RegionOne"

#: May name a folder: those of clouds are made in it, and left there.
KEEP = "STACK_KEEP"


class Service(NamedTuple):
    """A service in the catalogue: its type, and the path of its endpoint."""

    type: str
    path: str = ""


SERVICES = {
    "keystone": Service("identity", "/v3"),
    "placement": Service("placement"),
    "glance": Service("image"),
    "neutron": Service("network"),
    "nova": Service("compute", "/v2.1"),
}

#: All that listen.
LISTENERS = (
    *SERVICES,
    "mariadb",
    "postgresql",
    "epmd",
    "rabbitmq",
    "rabbitmq-nodes",
)

DATABASES = (
    "keystone placement glance neutron nova_api nova nova_cell0 waffles"
).split()


class User(NamedTuple):
    """Who may do what in which project."""

    project: str
    password: str
    roles: tuple[str, ...]


SERVICE = User("service", "service-password", ("admin", "service"))

USERS = {
    "admin": User("admin", "admin", ("admin",)),
    "demo": User("demo", "demo", ("member",)),
    "other": User("other", "other", ("member",)),
    "placement": SERVICE,
    "glance": SERVICE,
    "neutron": SERVICE,
    "nova": SERVICE,
    "waffles": SERVICE,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """The place of one cloud.

    :param folder: all files of it
    :param ports: by name of :data:`LISTENERS`
    """

    folder: Path
    ports: Mapping[str, int]
    processes: Processes

    def url(self, name: str) -> str:
        """The endpoint of a service."""
        port = self.ports[name]
        return f"http://127.0.0.1:{port}{SERVICES[name].path}"

    def database(self, name: str) -> str:
        """A database, as SQLAlchemy takes it."""
        port = self.ports["mariadb"]
        return f"mysql+pymysql://stack:stack@127.0.0.1:{port}/{name}"

    @property
    def bus(self) -> str:
        """RabbitMQ, as oslo.messaging takes it."""
        return f"rabbit://guest:guest@127.0.0.1:{self.ports['rabbitmq']}/"

    def credentials(self, user: str) -> dict[str, str]:
        """What a user says to Keystone."""
        return {
            "auth_url": self.url("keystone"),
            "username": user,
            "password": USERS[user].password,
            "project_name": USERS[user].project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }

    def auth(self, user: str) -> str:
        """The same for a section of a configuration file."""
        options = {
            "auth_type": "password",
            **self.credentials(user),
            "region_name": REGION,
        }
        return "".join(f"{key} = {value}\n" for key, value in options.items())

    def authtoken(self, user: str) -> str:
        """The section of a service that takes tokens."""
        return (
            f"[keystone_authtoken]\n"
            f"www_authenticate_uri = {self.url('keystone')}\n"
            f"service_token_roles_required = true\n"
            f"{self.auth(user)}"
        )

    def write(self, path: str, text: str) -> Path:
        """Write a file of the cloud."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def make_folder(self, name: str, user: str) -> Path:
        """A folder of a user of the system, where we may give it away."""
        folder = self.folder / name
        folder.mkdir()
        if not os.geteuid():
            shutil.chown(folder, user, user)
        return folder


@contextlib.contextmanager
def prepared() -> Iterator[Site]:
    """A place for a cloud; at the end nothing of it is left."""
    kept = os.environ.get(KEEP)
    with signals.handled(signal.default_int_handler):
        folder = Path(tempfile.mkdtemp(prefix="stack-", dir=kept)).resolve()
        processes = Processes(folder / "log", environ(folder))
        try:
            # MariaDB and RabbitMQ run as users of their own.
            folder.chmod(0o755)
            processes.logs.mkdir()
            yield Site(folder, ports.free(LISTENERS), processes)
        finally:
            with signals.handled(signal.SIG_IGN):
                processes.close()
                if not kept:
                    shutil.rmtree(folder)


def environ(folder: Path) -> dict[str, str]:
    """What the services see of our environment: next to nothing."""
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
