"""Networks chosen by host aggregate, in a whole cloud with a real Neutron.

Two pods of two hosts each, with one network each; servers are made by a
member who names no network.
"""

import dataclasses
import ipaddress
import signal
import time
from collections import Counter

import openstack.exceptions
import pytest

from tests.stack.waiting import until

RULES = "[waffles_networks]\nrefresh_interval = 1\nstale_after = 4\n"
HOSTS = {"red": ("c1", "c2"), "blue": ("c3", "c4")}

#: Server status behind which there is no more to come.
SETTLED = {"ACTIVE", "ERROR"}


@dataclasses.dataclass(frozen=True)
class Pod:
    """Hosts, the network that they reach, and their host aggregate."""

    hosts: tuple[str, str]
    network: str
    aggregate: int


class Site:
    """Pods that a test makes, and what it makes in them."""

    def __init__(self, cloud, number):
        self.cloud, self.number = cloud, number
        self.pods, self._networks = {}, []

    def network(self, cidr, project="admin", **more):
        """A network of one subnet."""
        neutron = self.cloud.admin.network
        found = self.cloud.admin.identity.find_project(project)
        made = neutron.create_network(
            name=f"net-{cidr}", project_id=found.id, **more
        )
        self._networks.append(made.id)
        neutron.create_subnet(
            network_id=made.id,
            project_id=found.id,
            ip_version=ipaddress.ip_network(cidr).version,
            cidr=cidr,
            enable_dhcp=False,
        )
        return made

    def pod(self, name, network, **more):
        compute = self.cloud.admin.compute
        made = compute.create_aggregate(name=f"{name}-{self.number}", **more)
        for host in HOSTS[name]:
            compute.add_host_to_aggregate(made.id, host)
        compute.set_aggregate_metadata(made.id, {"networks": network})
        self.pods[name] = Pod(HOSTS[name], network, made.id)

    def create(self, **fields):
        """Servers of one create by the member; at the end of their making."""
        compute = self.cloud.demo.compute
        image = self.cloud.demo.image.find_image("cirros")
        flavor = self.cloud.demo.compute.find_flavor("m1.tiny")
        before = {server.id for server in compute.servers(details=False)}
        compute.create_server(
            **{
                "name": "web",
                "image_id": image.id,
                "flavor_id": flavor.id,
                "networks": "auto",
                **fields,
            }
        )

        def new():
            return [s for s in self.servers() if s.id not in before]

        assert until(lambda: {s.status for s in new()} <= SETTLED)
        return new()

    def servers(self):
        """The servers of the member, as an administrator sees them."""
        project = self.cloud.demo.current_project_id
        return list(
            self.cloud.admin.compute.servers(
                all_projects=True, project_id=project
            )
        )

    def of(self, server):
        """The pod whose host and network a server has."""
        compute = self.cloud.admin.compute
        nets = [one.net_id for one in compute.server_interfaces(server.id)]
        for name, pod in self.pods.items():
            if server.hypervisor_hostname in pod.hosts:
                assert nets == [pod.network], (server, nets, self.pods)
                return name
        raise AssertionError(f"{server} is in no pod of {self.pods}")

    def settle(self):
        """Let the waffle see what was done."""
        time.sleep(3)

    def clear(self):
        compute = self.cloud.admin.compute
        for server in self.servers():
            compute.delete_server(server.id)
        assert until(lambda: not self.servers())
        for name, pod in self.pods.items():
            for host in HOSTS[name]:
                compute.remove_host_from_aggregate(pod.aggregate, host)
            compute.delete_aggregate(pod.aggregate)
        for network in self._networks:
            self.cloud.admin.network.delete_network(network)


@pytest.fixture
def site(cloud, request):
    """A place for pods; the waffle is configured when they are there."""
    made = Site(cloud, time.monotonic_ns())
    yield made
    made.clear()


def _two_pods(site, red="10.1.0.0/25", blue="10.2.0.0/26"):
    for name, cidr in (("red", red), ("blue", blue)):
        site.pod(name, site.network(cidr, is_shared=True).id)


def _refused(site, **fields):
    """The fault that the member gets; nothing may be left behind."""
    before = {server.id for server in site.servers()}
    ports = len(list(site.cloud.admin.network.ports()))
    with pytest.raises(openstack.exceptions.HttpException) as caught:
        site.create(**fields)

    assert {server.id for server in site.servers()} == before
    assert len(list(site.cloud.admin.network.ports())) == ports
    return caught.value


@pytest.mark.parametrize(
    "lazy_apps", [True, False], ids=["loaded_by_each", "forked"]
)
def test_servers_are_where_their_network_is(cloud, site, lazy_apps):
    """And more of them where there are more addresses."""
    _two_pods(site)
    cloud.configure(RULES, lazy_apps)
    for _ in range(2):
        made = site.create(max_count=3)
        assert {server.status for server in made} == {"ACTIVE"}
    made = cloud.openstack(
        "server create --flavor m1.tiny --image cirros --wait web", "demo"
    )
    assert made.returncode == 0, made.stderr
    found = Counter(site.of(server) for server in site.servers())

    assert sum(found.values()) == 7
    assert found["red"] > found["blue"]


