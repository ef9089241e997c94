"""What a create asks for, read as Nova 34 reads it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from waffles import exceptions

#: The keys of the body that hold scheduler hints; the first that is there
#: counts (``nova/api/openstack/compute/servers.py``).
HINTS = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")


class Location(NamedTuple):
    """Where a server is to be; None is anywhere.

    :param node: the ``hypervisor_hostname``
    """

    zone: str | None = None
    host: str | None = None
    node: str | None = None


def count(server: Mapping[str, Any]) -> int:
    """How many servers a create asks for at most.

    :raises Malformed: no number, or none at all
    """
    try:
        least = int(server.get("min_count", 1))
        most = int(server.get("max_count", least))
    except (TypeError, ValueError, OverflowError):
        least = most = 0
    if min(least, most) < 1:
        raise exceptions.Malformed(
            "min_count and max_count must be numbers above 0."
        )
    return most


def location(server: Mapping[str, Any], fields: bool = True) -> Location:
    """Where a server is to be: ``zone``, ``zone:host``, ``zone:host:node``,
    ``zone::node``, or in fields of their own.

    :param fields: whether Nova reads these: from 2.74 on
    :raises Malformed: none of these
    """
    given = server.get("availability_zone") or ""
    names = ("host", "hypervisor_hostname") if fields else ("", "")
    host, node = map(server.get, names)
    texts = (given, host or "", node or "")
    if not all(isinstance(text, str) for text in texts):
        raise exceptions.Malformed("This is no place for a server.")
    zone, *forced = given.split(":")
    if len(forced) > 2:
        raise exceptions.Malformed("Unable to parse availability_zone")
    forced += [""] * (2 - len(forced))
    return Location(
        zone.strip() or None, forced[0] or host or None, forced[1] or node
    )


def hints(body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The scheduler hints, and the key of the body that Nova reads them at.

    :raises Malformed: they are no object
    """
    key = next((key for key in HINTS if key in body), HINTS[0])
    found = body.get(key, {})
    if not isinstance(found, dict):
        raise exceptions.Malformed(f"/{key} must be a JSON object.")
    return key, found
