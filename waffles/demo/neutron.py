"""A stand-in for Neutron: that of Nova's fixtures, with networks that differ.

The fixture alone puts every new port on one network, with one address.  Here
networks have owners, are shared (RBAC), and can run out of addresses::

    blue = cloud.neutron.add("blue", total=2)
    red = cloud.neutron.add("red", project_id=one, shared_with=[other])
    cloud.neutron.used(blue)
    cloud.neutron.remove(blue)

Who sees what is for :mod:`waffles.demo.neutron_client` to say.  The network
that the fixture has from the start, ``network_1``, belongs to no user, and
everybody sees it, as there.  There are no quotas, and addFixedIp and
removeFixedIp do nothing.
"""

import copy
import ipaddress
import threading
import uuid
from collections.abc import Collection
from typing import Any

# isort: off
from waffles.demo import threads  # noqa: F401  before any other Nova

# isort: on
from neutronclient.common import exceptions
from nova.tests import fixtures

from waffles.demo import subnets
from waffles.demo.neutron_client import EVERYONE, EXTERNAL, SHARED, Client


class Neutron(fixtures.NeutronFixture):  # type: ignore[misc]
    """The networks of a cloud, their ports and addresses."""

    def __init__(self, test: Any) -> None:
        super().__init__(test)
        self.lock = threading.RLock()
        self.networks: dict[str, dict[str, Any]] = self._networks
        self.policies: dict[str, dict[str, Any]] = {}
        self._cidrs = {
            4: ipaddress.ip_network("10.0.0.0/8").subnets(new_prefix=16),
            6: ipaddress.ip_network("fd00::/48").subnets(new_prefix=64),
        }
        self._allow(self.network_1, EXTERNAL, EVERYONE)

    def add(
        self,
        name: str,
        project_id: str = fixtures.NeutronFixture.tenant_id,
        shared_with: Collection[str] = (EVERYONE,),
        total: int = 253,
        network_id: str | None = None,
        up: bool = True,
        ipv6: int = 0,
        external: bool = False,
    ) -> str:
        """Make a network; gives its id.

        :param project_id: of its owner; no user's, where none is said
        :param shared_with: project ids, or :data:`EVERYONE`
        :param total: how many addresses of IPv4 it has; 0 for no such subnet
        :param ipv6: how many of IPv6
        :param external: whether everybody sees it, shared or not
        """
        network = {
            **self.network_1,
            "id": network_id or str(uuid.uuid4()),
            "name": name,
            "project_id": project_id,
            "tenant_id": project_id,
            "admin_state_up": up,
            "router:external": external,
        }
        actions = [(SHARED, target) for target in shared_with]
        with self.lock:
            network["subnets"] = [
                self._subnet(network, version, size)
                for version, size in ((4, total), (6, ipv6))
                if size
            ]
            for action, target in actions + [(EXTERNAL, EVERYONE)] * external:
                self._allow(network, action, target)
            self.networks[network["id"]] = network
        return str(network["id"])

    def remove(self, network_id: str) -> None:
        """Take a network away, with all that is on it."""
        with self.lock:
            for subnet in self.networks.pop(network_id)["subnets"]:
                del self._subnets[subnet]
            for policy in list(self.policies.values()):
                if policy["object_id"] == network_id:
                    del self.policies[policy["id"]]
            for port in self._on(network_id):
                self.delete_port(port["id"])

    def used(self, network_id: str) -> int:
        """How many addresses of a network are in use, of IPv4 and IPv6."""
        with self.lock:
            return int(self.availability(network_id)["used_ips"])

    def allowed(self, network_id: str, action: str) -> set[str]:
        """The projects that a policy lets do something with a network."""
        return {
            policy["target_project"]
            for policy in self.policies.values()
            if (policy["object_id"], policy["action"]) == (network_id, action)
        }

    def availability(self, network_id: str) -> dict[str, Any]:
        """How many addresses a network has, and how many are in use."""
        network = self.networks[network_id]
        found = [
            subnets.availability(subnet, len(self._taken(subnet)))
            for subnet in self._of(network_id)
        ]
        return {
            "network_id": network_id,
            "network_name": network["name"],
            "project_id": network["project_id"],
            "tenant_id": network["project_id"],
            "total_ips": sum(subnet["total_ips"] for subnet in found),
            "used_ips": sum(subnet["used_ips"] for subnet in found),
            "subnet_ip_availability": found,
        }

    def create_port(self, body: Any = None) -> dict[str, Any]:
        """Make a port as asked, with an address of every subnet."""
        wanted = body["port"]
        port = {
            **copy.deepcopy({**self.default_port, **wanted}),
            "id": str(uuid.uuid4()),
            "mac_address": "fa:16:3e:" + uuid.uuid4().bytes[:3].hex(":"),
            "device_owner": "",
            "project_id": wanted["tenant_id"],
            "fixed_ips": self._addresses(**wanted),
        }
        self._ports[port["id"]] = port
        return {"port": copy.deepcopy(port)}

    def _get_client(self, context: Any, admin: bool = False) -> Client:
        return Client(self, context.project_id, admin or context.is_admin)

    def _subnet(
        self, network: dict[str, Any], version: int, total: int
    ) -> str:
        subnet = subnets.made(network, next(self._cidrs[version]), total)
        self._subnets[subnet["id"]] = subnet
        return str(subnet["id"])

    def _allow(
        self, network: dict[str, Any], action: str, target: str
    ) -> None:
        policy_id = str(uuid.uuid4())
        self.policies[policy_id] = {
            "id": policy_id,
            "project_id": network["project_id"],
            "tenant_id": network["project_id"],
            "object_type": "network",
            "object_id": network["id"],
            "action": action,
            "target_project": target,
            "target_tenant": target,
        }

    def _addresses(
        self,
        network_id: str,
        fixed_ips: Collection[dict[str, str]] = (),
        **port: Any,
    ) -> list[dict[str, str]]:
        """Those that are asked for, or a free one of every subnet."""
        found = [
            self._asked(network_id, asked["ip_address"]) for asked in fixed_ips
        ] or [
            (subnet, subnets.free(subnet, self._taken(subnet)))
            for subnet in self._of(network_id)
        ]
        return [
            {"ip_address": address, "subnet_id": subnet["id"]}
            for subnet, address in found
        ]

    def _asked(
        self, network_id: str, address: str
    ) -> tuple[subnets.Subnet, str]:
        for subnet in self._of(network_id):
            if address in self._taken(subnet):
                raise exceptions.IpAddressAlreadyAllocatedClient()
            if subnets.holds(subnet, address):
                return subnet, address
        raise exceptions.InvalidIpForNetworkClient()

    def _of(self, network_id: str) -> list[subnets.Subnet]:
        """The subnets of a network."""
        return [
            self._subnets[subnet]
            for subnet in self.networks[network_id]["subnets"]
        ]

    def _on(self, network_id: str) -> list[dict[str, Any]]:
        """The ports on a network."""
        ports = self._ports.values()
        return [port for port in ports if port["network_id"] == network_id]

    def _taken(self, subnet: subnets.Subnet) -> set[str]:
        return {
            address["ip_address"]
            for port in self._on(subnet["network_id"])
            for address in port["fixed_ips"]
            if address["subnet_id"] == subnet["id"]
        }
