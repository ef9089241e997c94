"""A flavor whole, as cells have it: with its extra specs and its access.

They have addresses of their own at every microversion, so nothing is missing
here that a flavor's own record does not show.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from waffles.cells import paths
from waffles.cells.canonical import Canonical, canonical
from waffles.cells.flavors import writing
from waffles.cells.flavors.writing import Asks
from waffles.cells.model import Cell
from waffles.clients.cell import End, Outcome


@dataclasses.dataclass(frozen=True, slots=True)
class Whole:
    """A flavor in a cell.

    :param shown: its record; None where the cell has no such flavor
    :param canonical: with extra specs and access
    :param why: the cell has not said it: why; else empty
    """

    cell: str
    shown: Mapping[str, Any] | None = None
    canonical: Canonical = dataclasses.field(default_factory=dict)
    why: str = ""

    @property
    def absent(self) -> bool:
        """Whether the cell says that it has no such flavor."""
        return self.shown is None and not self.why


def read(
    asks: Asks, cells: Iterable[Cell], flavor_id: str
) -> dict[str, Whole]:
    """A flavor in each of some cells, by their names."""
    path = paths.quoted("flavors", flavor_id)
    cells = tuple(cells)
    found = {
        name: _of_record(outcome)
        for name, outcome in asks.ask(path, cells=cells).items()
    }
    there = [cell for cell in cells if found[cell.name].shown is not None]
    _add(asks, there, found, f"{path}/os-extra_specs", "extra_specs", specs)
    private = [
        cell
        for cell in there
        if found[cell.name].canonical.get("is_public") is False
    ]
    _add(asks, private, found, f"{path}/os-flavor-access", "access", access)
    return found


def record(outcome: Outcome) -> Mapping[str, Any] | None:
    """The flavor in an answer; None where there is none."""
    found = _at(outcome, "flavor")
    if isinstance(found, Mapping) and isinstance(found.get("id"), str):
        return found
    return None


def specs(outcome: Outcome) -> Any:
    """The extra specs in an answer, as texts; None where there are none."""
    found = _at(outcome, "extra_specs")
    if not isinstance(found, Mapping):
        return None
    return {key: str(value) for key, value in found.items()}


def access(outcome: Outcome) -> Any:
    """The projects in an answer; None where there are none."""
    found = _at(outcome, "flavor_access")
    if not isinstance(found, list):
        return None
    rows = [one for one in found if isinstance(one, Mapping)]
    return sorted(str(one.get("tenant_id")) for one in rows)


def _at(outcome: Outcome, key: str) -> Any:
    good = outcome.end is End.ANSWERED and outcome.status == 200
    data = outcome.json if good else None
    return data.get(key) if isinstance(data, Mapping) else None


def _of_record(outcome: Outcome) -> Whole:
    shown = record(outcome)
    if shown is not None:
        return Whole(outcome.cell, shown, canonical(shown))
    if outcome.end is End.ANSWERED and outcome.status == 404:
        return Whole(outcome.cell)
    return Whole(outcome.cell, why=writing.said(outcome))


def _add(
    asks: Asks,
    cells: list[Cell],
    found: dict[str, Whole],
    path: str,
    field: str,
    made: Callable[[Outcome], Any],
) -> None:
    """Add what has an address of its own; unknown is the whole without it."""
    if not cells:
        return
    for name, outcome in asks.ask(path, cells=cells).items():
        value, one = made(outcome), found[name]
        if value is None:
            found[name] = Whole(name, why=writing.said(outcome))
        else:
            more = {**one.canonical, field: value}
            found[name] = dataclasses.replace(one, canonical=more)
