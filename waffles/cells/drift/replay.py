"""Writes that were left unfinished, finished.

A replay does not send again what was asked for then: it reads what home has
now, and makes the cells that are left equal to that, as somebody may have
changed it since.

==============  =============================================================
home            the cells that are left
==============  =============================================================
has the flavor  get it, if they have none; else its extra specs, its access
                and its description.  Other values are left to people
has it not      lose it, if a delete was to be finished; else nothing is done
says nothing    wait
==============  =============================================================

A cell that the configuration has no more keeps its part of a write.

A create that failed is taken back where it was made, and only there where the
flavor still is as it was made.  A replay that is done again finds nothing to
do.
"""

import dataclasses
import logging
from collections.abc import Iterable, Mapping

from waffles import exceptions
from waffles.cells.canonical import differences
from waffles.cells.drift import drift
from waffles.cells.drift.drift import Step
from waffles.cells.flavors import plans, whole, writing
from waffles.cells.flavors.whole import Whole
from waffles.cells.flavors.writing import Asks, Result, Results, State
from waffles.cells.journal.entries import Entry, Kind, Writes
from waffles.cells.model import Cell, Version

LOG = logging.getLogger(__name__)

#: The microversion to replay at, if the cells have it.  It shows all of a
#: flavor, and Nova takes any extra spec that it has taken before (2.86).
VERSION = Version(2, 75)

#: What is made equal to home.
MENDED = drift.MENDED | {"description"}


def run(writes: Writes, asks: Asks, most: int = 100) -> int:
    """Replay writes that are due; how many were.

    :param asks: asks cells with the rights of an administrator
    """
    done = 0
    while done < most and replay(writes, asks):
        done += 1
    return done


def replay(writes: Writes, asks: Asks) -> bool:
    """Replay one write that is due; whether there was one.

    :raises Unavailable: the database gives no answer
    """
    entry = writes.claim()
    if entry is None:
        return False
    results: Results = {
        name: Result(name, State(state)) for name, state in entry.cells.items()
    }
    try:
        results = finished(asks, entry)
    finally:
        left = writing.left(results)
        why = writing.reasons(results)
        writes.end(dataclasses.replace(entry, cells=left), why)
    _log(entry, left, why)
    return True


def finished(asks: Asks, entry: Entry) -> Results:
    """Finish a write in the cells where it is not, as far as it goes now."""
    cells = [cell for cell in asks.registry.cells if cell.name in entry.cells]
    known = {cell.name for cell in cells}
    gone = {
        name: Result(name, State.PENDING, f"There is no cell {name} any more.")
        for name in entry.cells
        if name not in known
    }
    return {**gone, **_finished(asks, entry, cells)}


def _finished(asks: Asks, entry: Entry, cells: list[Cell]) -> Results:
    if entry.kind is Kind.UNDO:
        return _undone(asks, entry, cells)
    home = asks.registry.home
    here = whole.read(asks, [home], entry.flavor_id)[home.name]
    if here.why:
        return _all(cells, State.PENDING, here.why)
    if here.shown is not None:
        return _converged(asks, entry.flavor_id, here, cells)
    if entry.kind is Kind.DELETE:
        return writing.carry(asks, plans.delete(entry.flavor_id), cells)
    return _all(cells, State.OK)


def _undone(asks: Asks, entry: Entry, cells: list[Cell]) -> Results:
    """Delete what a create has made; home comes last."""
    found = whole.read(asks, cells, entry.flavor_id)
    results: dict[str, Result] = {
        cell.name: _is_to_go(found[cell.name], entry) for cell in cells
    }
    plan = plans.delete(entry.flavor_id)
    for is_home in (False, True):
        going = [
            cell
            for cell in cells
            if (cell == asks.registry.home) is is_home
            and results[cell.name].state is State.PENDING
            and not results[cell.name].why
        ]
        if going:
            results |= writing.carry(asks, plan, going)
    return results


def _is_to_go(there: Whole, entry: Entry) -> Result:
    if there.why:
        return Result(there.cell, State.PENDING, there.why)
    if there.absent:
        return Result(there.cell, State.ALREADY)
    if differences(there.canonical, entry.made):
        LOG.warning(
            "Flavor %s in cell %s was to be deleted, as its create has"
            " failed; it has been changed since, and is left",
            entry.flavor_id,
            there.cell,
        )
        return Result(there.cell, State.SKIPPED)
    return Result(there.cell, State.PENDING)


def _converged(
    asks: Asks, flavor_id: str, home: Whole, cells: Iterable[Cell]
) -> Results:
    cells = tuple(cells)
    there = whole.read(asks, cells, flavor_id) if cells else {}
    return {
        cell.name: _mended(asks, home, there[cell.name], cell)
        for cell in cells
    }


def _mended(asks: Asks, home: Whole, there: Whole, cell: Cell) -> Result:
    if there.why:
        return Result(cell.name, State.PENDING, there.why)
    if there.shown is not None:
        _warn(home, there)
    return mend(asks, cell, drift.steps(home, there, MENDED))


def mend(asks: Asks, cell: Cell, steps: Iterable[Step]) -> Result:
    """Take the steps of :func:`waffles.cells.drift.drift.steps` in a cell.

    The first that fails is the last: what comes behind may need it.
    """
    state = State.ALREADY
    for step in steps:
        try:
            outcome = asks.ask(
                step.path, cells=[cell], method=step.method, data=step.data
            )[cell.name]
        except exceptions.Malformed as error:  # a key of ".."
            return Result(cell.name, State.FAILED, f"{step.path}: {error}")
        good = 200 <= outcome.status < 300 or outcome.status in step.tolerated
        if not good:
            return Result(cell.name, State.FAILED, writing.said(outcome))
        state = State.OK
    return Result(cell.name, state)


def _all(cells: Iterable[Cell], state: State, why: str = "") -> Results:
    return {cell.name: Result(cell.name, state, why) for cell in cells}


def _warn(home: Whole, there: Whole) -> None:
    fields = set(differences(home.canonical, there.canonical)) - MENDED
    if fields:
        LOG.warning(
            "Flavor %s differs in cell %s, and nothing mends it: %s",
            (home.shown or {}).get("id"),
            there.cell,
            ", ".join(sorted(fields)),
        )


def _log(entry: Entry, left: Mapping[str, State], why: str) -> None:
    what = f"{entry.kind} of flavor {entry.flavor_id}"
    if left:
        LOG.warning(
            "The %s is not finished in %s: %s", what, ", ".join(left), why
        )
    else:
        LOG.info("The %s is finished", what)
