"""What is asked of Nova and Neutron: the facts of a snapshot, as JSON.

::

    {"networks": [{"id", "name", "project_id", "shared_with": [project ids],
                   "external", "up", "free", "ipv4"}],
     "aggregates": [{"zone", "hosts": [names], "metadata": {}}],
     "hosts": [{"name", "zone", "up"}],
     "flavors": {id: extra specs}}

Facts are few and plain, so that workers can hand them to each other through a
cache.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from waffles.clients import errors
from waffles.clients.neutron import ADMINS_FIELD, Neutron
from waffles.clients.nova import Nova
from waffles.fabric import specs
from waffles.fabric.networks import Network, Networks

Json = dict[str, Any]


def of_cloud(nova: Nova, neutron: Neutron) -> Json:
    """All the facts.

    :raises Unjudged: something could not be asked for
    """
    availabilities = list(neutron.availabilities())
    found = of_networks(neutron, availabilities)
    if found["networks"] and not availabilities:
        # To others than an administrator Neutron shows none, without a word.
        raise errors.Refused(
            "Neutron does not show how many addresses are free: [waffles]"
            " needs an administrator."
        )
    return {
        **found,
        "aggregates": [_aggregate(one) for one in nova.aggregates()],
        "hosts": [_host(one) for one in nova.compute_services()],
        "flavors": {one["id"]: _specs(one) for one in nova.flavors()},
    }


def of_networks(neutron: Neutron, availabilities: Iterable[Json] = ()) -> Json:
    """The facts of networks; without availabilities none has an address.

    :raises Unjudged: something could not be asked for
    """
    shares: dict[str, list[str]] = defaultdict(list)
    for share in neutron.shares():
        shares[share["object_id"]].append(share["target_tenant"])
    free = {one["network_id"]: addresses(one) for one in availabilities}
    listed = list(neutron.networks())
    if listed and not any(ADMINS_FIELD in network for network in listed):
        # Others get a list too: of the networks that they may use.
        raise errors.Refused(
            "Neutron does not show all networks: [waffles] needs an"
            " administrator."
        )
    return {
        "networks": [
            _network(one, shares[one["id"]], free.get(one["id"], (0, False)))
            for one in listed
        ]
    }


def networks(facts: Mapping[str, Any]) -> Networks:
    """The networks of a survey.

    :raises Exception: they are not, as facts of a cache can be anything
    """
    return Networks(
        Network(
            **{
                **one,
                "shared_with": frozenset(one["shared_with"]),
                "free": int(one["free"]),
            }
        )
        for one in facts["networks"]
    )


def addresses(availability: Json) -> tuple[int, bool]:
    """How many more servers can get an address, and whether one of IPv4.

    A port gets one of each version of IP that the network has subnets of, so
    the version that runs out first counts.
    """
    free: dict[int, int] = defaultdict(int)
    for subnet in availability["subnet_ip_availability"]:
        left = int(subnet["total_ips"]) - int(subnet["used_ips"])
        free[subnet["ip_version"]] += max(0, left)
    return min(free.values(), default=0), 4 in free


def _network(network: Json, shares: list[str], free: tuple[int, bool]) -> Json:
    return {
        "id": network["id"],
        "name": network["name"],
        "project_id": network["project_id"],
        "shared_with": shares,
        "external": network.get("router:external", False),
        "up": network["admin_state_up"] and network["status"] == "ACTIVE",
        "free": free[0],
        "ipv4": free[1],
    }


def _aggregate(aggregate: Json) -> Json:
    return {
        "zone": aggregate["availability_zone"],
        "hosts": aggregate["hosts"],
        "metadata": aggregate["metadata"],
    }


def _host(service: Json) -> Json:
    """A host; of a cell that is down Nova shows neither zone nor state."""
    return {
        "name": service["host"],
        "zone": service.get("zone"),
        "up": (service.get("state"), service["status"]) == ("up", "enabled"),
    }


def _specs(flavor: Json) -> dict[str, str]:
    return {
        key: value
        for key, value in flavor["extra_specs"].items()
        if key.startswith(specs.SCOPE)
    }
