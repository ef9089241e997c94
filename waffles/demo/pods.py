"""Two pods: hosts that reach one network each, and servers that land there.

The hosts of a pod are called after its network, for the reader's eye only:
what counts is what the metadata of their host aggregate says.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from waffles import pins
from waffles.demo.api import Api, Unexpected
from waffles.demo.cloud import IMAGE
from waffles.demo.steps import Step

if TYPE_CHECKING:
    from waffles.demo.neutron import Neutron


class Pod(NamedTuple):
    """Some hosts, and the name of the one network that they reach."""

    network: str
    hosts: tuple[str, ...]


RED = Pod("red", ("red-1", "red-2"))
BLUE = Pod("blue", ("blue-1", "blue-2"))
PODS = (RED, BLUE)
HOSTS = tuple(host for pod in PODS for host in pod.hosts)

#: Addresses in the walk.  Each network is filled by one create, so that it
#: does not matter when the waffle looks at Neutron again.
FREE = {RED: 3, BLUE: 1}

#: All that the waffle is told.
RULES = """
[waffles_networks]
refresh_interval = 5
"""

_SERVERS = "/v2.1/servers"
_ACTION = "/v2.1/os-aggregates/{aggregate}/action"

#: The servers of the steps, as an administrator is shown them.
_LIST = f"{_SERVERS}/detail?all_tenants=1&name=app-prd"


def server(name: str, **more: Any) -> dict[str, Any]:
    """The body of a create that leaves the network to the cloud."""
    about = {"imageRef": IMAGE, "flavorRef": "1"}
    return {"server": {"name": name, **about, **more}}


def aggregate(pod: Pod, about: str, named: str) -> tuple[Step, ...]:
    """The steps that make the host aggregate of a pod."""
    name = f"pod-{pod.network}"

    def step(sentence: str, path: str, body: Any, says: str = "") -> Step:
        return Step(sentence, "POST", path, body, 200, says, user="admin")

    networks = {"networks": pod.network}
    return (
        step(about, "/v2.1/os-aggregates", {"aggregate": {"name": name}}),
        *(
            step("", _ACTION, {"add_host": {"host": host}}, host)
            for host in pod.hosts
        ),
        step(named, _ACTION, {"set_metadata": {"metadata": networks}}),
    )


AGGREGATES = aggregate(
    RED,
    "The operator makes a host aggregate of the hosts of one pod",
    "and says in its metadata which network they reach.",
) + aggregate(
    BLUE, "The other pod likewise: other hosts, another network.", ""
)

SEVERAL = (
    Step(
        "A member wants three servers at once, and names no network.",
        "POST",
        _SERVERS,
        server("app-prd", min_count=3, max_count=3),
        202,
    ),
    Step(
        "All have the network of one pod, and are on its hosts.",
        "GET",
        _LIST,
        None,
        200,
        "app-prd-3  ACTIVE  red",
        user="admin",
    ),
)

FULL = (
    Step(
        "Network red is full now: the next server belongs in the other pod.",
        "POST",
        _SERVERS,
        server("app-prd-4"),
        202,
    ),
    Step(
        "Its owner sees its network and address;",
        "GET",
        f"{_SERVERS}/{{id}}",
        None,
        200,
        '"addresses": {"blue": ',
    ),
    Step(
        "an administrator sees the hosts too.",
        "GET",
        _LIST,
        None,
        200,
        "app-prd-4  ACTIVE  blue",
        user="admin",
    ),
)

REFUSED = (
    Step(
        "Both networks are full: there is no network for one more.",
        "POST",
        _SERVERS,
        server("app-prd-5"),
        409,
        "no network of its hosts has a free address",
    ),
    Step(
        "The hint that ties a server to its pod is not for clients to send.",
        "POST",
        _SERVERS,
        {
            **server("app-prd-5"),
            "os:scheduler_hints": {
                pins.HINT: pins.hint("networks", "red", "")
            },
        },
        403,
        "is set by this cloud only",
    ),
)


def networks(neutron: "Neutron", free: Mapping[Pod, int]) -> None:
    """Give the pods their networks, with so many addresses."""
    for pod, total in free.items():
        neutron.add(pod.network, total=total)


def check(api: Api) -> None:
    """Look whether all servers of the steps are where they belong.

    :raises Unexpected: one is not
    """
    found = misplaced(api.send("GET", _LIST, user="admin").json()["servers"])
    if found:
        raise Unexpected("\n".join(["servers are not in their pods:", *found]))


def misplaced(servers: Iterable[Mapping[str, Any]]) -> list[str]:
    """The servers that are not on the hosts of their only network."""
    places = {
        one["name"]: (list(one["addresses"]), one["OS-EXT-SRV-ATTR:host"])
        for one in servers
    }
    return [
        f"{name} is on {host}, with {' and '.join(networks) or 'no network'}"
        for name, (networks, host) in places.items()
        if not any(
            networks == [pod.network] and host in pod.hosts for pod in PODS
        )
    ]
