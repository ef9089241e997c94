"""Flavors are made, shown, updated and deleted."""

from typing import Any

from tests.realcells.asking import USER
from tests.realcells.script.calls import (
    EPHEMERAL,
    FLAVOR,
    JSON,
    PUBLIC,
    VERSIONS,
    Call,
    Chapter,
    flavor,
    without_flavors,
)


def flavors_made() -> Chapter:
    """Create, show and delete, at all microversions."""
    for version in VERSIONS:
        one = "/flavors/made"
        yield Call("POST", "/flavors", flavor("made"), version)
        yield Call("GET", one, None, version)
        yield Call("GET", one, None, version, USER)
        yield Call("DELETE", one, None, version, USER)
        yield Call("DELETE", one, None, version)
        yield Call("DELETE", one, None, version)
        yield Call("GET", one, None, version)


def flavors_with_fields() -> Chapter:
    """Create with what else a flavor may have, in each of its forms."""
    fields: tuple[dict[str, Any], ...] = (
        {"swap": 128, EPHEMERAL: 2, "rxtx_factor": 2.5},
        {"ram": "64", "vcpus": "2", "disk": "0", "swap": "0"},
        {"description": "for tests"},
        {"description": None},
        {PUBLIC: False},
        {PUBLIC: "no"},
        {"id": 7},
        {"id": "a b.c_d-1"},
        {"name": "name@with!signs/é"},
        {"rxtx_factor": 1},
    )
    for one in fields:
        wanted = flavor("fields", **one)
        made = yield Call("POST", "/flavors", wanted)
        flavor_id = made["flavor"]["id"].replace(" ", "%20")
        yield Call("GET", f"/flavors/{flavor_id}")
        yield Call("DELETE", f"/flavors/{flavor_id}")


def flavors_without_id() -> Chapter:
    """Nova chooses the id of a flavor that is made without one."""
    for field in ({"id": None}, {}):
        wanted = {"flavor": FLAVOR | {"name": "chosen"} | field}
        made = yield Call("POST", "/flavors", wanted)
        flavor_id = made["flavor"]["id"]
        yield Call("GET", f"/flavors/{flavor_id}")
        yield Call("DELETE", f"/flavors/{flavor_id}")


def flavors_refused() -> Chapter:
    """Creates that Nova refuses."""
    yield Call("POST", "/flavors", flavor("taken"))
    bodies: tuple[Any, ...] = (
        flavor("taken"),
        flavor("taken", name="another"),
        flavor("other", name="taken-name"),
        flavor("taken", ram=128),
        flavor("bad@id"),
        flavor(" bad"),
        flavor(""),
        flavor("x" * 256),
        flavor("bad", name=""),
        flavor("bad", name="x" * 256),
        flavor("bad", ram=0),
        flavor("bad", ram=2**31),
        flavor("bad", vcpus="many"),
        flavor("bad", disk=-1),
        flavor("bad", swap=None),
        flavor("bad", rxtx_factor=0),
        flavor("bad", colour="blue"),
        flavor("bad", description="x" * 70000),
        {"flavor": {"id": "bad", "name": "bad"}},
        {"flavor": None},
        {"flavor": []},
        {"flavors": {}},
        {},
        [],
        None,
        b"",
        b"{",
        b'"text"',
        b"null",
    )
    for body in bodies:
        yield Call("POST", "/flavors", body, headers=JSON)
    for version in ("2.1", "2.54"):
        body = flavor("bad", description="too early")
        yield Call("POST", "/flavors", body, version)
    yield Call("POST", "/flavors", flavor("bad", rxtx_factor=2), "2.102")
    yield Call("POST", "/flavors", flavor("bad"), token=USER)
    yield Call("POST", "/flavors", {}, token=USER)
    plain = (("Content-Type", "text/plain"),)
    yield Call("POST", "/flavors", b"{}", headers=plain)
    yield from without_flavors()


def flavors_updated() -> Chapter:
    """PUT: the description, from 2.55 on."""
    one = "/flavors/updated"
    yield Call("POST", "/flavors", flavor("updated"))
    for version in (None, "2.54", "2.55", "2.61", "2.102", "latest"):
        wanted = {"flavor": {"description": f"at {version}"}}
        yield Call("PUT", one, wanted, version)
        yield Call("GET", one, None, version)
    bodies: tuple[Any, ...] = (
        {"flavor": {"description": None}},
        {"flavor": {"description": 7}},
        {"flavor": {"description": "x" * 70000}},
        {"flavor": {"description": "x", "ram": 128}},
        {"flavor": {"ram": 128}},
        {"flavor": {}},
        {},
        b"{",
        None,
    )
    for body in bodies:
        yield Call("PUT", one, body, headers=JSON)
    wanted = {"flavor": {"description": "x"}}
    yield Call("PUT", one, wanted, token=USER)
    yield Call("PUT", "/flavors/none", wanted)
    yield Call("DELETE", one)
