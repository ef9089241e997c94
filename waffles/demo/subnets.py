"""Subnets of the stand-in for Neutron, and which of their addresses are free.

A subnet is what Neutron's API shows of it; it has one allocation pool.
"""

import ipaddress
import uuid
from collections.abc import Collection
from typing import Any

from neutronclient.common import exceptions

Subnet = dict[str, Any]


def made(network: dict[str, Any], cidr: Any, total: int) -> Subnet:
    """A subnet of a network, with a number of addresses in its pool.

    :param cidr: of :mod:`ipaddress`
    """
    return {
        "id": str(uuid.uuid4()),
        "name": f"{network['name']}-{cidr.version}",
        "network_id": network["id"],
        "project_id": network["project_id"],
        "tenant_id": network["tenant_id"],
        "ip_version": cidr.version,
        "cidr": str(cidr),
        "gateway_ip": str(cidr[1]),
        "allocation_pools": [
            {"start": str(cidr[2]), "end": str(cidr[total + 1])}
        ],
        "enable_dhcp": True,
        "dns_nameservers": [],
        "host_routes": [],
    }


def total(subnet: Subnet) -> int:
    """How many addresses there are in the pool."""
    first, last = _ends(subnet)
    return int(last) - int(first) + 1


def free(subnet: Subnet, taken: Collection[str]) -> str:
    """The first free address.

    :raises IpAddressGenerationFailureClient: there is none
    """
    address, last = _ends(subnet)
    while str(address) in taken or str(address) == subnet["gateway_ip"]:
        address += 1
    if address > last:
        raise exceptions.IpAddressGenerationFailureClient()
    return str(address)


def holds(subnet: Subnet, address: str) -> bool:
    """Whether the pool has an address."""
    wanted = ipaddress.ip_address(address)
    first, last = _ends(subnet)
    return int(first) <= int(wanted) <= int(last)


def availability(subnet: Subnet, used: int) -> dict[str, Any]:
    """The subnet in Neutron's network-ip-availabilities."""
    return {
        "subnet_id": subnet["id"],
        "subnet_name": subnet["name"],
        "cidr": subnet["cidr"],
        "ip_version": subnet["ip_version"],
        "total_ips": total(subnet),
        "used_ips": used,
    }


def _ends(subnet: Subnet) -> tuple[Any, Any]:
    (pool,) = subnet["allocation_pools"]
    first = ipaddress.ip_address(pool["start"])
    return first, ipaddress.ip_address(pool["end"])
