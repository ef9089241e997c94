"""Which cell a new host aggregate is for.

The first of these that says it: the header ``X-Waffles-Cell``; the name, as
``cell@name``; the availability zone, if it is in one cell; that there is one
cell.  A zone is looked for in all cells: one that does not answer may have it
as well.
"""

from typing import Any

from waffles import exceptions
from waffles.cells import names
from waffles.cells.asking import reading
from waffles.cells.asking.call import TARGET, Call
from waffles.cells.model import Cell, Reply


def cell_of(call: Call, name: str, zone: Any) -> Cell:
    """The cell for an aggregate.

    :param name: as the client has given it
    :param zone: the availability zone; anything else than a text is none
    :raises Malformed: nothing says which
    :raises Unavailable: a cell that may have the zone does not answer
    """
    cells = call.cells()
    if len(cells) == 1:
        return cells[0]
    named = names.prefix(name, call.registry)
    if call.registry.prefixed and named in cells:
        return named
    have = _with_zone(call, zone) if isinstance(zone, str) and zone else ()
    if len(have) == 1:
        return have[0]
    known = ", ".join(cell.name for cell in cells)
    raise exceptions.Malformed(
        f"It must be said which cell the aggregate is for, by the header"
        f" {TARGET}, by a name as {cells[0].name}@name, or by an availability"
        f" zone that one cell has. The cells are {known}."
    )


def _with_zone(call: Call, zone: str) -> tuple[Cell, ...]:
    found = reading.lists(
        call, "/os-availability-zone", "availabilityZoneInfo", complete=True
    )
    if isinstance(found, Reply):
        return ()
    return tuple(
        cell
        for cell in call.cells()
        if any(one.get("zoneName") == zone.strip() for one in found[cell.name])
    )
