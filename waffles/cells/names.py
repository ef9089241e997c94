"""How a cell shows in ids and names, and how it is read from them.

An id of a host aggregate is ``number * 10000000000 + id``: an integer, for
clients that read nothing else.  These are accepted:

==================  =====================================================
``30000000042``     aggregate 42 of cell number 3
``c3@42``           aggregate 42 of cell c3
``top!c3@42``       the same: the last part of a path names our cell
a UUID              whichever cell has it; all are asked
``42``              where the call is for one cell only
==================  =====================================================

The name of an aggregate is shown as ``c3@name``.  That prefix is taken off
once when it comes back; one of another cell is refused.  What is before an
``@`` and is no cell of ours belongs to the name.  With one cell, or with
``prefix_names = false``, names are never changed.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from waffles import exceptions, ids
from waffles.cells.model import SPAN, Cell, Registry

#: What the keys that we add to bodies begin with.
OURS = "waffles:"

#: The key that names the cell of an object.
CELL_KEY = f"{OURS}cell"

_INTEGER = re.compile("-?[0-9]{1,30}")


class Target(NamedTuple):
    """An aggregate of a cell; or one of any, by its UUID."""

    cell: Cell | None
    local: int = 0
    uuid: str = ""


def target(text: str, cells: Sequence[Cell]) -> Target:
    """What an id of a host aggregate in a path is of.

    :param cells: those that the call is for
    :raises Hidden: 404: it is of none of these
    :raises Malformed: it is no id, in Nova's own words
    """
    before, at, number = text.rpartition("@")
    if at:
        return Target(_named(before, cells), _local(number))
    if _INTEGER.fullmatch(text):
        return _of_integer(int(text), cells)
    uuid = ids.canonical(text)
    if uuid:
        return Target(None, uuid=uuid)
    raise no_integer()


def _of_integer(number: int, cells: Sequence[Cell]) -> Target:
    for cell in cells:
        if number // SPAN == cell.number:
            return Target(cell, number % SPAN)
    if len(cells) == 1:
        return Target(cells[0], number)
    if not 0 < number < SPAN:
        raise absent(number)
    first = cells[0]
    raise exceptions.Hidden(
        404,
        f"Aggregate {number} could not be found. With several cells an id"
        f" says which it is of: {first.number * SPAN + number} or"
        f" {first.name}@{number} is that of cell {first.name}.",
    )


def absent(aggregate: object) -> exceptions.Hidden:
    """Nova's words for an aggregate that is not there; to be raised."""
    return exceptions.Hidden(404, f"Aggregate {aggregate} could not be found.")


def _local(text: str) -> int:
    if _INTEGER.fullmatch(text):
        return int(text)
    raise no_integer()


def no_integer() -> exceptions.Malformed:
    """Nova's words for an id that is none; to be raised."""
    return exceptions.Malformed(
        "Invalid input received: id must be an integer"
    )


def of_flavor(text: str, cells: Sequence[Cell]) -> tuple[Cell | None, str]:
    """The cell and the id of a flavor in a path; no cell is any.

    :raises Hidden: 404: there is no such cell
    """
    before, at, flavor_id = text.rpartition("@")
    return (_named(before, cells) if at else None), flavor_id


def _named(path: str, cells: Sequence[Cell]) -> Cell:
    """The cell that the last part of a path names."""
    name = path.rpartition("!")[2]
    for cell in cells:
        if cell.name == name:
            return cell
    known = ", ".join(cell.name for cell in cells)
    raise exceptions.Hidden(
        404, f"There is no cell {name[:99]!r} here; there is {known}."
    )


def shown_id(local: int, cell: Cell, registry: Registry) -> int:
    """The id of a cell's aggregate as clients see it."""
    return local if registry.single else cell.number * SPAN + local


def shown(name: str, cell: Cell, registry: Registry) -> str:
    """The name of a cell's aggregate as clients see it."""
    return with_cell(cell.name, name) if _prefixes(registry) else name


def with_cell(cell: str, text: str) -> str:
    """
    >>> with_cell("c1", "ssd")
    'c1@ssd'
    """
    return f"{cell}@{text}"


def prefix(text: str, registry: Registry) -> Cell | None:
    """The cell that a name begins with."""
    before, at, _ = text.partition("@")
    return registry.named(before.rpartition("!")[2]) if at else None


def taken_off(name: str, cell: Cell, registry: Registry) -> str:
    """A name as its cell has it, of one as clients see it.

    :raises Malformed: it begins with another cell
    """
    found = prefix(name, registry) if _prefixes(registry) else None
    if found is None:
        return name
    if found != cell:
        raise exceptions.Malformed(
            f"The name {name[:99]!r} is of cell {found.name}, and this is"
            f" about cell {cell.name}."
        )
    return name.partition("@")[2]


def host(text: str, cell: Cell, registry: Registry) -> str:
    """A host as its cell names it: its name never has an ``@``.

    :raises Conflict: it is of another cell
    """
    found = prefix(text, registry)
    if found is None:
        return text
    if found != cell:
        raise exceptions.Conflict(
            f"Host {text[:99]!r} is of cell {found.name}, and the aggregate"
            f" is of cell {cell.name}."
        )
    return text.partition("@")[2]


def without_ours(data: dict[str, Any]) -> dict[str, Any]:
    """An object without the keys that we have added when it was read."""
    return {
        key: value for key, value in data.items() if not key.startswith(OURS)
    }


def _prefixes(registry: Registry) -> bool:
    return registry.prefixed and not registry.single
