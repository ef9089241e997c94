import ipaddress

import pytest

from waffles import exceptions, nics
from waffles.nics import Asked, Nic

A = "aaaaaaaa-5699-4588-a4b1-b87f96708bc6"
B = "bbbbbbbb-5699-4588-a4b1-b87f96708bc6"
ALL = "/server/networks"


class FakeNeutron:
    """What Neutron shows to any caller; it keeps who asked for what."""

    def __init__(self, ports=None, networks=()):
        self.ports, self.networks = ports or {}, list(networks)
        self.asked = []

    def port(self, port_id, token):
        self.asked.append((port_id, token))
        return {"id": port_id, "network_id": self.ports[port_id]}

    def eligible(self, project_id, token):
        self.asked.append((project_id, token))
        return self.networks


def _network(id_, shared=False, up=True):
    return {"id": id_, "shared": shared, "admin_state_up": up}


@pytest.mark.parametrize(
    ("server", "asked"),
    [
        ({}, [Asked(ALL)]),
        ({"networks": []}, [Asked(ALL)]),
        ({"networks": "auto"}, [Asked(ALL, auto=True)]),
        ({"networks": "none"}, []),
        (
            {"networks": [{"uuid": A}, {"uuid": A.upper(), "tag": "x"}]},
            [
                Asked(f"{ALL}/0/uuid", network=A),
                Asked(f"{ALL}/1/uuid", network=A),
            ],
        ),
        ({"networks": [{"port": B}]}, [Asked(f"{ALL}/0/port", port=B)]),
        (
            {"networks": [{"port": f"{{{B}}}", "uuid": A}]},
            [Asked(f"{ALL}/0/port", port=B)],
        ),
        (
            {"networks": [{"port": None, "uuid": A}]},
            [Asked(f"{ALL}/0/uuid", network=A)],
        ),
    ],
    ids=[
        "left out",
        "empty",
        "auto",
        "none",
        "ids",
        "port",
        "port and id",
        "port is null",
    ],
)
def test_a_create_is_read_as_nova_reads_it(server, asked):
    assert nics.of_create(server) == asked


@pytest.mark.parametrize(
    "networks",
    [
        None,
        "AUTO",
        "",
        False,
        0,
        {},
        {"uuid": A},
        [None],
        [A],
        [[]],
        [{}],
        [{"uuid": None}],
        [{"uuid": 1}],
        [{"uuid": "blue"}],
        [{"uuid": [A]}],
        [{"port": ""}],
        [{"port": "", "uuid": A}],
        [{"port": False, "uuid": A}],
        [{"port": "p"}],
    ],
    ids=repr,
)
def test_networks_that_nova_would_not_take_are_malformed(networks):
    with pytest.raises(exceptions.Malformed):
        nics.of_create({"networks": networks})


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({}, Asked("/interfaceAttachment")),
        ({"foo": 1}, Asked("/interfaceAttachment")),
        ({"interfaceAttachment": {}}, Asked("/interfaceAttachment")),
        (
            {"interfaceAttachment": {"net_id": A.upper()}},
            Asked("/interfaceAttachment/net_id", network=A),
        ),
        (
            {"interfaceAttachment": {"port_id": B}},
            Asked("/interfaceAttachment/port_id", port=B),
        ),
    ],
    ids=["empty", "something else", "neither", "network", "port"],
)
def test_an_attach_is_read_as_nova_reads_it(body, asked):
    assert nics.of_attach(body) == asked


@pytest.mark.parametrize(
    "attachment",
    [
        None,
        [],
        A,
        {"net_id": A, "port_id": B},
        {"net_id": None},
        {"net_id": ""},
        {"port_id": 7},
        {"port_id": "../networks"},
    ],
    ids=repr,
)
def test_an_attach_that_nova_would_not_take_is_malformed(attachment):
    with pytest.raises(exceptions.Malformed):
        nics.of_attach({"interfaceAttachment": attachment})


def test_the_network_of_an_added_address_is_an_id():
    assert nics.of_added_address({"networkId": A.upper()}) == Asked(
        "/addFixedIp/networkId", network=A
    )


@pytest.mark.parametrize("given", [None, 1, "blue", A.replace("a", "á")])
def test_what_a_database_may_take_for_an_id_is_malformed(given):
    with pytest.raises(exceptions.Malformed):
        nics.of_added_address({"networkId": given})


@pytest.mark.parametrize("text", ["fd00:0:0::1", "FD00::1"])
def test_an_address_has_several_spellings(text):
    found = nics.removed_address({"address": text})

    assert found == ipaddress.ip_address("fd00::1")


@pytest.mark.parametrize("address", [None, "", "10.0.0", [], {}], ids=repr)
def test_what_is_no_address_is_malformed(address):
    with pytest.raises(exceptions.Malformed):
        nics.removed_address({"address": address})


@pytest.mark.parametrize(
    ("fixed_ips", "addresses"),
    [
        (None, set()),
        ([], set()),
        (
            [{"ip_address": "10.0.0.1"}, {"ip_address": "fd00::1"}],
            set(map(ipaddress.ip_address, ["10.0.0.1", "fd00::1"])),
        ),
    ],
    ids=["null", "none", "two"],
)  # fmt: skip
def test_an_interface_is_a_nic(fixed_ips, addresses):
    shown = {"net_id": A, "port_id": B, "fixed_ips": fixed_ips}

    assert nics.of_interface(shown) == Nic(
        A, port=B, addresses=frozenset(addresses)
    )


def _looked_up(asked, neutron):
    return nics.looked_up(asked, neutron, "red-id", "token")


def test_a_network_that_is_named_is_not_looked_up():
    neutron = FakeNeutron()

    assert _looked_up(Asked("/x", network=A), neutron) == [Nic(A, "/x")]
    assert neutron.asked == []


def test_a_port_stands_for_its_network_as_the_caller_sees_it():
    neutron = FakeNeutron({B: A})

    assert _looked_up(Asked("/x", port=B), neutron) == [Nic(A, "/x")]
    assert neutron.asked == [(B, "token")]


@pytest.mark.parametrize(
    ("networks", "auto", "taken"),
    [
        ([], False, []),
        ([], True, [None]),
        ([_network(A)], False, [A]),
        ([_network(A)], True, [A]),
        ([_network(A, up=False)], False, [A]),
        ([_network(A, up=False)], True, [None]),
        ([_network(A, shared=True, up=False)], True, [A]),
    ],
    ids=[
        "none",
        "none, so one is made",
        "the only one",
        "the only one for auto",
        "one that is down",
        "one that is down, so another is made",
        "a shared one that is down",
    ],
)
def test_who_names_none_gets_what_nova_takes(networks, auto, taken):
    neutron = FakeNeutron(networks=networks)
    found = _looked_up(Asked("/x", auto=auto), neutron)

    assert found == [Nic(network, "/x") for network in taken]
    assert neutron.asked == [("red-id", "token")]


def test_of_several_networks_nova_takes_none():
    """One of them may be gone a moment later."""
    neutron = FakeNeutron(networks=[_network(A), _network(B)])

    with pytest.raises(exceptions.Conflict, match="Multiple"):
        _looked_up(Asked("/x"), neutron)
