"""Server groups, of an administrator and of a user."""

import itertools
from typing import Any

from tests.realcells.asking import ADMIN, USER
from tests.realcells.script.calls import JSON, Call, Chapter

#: Parts of a list.
SLICES = (
    "",
    "limit=0",
    "limit=3",
    "limit=3&offset=1",
    "offset=9",
    "offset=-1",
    "limit=x",
    "limit=1&limit=2",
    "all_projects=True",
    "all_projects=True&limit=5&offset=2",
    "all_projects=",
    "colour=blue",
)


def server_groups() -> Chapter:
    """Made, listed in parts, shown and deleted; of users, too."""
    path = "/os-server-groups"
    made = []
    for version, token in itertools.product(
        (None, "2.13", "2.64", "latest"), (ADMIN, USER)
    ):
        old = version in (None, "2.13")
        kind = {"policies": ["affinity"]} if old else {"policy": "affinity"}
        body = {"server_group": {"name": f"at {version}", **kind}}
        group = yield Call("POST", path, body, version, token)
        made.append((f"{path}/{group['server_group']['id']}", token))
        yield Call("GET", made[-1][0], None, version, token)
    for query, token in itertools.product(SLICES, (ADMIN, USER)):
        yield Call("GET", f"{path}?{query}", None, "2.74", token)
        yield Call("GET", f"{path}?{query}", None, "2.75", token)
    yield from _refused_groups(path, made[0][0])
    for one, token in made:
        yield Call("DELETE", one, token=token)
        yield Call("DELETE", one, token=token)
        yield Call("GET", one, token=token)


def _refused_groups(path: str, admins: str) -> Chapter:
    yield Call("GET", admins, token=USER)
    yield Call("DELETE", admins, token=USER)
    yield Call("GET", f"{path}/155d900f-4e14-4e4c-a73d-069cbf4541e6")
    yield Call("GET", f"{path}/none")
    good = {"name": "x", "policy": "affinity"}
    bodies: tuple[Any, ...] = (
        {"server_group": good | {"policy": "none"}},
        {"server_group": good | {"policies": ["affinity"]}},
        {"server_group": good | {"id": "x"}},
        {"server_group": good | {"name": ""}},
        {"server_group": good | {"rules": {"max_server_per_host": 2}}},
        {"server_group": {}},
        {},
        b"{",
    )
    for body in bodies:
        yield Call("POST", path, body, headers=JSON)
