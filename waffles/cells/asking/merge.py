"""One list made of the lists of cells.

Nothing here depends on which cell has answered first.  What a hostile cell
may have put into its list is left out, record by record.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from waffles.cells import names
from waffles.cells.model import SPAN, Cell, Registry

Record = dict[str, Any]
Lists = Mapping[str, Sequence[Record]]


def flavors(lists: Lists, cells: Iterable[Cell]) -> dict[str, Record]:
    """Flavors of cells by id; of two with one id that of the first cell.

    :param lists: by names of cells
    :param cells: home first
    """
    found: dict[str, Record] = {}
    for cell in cells:
        for record in lists.get(cell.name, ()):
            if is_flavor(record):
                found.setdefault(record["id"], record)
    return found


def is_flavor(record: Record) -> bool:
    """Whether a record has an id that Nova may have given."""
    text = record.get("id")
    # Three searches are faster than a set or a pattern.
    return (
        isinstance(text, str)
        and text.isascii()
        and not ("@" in text or "!" in text or "/" in text)
    )


def aggregates(lists: Lists, registry: Registry) -> list[Record]:
    """The host aggregates of all cells, by number of the cell and by id."""
    return [
        aggregate(record, cell, registry)
        for cell in sorted(registry, key=lambda cell: cell.number)
        for record in sorted(
            filter(is_aggregate, lists.get(cell.name, ())),
            key=lambda record: int(record["id"]),
        )
    ]


def aggregate(record: Record, cell: Cell, registry: Registry) -> Record:
    """A cell's host aggregate as clients see it."""
    if registry.single or not is_aggregate(record):
        return record
    return {
        **record,
        "id": names.shown_id(record["id"], cell, registry),
        "name": names.shown(record["name"], cell, registry),
        names.CELL_KEY: cell.name,
    }


def is_aggregate(record: Record) -> bool:
    """Whether a record has an id that a cell may have given, and a name."""
    local, name = record.get("id"), record.get("name")
    return type(local) is int and 0 < local < SPAN and isinstance(name, str)


def zones(lists: Lists, registry: Registry) -> list[Record]:
    """The availability zones of all cells, those that are available first.

    A zone is available if it is in any cell.  Its hosts are those of all;
    two of one name have their cells before them.
    """
    found: dict[str, dict[str, Record]] = {}
    for cell in registry:
        for record in lists.get(cell.name, ()):
            name = record.get("zoneName")
            if isinstance(name, str):
                found.setdefault(name, {}).setdefault(cell.name, record)
    merged = [_zone(by_cell) for by_cell in found.values()]
    return sorted(
        merged, key=lambda zone: (not _is_up(zone), zone["zoneName"])
    )


def _zone(by_cell: dict[str, Record]) -> Record:
    first = next(iter(by_cell.values()))
    available = any(_is_up(record) for record in by_cell.values())
    state = first.get("zoneState")
    known = state if isinstance(state, dict) else {}
    return {
        **first,
        "zoneState": {**known, "available": available},
        "hosts": _hosts(by_cell),
    }


def _is_up(record: Record) -> bool:
    state = record.get("zoneState")
    return isinstance(state, dict) and state.get("available") is True


def _hosts(by_cell: dict[str, Record]) -> dict[str, Any] | None:
    """The hosts of a zone; None where no cell shows any."""
    shown = {
        cell: record["hosts"]
        for cell, record in by_cell.items()
        if isinstance(record.get("hosts"), dict)
    }
    known = [host for hosts in shown.values() for host in hosts]
    merged = {
        names.with_cell(cell, host) if known.count(host) > 1 else host: value
        for cell, hosts in shown.items()
        for host, value in hosts.items()
    }
    return merged if shown else None
