"""The scheduler's filter in a real Nova: a pinned server stays in its pod.

A pod is a host aggregate of two hosts that have one network.
"""

import time
import uuid

import pytest

from waffles import pins
from waffles.demo import cloud as demo

BLUE, RED = {"blue1", "blue2"}, {"red1", "red2"}
BLUE_ID, RED_ID = str(uuid.uuid4()), str(uuid.uuid4())

#: The one pod names its network, the other has its id.
PODS = {"blue": (BLUE, "grey, blue"), "red": (RED, RED_ID.upper())}
HINTS = {
    "blue": pins.hint("networks", BLUE_ID, "blue"),
    "red": pins.hint("networks", RED_ID, "red"),
}

#: How a server comes to another host.
MOVES = {
    "evacuate": {"evacuate": {}},
    "live migrate": {
        "os-migrateLive": {"host": None, "block_migration": "auto"}
    },
    "migrate": {"migrate": None},
    "resize": {"resize": {"flavorRef": "2"}},
    "unshelve": {"unshelve": None},
}


class Pods:
    """Two pods of a cloud; an administrator does all."""

    def __init__(self, cloud, nova):
        self.cloud, self.nova = cloud, nova
        self.aggregates = {}

    def send(self, method, path, body=None, microversion="2.90"):
        path = f"/v2.1{path}"
        return self.nova.call(
            method, path, body, user=demo.ADMIN, microversion=microversion
        )

    def call(self, *request):
        """What comes of a request that must not fail otherwise."""
        answer = self.send(*request)
        good = answer.status_int < 400 or "No valid host" in answer.text
        assert good, answer.text
        return answer.json if answer.body else {}

    def make(self, network=None, **fields):
        """Make servers that are pinned to a network, or to none."""
        about = {"imageRef": demo.IMAGE, "flavorRef": "1", "networks": "none"}
        server = {"name": "pinned", "return_reservation_id": True}
        hints = {pins.HINT: HINTS[network]} if network else {}
        body = {
            "server": server | about | fields,
            "os:scheduler_hints": hints,
        }
        made = self.call("POST", "/servers", body)["reservation_id"]
        query = f"reservation_id={made}"
        found = self.call("GET", f"/servers/detail?{query}")["servers"]
        return [self.settled(server["id"]) for server in found]

    def settled(self, server_id):
        """The server, once nothing is being done with it."""
        for _ in range(200):
            server = self.show(server_id)
            building = server["status"] == "BUILD"
            if not building and not server["OS-EXT-STS:task_state"]:
                return server
            time.sleep(0.1)
        raise AssertionError(server)

    def show(self, server_id):
        path = f"/servers/{server_id}"
        return self.call("GET", path, None, "2.100")["server"]

    def move(self, how, server):
        """Have a server moved; gives it as it is afterwards."""
        before = host_of(server)
        if how == "unshelve":
            self.act(server, {"shelve": None})
        if how == "evacuate":
            self.service(before, forced_down=True)
        if self.act(server, MOVES[how])["status"] == "VERIFY_RESIZE":
            self.act(server, {"confirmResize": None})
            self.nova.wait(server["id"])
        if how == "evacuate":
            self.restart(before)
        return self.show(server["id"])

    def act(self, server, action):
        self.call("POST", f"/servers/{server['id']}/action", action)
        return self.settled(server["id"])

    def restart(self, host):
        """Have a compute service clean up what was evacuated from it."""
        computes = self.cloud.computes
        computes[host] = self.cloud.restart_compute_service(computes[host])
        self.service(host, forced_down=False)

    def service(self, host, **changes):
        self.call("PUT", self.path_of(host), changes)

    def path_of(self, host):
        found = self.call("GET", f"/os-services?host={host}")["services"]
        (service,) = found
        return f"/os-services/{service['id']}"

    def aggregate(self, name, hosts, networks):
        body = {"aggregate": {"name": name}}
        made = self.call("POST", "/os-aggregates", body)["aggregate"]
        self.aggregates[name] = f"/os-aggregates/{made['id']}"
        for host in hosts:
            body = {"add_host": {"host": host}}
            self.call("POST", f"{self.aggregates[name]}/action", body)
        self.name(name, networks)

    def name(self, aggregate, networks):
        """Name the networks that the hosts of an aggregate have."""
        body = {"set_metadata": {"metadata": {"networks": networks}}}
        self.call("POST", f"{self.aggregates[aggregate]}/action", body)

    def disband(self, name, hosts):
        path = self.aggregates.pop(name)
        for host in hosts:
            body = {"remove_host": {"host": host}}
            self.call("POST", f"{path}/action", body)
        self.call("DELETE", path)

    def clear(self):
        """Delete the servers, and wait until they are gone."""
        for _ in range(200):
            servers = self.call("GET", "/servers?name=pinned")["servers"]
            if not servers:
                return
            for server in servers:
                self.send("DELETE", f"/servers/{server['id']}")
            time.sleep(0.1)
        raise AssertionError(servers)


