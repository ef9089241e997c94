"""What counts of the answers of several cells, and when too little does.

=======================================  ==================================
answers                                  the client gets
=======================================  ==================================
one cell was asked                       what it says, whatever that is
home: 401 or 403                         that, whatever the others say
none is good; home: another 4xx          home's
none is good; all that answered: one     that, but for 401 and 406
4xx
none is good, else                       503
some are not, ``skip``                   what there is; ``X-Waffles-Cells``
                                         says what is missing
some are not, ``fail``                   503
=======================================  ==================================

A cell that answers 401 where home does not is set up wrongly: a client told so
would log in again for ever.  The order in which the answers
have come is of no account: cells are taken home first, then by number.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from waffles import exceptions
from waffles.cells.model import Cell
from waffles.clients.cell import End, Outcome

Outcomes = Mapping[str, Outcome]

#: What only home may say for all.
_HOMES = (401, 403)

#: What another cell never says for all.
_ALIEN = (401, 406)


def is_good(outcome: Outcome) -> bool:
    """Whether a cell has done what it was asked."""
    return outcome.end is End.ANSWERED and 200 <= outcome.status < 300


def is_missing(outcome: Outcome) -> bool:
    """Whether a cell says that there is no such thing."""
    return outcome.end is End.ANSWERED and outcome.status == 404


def is_settled(outcome: Outcome) -> bool:
    """Whether a cell has answered as a Nova that works."""
    return outcome.end is End.ANSWERED and outcome.status < 500


def refusal(outcomes: Outcomes, cells: Iterable[Cell]) -> Outcome | None:
    """The answer that a client gets as it is, if nothing is to be merged.

    :param outcomes: by names of cells
    :param cells: those that were asked, home first
    """
    found = list(_ordered(outcomes, cells))
    first = found[0]
    if len(found) == 1:
        is_answer = first.end is End.ANSWERED and not is_good(first)
        return first if is_answer else None
    if is_settled(first) and first.status in _HOMES:
        return first
    refused = [one for one in found if is_settled(one)]
    if any(is_good(one) for one in refused) or not refused:
        return None
    alike = len({one.status for one in refused}) == 1
    if refused[0] is first or (alike and refused[0].status not in _ALIEN):
        return refused[0]
    return None


def lost(outcomes: Outcomes, cells: Iterable[Cell]) -> dict[str, str]:
    """The cells whose part is missing, and how each has answered."""
    return {
        one.cell: state(one)
        for one in _ordered(outcomes, cells)
        if not is_good(one)
    }


def good(outcomes: Outcomes, cells: Iterable[Cell]) -> tuple[Outcome, ...]:
    """The answers that count."""
    return tuple(one for one in _ordered(outcomes, cells) if is_good(one))


def refuse_gaps(
    missing: Mapping[str, str], asked: int, on_cell_down: str
) -> None:
    """Refuse an answer of which too much is missing.

    :param missing: of :func:`lost`
    :param asked: how many cells were
    :raises Unavailable: it is too much
    """
    if len(missing) == asked:
        raise exceptions.Unavailable(f"No cell answers: {_text(missing)}.")
    if missing and on_cell_down == "fail":
        raise exceptions.Unavailable(
            f"Not every cell answers: {_text(missing)}."
        )


def state(outcome: Outcome) -> str:
    """How a cell has answered, in a word.

    >>> state(Outcome("c2", End.ANSWERED, 401))
    '401'
    """
    if outcome.end is End.ANSWERED:
        return str(outcome.status)
    return outcome.end.value


def listed(outcome: Outcome, key: str) -> Outcome:
    """An answer, broken if it is no list of objects at a key."""
    if not is_good(outcome) or records(outcome, key) is not None:
        return outcome
    return broken(outcome, f"has answered without a list of {key}")


def broken(outcome: Outcome, why: str) -> Outcome:
    """An answer that turned out to be none."""
    return dataclasses.replace(
        outcome, end=End.BROKEN, why=f"Cell {outcome.cell} {why}."
    )


def records(outcome: Outcome, key: str) -> list[dict[str, Any]] | None:
    """The objects at a key of an answer; None where it has no list."""
    found = outcome.json.get(key) if isinstance(outcome.json, dict) else None
    if not isinstance(found, list):
        return None
    return [one for one in found if isinstance(one, dict)]


def _ordered(outcomes: Outcomes, cells: Iterable[Cell]) -> Iterator[Outcome]:
    return (outcomes[cell.name] for cell in cells if cell.name in outcomes)


def _text(missing: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({how})" for name, how in missing.items())
