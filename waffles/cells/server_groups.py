"""Server groups: each is of one cell, whose servers are in it.

Nova makes their ids, so that one group cannot be in two cells.  A new one is
made in the cell that ``X-Waffles-Cell`` names, else at home.  One that is
there is looked for in all cells: a 404 needs the word of every one.  A list
has home's first, then those of the others by number of the cell.

Nova does not say whether a list goes on, so each cell is asked until it shows
nothing more.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from waffles import exceptions
from waffles.cells.asking import partial, pinned, reading
from waffles.cells.asking.call import Call, passed_on
from waffles.cells.model import Reply, Version
from waffles.cells.paths import quoted
from waffles.clients.cell import Outcome, Question

PATH = "/os-server-groups"
KEY = "server_groups"

#: The most groups of one answer (Nova's default for ``[api] max_limit``).
MOST = 1000

#: The most pages of one cell.
PAGES = 100

_NUMBER = re.compile(r"[0-9]{1,4000}\n?")


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """What of the list a client wants.

    :param asked: what the cells are to be asked
    """

    asked: tuple[tuple[str, str], ...] = ()
    offset: int = 0
    limit: int = MOST


def window(
    query: tuple[tuple[str, str], ...], version: Version
) -> Window | None:
    """What a query says; None if Nova refuses it."""
    names = ("all_projects", "limit", "offset")
    if version >= (2, 75) and any(name not in names for name, _ in query):
        return None
    numbers = [one for one in query if one[0] in names[1:]]
    if not all(_NUMBER.fullmatch(text) for _, text in numbers):
        return None
    last = dict(query)
    return Window(
        tuple(one for one in query if one[0] == "all_projects"),
        int(last.get("offset", 0)),
        min(int(last.get("limit", MOST)) or MOST, MOST),
    )


def index(call: Call) -> Reply:
    """GET /os-server-groups"""
    cells = call.cells()
    if len(cells) == 1:
        return passed_on(call.one(cells[0], PATH, query=call.query))
    wanted = window(call.query, call.version)
    if wanted is None:
        return reading.as_home_says(call, PATH)
    found = _everything(call, wanted.asked)
    if isinstance(found, Reply):
        return found
    shown = list(found.values())[wanted.offset :][: wanted.limit]
    return Reply(200, {KEY: shown})


def _everything(
    call: Call, query: tuple[tuple[str, str], ...]
) -> dict[str, dict[str, Any]] | Reply:
    """All groups of all cells, by id; or the answer to the client."""
    outcomes: dict[str, Outcome] = {}
    found: dict[str, reading.Records] = {
        cell.name: [] for cell in call.cells()
    }
    left = set(found)
    for _ in range(PAGES):
        asked = call.put(
            {name: _page(call, query, found[name]) for name in left}
        )
        left = set()
        for name, one in asked.items():
            outcomes[name] = partial.listed(one, KEY)
            page = partial.records(outcomes[name], KEY) or []
            found[name] += page
            left |= {name} if page else set()
        if not left:
            break
    for name in left:
        why = f"has more than {PAGES} pages of server groups"
        outcomes[name] = partial.broken(outcomes[name], why)
    settled = reading.settled(call, outcomes)
    if isinstance(settled, Reply):
        return settled
    groups = [one for part in settled for one in found[part.cell]]
    return {one["id"]: one for one in groups if isinstance(one.get("id"), str)}


def _page(
    call: Call, query: tuple[tuple[str, str], ...], known: reading.Records
) -> Question:
    """What asks a cell for what is behind the groups that are known."""
    where = (("limit", str(MOST)), ("offset", str(len(known))))
    return call.question("GET", PATH, (*query, *where))


def create(call: Call) -> Reply:
    """POST /os-server-groups"""
    cell = call.cells()[0]
    outcome = call.one(
        cell, PATH, method="POST", query=call.query, data=call.data
    )
    return pinned.told(call, outcome)


def show(call: Call) -> Reply:
    """GET /os-server-groups/{group_id}"""
    return passed_on(_found(call))


def delete(call: Call) -> Reply:
    """DELETE /os-server-groups/{group_id}"""
    found = _found(call)
    cell = call.registry.named(found.cell)
    if cell is None or not partial.is_good(found):
        return passed_on(found)
    path = quoted("os-server-groups", call.ids["group_id"])
    return pinned.told(call, call.one(cell, path, method="DELETE"))


def _found(call: Call) -> Outcome:
    """The group as its cell shows it; else what home says.

    :raises Unavailable: a cell that may have it does not answer
    """
    path = quoted("os-server-groups", call.ids["group_id"])
    cells = call.cells()
    answers = call.ask(path)
    first = answers[cells[0].name]
    is_word = partial.is_settled(first) and not partial.is_missing(first)
    if is_word or len(cells) == 1:
        return first
    for outcome in partial.good(answers, cells):
        return outcome
    if all(map(partial.is_missing, answers.values())):
        return first
    silent = [
        name for name, one in answers.items() if not partial.is_missing(one)
    ]
    raise exceptions.Unavailable(
        f"It is not known whether there is such a server group: no answer of"
        f" cell {', '.join(silent)}."
    )


ROUTES: Mapping[tuple[str, str], Callable[[Call], Reply]] = {
    ("GET", "/os-server-groups"): index,
    ("POST", "/os-server-groups"): create,
    ("GET", "/os-server-groups/{group_id}"): show,
    ("DELETE", "/os-server-groups/{group_id}"): delete,
}
