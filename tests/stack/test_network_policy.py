"""Networks of servers in a whole cloud, with a real Neutron."""

import dataclasses

import pytest

from tests.stack.waiting import until

GROUP = "[waffles_network_policy]\n"


@dataclasses.dataclass(frozen=True)
class Site:
    """Networks, and what users do with them.

    :param good: of the user demo
    :param bad: of an administrator, and shared with him
    :param own: of the user other, and the only one that he can use
    """

    cloud: object
    good: str
    bad: str
    own: str

    def call(self, method, path, body=None, user="demo", microversion="2.1"):
        compute = getattr(self.cloud, user).compute
        return compute.request(
            path, method, json=body, microversion=microversion
        )

    def body(self, networks):
        compute = self.cloud.demo.compute
        server = {
            "name": "web",
            "imageRef": self.cloud.demo.image.find_image("cirros").id,
            "flavorRef": compute.find_flavor("m1.tiny").id,
        }
        if networks is not None:
            server["networks"] = networks
        return {"server": server}

    def create(self, networks, user="demo", microversion="2.1"):
        body = self.body(networks)
        return self.call("POST", "/servers", body, user, microversion)

    def server(self, networks, user="demo"):
        """The id of a server that is ready."""
        made = self.create(networks, user).json()["server"]["id"]
        compute = self.cloud.admin.compute
        assert until(lambda: compute.get_server(made).status == "ACTIVE")
        return made

    def interfaces(self, server):
        """Network -> port and addresses."""
        compute = self.cloud.admin.compute
        return {
            one.net_id: (one.port_id, _addresses(one))
            for one in compute.server_interfaces(server)
        }

    def port(self, network):
        """A port of the member."""
        return self.cloud.demo.network.create_port(network_id=network).id

    def clear(self):
        compute, network = self.cloud.admin.compute, self.cloud.admin.network
        for server in compute.servers(all_projects=True):
            compute.delete_server(server.id)
        assert until(lambda: not list(compute.servers(all_projects=True)))
        for port in network.ports():
            network.delete_port(port)
        for one in network.networks():
            network.delete_network(one)


def _addresses(interface):
    return [fixed["ip_address"] for fixed in interface.fixed_ips]


def _network(cloud, name, cidr, owner, shared_with=None):
    neutron = cloud.admin.network
    project = cloud.admin.identity.find_project(owner).id
    made = neutron.create_network(name=name, project_id=project)
    neutron.create_subnet(
        network_id=made.id,
        project_id=project,
        ip_version=4,
        cidr=cidr,
        enable_dhcp=False,
    )
    if shared_with:
        neutron.create_rbac_policy(
            object_type="network",
            object_id=made.id,
            action="access_as_shared",
            target_project_id=cloud.admin.identity.find_project(
                shared_with
            ).id,
        )
    return made.id


@pytest.fixture
def site(cloud):
    made = Site(
        cloud,
        good=_network(cloud, "good", "10.8.0.0/24", "demo"),
        bad=_network(cloud, "bad", "10.9.0.0/24", "admin", "demo"),
        own=_network(cloud, "own", "10.7.0.0/24", "other"),
    )
    yield made
    made.clear()


def _fault(answer, status=403):
    assert answer.status_code == status, answer.text
    (fault,) = answer.json().values()
    return fault["message"]


def test_a_banned_network_is_known_by_any_name_for_it(cloud, site):
    cloud.configure(f"{GROUP}banned = {site.bad},{site.own}\n")
    port = site.port(site.bad)
    for networks in (
        [{"uuid": site.bad}],
        [{"uuid": site.bad.upper()}],
        [{"uuid": site.good}, {"port": port}],
        [{"port": port.upper(), "uuid": site.good}],
    ):
        assert "banned network" in _fault(site.create(networks))
    for networks, microversion in (
        (None, "2.1"),
        ([], "2.90"),
        ("auto", "2.90"),
    ):
        answer = site.create(networks, "other", microversion)
        assert "Nova would take a banned network" in _fault(answer)
    assert "Multiple" in _fault(site.create(None), 409)
    assert not list(cloud.admin.compute.servers(all_projects=True))


def test_a_port_of_others_is_not_told_of(cloud, site):
    cloud.configure(f"{GROUP}banned = {site.own}\n")
    port = cloud.other.network.create_port(network_id=site.own).id

    assert port in _fault(site.create([{"port": port}]), 404)


def test_a_server_gets_what_the_rules_let_pass(cloud, site):
    cloud.configure(f"{GROUP}required = {site.good}\nmax_networks = 2\n")
    server = site.server([{"uuid": site.bad}, {"port": site.port(site.good)}])
    path = f"/servers/{server}/os-interface"

    assert site.interfaces(server).keys() == {site.good, site.bad}
    answer = site.call(
        "POST", path, {"interfaceAttachment": {"net_id": site.bad}}
    )
    assert "would be network 3" in _fault(answer)
    port, _ = site.interfaces(server)[site.good]
    answer = site.call("DELETE", f"{path}/{port}")
    assert "the last on network" in _fault(answer)
    assert site.interfaces(server).keys() == {site.good, site.bad}


def test_addresses_come_and_go_by_the_rules(cloud, site):
    cloud.configure(f"{GROUP}required = {site.good}\nbanned = {site.bad}\n")
    server = site.server([{"uuid": site.good}])
    path = f"/servers/{server}/action"
    _, (first,) = site.interfaces(server)[site.good]

    def remove(address):
        body = {"removeFixedIp": {"address": address}}
        return site.call("POST", path, body)

    def addresses():
        return site.interfaces(server)[site.good][1]

    assert "the last on network" in _fault(remove(first))
    for network in (site.bad, site.bad.upper()):
        body = {"addFixedIp": {"networkId": network}}
        answer = site.call("POST", path, body)
        assert "is a banned network" in _fault(answer)
    assert addresses() == [first]
    body = {"addFixedIp": {"networkId": site.good}}
    assert site.call("POST", path, body).status_code == 202
    assert until(lambda: len(addresses()) == 2)
    assert remove(first).status_code == 202
    assert until(lambda: len(addresses()) == 1)


def test_a_name_is_that_of_the_network_shared_with_all(cloud, site):
    """Whatever else a project calls so."""
    cloud.admin.network.update_network(site.good, is_shared=True)
    fake = cloud.demo.network.create_network(name="good").id
    cloud.demo.network.create_subnet(
        network_id=fake, ip_version=4, cidr="10.6.0.0/24", enable_dhcp=False
    )
    cloud.configure(f"{GROUP}required = good\n")
    message = _fault(site.create([{"uuid": fake}]))
    both = site.server([{"uuid": fake}, {"uuid": site.good}])

    assert "must have network good" in message
    assert site.interfaces(both).keys() == {fake, site.good}


def test_names_need_an_administrator(cloud, site):
    access = cloud.site.auth("demo")
    cloud.configure(f"[waffles]\n{access}\n{GROUP}banned = bad\n")
    answer = site.create([{"uuid": site.good}])

    assert "cannot be looked up now" in _fault(answer, 503)
    assert "does not show all networks" in cloud.log("nova-api")
