"""Hosts that reach the same networks, and which servers they can take.

All hosts that are in the same host aggregates are one pod: they have the same
zone, metadata and networks, so that one look at a pod is a look at all of its
hosts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from waffles import exceptions, pins
from waffles.fabric import specs

#: Metadata keys that begin so keep hosts for the projects that they name
#: (``nova/scheduler/filters/aggregate_multitenancy_isolation.py``).
ISOLATED = "filter_tenant_id"


class Wanted(NamedTuple):
    """What a create asks of the hosts and the network of its servers.

    :param zone: availability zone, None for any
    :param zoned: whether it must be one that a host aggregate gives
    :param host: the one that is asked for, None for any
    :param needs: what the flavor asks of host aggregates
    :param servers: how many of them need an address
    """

    project_id: str | None
    zone: str | None = None
    zoned: bool = False
    host: str | None = None
    needs: specs.Requirements = ()
    servers: int = 1


class Pod(NamedTuple):
    """Hosts that are in the same host aggregates.

    :param own_zone: the zone that its host aggregates give it, None where
        they give none; hosts without one are in Nova's default zone
    :param names: how its host aggregates name networks: ids and names
    :param metadata: of its host aggregates: key -> values
    :param projects: the only ones that its hosts take; empty for all
    :param up: those of its hosts that are up and enabled
    """

    zone: str | None
    own_zone: str | None
    hosts: frozenset[str]
    names: frozenset[str]
    metadata: Mapping[str, frozenset[str]]
    projects: frozenset[str]
    up: frozenset[str]


class Step(NamedTuple):
    """A condition, and what is said when no pod is left that meets it."""

    holds: Callable[[Pod, Wanted], bool]
    says: str


#: In the order in which they are told.
STEPS = (
    Step(
        lambda pod, wanted: bool(pod.names),
        "no host aggregate names networks",
    ),
    Step(
        lambda pod, wanted: wanted.zone in (None, pod.zone),
        "no host aggregate with networks is in availability zone {zone}",
    ),
    Step(
        lambda pod, wanted: bool(pod.own_zone) or not wanted.zoned,
        "no host aggregate with networks has an availability zone",
    ),
    Step(
        lambda pod, wanted: wanted.host is None or wanted.host in pod.hosts,
        "host {host} is in no host aggregate with networks",
    ),
    Step(
        lambda pod, wanted: (
            not pod.projects or wanted.project_id in pod.projects
        ),
        "no host aggregate with networks takes servers of this project",
    ),
    Step(
        lambda pod, wanted: specs.met(wanted.needs, pod.metadata),
        "no host aggregate with networks takes servers of this flavor",
    ),
    Step(
        lambda pod, wanted: bool(
            pod.up if wanted.host is None else wanted.host in pod.up
        ),
        "no host of the host aggregates with networks is up and enabled",
    ),
)


def of_facts(facts: Mapping[str, Any], key: str) -> list[Pod]:
    """The pods of a survey.

    :param facts: see :mod:`waffles.fabric.survey`
    :param key: of the metadata in which host aggregates name networks
    """
    aggregates = facts["aggregates"]
    member: dict[str, list[int]] = defaultdict(list)
    for at, aggregate in enumerate(aggregates):
        for host in aggregate["hosts"]:
            member[host].append(at)
    pods: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for host in facts["hosts"]:
        pods[host["zone"], *member[host["name"]]].append(host)
    return [
        _pod(zone, [aggregates[at] for at in places], hosts, key)
        for (zone, *places), hosts in pods.items()
    ]


def _pod(
    zone: str | None,
    aggregates: list[dict[str, Any]],
    hosts: list[dict[str, Any]],
    key: str,
) -> Pod:
    metadata: dict[str, set[str]] = defaultdict(set)
    for aggregate in aggregates:
        for name, value in aggregate["metadata"].items():
            metadata[name].update(part.strip() for part in value.split(","))
    return Pod(
        zone=zone,
        own_zone=next(filter(None, (a["zone"] for a in aggregates)), None),
        hosts=frozenset(host["name"] for host in hosts),
        names=frozenset(
            name
            for aggregate in aggregates
            for name in pins.named(aggregate["metadata"].get(key, ""))
        ),
        metadata={name: frozenset(held) for name, held in metadata.items()},
        projects=frozenset[str]().union(
            *(held for k, held in metadata.items() if k.startswith(ISOLATED))
        ),
        up=frozenset(host["name"] for host in hosts if host["up"]),
    )


def able(pods: Iterable[Pod], wanted: Wanted) -> list[Pod]:
    """The pods that can take a server, as far as hosts decide it.

    :raises Conflict: there is none, and which step left none
    """
    left = list(pods)
    for step in STEPS:
        left = [pod for pod in left if step.holds(pod, wanted)]
        if not left:
            raise nothing(step.says.format_map(_shown(wanted)))
    return left


def _shown(wanted: Wanted) -> dict[str, str]:
    """What a client has asked for, and not all of it."""
    return {key: str(value)[:99] for key, value in wanted._asdict().items()}


def nothing(why: str) -> exceptions.Conflict:
    """What is said when there is no network for a server."""
    return exceptions.Conflict(f"There is no network for this server: {why}.")
