"""A choice among all networks of a large cloud, and the snapshot for it."""

import itertools
import operator
import time
import tracemalloc
import uuid
from collections.abc import Callable
from typing import Any

from waffles.fabric.chooser import Chooser, of_facts
from waffles.fabric.pods import Wanted
from waffles.fabric.spread import Spread

AGGREGATES, NETWORKS, HOSTS = 1_000, 5_000, 10_000
ZONES, PROJECTS = 4, 500

SSD = (("ssd", "true"),)


def facts() -> dict[str, Any]:
    """A cloud: every aggregate has ten hosts and five networks.

    Half of the networks are shared with all, the others with one project.
    """
    ids = [str(uuid.UUID(int=number)) for number in range(NETWORKS)]
    return {
        "networks": [
            {
                "id": network_id,
                "name": f"net-{at}",
                "project_id": "admin",
                "shared_with": ["*" if at % 2 else f"p{at % PROJECTS}"],
                "external": False,
                "up": True,
                "free": at % 250,
                "ipv4": True,
            }
            for at, network_id in enumerate(ids)
        ],
        "aggregates": [
            {
                "zone": f"az{at % ZONES}",
                "hosts": [f"host-{n}" for n in range(at * 10, at * 10 + 10)],
                "metadata": {
                    "networks": ",".join(ids[at * 5 : at * 5 + 5]),
                    "ssd": "true" if at % 3 else "false",
                },
            }
            for at in range(AGGREGATES)
        ],
        "hosts": [
            {"name": f"host-{n}", "zone": f"az{n // 10 % ZONES}", "up": True}
            for n in range(HOSTS)
        ],
        "flavors": {str(number): {} for number in range(100)},
    }


def built(known: dict[str, Any]) -> Chooser:
    """The snapshot, as the waffle builds it."""
    return of_facts(known, time.time(), None, "networks", Spread())


def building(known: dict[str, Any]) -> tuple[float, float]:
    """Seconds, and megabytes at most, to build a snapshot."""
    began = time.perf_counter()
    built(known)
    took = time.perf_counter() - began
    tracemalloc.start()
    built(known)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return took, most / 1e6


def rows(chooser: Chooser) -> dict[str, Callable[[], object]]:
    """Choices for requests of several kinds."""
    choose = chooser.choose
    projects = itertools.cycle([Wanted(f"p{n}") for n in range(PROJECTS)])
    zone, flavor = Wanted("p", zone="az1"), Wanted("p", needs=SSD)
    return {
        "any host": lambda: choose(Wanted("p")),
        "of a zone": lambda: choose(zone),
        "for a flavor": lambda: choose(flavor),
        "for another project each time": lambda: choose(next(projects)),
    }


def looked(known: dict[str, Any]) -> dict[str, Any]:
    """The network with the most addresses, as a loop finds it."""
    up = {host["name"] for host in known["hosts"] if host["up"]}
    named = {
        name
        for aggregate in known["aggregates"]
        if up.intersection(aggregate["hosts"])
        for name in aggregate["metadata"]["networks"].split(",")
    }
    usable: list[dict[str, Any]] = [
        network
        for network in known["networks"]
        if network["id"] in named and "*" in network["shared_with"]
    ]
    return max(usable, key=operator.itemgetter("free"))
