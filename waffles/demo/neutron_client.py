"""Neutron as one caller sees it: the methods of Neutron's own client.

Neutron shows a project its own networks, those that are shared with it, and
those that are external; and says ``shared`` of those that are shared with it,
not of those that it shares.  Administrators see all.
"""

import functools
from typing import TYPE_CHECKING, Any

from neutronclient.common import exceptions

if TYPE_CHECKING:
    from waffles.demo.neutron import Neutron

#: All projects, where a network is shared.
EVERYONE = "*"

#: What a policy (RBAC) lets a project do with a network.
SHARED, EXTERNAL = "access_as_shared", "access_as_external"


class Client:
    """What one caller sees and does; the methods of Neutron's own client.

    :param project_id: of the caller
    :param admin: whether it is an administrator
    """

    def __init__(
        self, neutron: "Neutron", project_id: str, admin: bool
    ) -> None:
        self.neutron, self.project_id, self.admin = neutron, project_id, admin

    def __getattr__(self, name: str) -> Any:
        """Any other method of the fixture; one at a time, as in Neutron."""
        method = getattr(self.neutron, name)

        @functools.wraps(method)
        def alone(*args: Any, **params: Any) -> Any:
            with self.neutron.lock:
                return method(*args, **params)

        return alone

    def list_networks(self, **params: Any) -> dict[str, Any]:
        return {"networks": self._list(self._networks(), **params)}

    def show_network(self, network_id: str, **params: Any) -> dict[str, Any]:
        for network in self.list_networks(id=network_id)["networks"]:
            return {"network": network}
        raise _no_network(network_id)

    def list_ports(self, **params: Any) -> dict[str, Any]:
        with self.neutron.lock:
            found = self.neutron.list_ports(self.admin, **params)["ports"]
            return {"ports": [port for port in found if self._has(port)]}

    def show_port(self, port_id: str, **params: Any) -> dict[str, Any]:
        for port in self.list_ports(id=port_id)["ports"]:
            return {"port": port}
        message = f"Port {port_id} could not be found."
        raise exceptions.PortNotFoundClient(message=message)

    def create_port(self, body: dict[str, Any]) -> dict[str, Any]:
        with self.neutron.lock:
            self.show_network(body["port"]["network_id"])
            return self.neutron.create_port(body)

    def list_rbac_policies(self, **params: Any) -> dict[str, Any]:
        """Those of the caller's own project; an administrator sees all."""
        own = {
            policy["id"]: policy
            for policy in list(self.neutron.policies.values())
            if self.admin or policy["project_id"] == self.project_id
        }
        return {"rbac_policies": self._list(own, **params)}

    def list_network_ip_availabilities(self, **params: Any) -> dict[str, Any]:
        """For administrators; to others Neutron shows an empty list."""
        with self.neutron.lock:
            found = {
                network_id: self.neutron.availability(network_id)
                for network_id in self.neutron.networks
                if self.admin
            }
        listed = self._list(found, **params)
        return {"network_ip_availabilities": listed}

    def show_network_ip_availability(self, network_id: str) -> dict[str, Any]:
        found = self.list_network_ip_availabilities(network_id=network_id)
        for one in found["network_ip_availabilities"]:
            return {"network_ip_availability": one}
        raise _no_network(network_id)

    def list_subnets(self, **params: Any) -> dict[str, Any]:
        return {"subnets": self._list(self.neutron._subnets, **params)}

    def _networks(self) -> dict[str, dict[str, Any]]:
        """The networks that the caller sees, as he sees them."""
        with self.neutron.lock:
            seen = filter(self._sees, self.neutron.networks.values())
            return {
                network["id"]: {
                    **network,
                    "shared": self._may(SHARED, network),
                }
                for network in seen
            }

    def _sees(self, network: dict[str, Any]) -> bool:
        policies = self._may(SHARED, network) or self._may(EXTERNAL, network)
        return policies or self._owns(network)

    def _may(self, action: str, network: dict[str, Any]) -> bool:
        allowed = self.neutron.allowed(network["id"], action)
        return not allowed.isdisjoint({EVERYONE, self.project_id})

    def _owns(self, thing: dict[str, Any]) -> bool:
        return self.admin or thing["project_id"] == self.project_id

    def _has(self, port: dict[str, Any]) -> bool:
        network = self.neutron.networks[port["network_id"]]
        return self._owns(port) or self._owns(network)

    def _list(self, things: dict[str, Any], **params: Any) -> list[Any]:
        with self.neutron.lock:
            found: list[Any] = self.neutron._list_resource(
                things, retrieve_all=True, **params
            )
        return found


def _no_network(network_id: str) -> Exception:
    message = f"Network {network_id} could not be found."
    error: Exception = exceptions.NetworkNotFoundClient(message=message)
    return error
