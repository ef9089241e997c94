"""How the cells are: what each has answered when it was asked just now."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from waffles.cells import versions
from waffles.cells.asking.call import Call, state
from waffles.cells.model import Cell, Reply
from waffles.clients.cell import Outcome


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """One cell.

    :param state: ``ok``, or why it has no part in answers
    :param seconds: that its answer took
    """

    name: str
    number: int
    home: bool
    endpoint: str
    state: str
    reason: str
    min_version: str
    version: str
    seconds: float

    @property
    def is_well(self) -> bool:
        """Whether it answers."""
        return self.state == "ok"


def of_outcomes(
    cells: Iterable[Cell], outcomes: Mapping[str, Outcome]
) -> list[Health]:
    """The health of cells that were asked for their version documents."""
    return [_health(cell, outcomes[cell.name]) for cell in cells]


def _health(cell: Cell, outcome: Outcome) -> Health:
    known = versions.of_document(outcome.json)
    found, reason = state(outcome), outcome.why
    if found == "ok" and known is None:
        found = "broken"
        reason = f"Cell {cell.name} shows no microversions at its endpoint."
    return Health(
        cell.name,
        cell.number,
        cell.home,
        cell.endpoint or "local",
        found,
        reason,
        str(known.least) if known else "",
        str(known.most) if known else "",
        round(outcome.seconds, 3),
    )


def index(call: Call) -> Reply:
    """GET /os-waffles/cells"""
    cells = call.cells()
    found = of_outcomes(cells, call.ask("/", cells=cells))
    listed: list[dict[str, Any]] = [dataclasses.asdict(one) for one in found]
    return Reply(200, {"cells": listed})


ROUTES = {("GET", "/os-waffles/cells"): index}
