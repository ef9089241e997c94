"""One write for several cells: its plan as data, and what became of it.

============  ===============================================================
ok            the cell has done it
already       it was so before
adopted       the cell had an equal flavor before a create
missing       the cell has no such flavor
differs       the cell has another flavor in its place
failed        the cell was not reached, or has refused
refused       the cell does not let the caller do it
timed-out     nobody knows whether the cell has done it
pending       it is done later
skipped       it is left as it is: somebody has changed it since
============  ===============================================================

What a cell has answered counts.  Where it has given no answer of Nova's, or a
5xx, it is asked how the thing stands: then it is done; or it is not, and is
sent once more; or nobody knows.  Nothing is sent again blindly.
"""

import dataclasses
import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from waffles import texts
from waffles.cells.asking import partial
from waffles.cells.model import Cell, Registry
from waffles.clients.cell import End, Outcome

#: How often a write is sent to a cell, at the most.
TRIES = 2


class State(enum.StrEnum):
    """What became of a write in a cell."""

    OK = "ok"
    ADOPTED = "adopted"
    ALREADY = "already"
    MISSING = "missing"
    DIFFERS = "differs"
    FAILED = "failed"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    PENDING = "pending"
    SKIPPED = "skipped"


#: Nothing is left to be done in the cell.
DONE = frozenset({State.OK, State.ALREADY, State.ADOPTED, State.SKIPPED})

#: What a cell says by a status, and looking again would not change.
_REFUSALS = {
    401: State.REFUSED,
    403: State.REFUSED,
    404: State.MISSING,
}


class Asks(Protocol):
    """What asks cells: a Call, or what replays for nobody."""

    @property
    def registry(self) -> Registry: ...

    def ask(
        self,
        path: str,
        *,
        cells: Iterable[Cell] | None = None,
        method: str = "GET",
        query: Iterable[tuple[str, str]] = (),
        data: Any = None,
    ) -> dict[str, Outcome]: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A write, as every cell gets it.

    :param look: the path that shows whether it is done
    :param shows: whether an answer to a look shows it; None where it cannot
    :param answer: what the client gets where home's own answer was lost, by
        the answer to a look
    :param status: … with this status
    :param tolerated: by which a cell says that it is so already
    :param clashes: by which it says that something is in the way, which may
        be just what is wanted
    """

    method: str
    path: str
    data: Any
    look: str
    shows: Callable[[Outcome], bool | None]
    answer: Callable[[Outcome], Any]
    status: int = 200
    tolerated: frozenset[int] = frozenset()
    clashes: frozenset[int] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What became of a write in a cell.

    :param maybe: what was sent may have been done, or may yet be
    :param settled: no look is needed
    """

    cell: str
    state: State
    why: str = ""
    maybe: bool = False
    settled: bool = True


Results = Mapping[str, Result]


def send(asks: Asks, plan: Plan, cells: Iterable[Cell]) -> dict[str, Outcome]:
    """Send a write to cells, once."""
    return asks.ask(plan.path, cells=cells, method=plan.method, data=plan.data)


def carry(asks: Asks, plan: Plan, cells: Iterable[Cell]) -> Results:
    """Bring a write to cells, at the same time, as far as it goes now."""
    found: dict[str, Result] = {}
    left = tuple(cells)
    for _ in range(TRIES):
        doubtful = _sent(asks, plan, left, found)
        left = _not_done(asks, plan, doubtful, found)
    return found


def _sent(
    asks: Asks,
    plan: Plan,
    cells: tuple[Cell, ...],
    found: dict[str, Result],
) -> tuple[Cell, ...]:
    """Send it; the cells that must be looked at."""
    if not cells:
        return ()
    for name, outcome in send(asks, plan, cells).items():
        maybe = name in found and found[name].maybe
        found[name] = judged(plan, outcome, maybe)
    return tuple(cell for cell in cells if not found[cell.name].settled)


def _not_done(
    asks: Asks,
    plan: Plan,
    cells: tuple[Cell, ...],
    found: dict[str, Result],
) -> tuple[Cell, ...]:
    """Look at cells; those that answer, and have not done it."""
    if not cells:
        return ()
    looks = asks.ask(plan.look, cells=cells)
    shown = {name: plan.shows(outcome) for name, outcome in looks.items()}
    for name, is_done in shown.items():
        found[name] = looked(found[name], is_done)
    return tuple(
        cell
        for cell in cells
        if shown[cell.name] is False and not found[cell.name].settled
    )


def judged(plan: Plan, outcome: Outcome, maybe: bool = False) -> Result:
    """What an answer to a write says.

    :param maybe: it has been sent before, and may have been done
    """
    cell, why = outcome.cell, said(outcome)
    if partial.is_good(outcome):
        return Result(cell, State.OK, maybe=True)
    if outcome.end is not End.ANSWERED:
        is_late = outcome.end is End.LATE
        state = State.TIMED_OUT if is_late else State.FAILED
        return Result(cell, state, why, maybe or outcome.sent, False)
    if outcome.status in plan.tolerated:
        return Result(cell, State.ALREADY, maybe=maybe)
    if outcome.status in plan.clashes:
        return Result(cell, State.DIFFERS, why, maybe, False)
    if outcome.status >= 500:
        return Result(cell, State.FAILED, why, True, False)
    state = _REFUSALS.get(outcome.status, State.FAILED)
    return Result(cell, state, why, maybe)


def looked(result: Result, shown: bool | None) -> Result:
    """What a look says of a write whose answer did not."""
    if shown:
        state = State.OK if result.maybe else State.ALREADY
        return Result(result.cell, state, maybe=result.maybe)
    if shown is False and result.state is State.DIFFERS:
        return dataclasses.replace(result, settled=True)
    return result


def left(results: Results) -> dict[str, State]:
    """The cells that are not as the write wants them."""
    return {
        name: one.state
        for name, one in results.items()
        if one.state not in DONE
    }


def reasons(results: Results) -> str:
    """Why they are not: a sentence for each."""
    return " ".join(
        one.why for one in results.values() if one.state not in DONE
    )


def said(outcome: Outcome) -> str:
    """What a cell has said that is not what was hoped for."""
    if outcome.end is not End.ANSWERED:
        return outcome.why or f"Cell {outcome.cell} has not answered."
    text = f"Cell {outcome.cell} answered {outcome.status}"
    return (
        f"{text}: {message}" if (message := _message(outcome)) else f"{text}."
    )


def _message(outcome: Outcome) -> str:
    """The text of a fault; empty where there is none."""
    faults = outcome.json.values() if isinstance(outcome.json, dict) else ()
    for fault in faults:
        if isinstance(fault, dict) and isinstance(fault.get("message"), str):
            return texts.one_line(fault["message"])[:300]
    return ""
