"""The cloud as it is now: what a plan is made of.

Nova leaves out the servers of a cell that is down, without a word.  So it is
asked for the host's nova-compute before the servers are listed and once more
behind the last page; where it does not show it, or shows it as UNKNOWN, there
is no plan, and an empty list is never taken for "none".  Servers that are
soft-deleted Nova does not list, and refuses to evacuate.

A plan takes one call each for the services, the host aggregates, and the
service again, one for each page of servers, and two or more for the server
groups; where image properties count, one for each image that decides.
"""

import dataclasses
import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from waffles import exceptions
from waffles.clients.compute import HOST, Compute
from waffles.clients.glance import Glance
from waffles.recovery.planning import gates, groups, policy, sites
from waffles.recovery.planning.groups import Progress
from waffles.recovery.planning.plan import Plan, order
from waffles.recovery.planning.policy import Facts
from waffles.recovery.planning.sites import Service, Site
from waffles.recovery.planning.wishes import Image, Rules, Unknown

#: How many names of other hosts are given to who gives a wrong one.
NEAR = 5

Json = dict[str, Any]


class Unseen(exceptions.Unavailable):
    """Nova does not see the host, or not all that is on it."""


class NoHost(exceptions.Hidden):
    """There is no nova-compute of that name.

    :param near: names that may be meant
    """

    def __init__(self, host: str, near: list[str]) -> None:
        meant = f"; there is {', '.join(near)}" if near else ""
        super().__init__(404, f"There is no compute host {host}{meant}.")
        self.near = near


def host(compute: Compute, name: str) -> Json:
    """The nova-compute of a host, as Nova shows it.

    :raises NoHost: there is none of exactly this name
    """
    found = compute.services(binary=sites.COMPUTE)
    for service in found:
        if service["host"] == name:
            return service
    raise NoHost(name, near(name, [service["host"] for service in found]))


def near(name: str, hosts: Iterable[str]) -> list[str]:
    """The hosts that may be meant by a name: another case, with or without a
    domain, or a slip.
    """
    short = name.lower().partition(".")[0]
    known = sorted(set(hosts))
    same = [one for one in known if one.lower().partition(".")[0] == short]
    slips = difflib.get_close_matches(name, known, NEAR, 0.8)
    return list(dict.fromkeys([*same, *slips]))[:NEAR]


def site(compute: Compute) -> Site:
    """The services and the host aggregates."""
    return Site(
        tuple(map(sites.service, compute.services())),
        tuple(map(sites.aggregate, compute.aggregates())),
    )


def plan(
    compute: Compute,
    glance: Glance,
    host: str,
    rules: Rules,
    pause: gates.Pause | None = None,
    baseline: str = "",
    progress: Progress = lambda: None,
) -> Plan:
    """The plan of a host.

    :param baseline: as of :func:`waffles.recovery.planning.gates.judge`
    :param progress: called between calls, so that a lease can be renewed
    :raises Unseen: Nova does not see it now, or did not all the time
    """
    before = site(compute)
    _seen(before, host)
    found = list(_servers(compute, host, progress))
    after = _asked_again(compute, before, host)
    here = _seen(after, host)
    said = after.said(host, rules.aggregate_key)
    images = _images(glance, found, rules, progress)
    judged = [
        policy.judge(one, rules, image=images.get(one.image), aggregates=said)
        for one in found
    ]
    ordered = order(groups.grouped(compute, judged, progress))
    judged_gates = gates.judge(after, host, rules, pause, baseline)
    return Plan(host, here.id, here.zone, judged_gates, tuple(ordered))


def _seen(site: Site, host: str) -> Service:
    """The nova-compute of a host.

    :raises Unseen: Nova does not show it, or its cell is down
    """
    found = site.compute(host)
    if found is None:
        raise Unseen(f"Nova shows no nova-compute of {host}.")
    if not found.is_seen:
        raise Unseen(f"Nova does not see the cell of {host} now.")
    return found


def _asked_again(compute: Compute, before: Site, host: str) -> Site:
    """The site, with the host's nova-compute as it is now."""
    found = compute.services(host=host, binary=sites.COMPUTE)
    others = [
        one
        for one in before.services
        if (one.host, one.binary) != (host, sites.COMPUTE)
    ]
    services = (*others, *map(sites.service, found))
    return dataclasses.replace(before, services=services)


def _servers(
    compute: Compute, host: str, progress: Progress
) -> Iterator[Facts]:
    """Every server of a host, once.

    The host is compared here: databases differ in what they find equal.

    :raises Unseen: the host of one is not shown
    """
    known = set()
    for page in compute.servers(host):
        progress()
        for server in page:
            if HOST not in server:
                raise Unseen(f"Nova does not show where {server['id']} is.")
            if server[HOST] == host and server["id"] not in known:
                known.add(server["id"])
                yield policy.facts(server)


def _images(
    glance: Glance, found: Iterable[Facts], rules: Rules, progress: Progress
) -> dict[str, Image]:
    """The properties of the images that decide, each asked for once."""
    ids = {one.image for one in found if policy.asks_image(one, rules)}
    images = {}
    for image_id in sorted(ids):
        progress()
        images[image_id] = _image(glance, image_id)
    return images


def _image(glance: Glance, image_id: str) -> Image:
    try:
        return glance.properties(image_id)
    except exceptions.Hidden:
        return None
    except exceptions.Unavailable as error:
        return Unknown(str(error))
