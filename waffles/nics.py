"""Which NICs a request asks for, read as Nova 34 reads it.

A create names networks and ports, an attach names one of either.  Who names
nothing leaves the choice to Nova, which takes the only network that the
project has or shares (``nova/network/neutron.py``,
``_validate_requested_network_ids``).
"""

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple

from waffles import exceptions, ids
from waffles.clients.neutron import Neutron

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Asked(NamedTuple):
    """A NIC that is asked for; with neither network nor port, any.

    :param pointer: what asks for it, as a JSON pointer into the request
    :param network: an id
    :param port: an id
    :param auto: whether Nova makes a network where the project has none
    """

    pointer: str
    network: str | None = None
    port: str | None = None
    auto: bool = False


class Nic(NamedTuple):
    """A NIC that a server has or gets.

    :param network: an id; None where it does not matter or nobody knows it
    :param pointer: what is about it, as a JSON pointer into the request
    :param port: an id, of one that a server has
    :param addresses: likewise
    """

    network: str | None
    pointer: str = ""
    port: str | None = None
    addresses: frozenset[Address] = frozenset()


def of_create(server: Mapping[str, Any]) -> list[Asked]:
    """The NICs that each server of a create is to have.

    It makes no difference here that some microversions need "networks", and
    that some do not know "auto" and "none".

    :raises Malformed: Nova would not understand it either
    """
    given = server.get("networks", [])
    if given in ([], "auto"):
        return [Asked("/server/networks", auto=given == "auto")]
    if given == "none":
        return []
    if not isinstance(given, list):
        raise exceptions.Malformed(
            "/server/networks must be a list, or the word auto or none."
        )
    return [_entry(f"/server/networks/{at}", one) for at, one in
            enumerate(given)]  # fmt: skip


def of_attach(body: Mapping[str, Any]) -> Asked:
    """The NIC that a server is to have besides those that it has.

    :raises Malformed: Nova would not understand it either
    """
    pointer = "/interfaceAttachment"
    given = body.get("interfaceAttachment", {})
    if not isinstance(given, dict) or given.keys() >= {"net_id", "port_id"}:
        raise exceptions.Malformed(
            f"{pointer} must be a JSON object with net_id or port_id."
        )
    if "port_id" in given:
        return _port(f"{pointer}/port_id", given["port_id"])
    if "net_id" in given:
        return _network(f"{pointer}/net_id", given["net_id"])
    return Asked(pointer)


def of_added_address(action: Mapping[str, Any]) -> Asked:
    """What addFixedIp is about: a NIC that a server has on a network.

    :raises Malformed: it names none; Nova takes any text here, and some
        databases find a network by more than its id
    """
    return _network("/addFixedIp/networkId", action.get("networkId"))


def removed_address(action: Mapping[str, Any]) -> Address:
    """What removeFixedIp is about.

    :raises Malformed: no address
    """
    try:
        return ipaddress.ip_address(str(action.get("address")))
    except ValueError:
        raise exceptions.Malformed(
            "/removeFixedIp/address must be an IP address."
        ) from None


def of_interface(interface: Mapping[str, Any]) -> Nic:
    """A NIC that a server has, of Nova's list of its interfaces."""
    return Nic(
        network=interface["net_id"],
        port=interface["port_id"],
        addresses=frozenset(
            ipaddress.ip_address(fixed["ip_address"])
            for fixed in interface["fixed_ips"] or ()
        ),
    )


def looked_up(
    asked: Asked, neutron: Neutron, project_id: str | None, token: str
) -> list[Nic]:
    """The NIC that comes of what is asked for; none where Nova gives none.

    :param project_id: that of the server
    :param token: of the caller
    :raises Conflict: Nova would not know which network to take
    :raises Hidden: Neutron does not show the caller a port
    :raises Unavailable: Neutron gives no answer
    """
    if asked.network:
        return [Nic(asked.network, asked.pointer)]
    if asked.port:
        port = neutron.port(asked.port, token)
        return [Nic(port["network_id"], asked.pointer)]
    found = neutron.eligible(project_id, token)
    if len(found) > 1:
        raise exceptions.Conflict(
            "Multiple possible networks found, use a Network ID to be more"
            " specific."
        )
    if asked.auto and not any(map(_is_taken_for_auto, found)):
        return [Nic(None, asked.pointer)]
    return [Nic(network["id"], asked.pointer) for network in found]


def _is_taken_for_auto(network: Mapping[str, Any]) -> bool:
    """Nova passes over a project's own network that is down, then."""
    return bool(network["shared"] or network["admin_state_up"])


def _entry(pointer: str, entry: Any) -> Asked:
    """What an entry of "networks" asks for: its port counts, if any."""
    if not isinstance(entry, dict):
        raise exceptions.Malformed(f"{pointer} must be a JSON object.")
    if entry.get("port") is not None:
        return _port(f"{pointer}/port", entry["port"])
    return _network(f"{pointer}/uuid", entry.get("uuid"))


def _network(pointer: str, given: Any) -> Asked:
    return Asked(pointer, network=_id(pointer, given))


def _port(pointer: str, given: Any) -> Asked:
    return Asked(pointer, port=_id(pointer, given))


def _id(pointer: str, given: Any) -> str:
    found = ids.canonical(given) if isinstance(given, str) else None
    if found is None:
        raise exceptions.Malformed(f"{pointer} must be a UUID.")
    return found
