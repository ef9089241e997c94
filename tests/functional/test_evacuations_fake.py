"""What tests/evacuations claims of Nova is so: each is done to both."""

import functools
import json
import time
import urllib.error
import urllib.request

import pytest

from tests import evacuations
from tests.evacuations import faults
from waffles.demo import cloud as demo

VERSION = "2.94"

#: Servers of each side; tests take them.
POOL = 10

NOBODY = "11111111-2222-4333-8444-555555555555"


class Real:
    """Nova in this process: host1 is dead, host2 takes its servers."""

    dead, alive = "host1", "host2"

    def __init__(self, nova):
        self.nova = nova

    def call(self, method, path, body=None):
        answer = self.nova.call(
            method, path, body, user=demo.ADMIN, microversion=VERSION
        )
        return answer.status_int, answer.headers, answer.body

    def servers(self):
        return [self._server() for _ in range(POOL)]

    def _server(self):
        body = {
            "name": "any",
            "imageRef": demo.IMAGE,
            "flavorRef": "1",
            "networks": "none",
            "host": self.dead,
        }
        _, _, made = self.call("POST", "/v2.1/servers", {"server": body})
        server_id = json.loads(made)["server"]["id"]
        self.nova.wait(server_id)
        return server_id


class Fake:
    """The fake: it has its servers from the beginning."""

    dead, alive = "dead-1", "host-1"

    def __init__(self, fake):
        self.fake = fake

    def call(self, method, path, body=None):
        request = urllib.request.Request(  # noqa: S310
            self.fake.url + path,
            None if body is None else json.dumps(body).encode(),
            {"OpenStack-API-Version": f"compute {VERSION}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def servers(self):
        return list(self.fake.counts()["servers"])


class Side:
    """One of both, asked in words of this file."""

    def __init__(self, of):
        self.of, self._servers = of, of.servers()
        self._stopped = self._servers.pop()
        self.stop = self.act(self._stopped, "os-stop")
        self.stop_again = keys(self.act(self._stopped, "os-stop"))
        self.until(lambda: self.show(self._stopped)["status"] == "SHUTOFF")
        self.in_use = keys(self.act(self._stopped, "evacuate", {}))
        self.update(of.dead, forced_down=True)

    def server(self):
        """One that nothing has been done to, on the dead host."""
        return self._servers.pop()

    @functools.cached_property
    def stopped(self):
        """One that does not run, evacuated, and Nova's request id."""
        path = f"/v2.1/servers/{self._stopped}/action"
        _, headers, _ = self.of.call("POST", path, {"evacuate": {}})
        self.settled(self._stopped, "done")
        return self._stopped, headers["x-openstack-request-id"]

    def ask(self, method, path, body=None):
        """Status, and the JSON if there is any."""
        status, headers, text = self.of.call(method, f"/v2.1{path}", body)
        assert headers["x-openstack-request-id"].startswith("req-")
        assert headers["Content-Type"].startswith("application/json")
        return status, json.loads(text) if text else None

    def act(self, server_id, action, value=None):
        return self.ask(
            "POST", f"/servers/{server_id}/action", {action: value}
        )

    def service(self, host):
        query = f"host={host}&binary=nova-compute"
        _, found = self.ask("GET", f"/os-services?{query}")
        return found["services"][0]

    def update(self, host, **fields):
        path = f"/os-services/{self.service(host)['id']}"
        return self.ask("PUT", path, fields)

    def show(self, server_id):
        return self.ask("GET", f"/servers/{server_id}")[1]["server"]

    def evacuations(self, server_id):
        query = f"migration_type=evacuation&instance_uuid={server_id}"
        return self.ask("GET", f"/os-migrations?{query}")[1]["migrations"]

    def settled(self, server_id, *statuses):
        """Wait for the evacuations of a server, newest first."""

        def are():
            found = self.evacuations(server_id)
            return [one["status"] for one in found] == [*statuses]

        self.until(are)

    @staticmethod
    def until(true):
        """Wait until something is true."""
        end = time.monotonic() + 20
        while not true():
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture(scope="module")
def fake():
    with evacuations.running(
        servers=POOL, hosts=1, stopped=0, latency=0.001, seconds=0.5
    ) as fake:
        yield fake


@pytest.fixture(scope="module")
def sides(nova, fake):
    return Side(Real(nova)), Side(Fake(fake))


@pytest.fixture
def servers(sides):
    """One of each, on the dead host."""
    return [side.server() for side in sides]


def both(sides, servers, act):
    """What something gives that is done to both; it must be the same."""
    real, fake = (act(*one) for one in zip(sides, servers, strict=True))
    assert real == fake
    return fake


def keys(answer):
    """Status and keys of an answer: of its one value, or of an item."""
    status, body = answer
    if body is None:
        return status, None
    found = body[next(iter(body))]
    item = found[0] if isinstance(found, list) else found
    return status, sorted(body), sorted(item)


READS = {
    "a service": "/os-services?binary=nova-compute&host={dead}",
    "all services": "/os-services",
    "a page of servers": "/servers/detail?all_tenants=1&host={dead}&limit=1",
    "a server": "/servers/{server}",
    "no server": f"/servers/{NOBODY}",
    "migrations of a server": "/os-migrations?instance_uuid={server}"
    "&migration_type=evacuation&source_compute={dead}",
    "a page of migrations": "/os-migrations?limit=1",
    "migrations behind none": f"/os-migrations?marker={NOBODY}",
    "migrations by a filter that is none": "/os-migrations?hosts=1",
    "an action": "/servers/{server}/os-instance-actions/{request}",
    "actions": "/servers/{server}/os-instance-actions?limit=1000",
    "no action": "/servers/{server}/os-instance-actions/req-none",
    "a hypervisor": "/os-hypervisors?hypervisor_hostname_pattern={dead}"
    "&with_servers=True",
}


@pytest.mark.parametrize("path", READS.values(), ids=READS)
def test_answers_have_the_same_keys(sides, path):
    def read(side):
        server, request = side.stopped
        dead = side.of.dead
        filled = path.format(dead=dead, server=server, request=request)
        return keys(side.ask("GET", filled))

    real, fake = map(read, sides)

    assert fake == real


def test_host_aggregates_have_the_same_keys(sides):
    sides[0].ask("POST", "/os-aggregates", {"aggregate": {"name": "all"}})

    real, fake = (keys(side.ask("GET", "/os-aggregates")) for side in sides)

    assert fake == real


@pytest.mark.parametrize("path", ["/", "/v2.1/"])
def test_versions_are_the_same(sides, path):
    def version(side):
        status, _, text = side.of.call("GET", path)
        body = json.loads(text)
        found = body.get("version") or body["versions"][-1]
        return status, sorted(body), found["version"], found["id"]

    assert version(sides[1]) == version(sides[0])


def test_a_version_that_nova_does_not_have_is_refused(sides, monkeypatch):
    monkeypatch.setattr(f"{__name__}.VERSION", "2.999")

    real, fake = (keys(side.ask("GET", "/os-services")) for side in sides)

    assert fake == real
    assert real[0] == 406


def test_updates_show_the_service(sides):
    changes = [
        {"status": "disabled", "disabled_reason": "x"},
        {"forced_down": True},
        {"status": "enabled"},
    ]

    def updated(side, change):
        before = side.service(side.of.dead)["updated_at"]
        status, body = side.update(side.of.dead, **change)
        found = body["service"]
        assert found == side.service(side.of.dead)
        values = (found["status"], found["state"], found["disabled_reason"])
        # What changes nothing leaves no trace.
        moved = found["updated_at"] > before
        return status, sorted(body), sorted(found), values, moved

    for change in changes:
        real, fake = (updated(side, change) for side in sides)
        assert fake == real


def test_nobody_has_an_unknown_service(sides):
    path = f"/os-services/{NOBODY}"
    body = {"forced_down": True}

    real, fake = (keys(side.ask("PUT", path, body)) for side in sides)

    assert fake == real
    assert real[0] == 404


def test_no_server_is_evacuated_from_a_host_that_is_up(sides):
    def moved(side):
        server, _ = side.stopped
        return keys(side.act(server, "evacuate", {}))

    real, fake = map(moved, sides)
    assert fake == real == sides[0].in_use == sides[1].in_use
    assert real[0] == 400


def test_a_second_evacuation_is_accepted_and_the_server_ends_badly(
    sides, servers
):
    def evacuate(side, server):
        first = side.act(server, "evacuate", {})
        busy = side.show(server)["OS-EXT-STS:task_state"]
        second = side.act(server, "evacuate", {})
        side.until(lambda: side.show(server)["status"] == "ERROR")
        found = side.show(server)
        last, *_ = side.evacuations(server)
        host = found["OS-EXT-SRV-ATTR:host"]
        assert last["status"] not in ("done", "error", "failed")
        return first, busy.partition("_")[0], second, host == side.of.alive

    found = both(sides, servers, evacuate)

    assert found == ((200, None), "rebuilding", (200, None), True)


def test_the_fake_counts_what_is_done_twice(sides, fake):
    once, twice = (sides[1].server() for _ in range(2))
    for server in (once, twice, twice):
        sides[1].act(server, "evacuate", {})
    sides[1].settled(once, "done")
    sides[1].until(lambda: not fake.counts()["in_flight"])
    counts = fake.counts()

    found = {
        server: [
            counts["servers"][server]["accepted"],
            counts["servers"][server]["overlaps"],
            len(counts["servers"][server]["guests"]),
        ]
        for server in (once, twice)
    }
    assert found == {once: [1, 0, 1], twice: [2, 1, 2]}
    assert counts["peak"] >= 3


def test_a_host_stays_down_while_its_evacuations_are_done(sides, servers):
    def force_up(side, server):
        side.act(server, "evacuate", {})
        side.settled(server, "done")
        return keys(side.update(side.of.dead, forced_down=False))

    assert both(sides, servers, force_up)[0] == 400


def test_a_stopped_server_stays_stopped(sides):
    for side in sides:
        server, _ = side.stopped
        found = side.show(server)
        assert found["OS-EXT-STS:vm_state"] == "stopped"
        assert found["OS-EXT-STS:power_state"] == 4
        assert found["OS-EXT-SRV-ATTR:host"] == side.of.alive

    assert sides[0].stop == sides[1].stop == (202, None)
    assert sides[0].stop_again == sides[1].stop_again
    assert sides[0].stop_again[0] == 409


def test_without_a_host_a_server_is_in_error(sides, servers):
    for side in sides:
        side.update(side.of.alive, status="disabled", disabled_reason="x")

    def evacuate(side, server):
        side.act(server, "evacuate", {})
        side.settled(server, "error")
        found = side.show(server)
        host = found["OS-EXT-SRV-ATTR:host"]
        states = [found[f"OS-EXT-STS:{one}_state"] for one in ("vm", "task")]
        return (
            sorted(found),
            sorted(found["fault"]),
            states,
            found["fault"]["message"],
            host == side.of.dead,
        )

    try:
        found = both(sides, servers, evacuate)
    finally:
        for side in sides:
            side.update(side.of.alive, status="enabled")
    assert found[-1]

    def again(side, server):
        side.act(server, "evacuate", {})
        side.settled(server, "done", "error")
        return side.show(server)["status"]

    assert both(sides, servers, again) == "ACTIVE"


@pytest.fixture(scope="module")
def broken():
    with evacuations.running(
        servers=12, hosts=1, stopped=0, latency=0.001, seconds=0.2
    ) as fake:
        yield Side(Fake(fake))


#: What who asks for 0.3 seconds sees, and whether it was done by then, and
#: after some more.
FAULTS = {
    "error_before": ("500", False, False),
    "error_after": ("500", True, True),
    "silent": ("TimeoutError", True, True),
    "slow": ("TimeoutError", True, True),
    "late": ("TimeoutError", False, True),
    "reset_before": ("ConnectionResetError", False, False),
    "reset_after": ("ConnectionResetError", True, True),
    "busy": ("429 1", False, False),
}


@pytest.mark.parametrize(
    ("fault", "seen", "then", "later"),
    [(name, *case) for name, case in FAULTS.items()],
    ids=FAULTS,
)
def test_faults_are_what_they_say(broken, fault, seen, then, later):
    server = broken.server()
    fake = broken.of.fake
    assert set(FAULTS) == set(faults.COURSES)

    def accepted():
        return bool(fake.counts()["servers"][server]["accepted"])

    def ask():
        request = urllib.request.Request(  # noqa: S310
            f"{fake.url}/v2.1/servers/{server}/action", b'{"evacuate": {}}'
        )
        try:
            urllib.request.urlopen(request, timeout=0.3).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            with error:
                after = error.headers.get("Retry-After", "")
                return f"{error.code} {after}".strip()
        except OSError as error:
            return type(getattr(error, "reason", error)).__name__
        return None

    fake.fails(only="servers:evacuate", wait=1.0, **{fault: 1.0})
    try:
        assert ask() == seen
        assert accepted() == then
        time.sleep(1)
        assert accepted() == later
    finally:
        fake.fails(**{fault: 0.0})


def test_evacuations_fail_as_often_as_they_are_told_to(broken):
    server = broken.server()
    found = []
    broken.of.fake.fails(failing=1.0, failures=2)
    for status in ("error", "failed", "done"):
        broken.act(server, "evacuate", {})
        found.insert(0, status)
        broken.settled(server, *found)
        shown = broken.show(server)
        found_on = shown["OS-EXT-SRV-ATTR:host"]
        assert (found_on == "host-1") == (status == "done")
    broken.of.fake.fails(failures=0)

    assert shown["status"] == "ACTIVE"


def test_a_host_that_reports_is_seen(broken):
    dead = broken.of.dead
    before = broken.service(dead)["updated_at"]
    broken.of.fake.fails(beats=[dead])
    broken.until(lambda: broken.service(dead)["updated_at"] > before)

    assert broken.service(dead)["state"] == "down"
    broken.of.fake.fails(beats=[])
