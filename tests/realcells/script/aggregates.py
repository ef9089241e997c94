"""Host aggregates, with hosts, metadata and images."""

from typing import Any

from tests.realcells.asking import USER
from tests.realcells.script.calls import (
    JSON,
    Call,
    Chapter,
    aggregate,
    without_aggregates,
)


def aggregates() -> Chapter:
    """All but hosts."""
    path = "/os-aggregates"
    yield Call("GET", path)
    for version in (None, "2.1", "2.41", "2.102", "latest"):
        wanted = {"aggregate": {"name": f"at-{version}"}}
        made = yield Call("POST", path, wanted, version)
        one = f"{path}/{made['aggregate']['id']}"
        yield Call("GET", one, None, version)
        yield Call("GET", path, None, version)
        wanted = {"aggregate": {"name": "renamed", "availability_zone": "z1"}}
        yield Call("PUT", one, wanted, version)
        yield Call("GET", f"{path}?x=y", None, version)
        yield Call("DELETE", one, None, version)
        yield Call("DELETE", one, None, version)
        yield Call("GET", one, None, version)


def aggregates_refused() -> Chapter:
    """Creates and updates that Nova refuses."""
    path = "/os-aggregates"
    made = yield Call("POST", path, {"aggregate": {"name": "taken"}})
    one = f"{path}/{made['aggregate']['id']}"
    yield Call("POST", path, {"aggregate": {"name": "other"}})
    bodies: tuple[Any, ...] = (
        {"aggregate": {"name": "taken"}},
        {"aggregate": {"name": ""}},
        {"aggregate": {"name": " spaces "}},
        {"aggregate": {"name": "x" * 256}},
        {"aggregate": {"name": "x", "availability_zone": ""}},
        {"aggregate": {"name": "x", "availability_zone": "a:b"}},
        {"aggregate": {"name": "x", "metadata": {}}},
        {"aggregate": {"availability_zone": "z1"}},
        {"aggregate": {}},
        {"aggregate": None},
        {"aggregates": {}},
        {},
        [],
        b"{",
        None,
    )
    for body in bodies:
        yield Call("POST", path, body, headers=JSON)
        yield Call("PUT", one, body, headers=JSON)
    yield Call("PUT", one, {"aggregate": {"name": "other"}})
    yield Call("PUT", one, {"aggregate": {"availability_zone": None}})
    yield Call("POST", path, {"aggregate": {"name": "x"}}, token=USER)
    for method in ("GET", "PUT", "DELETE"):
        body = {"aggregate": {"name": "x"}} if method == "PUT" else None
        yield Call(method, one, body, token=USER)
    yield Call("GET", path, token=USER)
    yield from without_aggregates()


def aggregate_actions() -> Chapter:
    """Hosts, metadata and images."""
    first = yield from aggregate("first", "z1")
    second = yield from aggregate("second", "z2")
    bodies: tuple[Any, ...] = (
        {"add_host": {"host": "host1"}},
        {"add_host": {"host": "host1"}},
        {"add_host": {"host": "host2"}},
        {"add_host": {"host": "unknown"}},
        {"add_host": {"host": "bad host"}},
        {"add_host": {}},
        {"set_metadata": {"metadata": {"ssd": "true", "x": "1"}}},
        {"set_metadata": {"metadata": {"x": None}}},
        {"set_metadata": {"metadata": {"never": None}}},
        {"set_metadata": {"metadata": {"ssd": 1}}},
        {"set_metadata": {"metadata": {"availability_zone": ""}}},
        {"set_metadata": {"metadata": {"availability_zone": "z3"}}},
        {"set_metadata": {"metadata": {}}},
        {"set_metadata": {}},
        {"remove_host": {"host": "host2"}},
        {"remove_host": {"host": "host2"}},
        {"remove_host": {"host": "unknown"}},
        {"explode": {}},
        {"add_host": {"host": "host2"}, "remove_host": {"host": "host1"}},
        {},
        b"{",
        None,
    )
    for body in bodies:
        yield Call("POST", f"{first}/action", body, headers=JSON)
    yield Call("GET", first)
    yield Call("GET", "/os-aggregates")
    yield Call("POST", f"{second}/action", {"add_host": {"host": "host1"}})
    yield Call("GET", "/os-availability-zone")
    body = {"add_host": {"host": "host2"}}
    yield Call("POST", f"{first}/action", body, token=USER)
    yield Call("DELETE", first)
    yield from without_aggregates()
    yield Call("POST", f"{first}/action", body)


def aggregate_images() -> Chapter:
    """Images that the hosts of an aggregate keep, from 2.81 on."""
    one = yield from aggregate("images", "z1")
    path = f"{one}/images"
    known = {"id": "155d900f-4e14-4e4c-a73d-069cbf4541e6"}
    unknown = {"id": "0afe0000-4e14-4e4c-a73d-069cbf4541e6"}
    bodies: tuple[Any, ...] = (
        {"cache": [known]},
        {"cache": [known, known]},
        {"cache": [unknown]},
        {"cache": [{"id": "no-uuid"}]},
        {"cache": []},
        {},
        b"{",
    )
    for body in bodies:
        yield Call("POST", path, body, headers=JSON)
    yield Call("POST", path, {"cache": [known]}, "2.80")
    yield Call("POST", path, {"cache": [known]}, token=USER)
    yield Call("DELETE", one)
    yield Call("POST", path, {"cache": [known]})
