"""The cloud, as far as a recovery depends on it: values only."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

COMPUTE, SCHEDULER = "nova-compute", "nova-scheduler"


class Service(NamedTuple):
    """A service of Nova's.

    :param is_seen: whether its cell is; else nothing more is known of it
    :param is_up: whether Nova takes it for up, and nobody has forced it down
    :param is_enabled: whether it takes new servers
    :param updated_at: when it reported last, or was changed
    """

    host: str
    binary: str
    id: str = ""
    zone: str = ""
    is_seen: bool = True
    is_up: bool = True
    is_enabled: bool = True
    updated_at: str = ""

    @property
    def is_down(self) -> bool:
        """Whether it counts as one that is down."""
        return not (self.is_seen and self.is_up)


class Aggregate(NamedTuple):
    """A host aggregate; it is a zone where its metadata names one."""

    name: str
    hosts: frozenset[str]
    metadata: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """The services and the host aggregates of a cloud."""

    services: tuple[Service, ...]
    aggregates: tuple[Aggregate, ...] = ()

    @property
    def computes(self) -> tuple[Service, ...]:
        """Each nova-compute."""
        return tuple(one for one in self.services if one.binary == COMPUTE)

    def compute(self, host: str) -> Service | None:
        """The nova-compute of a host, by its exact name."""
        return next((one for one in self.computes if one.host == host), None)

    def around(self, host: str) -> tuple[Aggregate, ...]:
        """The aggregates that a host is in."""
        return tuple(one for one in self.aggregates if host in one.hosts)

    def said(self, host: str, key: str) -> tuple[str, ...]:
        """What the aggregates of a host say under a key."""
        found = (one.metadata.get(key) for one in self.around(host))
        return tuple(value for value in found if value is not None)

    def zone(self, service: Service) -> str:
        """The zone of a service; empty where nobody tells.

        Of one that is not seen only its aggregates do.
        """
        named = self.said(service.host, "availability_zone")
        return service.zone or next(iter(named), "")


def service(found: Mapping[str, Any]) -> Service:
    """A service, as Nova shows it from 2.69 on."""
    host, binary = found["host"], found["binary"]
    if found["status"] == "UNKNOWN":
        return Service(host, binary, is_seen=False)
    return Service(
        host,
        binary,
        id=found["id"],
        zone=found["zone"] or "",
        is_up=found["state"] == "up" and not found["forced_down"],
        is_enabled=found["status"] == "enabled",
        updated_at=found["updated_at"] or "",
    )


def aggregate(found: Mapping[str, Any]) -> Aggregate:
    """A host aggregate, as Nova shows it."""
    hosts = frozenset(found["hosts"])
    return Aggregate(found["name"], hosts, dict(found["metadata"]))