def host_of(server):
    return server["OS-EXT-SRV-ATTR:host"]


@pytest.fixture(scope="module")
def started(cloud, nova):
    """Two pods, whose hosts are gone at the end."""
    pods = Pods(cloud, nova)
    for host in sorted(BLUE | RED):
        cloud._start_compute(host)
    for name, (hosts, networks) in PODS.items():
        pods.aggregate(name, hosts, networks)
    yield pods
    for name, (hosts, _) in PODS.items():
        pods.disband(name, hosts)
    for host in BLUE | RED:
        cloud.computes.pop(host).stop()
        pods.call("DELETE", pods.path_of(host))


@pytest.fixture
def pods(started):
    yield started
    started.clear()
    for host in BLUE | RED:
        started.service(host, status="enabled")


@pytest.mark.parametrize("network", PODS)
def test_servers_are_made_on_hosts_that_have_their_network(pods, network):
    hosts, _ = PODS[network]

    made = pods.make(network, max_count=4)

    assert [server["status"] for server in made] == ["ACTIVE"] * 4
    assert {host_of(server) for server in made} <= hosts


def test_a_host_that_is_asked_for_must_have_the_network(pods):
    (refused,) = pods.make("blue", host="red1")
    (taken,) = pods.make("blue", host="blue1")

    assert refused["status"] == "ERROR"
    assert "No valid host" in refused["fault"]["message"]
    assert host_of(taken) == "blue1"


def test_a_host_that_is_forced_need_not_have_the_network(pods):
    (server,) = pods.make("blue", availability_zone="nova:red1")

    assert host_of(server) == "red1"


def test_only_pinned_servers_need_a_host_that_has_the_network(pods):
    for host in BLUE:
        pods.service(host, status="disabled")

    (pinned,) = pods.make("blue")
    (other,) = pods.make()

    assert (pinned["status"], other["status"]) == ("ERROR", "ACTIVE")


@pytest.mark.parametrize("how", MOVES)
def test_a_pinned_server_moves_within_its_pod(pods, how):
    for server in pods.make("blue", max_count=2):
        moved = pods.move(how, server)

        assert moved["status"] == "ACTIVE", moved
        assert host_of(moved) in BLUE
        assert how == "unshelve" or host_of(moved) != host_of(server)
        assert moved["scheduler_hints"] == {pins.HINT: HINTS["blue"]}


@pytest.mark.parametrize("how", MOVES)
@pytest.mark.parametrize("network", ["blue", None], ids=["pinned", "other"])
def test_only_a_pinned_server_does_not_leave_its_pod(pods, network, how):
    (server,) = pods.make(network, host="blue1")
    for host in BLUE:
        pods.service(host, status="disabled")

    moved = pods.move(how, server)

    assert (host_of(moved) in {None, "blue1"}) is (network == "blue"), moved


def test_a_server_whose_network_has_gone_is_rebuilt_but_not_moved(pods):
    (server,) = pods.make("blue")
    images = pods.cloud.glance.images
    image = next(one for one in images if one != demo.IMAGE)
    pods.name("blue", "grey")
    try:
        rebuilt = pods.act(server, {"rebuild": {"imageRef": image}})
        moved = pods.move("migrate", server)
    finally:
        pods.name("blue", "blue")

    assert (rebuilt["status"], rebuilt["image"]["id"]) == ("ACTIVE", image)
    assert host_of(moved) == host_of(server)
