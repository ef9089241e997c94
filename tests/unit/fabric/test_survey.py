import json

import pytest

from waffles.clients import errors
from waffles.fabric import survey
from waffles.fabric.networks import Network

A, B = "a" * 32, "b" * 32


class FakeNova:
    """The lists of a cloud."""

    def __init__(self, aggregates=(), services=(), flavors=()):
        self._lists = aggregates, services, flavors

    def aggregates(self):
        return self._lists[0]

    def compute_services(self):
        return self._lists[1]

    def flavors(self):
        return iter(self._lists[2])


class FakeNeutron:
    """Likewise."""

    def __init__(self, networks=(), shares=(), availabilities=()):
        self._lists = networks, shares, availabilities

    def networks(self):
        return iter(self._lists[0])

    def shares(self):
        return iter(self._lists[1])

    def availabilities(self):
        return iter(self._lists[2])


def _network(id_=A, **fields):
    return {
        "id": id_,
        "name": "blue",
        "project_id": "op",
        "admin_state_up": True,
        "status": "ACTIVE",
        "router:external": False,
        "provider:network_type": "vxlan",
    } | fields


def _subnet(total, used, version=4):
    return {"total_ips": total, "used_ips": used, "ip_version": version}


def _available(*subnets, id_=A):
    return {"network_id": id_, "subnet_ip_availability": list(subnets)}


def _networks(neutron):
    facts = survey.of_networks(neutron, neutron.availabilities())
    return survey.networks(json.loads(json.dumps(facts))).by_id


@pytest.mark.parametrize(
    ("subnets", "found"),
    [
        ([], (0, False)),
        ([_subnet(10, 3)], (7, True)),
        ([_subnet(10, 3), _subnet(5, 1)], (11, True)),
        ([_subnet(10, 10), _subnet(2**64, 1, 6)], (0, True)),
        ([_subnet(10, 1), _subnet(5, 3, 6)], (2, True)),
        ([_subnet(2**64, 1, 6)], (2**64 - 1, False)),
        ([_subnet(3, 5), _subnet(10, 9)], (1, True)),
    ],
    ids=[
        "no subnet",
        "one",
        "two",
        "two versions",
        "the other runs out first",
        "no IPv4",
        "more used than there are",
    ],
)
def test_the_version_that_runs_out_first_counts(subnets, found):
    assert survey.addresses(_available(*subnets)) == found


def test_a_network_is_what_neutron_says_of_it():
    neutron = FakeNeutron(
        networks=[_network(), _network(B, **{"router:external": True})],
        shares=[
            {"object_id": A, "target_tenant": "red"},
            {"object_id": A, "target_tenant": "*"},
        ],
        availabilities=[_available(_subnet(10, 3))],
    )

    assert _networks(neutron) == {
        A: Network(A, "blue", "op", frozenset({"red", "*"}), free=7),
        B: Network(
            B, "blue", "op", frozenset(), external=True, ipv4=False
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "up"),
    [
        ({}, True),
        ({"admin_state_up": False}, False),
        ({"status": "DOWN"}, False),
        ({"status": "ERROR"}, False),
    ],
    ids=repr,
)
def test_a_network_can_be_down(fields, up):
    found = _networks(FakeNeutron([_network(**fields)]))

    assert found[A].up is up


def test_a_cloud_without_external_networks_knows_none():
    network = _network()
    del network["router:external"]

    assert not _networks(FakeNeutron([network]))[A].external


def test_who_is_shown_a_part_of_the_networks_is_told_so():
    network = _network()
    del network["provider:network_type"]

    with pytest.raises(errors.Refused, match="all networks"):
        survey.of_networks(FakeNeutron([network]))


def test_who_is_shown_no_addresses_is_told_so():
    with pytest.raises(errors.Refused, match="addresses"):
        survey.of_cloud(FakeNova(), FakeNeutron([_network()]))


def test_a_cloud_without_networks_has_no_addresses():
    assert survey.of_cloud(FakeNova(), FakeNeutron())["networks"] == []


def test_a_network_that_has_gone_meanwhile_is_none():
    neutron = FakeNeutron(
        shares=[{"object_id": B, "target_tenant": "*"}],
        availabilities=[_available(_subnet(10, 3), id_=B)],
    )

    assert _networks(neutron) == {}


def test_addresses_are_not_asked_for_where_they_do_not_matter():
    facts = survey.of_networks(FakeNeutron([_network()]))

    assert facts["networks"][0]["free"] == 0


@pytest.mark.parametrize(
    ("service", "host"),
    [
        (
            {"host": "h", "zone": "z", "state": "up", "status": "enabled"},
            {"name": "h", "zone": "z", "up": True},
        ),
        (
            {"host": "h", "zone": "z", "state": "down", "status": "enabled"},
            {"name": "h", "zone": "z", "up": False},
        ),
        (
            {"host": "h", "zone": "z", "state": "up", "status": "disabled"},
            {"name": "h", "zone": "z", "up": False},
        ),
        (
            {"host": "h", "status": "UNKNOWN"},
            {"name": "h", "zone": None, "up": False},
        ),
    ],
    ids=["up", "down", "disabled", "of a cell that is down"],
)
def test_a_host_is_up_where_it_takes_servers(service, host):
    facts = survey.of_cloud(FakeNova(services=[service]), FakeNeutron())

    assert facts["hosts"] == [host]


def test_of_a_cloud_is_kept_what_matters():
    nova = FakeNova(
        aggregates=[
            {
                "id": 1,
                "name": "any",
                "availability_zone": "z",
                "hosts": ["h"],
                "metadata": {"networks": "blue"},
            }
        ],
        flavors=[
            {
                "id": "1",
                "name": "any",
                "extra_specs": {
                    "aggregate_instance_extra_specs:ssd": "true",
                    "hw:cpu_policy": "dedicated",
                },
            }
        ],
    )
    neutron = FakeNeutron([_network()], availabilities=[_available()])
    facts = survey.of_cloud(nova, neutron)

    assert json.loads(json.dumps(facts)) == facts
    assert facts["aggregates"] == [
        {"zone": "z", "hosts": ["h"], "metadata": {"networks": "blue"}}
    ]
    assert facts["flavors"] == {
        "1": {"aggregate_instance_extra_specs:ssd": "true"}
    }
    assert [network["id"] for network in facts["networks"]] == [A]
