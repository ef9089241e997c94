"""Finding the network for a server, in microseconds.

What a kind of request can get (its zone, its flavor's requirements) is worked
out once a snapshot and kept as a ranking.  Projects differ only in networks
that are not shared with all, and in hosts that are kept for them.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from waffles import exceptions
from waffles.fabric import pods, specs, survey
from waffles.fabric.networks import Network, Networks
from waffles.fabric.pods import Pod, Wanted
from waffles.fabric.spread import Choice, Entry, Spread

LOG = logging.getLogger(__name__)

Ranking = list[Entry]


class Place(NamedTuple):
    """Where a server is to be.

    :param zone: that a host aggregate with the network gives its hosts, where
        one was wanted
    :param choice: of its addresses, where they count as taken
    """

    network: Network
    zone: str | None
    choice: Choice | None


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
    networks, found = survey.networks(facts), pods.of_facts(facts, key)
    spread.renew(_counted(networks, _names(found)), taken)
    flavors = {
        flavor_id: specs.requirements(extra)
        for flavor_id, extra in facts["flavors"].items()
    }
    made = Chooser(networks, found, flavors, spread, before)
    new = made.unclear - (before.unclear if before else frozenset())
    if new:
        LOG.warning(
            "Host aggregates name networks that several are called: %s. Such"
            " a name means none but a project's own; say the id",
            ", ".join(sorted(new)),
        )
    return made


def _counted(networks: Networks, names: frozenset[str]) -> dict[str, int]:
    """What is learned from: what projects have of their own is theirs."""
    return {
        network.id: network.free
        for name in names
        for network in networks.of(name)
        if network.ipv4 and (network.common or network.id == name)
    }


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
        self.spread = spread
        self._isolated = frozenset[str]().union(*(p.projects for p in found))
        self._private = _private(networks)
        self._views: dict[Wanted, _View] = {}
        self._asked: set[Wanted] = set()
        for kind in {Wanted(None), *(like._asked if like else ())}:
            try:
                self._view(kind)
            except exceptions.Conflict:
                continue  # it is told to whoever asks again

    @property
    def unclear(self) -> frozenset[str]:
        """Names of several networks of which none is shared with all."""
        return frozenset(
            name
            for name in _names(self.pods)
            if len(found := self.networks.of(name)) > 1
            and not any(network.common for network in found)
        )

    def choose(self, wanted: Wanted, take: bool = True) -> Place:
        """The network for servers.

        :param take: whether its addresses count as taken from now on
        :raises Conflict: there is none, and why
        """
        kind = self._kind(wanted)
        view = self._view(kind)
        self._asked.add(kind)
        own = self._own(view, wanted.project_id)
        choose = self.spread.take if take else self._looked_at
        found = choose((view.common, own), wanted.servers)
        if found is None:
            raise pods.nothing(self._missing(view, wanted))
        network, choice = found
        return Place(network, self._zone(view, network, wanted), choice)

    def _looked_at(
        self, rankings: Iterable[Ranking], servers: int
    ) -> tuple[Network, None] | None:
        best = self.spread.best(rankings, servers)
        return best and (best, None)

    def _kind(self, wanted: Wanted) -> Wanted:
        """All that decides which hosts can take a server."""
        isolated = wanted.project_id in self._isolated
        project_id = wanted.project_id if isolated else None
        return wanted._replace(project_id=project_id, servers=1)

    def _view(self, kind: Wanted) -> _View:
        view = self._views.get(kind)
        if view is None:
            able = pods.able(self.pods, kind)
            names = _names(able)
            common = self.spread.ranking(self._common(names))
            view = _View(able, names, common, {})
            if kind.host is None:  # there are too many hosts to keep each
                self._views[kind] = view
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
            ranking = view.own[project_id] = self.spread.ranking(found)
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

    def _zone(
        self, view: _View, network: Network, wanted: Wanted
    ) -> str | None:
        """A zone whose hosts have a network, where one is wanted."""
        zones = (
            pod.own_zone
            for pod in view.pods
            if pod.up and self._is_named(network, pod.names, wanted.project_id)
        )
        return next(zones, None) if wanted.zoned else None

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


def _names(found: Iterable[Pod]) -> frozenset[str]:
    return frozenset[str]().union(*(pod.names for pod in found))
