"""Finding the network for a server, in microseconds.

What a kind of request can get (its zone, its flavor's requirements) is worked
out once a snapshot and kept as a ranking.  Projects differ only in networks
that are not shared with all, and in hosts that are kept for them.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from waffles import exceptions
from waffles.fabric import pods, specs, survey
from waffles.fabric.networks import Network, Networks
from waffles.fabric.pods import Pod, Wanted
from waffles.fabric.spread import Entry, Spread

Ranking = list[Entry]


class Place(NamedTuple):
    """Where a server is to be.

    :param zone: that a host aggregate with the network gives its hosts, where
        one was wanted
    """

    network: Network
    zone: str | None


class _View(NamedTuple):
    """What one kind of request can get.

    :param common: the networks that all projects may use
    :param own: the others, by project; made when asked for
    """

    pods: list[Pod]
    names: frozenset[str]
    common: Ranking
    own: dict[str | None, Ranking]


def of_facts(
    facts: Mapping[str, Any],
    taken: float,
    before: "Chooser | None",
    key: str,
    spread: Spread,
) -> "Chooser":
    """A chooser, from the facts of :mod:`waffles.fabric.survey`.

    :param taken: when they were asked for
    :param before: the chooser of the snapshot before
    :param key: of the metadata in which host aggregates name networks
    """
    networks = survey.networks(facts)
    spread.renew({id_: one.free for id_, one in networks.by_id.items()}, taken)
    flavors = {
        flavor_id: specs.requirements(extra)
        for flavor_id, extra in facts["flavors"].items()
    }
    found = pods.of_facts(facts, key)
    return Chooser(networks, found, flavors, spread, before)


class Chooser:
    """The networks of a snapshot, to be chosen from.

    :param flavors: what each asks of host aggregates
    :param like: the chooser of the snapshot before: what was asked of it is
        worked out at once
    """

    def __init__(
        self,
        networks: Networks,
        found: list[Pod],
        flavors: Mapping[str, specs.Requirements],
        spread: Spread,
        like: "Chooser | None" = None,
    ) -> None:
        self.networks, self.pods, self.flavors = networks, found, flavors
        self._spread = spread
        self._isolated = frozenset[str]().union(*(p.projects for p in found))
        self._private = _private(networks)
        self._views: dict[Wanted, _View] = {}
        for kind in [Wanted(None), *(like._views if like else ())]:
            try:
                self._view(kind)
            except exceptions.Conflict:
                continue  # it is told to whoever asks again

    def choose(self, wanted: Wanted) -> Place:
        """The network for servers; their addresses count as taken.

        :raises Conflict: there is none, and why
        """
        view = self._view(self._kind(wanted))
        own = self._own(view, wanted.project_id)
        network = self._spread.take((view.common, own), wanted.servers)
        if network is None:
            raise pods.nothing(self._missing(view, wanted))
        zone = _zone(view.pods, network) if wanted.zoned else None
        return Place(network, zone)

    def _kind(self, wanted: Wanted) -> Wanted:
        """All that decides which hosts can take a server."""
        isolated = wanted.project_id in self._isolated
        project_id = wanted.project_id if isolated else None
        return wanted._replace(project_id=project_id, servers=1)

    def _view(self, kind: Wanted) -> _View:
        view = self._views.get(kind)
        if view is None:
            able = pods.able(self.pods, kind)
            names = frozenset[str]().union(*(pod.names for pod in able))
            common = self._spread.ranking(self._common(names))
            view = self._views[kind] = _View(able, names, common, {})
        return view

    def _common(self, names: frozenset[str]) -> list[Network]:
        found = {
            network.id: network
            for name in names
            for network in self.networks.of(name)
            if network.common and network.up
        }
        return list(found.values())

    def _own(self, view: _View, project_id: str | None) -> Ranking:
        ranking = view.own.get(project_id)
        if ranking is None:
            found = self._named(view.names, project_id)
            ranking = view.own[project_id] = self._spread.ranking(found)
        return ranking

    def _named(
        self, names: frozenset[str], project_id: str | None
    ) -> list[Network]:
        """The networks that not all may use, of those that are named."""
        return [
            network
            for network in self._private.get(project_id, ())
            if self._is_named(network, names, project_id)
        ]

    def _is_named(
        self, network: Network, names: frozenset[str], project_id: str | None
    ) -> bool:
        if network.id in names:
            return True
        meant = self.networks.meant(network.name, project_id)
        return network.name in names and network in meant

    def _missing(self, view: _View, wanted: Wanted) -> str:
        """What left no network of those that the hosts have."""
        own = self._named(view.names, wanted.project_id)
        if not own and not self._common(view.names):
            return "this project can use none of the networks of its hosts"
        if wanted.servers == 1:
            return "no network of its hosts has a free address"
        return f"no network of its hosts has {wanted.servers} free addresses"


def _private(networks: Networks) -> dict[str | None, list[Network]]:
    """The networks that not all may use, by the projects that may."""
    found: dict[str | None, list[Network]] = defaultdict(list)
    for network in networks.by_id.values():
        if network.up and not network.common:
            for project_id in network.users:
                found[project_id].append(network)
    return found


def _zone(found: list[Pod], network: Network) -> str | None:
    """A zone whose hosts have a network."""
    names = {network.id, network.name}
    zones = (pod.own_zone for pod in found if names & pod.names and pod.up)
    return next(zones, None)
