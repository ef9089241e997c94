"""One flavor, and what belongs to it: extra specs, access.

It is asked for at home.  Other cells are asked if home has none, and a 404
needs the word of all: where one does not answer it is 503.  Of what belongs
to a flavor that home has, home's word is enough.  ``GET /flavors/c2@m1`` is
what cell c2 has, and nothing else.
"""

from typing import Any

from waffles import exceptions
from waffles.cells import names
from waffles.cells.asking import partial
from waffles.cells.asking.call import Call, passed_on
from waffles.cells.flavors import links
from waffles.cells.flavors.lists import Record
from waffles.cells.model import Reply
from waffles.cells.paths import quoted
from waffles.clients.cell import Outcome


def show(call: Call) -> Reply:
    """GET /flavors/{flavor_id}"""
    return _single(call)


def specs(call: Call) -> Reply:
    """GET /flavors/{flavor_id}/os-extra_specs"""
    return _single(call, "os-extra_specs")


def spec(call: Call) -> Reply:
    """GET /flavors/{flavor_id}/os-extra_specs/{key}"""
    return _single(call, "os-extra_specs", call.ids["key"])


def access(call: Call) -> Reply:
    """GET /flavors/{flavor_id}/os-flavor-access"""
    return _single(call, "os-flavor-access")


def _single(call: Call, *rest: str) -> Reply:
    cells = call.cells()
    cell, flavor_id = names.of_flavor(call.ids["flavor_id"], cells)
    if cell is None:
        reply = found(call, flavor_id, rest, call.query)
    else:
        path = quoted("flavors", flavor_id, *rest)
        reply = passed_on(call.one(cell, path, query=call.query))
    shown = record(reply.data)
    if shown is None:
        return reply
    data = {**reply.data, "flavor": relinked(call, shown)}
    return Reply(reply.status, data, reply.headers)


def found(
    call: Call,
    flavor_id: str,
    rest: tuple[str, ...] = (),
    query: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """What home has, else what another cell has.

    :param rest: of the path, behind the flavor
    :raises Unavailable: nothing is found, and a cell does not answer
    """
    path = quoted("flavors", flavor_id, *rest)
    home, *others = call.cells()
    first = call.one(home, path, query=query)
    if not others or _is_word(call, first, flavor_id, rest):
        return passed_on(first)
    elsewhere = call.ask(path, cells=others, query=query)
    for outcome in elsewhere.values():
        if partial.is_good(outcome):
            return passed_on(outcome)
    answers = (first, *elsewhere.values())
    if all(partial.is_missing(outcome) for outcome in answers):
        return passed_on(first)
    raise _unknown(answers)


def _is_word(
    call: Call, first: Outcome, flavor_id: str, rest: tuple[str, ...]
) -> bool:
    """Whether home has said what is true, and no other need be asked.

    Of a flavor that it has it knows all: its 404 is for what belongs to it.
    """
    if not partial.is_missing(first):
        return partial.is_settled(first)
    home = call.cells()[0]
    return bool(rest) and partial.is_good(
        call.one(home, quoted("flavors", flavor_id))
    )


def _unknown(answers: tuple[Outcome, ...]) -> exceptions.Unavailable:
    silent = [one.cell for one in answers if not partial.is_missing(one)]
    return exceptions.Unavailable(
        f"It is not known whether there is such a flavor: no answer of cell"
        f" {', '.join(silent)}."
    )


def record(data: Any) -> Record | None:
    """The flavor of an answer."""
    one = data.get("flavor") if isinstance(data, dict) else None
    return one if isinstance(one, dict) and one.get("id") else None


def relinked(call: Call, flavor: Any) -> Any:
    """A flavor whose links are ours; what is none as it is."""
    if not isinstance(flavor, dict):
        return flavor
    return links.relinked(flavor, call.base, f"/flavors/{flavor.get('id')}")
