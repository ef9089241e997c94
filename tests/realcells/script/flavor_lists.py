"""Flavors are listed: in pages, sorted, filtered."""

import itertools
from typing import Any

from tests.realcells.asking import USER
from tests.realcells.script.calls import (
    EPHEMERAL,
    FLAVOR,
    PUBLIC,
    VERSIONS,
    Call,
    Chapter,
    without_flavors,
)

#: In another order than by id, name or any size, so that sorting shows.
LISTED: tuple[dict[str, Any], ...] = (
    {"id": "m", "name": "zeta", "ram": 512, "vcpus": 1, "disk": 10},
    {"id": "B", "name": "Beta", "ram": 64, "vcpus": 4, "disk": 0},
    {"id": "a", "name": "eta", "ram": 256, "vcpus": 2, "disk": 10},
    {"id": "10", "name": "alpha", "ram": 64, "vcpus": 8, "swap": 64},
    {"id": "9", "name": "Zeta", "ram": 1024, "vcpus": 1, EPHEMERAL: 5},
    {"id": "z", "name": "private", "ram": 64, "vcpus": 1, PUBLIC: False},
)

SORT_KEYS = """
    created_at description disabled ephemeral_gb flavorid id is_public
    memory_mb name root_gb rxtx_factor swap updated_at vcpu_weight vcpus
""".split()

QUERIES = (
    "",
    "limit=0",
    "limit=1",
    "limit=2",
    "limit=5",
    "limit=6",
    "limit=1000",
    "limit=1001",
    "limit=-1",
    "limit=x",
    "limit=",
    "limit=2&limit=3",
    "limit=2&marker=10",
    "limit=2&marker=m",
    "marker=m",
    "marker=z",
    "marker=none",
    "marker=",
    "marker=a&marker=B",
    "is_public=true",
    "is_public=False",
    "is_public=None",
    "is_public=none",
    "is_public=0",
    "is_public=x",
    "is_public=None&limit=4&sort_key=name&minRam=64",
    "minRam=256",
    "minDisk=1",
    "minRam=65&minDisk=1",
    "minRam=x",
    "minRam=-1",
    "minDisk=",
    "sort_key=ram",
    "sort_key=",
    "sort_dir=desc",
    "sort_dir=up",
    "sort_key=memory_mb&sort_key=name",
    "sort_key=name&sort_dir=desc&limit=2&marker=a",
    "sort_key=memory_mb&limit=1&marker=B",
    "name=eta",
    "name=%5Ea",
    "colour=blue",
    "limit=2&colour=blue",
    "limit=2&name=eta",
)


def flavors_listed() -> Chapter:
    """Both lists: paging, sorting, filters, for users and at versions."""
    for one in LISTED:
        yield Call("POST", "/flavors", {"flavor": FLAVOR | one})
    yield Call("POST", "/flavors/a/os-extra_specs", {"extra_specs": {"k": 1}})
    for query in QUERIES:
        yield Call("GET", f"/flavors?{query}", None, "2.102")
        yield Call("GET", f"/flavors/detail?{query}", None, "2.74")
    for path, version in itertools.product(("", "/detail"), VERSIONS):
        yield Call("GET", f"/flavors{path}?limit=3&x=y", None, version)
        yield Call("GET", f"/flavors{path}", None, version, USER)
    for query in ("is_public=None", "is_public=false", "limit=2"):
        yield Call("GET", f"/flavors/detail?{query}", token=USER)
    yield from without_flavors()


def flavors_sorted() -> Chapter:
    """Every sort key, both ways, with the second page."""
    for one in LISTED:
        yield Call("POST", "/flavors", {"flavor": FLAVOR | one})
    for key, way in itertools.product(SORT_KEYS, ("asc", "desc")):
        query = f"sort_key={key}&sort_dir={way}&is_public=None"
        yield Call("GET", f"/flavors?{query}")
        yield Call("GET", f"/flavors/detail?{query}&limit=2&marker=a")
    yield from without_flavors()
