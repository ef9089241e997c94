"""Availability zones: those of all cells, each once.

A zone is available if it is in any cell that answers, and its hosts are those
of all cells.  Hosts of one name in one zone have their cells before them, as
``c2@node-1``.
"""

from collections.abc import Callable, Mapping

from waffles.cells.asking import merge, reading
from waffles.cells.asking.call import Call
from waffles.cells.model import Reply

KEY = "availabilityZoneInfo"


def index(call: Call) -> Reply:
    """GET /os-availability-zone"""
    return _list(call, "/os-availability-zone")


def detail(call: Call) -> Reply:
    """GET /os-availability-zone/detail"""
    return _list(call, "/os-availability-zone/detail")


def _list(call: Call, path: str) -> Reply:
    found = reading.lists(call, path, KEY, call.query)
    if isinstance(found, Reply):
        return found
    return Reply(200, {KEY: merge.zones(found, call.registry)})


ROUTES: Mapping[tuple[str, str], Callable[[Call], Reply]] = {
    ("GET", "/os-availability-zone"): index,
    ("GET", "/os-availability-zone/detail"): detail,
}
