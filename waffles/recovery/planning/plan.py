"""What would be done about a host: gates, servers, their order.

:mod:`waffles.recovery.planning.gates` says what keeps it from starting
servers, and :mod:`waffles.recovery.planning.policy` what becomes of each.  All
here is computed from values: nothing is asked for.
"""

import collections
import dataclasses
from collections.abc import Iterable
from typing import Any

from waffles.recovery import views
from waffles.recovery.model import Gate, Server


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What would be done about a host, now.

    :param service_id: of its nova-compute
    :param servers: each that Nova has on it, in the order of their recovery
    """

    host: str
    service_id: str
    zone: str
    gates: tuple[Gate, ...]
    servers: tuple[Server, ...]

    @property
    def summary(self) -> str:
        """How many servers there are, and what becomes of them."""
        counts = collections.Counter(str(one.state) for one in self.servers)
        said = [f"{many} {state}" for state, many in counts.items()]
        total = len(self.servers)
        head = f"{total} server" if total == 1 else f"{total} servers"
        return ": ".join(filter(None, (head, ", ".join(said))))

    def as_dict(self) -> dict[str, Any]:
        """The form of the API."""
        return {
            "host": self.host,
            "service_id": self.service_id,
            "availability_zone": self.zone,
            "summary": self.summary,
            "gates": [views.gate(one) for one in self.gates],
            "servers": [views.server(one) for one in self.servers],
        }


def closed(gates: Iterable[Gate], released: Iterable[str] = ()) -> list[Gate]:
    """The gates that keep a recovery.

    :param released: the names of those that somebody has let go; ``cell``
        cannot be: nothing is known of what Nova does not see
    """
    names = frozenset(released) - {"cell"}
    return [one for one in gates if not one.passed and one.name not in names]


def order(servers: Iterable[Server]) -> list[Server]:
    """Servers in the order in which they are recovered.

    By priority, the highest first; then by group.  Within these the members
    of a server group, who wait for each other, are spread evenly among the
    others, so that no limit is used up by those who wait; else by name.
    """
    named = sorted(servers, key=lambda one: (one.name, one.server_id))
    ranks = collections.defaultdict[tuple[int, str, str], list[str]](list)
    for one in named:
        ranks[one.priority, one.group, one.server_group].append(one.server_id)
    places = {
        server_id: place / len(rank)
        for rank in ranks.values()
        for place, server_id in enumerate(rank)
    }
    return sorted(
        named,
        key=lambda one: (-one.priority, one.group, places[one.server_id]),
    )
