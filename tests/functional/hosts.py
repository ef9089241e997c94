"""Hosts of a real Nova that die, and the servers on them."""

import contextlib
import itertools
import threading
import time
import uuid

import sqlalchemy as sa
from nova import context, exception, objects
from nova.db.api import api as api_db
from nova.db.main import api as main_db

from waffles.demo import cloud as demo

#: Hosts that stay: where servers are evacuated to.
STAY = ("host1", "host2")

#: A flavor of which a host takes one, and a flavor for all else.
HUGE, SMALL = "huge", "small"
FLAVORS = {HUGE: 700_000, SMALL: 16}

#: Databases, and where a server is in them.
COPIED = {
    main_db: (
        "instances",
        "instance_extra",
        "instance_info_caches",
        "instance_system_metadata",
    ),
    api_db: ("instance_mappings",),
}

_NUMBERS = itertools.count(1)


class Hosts:
    """The hosts of a test; an administrator does all."""

    def __init__(self, cloud, nova):
        self.cloud, self.nova = cloud, nova
        self.started, self.made, self.copies = [], [], []

    def send(self, method, path, body=None, user=demo.ADMIN):
        path = f"/v2.1{path}"
        return self.nova.call(
            method, path, body, user=user, microversion="2.94"
        )

    def call(self, *request, **how):
        """The answer to a request that must not fail."""
        answer = self.send(*request, **how)
        assert answer.status_int < 400, answer.text
        return answer.json if answer.body else {}

    def start(self):
        """Start one more host; gives its name."""
        name = f"dead{next(_NUMBERS)}"
        self.cloud._start_compute(name)
        self.started.append(name)
        return name

    def die(self, host):
        """The power of a host fails; nobody has told Nova."""
        self.cloud.computes[host].stop()

    def restart(self, host):
        """The host is powered on, with all that was on its disks."""
        computes = self.cloud.computes
        computes[host] = self.cloud.restart_compute_service(computes[host])

    def report(self, host):
        """nova-compute reports, as it does every few seconds."""
        service = objects.Service.get_by_compute_host(
            context.get_admin_context(), host
        )
        service.report_count += 1
        service.save()

    def service(self, host):
        (found,) = self.call("GET", f"/os-services?host={host}")["services"]
        return found

    def update(self, host, **changes):
        path = f"/os-services/{self.service(host)['id']}"
        return self.call("PUT", path, changes)["service"]

    def scheduler(self, **changes):
        """Change what Nova's database has of the scheduler."""
        service = objects.Service.get_by_host_and_binary(
            context.get_admin_context(), "scheduler", "nova-scheduler"
        )
        for name, value in changes.items():
            setattr(service, name, value)
        service.save()

    def server(
        self,
        host,
        *tags,
        name="any",
        flavor=SMALL,
        hints=None,
        user=demo.ADMIN,
    ):
        """A server on a host, ACTIVE; gives its id."""
        server = {
            "name": name,
            "imageRef": demo.IMAGE,
            "flavorRef": flavor,
            "networks": "none",
            "tags": list(tags),
        } | ({"host": host} if host else {})
        body = {"server": server, "os:scheduler_hints": hints or {}}
        made = self.call("POST", "/servers", body, user=user)["server"]["id"]
        self.made.append(made)
        return self.wait(made, "ACTIVE")

    def server_of(self, user, host, *tags):
        """A server on a host that its user may not choose."""
        for one in STAY:
            self.update(one, status="disabled")
        try:
            return self.server(None, *tags, user=user)
        finally:
            for one in STAY:
                self.update(one, status="enabled")

    def copy(self, server_id, many):
        """Write copies of a server into Nova's databases; none ever runs."""
        self.copies = [str(uuid.uuid4()) for _ in range(many)]
        for connection, table, key in _tables():
            _copy(connection, table, table.c[key], server_id, self.copies)

    def delete(self, server_id):
        """Delete a server; it is gone."""
        self.nova.delete(server_id, demo.ADMIN)

    def act(self, server_id, action, body=None, **how):
        path = f"/servers/{server_id}/action"
        return self.call("POST", path, {action: body}, **how)

    def wait(self, server_id, status):
        """Wait until a server has a status and nothing is done; its id."""

        def settled():
            server = self.show(server_id)
            busy = server["OS-EXT-STS:task_state"]
            return server["status"] == status and not busy

        until(settled)
        return server_id

    def show(self, server_id):
        return self.call("GET", f"/servers/{server_id}")["server"]

    def place(self, server_id):
        """Where a server is, what it is, and what is being done to it."""
        shown = self.show(server_id)
        names = ("SRV-ATTR:host", "STS:vm_state", "STS:task_state")
        return tuple(shown[f"OS-EXT-{name}"] for name in names)

    def evacuations(self, server_id):
        """The status of each evacuation of a server, the first one first."""
        query = f"instance_uuid={server_id}&migration_type=evacuation"
        found = self.call("GET", f"/os-migrations?{query}")["migrations"]
        return [one["status"] for one in sorted(found, key=_id)]

    @contextlib.contextmanager
    def scheduler_waits(self):
        """Nova accepts evacuations meanwhile, and none gets any further."""
        manager = self.cloud.conductor.manager.compute_task_mgr
        with _held(manager.query_client, "select_destinations"):
            yield

    @contextlib.contextmanager
    def claims_fail(self):
        """Hosts find meanwhile that there is no room for one more."""
        trackers = [self.cloud.computes[host].manager.rt for host in STAY]

        def fails(*_, **__):
            raise exception.ComputeResourcesUnavailable(reason="no room")

        for tracker in trackers:
            tracker.rebuild_claim = fails
        try:
            yield
        finally:
            for tracker in trackers:
                del tracker.rebuild_claim

    def change(self, server_id, **fields):
        """Change what Nova's database has of a server."""
        found = objects.Instance.get_by_uuid(
            context.get_admin_context(), server_id
        )
        for name, value in fields.items():
            setattr(found, name, value)
        found.save()

    def clear(self):
        """Delete the servers, and the hosts that have been started."""
        for connection, table, key in _tables() if self.copies else ():
            copied = table.c[key].in_(self.copies)
            connection.execute(table.delete().where(copied))
        for host in self.started:
            # Else Nova would wait for the host to delete its servers.
            self.cloud.computes.pop(host).stop()
            self.update(host, forced_down=True)
        until(self._deleted)
        for host in self.started:
            path = f"/os-services/{self.service(host)['id']}"
            self.call("DELETE", path)

    def _deleted(self):
        paths = [f"/servers/{server_id}" for server_id in self.made]
        answers = [self.send("DELETE", path) for path in paths]
        return {one.status_int for one in answers} <= {404}


@contextlib.contextmanager
def _held(owner, name):
    """A method waits meanwhile, and is carried out at the end."""
    go, original = threading.Event(), getattr(owner, name)

    def held(*args, **how):
        go.wait()
        return original(*args, **how)

    setattr(owner, name, held)
    try:
        yield
    finally:
        delattr(owner, name)
        go.set()


def _tables():
    """The tables that servers are copied in, and what they are known by."""
    for module, names in COPIED.items():
        with module.get_engine().begin() as connection:
            for name in names:
                table = sa.Table(name, sa.MetaData(), autoload_with=connection)
                key = "uuid" if name == "instances" else "instance_uuid"
                yield connection, table, key


def _copy(connection, table, key, server_id, ids):
    """Copy the rows of a server in a table."""
    found = connection.execute(table.select().where(key == server_id))
    kept = [
        {name: value for name, value in row.items() if name != "id"}
        for row in found.mappings()
    ]
    copies = [row | {key.name: one} for row in kept for one in ids]
    connection.execute(table.insert(), copies)


def until(true, seconds=90):
    """Ask until something is true."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.2)
    return found


def _id(migration):
    return migration["id"]
