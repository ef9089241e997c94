"""What resources share when they read: what the cells say, put together."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from waffles import exceptions
from waffles.cells.asking import partial
from waffles.cells.asking.call import Call, passed_on
from waffles.cells.model import Reply
from waffles.clients.cell import Outcome

LOG = logging.getLogger(__name__)

Records = list[dict[str, Any]]


def lists(
    call: Call,
    path: str,
    key: str,
    query: Iterable[tuple[str, str]] = (),
    *,
    complete: bool = False,
) -> dict[str, Records] | Reply:
    """The objects of each cell, by its name; or the answer to the client.

    :param key: where a cell's answer has its list
    :param complete: for what is of use with every cell only
    :raises Unavailable: too much is missing
    """
    asked = call.ask(path, query=query)
    outcomes = {
        name: partial.listed(outcome, key) for name, outcome in asked.items()
    }
    found = settled(call, outcomes, complete=complete)
    if isinstance(found, Reply):
        return found
    return {one.cell: partial.records(one, key) or [] for one in found}


def settled(
    call: Call, outcomes: Mapping[str, Outcome], *, complete: bool = False
) -> tuple[Outcome, ...] | Reply:
    """The answers that count; or the one that the client gets as it is.

    :raises Unavailable: too much is missing
    """
    cells = call.cells()
    refusal = partial.refusal(outcomes, cells)
    if refusal:
        return passed_on(refusal)
    missing = partial.lost(outcomes, cells)
    _note(call, outcomes, missing)
    how = "fail" if complete else call.on_cell_down
    partial.refuse_gaps(missing, len(outcomes), how)
    return partial.good(outcomes, cells)


def as_home_says(call: Call, path: str) -> Reply:
    """The words of home for a query that Nova refuses.

    :raises Malformed: home does not say
    """
    found = call.one(call.cells()[0], path, query=call.query)
    if partial.is_settled(found) and found.status >= 400:
        return passed_on(found)
    raise exceptions.Malformed("The query is none that Nova takes.")


def _note(
    call: Call, outcomes: Mapping[str, Outcome], missing: Mapping[str, str]
) -> None:
    """Have the client told of parts that are missing."""
    for name, state in missing.items():
        if call.seen.get(name) != state:
            why = outcomes[name].why or f"it answered {state}"
            LOG.warning("Cell %s is left out of a list: %s", name, why)
    call.seen.update(missing)
