"""Availability zones, that of an aggregate among them."""

from tests.realcells.asking import ADMIN, USER
from tests.realcells.script.calls import (
    Call,
    Chapter,
    aggregate,
    without_aggregates,
)


def zones() -> Chapter:
    """Availability zones, that of an aggregate among them."""
    one = yield from aggregate("zoned", "a-zone")
    yield Call("POST", f"{one}/action", {"add_host": {"host": "host1"}})
    for version in (None, "2.1", "2.102", "latest"):
        for token in (ADMIN, USER):
            path = "/os-availability-zone"
            yield Call("GET", path, None, version, token)
            yield Call("GET", f"{path}?x=y", None, version, token)
    yield Call("GET", "/os-availability-zone/detail", token=USER)
    yield from without_aggregates()


def zones_with_hosts() -> Chapter:
    """The same with hosts, for administrators."""
    one = yield from aggregate("zoned", "a-zone")
    yield Call("POST", f"{one}/action", {"add_host": {"host": "host1"}})
    for version in (None, "2.1", "2.102", "latest"):
        yield Call("GET", "/os-availability-zone/detail", None, version)
    yield from without_aggregates()
