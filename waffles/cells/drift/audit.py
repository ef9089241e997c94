"""How cells differ from home in their flavors: looked for, told, mended.

A look lists all flavors of all cells.  What two looks in a row have found, and
is not being written, counts.  A cell that does not answer is told as such, and
never as one that has nothing.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from waffles import exceptions
from waffles.cells.asking.call import Call
from waffles.cells.drift import drift, replay
from waffles.cells.drift.drift import Drift
from waffles.cells.flavors import lists as flavor_lists
from waffles.cells.flavors import pages as flavor_pages
from waffles.cells.flavors import whole as wholes
from waffles.cells.flavors.writing import Result, State
from waffles.cells.journal import entries
from waffles.cells.journal.entries import Entry, Writes
from waffles.cells.model import Reply

#: All flavors, also those that are private.
EVERY = (("is_public", "None"),)


class Seen(NamedTuple):
    """What a look has found.

    :param unseen: cells that have not answered, and how
    """

    drifts: tuple[Drift, ...]
    unseen: Mapping[str, str]


def seen(call: Callable[[], Call], wait: Callable[[], object]) -> Seen:
    """What two looks have found.

    :param call: one for each look, of somebody who sees all flavors
    :param wait: between them
    :raises Unavailable: home, or the database, gives no answer
    :raises Hidden: home refuses to show all flavors
    """
    before = _look(call())
    wait()
    now = _look(call())
    return Seen(
        drift.confirmed(before.drifts, now.drifts),
        {**before.unseen, **now.unseen},
    )


def healed(
    call: Callable[[], Call], writes: Writes, found: Seen
) -> Iterator[tuple[Drift, Result]]:
    """Mend what can be, one flavor after another, and say what came of it."""
    for one in found.drifts:
        yield one, _healed(call(), writes, one)


def index(call: Call) -> Reply:
    """GET /os-waffles/drift"""
    found = seen(lambda: call, lambda: None)
    listed: list[dict[str, Any]] = list(map(dataclasses.asdict, found.drifts))
    return Reply(200, {"drift": listed, "unseen": dict(found.unseen)})


def _look(call: Call) -> Seen:
    busy = entries.busy(call.journal)
    listing = flavor_lists.listing(EVERY, call.version)
    assert listing is not None  # noqa: S101
    lists = flavor_pages.everything(call, listing)
    home = call.registry.home.name
    if isinstance(lists, Reply):
        raise exceptions.Hidden(
            lists.status, f"Cell {home} does not show all of its flavors."
        )
    if home not in lists:
        raise exceptions.Unavailable(
            f"Cell {home} is home, and does not show its flavors."
        )
    unseen = {
        name: at if at != "ok" else "broken"
        for name, at in call.seen.items()
        if name not in lists
    }
    return Seen(drift.find(home, lists, busy=busy), unseen)


def _healed(call: Call, writes: Writes, one: Drift) -> Result:
    if one.kind is drift.Kind.EXTRA:
        why = "home does not have it, and nothing is deleted"
        return Result(one.cell, State.SKIPPED, why)
    if one.clash:
        why = f"its name is that of {one.clash} there"
        return Result(one.cell, State.FAILED, why)
    pending = {one.cell: State.PENDING.value}
    entry = writes.begin(Entry(one.flavor_id, entries.Kind.SPECS, pending))
    result = Result(one.cell, State.PENDING)
    try:
        result = _mended(call, one)
        return result
    finally:
        left = {} if result.state is not State.PENDING else pending
        writes.end(dataclasses.replace(entry, cells=left), result.why)


def _mended(call: Call, one: Drift) -> Result:
    home = call.registry.home
    cell = call.registry.named(one.cell)
    assert cell is not None  # noqa: S101
    found = wholes.read(call, [home, cell], one.flavor_id)
    here, there = found[home.name], found[one.cell]
    if why := here.why or there.why:
        return Result(one.cell, State.FAILED, why)
    steps = drift.steps(here, there)
    mended = replay.mend(call, cell, steps)
    others = sorted(set(one.fields) - drift.MENDED)
    if mended.state in (State.OK, State.ALREADY) and others:
        why = f"{', '.join(others)} differ, and are for you to mend"
        return Result(one.cell, State.DIFFERS, why)
    return mended


ROUTES = {("GET", "/os-waffles/drift"): index}
