"""Bodies about host aggregates, as a cell has them and as clients see them.

What we add to an aggregate may be sent back as it was read: it is taken off
again, from names once, from hosts, and from metadata.
"""

from collections.abc import Callable, Mapping
from typing import Any

from waffles.cells import names
from waffles.cells.asking import merge
from waffles.cells.model import Cell, Registry

Record = dict[str, Any]


def outward(data: Any, cell: Cell, registry: Registry) -> Any:
    """A body of a cell as clients see it."""
    record = aggregate(data)
    if not record:
        return data
    return {**data, "aggregate": merge.aggregate(record, cell, registry)}


def inward(data: Any, cell: Cell, registry: Registry) -> Any:
    """A body of a client as a cell knows it.

    :raises Malformed: a name is of another cell
    :raises Conflict: a host is of another cell
    """
    if not isinstance(data, dict):
        return data
    return {
        key: _INWARD[key](value, cell, registry)
        if key in _INWARD and isinstance(value, dict)
        else value
        for key, value in data.items()
    }


def aggregate(data: Any) -> Record:
    """The aggregate of a body; empty where it has none."""
    found = data.get("aggregate") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _aggregate_in(value: Record, cell: Cell, registry: Registry) -> Record:
    found, name = names.without_ours(value), value.get("name")
    if isinstance(name, str):
        found["name"] = names.taken_off(name, cell, registry)
    return found


def _host_in(value: Record, cell: Cell, registry: Registry) -> Record:
    host = value.get("host")
    if not isinstance(host, str):
        return value
    return {**value, "host": names.host(host, cell, registry)}


def _metadata_in(value: Record, cell: Cell, registry: Registry) -> Record:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return value
    return {**value, "metadata": names.without_ours(metadata)}


_INWARD: Mapping[str, Callable[[Record, Cell, Registry], Record]] = {
    "aggregate": _aggregate_in,
    "add_host": _host_in,
    "remove_host": _host_in,
    "set_metadata": _metadata_in,
}
