"""Networks of Neutron, who may use them, and what a name of one means.

Any project can give its network any name, and can share it with any other
project without asking (RBAC).  So a name is no proof: where it decides what
is allowed, it stands for the networks of that name that are shared with all
projects, which only an administrator can do.  Where there is none, it stands
for the only network of that name that the project can use: one of its own, or
one of another project that no other network of the cloud has the name of.
Otherwise it stands for none.  An id stands for its network.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from waffles import ids

#: In ``shared_with``: Neutron's own word for all projects.
EVERYONE = "*"


class Network(NamedTuple):
    """A network.

    :param shared_with: project ids, and :data:`EVERYONE`
    :param up: whether it can be used at all
    :param free: how many more servers can get an address
    :param ipv4: whether it has addresses of IPv4; those of IPv6 are so many
        that they say nothing beside them
    """

    id: str
    name: str
    project_id: str
    shared_with: frozenset[str] = frozenset()
    external: bool = False
    up: bool = True
    free: int = 0
    ipv4: bool = True

    @property
    def common(self) -> bool:
        """Whether every project may use it."""
        return EVERYONE in self.shared_with

    @property
    def users(self) -> frozenset[str]:
        """The projects whose servers Nova lets have it, or all.

        An external network has to be shared: even its owner may not use it
        otherwise (``network:attach_external_network``).
        """
        own = () if self.external else (self.project_id,)
        return self.shared_with.union(own)

    def usable_by(self, project_id: str | None) -> bool:
        """Whether Nova lets servers of a project have it."""
        return self.common or project_id in self.users


class Networks:
    """All networks of a cloud, by id and by name."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self.by_id = {network.id: network for network in networks}
        self.by_name: dict[str, list[Network]] = defaultdict(list)
        for network in self.by_id.values():
            self.by_name[network.name].append(network)

    def of(self, text: str) -> list[Network]:
        """Every network that a text may mean: that of an id, or all of a
        name.  What looks like an id is no name, whatever is called so."""
        network_id = text if text in self.by_id else ids.canonical(text)
        if network_id is None:
            return self.by_name.get(text, [])
        network = self.by_id.get(network_id)
        return [network] if network else []

    def meant(self, text: str, project_id: str | None) -> list[Network]:
        """The networks that a text means for a project."""
        found = self.of(text)
        if common := [network for network in found if network.common]:
            return common
        usable = [one for one in found if one.usable_by(project_id)]
        is_sure = len(found) == 1 or all(
            one.project_id == project_id for one in usable
        )
        return usable if is_sure and len(usable) == 1 else []
