"""One cloud, as tests use it: users, computes, and what the waffles do."""

import contextlib
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from openstack.connection import Connection

from tests.stack import (
    glance,
    keystone,
    mariadb,
    neutron,
    nova,
    placement,
    rabbitmq,
    site,
)
from tests.stack.processes import END
from tests.stack.waiting import until

IMAGE = "cirros"
FLAVORS = {"m1.tiny": 64, "m1.small": 128}


class Cloud:
    """A running cloud.

    :ivar admin: openstacksdk as an administrator
    :ivar demo: … as a member of the project demo
    :ivar other: … as a member of another project
    """

    def __init__(self, place: site.Site) -> None:
        self.site, self.processes = place, place.processes
        self.admin = keystone.connection(place, "admin")
        self.demo = keystone.connection(place, "demo")
        self.other = keystone.connection(place, "other")

    @property
    def nova_conf(self) -> Path:
        """The file that nova-api reads."""
        return nova.conf_file(self.site)

    def configure(self, waffles: str, lazy_apps: bool = True) -> None:
        """Start nova-api anew, with other groups for the waffles.

        A waffle without a group is off.  The group ``[waffles]`` is there,
        unless another is given.  After a failure there is no nova-api: each
        test begins with this.

        :param lazy_apps: see :func:`tests.stack.uwsgi.start`
        :raises Failed: it does not come up; the log's end is the message
        """
        nova.configure(self.site, waffles)
        self.processes[nova.API].end(signal.SIGTERM)
        nova.start_api(self.site, lazy_apps)

    def openstack(
        self, command: str, user: str = "admin"
    ) -> "subprocess.CompletedProcess[str]":
        """Run the command ``openstack`` to its end."""
        credentials = self.site.credentials(user).items()
        return self.run(
            "openstack " + command,
            **{f"OS_{key.upper()}": value for key, value in credentials},
        )

    def run(
        self, command: str, **environ: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of the virtual environment to its end."""
        name, *arguments = shlex.split(command)
        return subprocess.run(  # noqa: S603
            [site.BIN / name, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**self.processes.environ, **environ},
            timeout=120,
            check=False,
        )

    def kill(self, host: str) -> None:
        """The power of a compute fails."""
        self.processes[host].end()

    def start(self, host: str) -> None:
        """A compute comes back; it is seen as up some seconds later."""
        nova.start_compute(self.site, host)

    def wait_for(self, host: str, state: str) -> None:
        """Wait until Nova sees a compute as up or down."""
        process = self.processes[host]

        def seen() -> bool:
            if state == "up" and process.ended():
                raise process.failed("has ended")
            return self.states().get(host) == state

        if not until(seen):
            raise process.failed(f"is not seen as {state}")

    def states(self) -> dict[str, str]:
        """What Nova thinks of each compute: up or down."""
        found = self.admin.compute.services(binary="nova-compute")
        return {service.host: service.state for service in found}

    def log(self, name: str) -> str:
        """What a process has printed since it was last started."""
        return self.processes[name].log()

    def ends_of_logs(self, since: float) -> list[tuple[str, str]]:
        """The ends of the logs that were written to: name, text.

        :param since: a time, in seconds since the epoch
        """
        files = sorted(self.processes.logs.glob("*.log"))
        return [
            (file.stem, file.read_text(errors="replace")[-END:])
            for file in files
            if file.stat().st_mtime >= since
        ]


@contextlib.contextmanager
def running() -> Iterator[Cloud]:
    """A cloud beside all others; at the end nothing of it is left."""
    with site.prepared() as place:
        place.processes.together(
            lambda: mariadb.start(place), lambda: rabbitmq.start(place)
        )
        place.processes.together(
            lambda: keystone.start(place),
            lambda: placement.start(place),
            lambda: glance.start(place),
            lambda: neutron.start(place),
            lambda: nova.start(place),
        )
        cloud = Cloud(place)
        for host in nova.COMPUTES:
            cloud.start(host)
        furnish(cloud.admin)
        for host in nova.COMPUTES:
            cloud.wait_for(host, "up")
        nova.discover(place)
        yield cloud


def furnish(admin: Connection) -> None:
    """What a server is made of."""
    for name, ram in FLAVORS.items():
        admin.compute.create_flavor(name=name, ram=ram, vcpus=1, disk=1)
    admin.image.create_image(
        name=IMAGE,
        data=b"an image",
        disk_format="raw",
        container_format="bare",
        visibility="public",
    )