def test_five_servers_of_one_create_are_in_one_pod(cloud, site):
    _two_pods(site)
    cloud.configure(RULES)
    made = site.create(min_count=5, max_count=5)

    assert len(made) == 5
    assert {server.status for server in made} == {"ACTIVE"}
    assert len({site.of(server) for server in made}) == 1


def test_servers_of_a_dead_host_stay_in_their_pod(cloud, site):
    _two_pods(site)
    cloud.configure(RULES)
    for _ in range(3):
        site.create(max_count=2)
    before = {server.id: site.of(server) for server in site.servers()}
    dead = site.servers()[0].hypervisor_hostname
    victims = [s for s in site.servers() if s.hypervisor_hostname == dead]
    cloud.kill(dead)
    try:
        cloud.wait_for(dead, "down")
        for server in victims:
            cloud.admin.compute.evacuate_server(server.id)
        assert until(
            lambda: (
                dead
                not in {
                    server.hypervisor_hostname for server in site.servers()
                }
            )
        )
        after = {server.id: site.of(server) for server in site.servers()}
    finally:
        cloud.start(dead)
        cloud.wait_for(dead, "up")

    assert victims
    assert after == before


def test_a_full_network_is_left_and_two_full_ones_are_refused(cloud, site):
    """Five addresses each: of eight, three are the subnet's own."""
    _two_pods(site, "10.3.0.0/29", "10.4.0.0/29")
    cloud.configure(RULES)
    for many in (4, 4, 1, 1):
        made = site.create(max_count=many)
        assert [server.status for server in made] == ["ACTIVE"] * many
        site.settle()
    found = Counter(site.of(server) for server in site.servers())
    refused = _refused(site)
    shown = cloud.openstack(
        "server create --flavor m1.tiny --image cirros web", "demo"
    )

    assert found == {"red": 5, "blue": 5}
    assert refused.status_code == 409
    why = (
        "There is no network for this server: no network of its hosts has a"
        " free address."
    )
    assert why in str(refused)
    assert why in shown.stderr


def test_a_network_of_another_project_is_neither_chosen_nor_named(cloud, site):
    """Until it is shared with the member's."""
    theirs = site.network("10.5.0.0/24", project="other")
    site.pod("red", theirs.id)
    cloud.configure(RULES)
    refused = _refused(site)
    demo = cloud.demo.current_project_id
    cloud.admin.network.create_rbac_policy(
        object_type="network",
        object_id=theirs.id,
        action="access_as_shared",
        target_project_id=demo,
    )
    site.settle()
    (server,) = site.create()

    assert refused.status_code == 409
    assert "this project can use none of the networks" in str(refused)
    assert theirs.id not in str(refused)
    assert theirs.name not in str(refused)
    assert site.of(server) == "red"


def test_what_is_shared_with_another_project_is_not_chosen(cloud, site):
    theirs = site.network("10.6.0.0/24")
    site.pod("red", theirs.id)
    cloud.admin.network.create_rbac_policy(
        object_type="network",
        object_id=theirs.id,
        action="access_as_shared",
        target_project_id=cloud.other.current_project_id,
    )
    cloud.configure(RULES)

    assert _refused(site).status_code == 409


def test_a_pin_by_zone_puts_the_server_into_the_zone_of_its_network(
    cloud, site
):
    for name, cidr in (("red", "10.8.0.0/28"), ("blue", "10.9.0.0/28")):
        network = site.network(cidr, is_shared=True).id
        site.pod(name, network, availability_zone=f"az-{name}")
    cloud.configure(f"{RULES}pin = availability_zone\n")
    for _ in range(2):
        site.create(max_count=2)

    found = {site.of(server): server for server in site.servers()}
    assert found.keys() == {"red", "blue"}
    assert {name: s.availability_zone for name, s in found.items()} == {
        "red": "az-red",
        "blue": "az-blue",
    }


def test_a_network_of_ipv6_does_not_outweigh_one_of_ipv4(cloud, site):
    site.pod("red", site.network("fd00::/64", is_shared=True).id)
    site.pod("blue", site.network("10.7.0.0/29", is_shared=True).id)
    cloud.configure(RULES)
    (server,) = site.create()

    assert site.of(server) == "blue"


def test_a_neutron_that_hangs_is_outlived(cloud, site):
    _two_pods(site)
    cloud.configure(f"{RULES}timeout = 2\n")
    (server,) = site.create()
    neutron = cloud.processes["neutron"]
    neutron.signal(signal.SIGSTOP)
    try:
        time.sleep(8)
        began = time.monotonic()
        with pytest.raises(openstack.exceptions.HttpException) as refused:
            site.create()
        took = time.monotonic() - began
    finally:
        neutron.signal(signal.SIGCONT)
    site.settle()

    assert server.status == "ACTIVE"
    assert refused.value.status_code == 503
    assert "cannot be looked up" in str(refused.value)
    assert took < 2 + 3  # some of it is Keystone's and the test's own
    assert [server.status for server in site.create()] == ["ACTIVE"]
