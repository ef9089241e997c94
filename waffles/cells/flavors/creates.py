"""A flavor is made in all cells, or in none.

Its id is chosen here, where the client has not, so that it is the same in all
cells.  Before anything is sent every cell is asked what it has of that id and
of that name:

=============================  ==============================================
home has one                   home answers, which is a 409; nothing else is
                               sent, and nothing is ever taken back
a cell has one that differs    409, which names the cell and the fields
a cell has one that is equal   it is adopted: nothing is sent there
a cell does not answer         503
=============================  ==============================================

Equal is what cannot be told from what would be made: without extra specs, and
if it is private, without access.

Then home makes it, then the others.  Where one of them cannot, it is deleted
again in those that have made it, home last, and the answer is a 502 that
names the cells; what is adopted is left.  A replay deletes it where that could
not be done, or where it is not known whether it was made.
"""

import dataclasses
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from waffles import exceptions
from waffles.cells import canonical
from waffles.cells.asking.call import Call
from waffles.cells.flavors import leading, pages, plans, whole, writing
from waffles.cells.flavors.leading import Ending
from waffles.cells.flavors.lists import Listing
from waffles.cells.flavors.writing import DONE, Plan, Results, State
from waffles.cells.journal.entries import Entry, Kind
from waffles.cells.model import Reply

#: All flavors, whoever may use them.
_ALL = Listing((("is_public", "None"),))

Shown = Iterable[Mapping[str, Any]]


def create(call: Call) -> Reply:
    """POST /flavors"""
    home, *others = call.cells()
    flavor = asked(call.data)
    if flavor is None or not others:
        return leading.alone(call, home, "/flavors")
    flavor_id = str(flavor["id"])
    entry = leading.entry(call, Kind.CREATE, flavor_id, others)
    made = {"access": [], **canonical.wanted(flavor)}
    return leading.kept(
        call,
        dataclasses.replace(entry, made=made),
        lambda begun: _created(call, begun, {"flavor": flavor}),
    )


def asked(data: Any) -> dict[str, Any] | None:
    """The flavor of a body, with an id; None where Nova refuses the body.

    An id of null or 0 is none to Nova, and a number is a text.

    :raises Malformed: no path can name the id
    """
    flavor = data.get("flavor") if isinstance(data, dict) else None
    if not isinstance(flavor, dict) or len(data) > 1:
        return None
    key = _id(flavor.get("id"))
    if key is None or not isinstance(flavor.get("name"), str):
        return None
    return {**flavor, "id": key}


def _id(given: Any) -> str | None:
    """The id that a flavor gets; None where Nova takes no such id."""
    if given is None:
        return str(uuid.uuid4())
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return str(given or uuid.uuid4())
    if not isinstance(given, str) or not 0 < len(given) <= leading.LONGEST:
        return None
    if given in (".", "..") or given.endswith("\n"):
        # Nova takes it, and could never be asked for it again.
        raise exceptions.Malformed(
            f"{given!r} cannot be the ID of a flavor: no path can name it."
        )
    return None if "@" in given else given


def _created(call: Call, entry: Entry, body: dict[str, Any]) -> Ending:
    home, *others = call.cells()
    done = dataclasses.replace(entry, cells={})
    found = _before(call, body["flavor"])
    if isinstance(found, Reply):
        return Ending(found, done)
    plan = plans.create(body)
    if found[home.name]:
        return _against(call, entry, plan)
    adopted = _adopted(call, found, body["flavor"])
    led = leading.lead(call, plan, home)
    if led.maybe:
        undo = _undo(entry, {home.name: State.PENDING})
        return Ending(led.reply, undo, "home", leading.SETTLES)
    if not led.done:
        return Ending(led.reply, done)
    wanting = [cell for cell in others if cell.name not in adopted]
    with leading.behind_it():
        results = writing.carry(call, plan, wanting)
        if writing.left(results):
            return _taken_back(call, entry, results)
    return Ending(led.reply, done)


def _against(call: Call, entry: Entry, plan: Plan) -> Ending:
    """Have home say what it has against it.

    What home has is not ours, whatever becomes of its answer.  Where it makes
    the flavor, as the other was deleted meanwhile, a replay goes on.
    """
    home = call.cells()[0]
    none = dataclasses.replace(entry, cells={})
    call.journal.turn(none)  # who dies here leaves nothing to a replay
    led = leading.passed(call, plan, home)
    if not led.done:
        return Ending(led.reply, none)
    if call.journal.replays and entry.cells:
        return Ending(leading.pending(led.reply, entry.cells), entry)
    text = f"Flavor {entry.flavor_id} was made in {home.name} alone."
    return Ending(leading.failed(text), none)


def _before(
    call: Call, flavor: Mapping[str, Any]
) -> Mapping[str, Shown] | Reply:
    """What each cell has of a flavor's id or name; or home's refusal.

    :raises Unavailable: a cell does not say
    """
    found = pages.everything(call, _ALL)
    if isinstance(found, Reply):
        return found
    for cell in call.cells():
        if cell.name not in found:
            how = call.seen.get(cell.name, "no answer")
            raise exceptions.Unavailable(
                f"Cell {cell.name} does not say which flavors it has ({how})."
                f" Nothing was changed."
            )
    return {
        name: [one for one in shown if _is_near(one, flavor)]
        for name, shown in found.items()
    }


def _is_near(one: Mapping[str, Any], flavor: Mapping[str, Any]) -> bool:
    same_name = one.get("name") == flavor["name"].strip()
    return bool(one["id"] == flavor["id"] or same_name)


def _adopted(
    call: Call, found: Mapping[str, Shown], flavor: Mapping[str, Any]
) -> frozenset[str]:
    """The cells that have an equal flavor.

    :raises Conflict: one has another flavor of this id or name
    :raises Unavailable: one does not say what it has
    """
    there = [cell for cell in call.cells() if found[cell.name]]
    for cell in there:
        for one in found[cell.name]:
            if one["id"] != flavor["id"]:
                raise exceptions.Conflict(
                    f"Flavor with name {one['name']} already exists in cell"
                    f" {cell.name}, with ID {one['id']}."
                )
    known = whole.read(call, there, flavor["id"]) if there else {}
    want = {"access": [], **canonical.wanted(flavor)}
    for has in known.values():
        if has.why:
            raise exceptions.Unavailable(f"{has.why} Nothing was changed.")
        if fields := canonical.differences(want, has.canonical):
            raise exceptions.Conflict(
                f"Flavor with ID {flavor['id']} already exists in cell"
                f" {has.cell}, and is another: {', '.join(fields)}."
            )
    return frozenset(known)


def _undo(entry: Entry, cells: Mapping[str, State]) -> Entry:
    return dataclasses.replace(entry, kind=Kind.UNDO, cells=cells)


def _taken_back(call: Call, entry: Entry, results: Results) -> Ending:
    """Delete again what was made, as a cell could not make it."""
    home, *others = call.cells()
    mine = [
        cell
        for cell in others
        if cell.name in results and results[cell.name].maybe
    ]
    names = [home.name, *(cell.name for cell in mine)]
    undo = _undo(entry, dict.fromkeys(names, State.PENDING))
    if not call.journal.turn(undo):
        return _lost(entry, results)
    plan = plans.delete(entry.flavor_id)
    gone = {
        **writing.carry(call, plan, mine),
        **writing.carry(call, plan, [home]),
    }
    left = writing.left(gone)
    unsure = {
        cell.name: State.PENDING
        for cell in mine
        if results[cell.name].state not in DONE
    }
    why = writing.reasons(results)
    reply = leading.failed(_told(call, entry, results, left))
    wait = leading.SETTLES if unsure.keys() - left.keys() else 0
    return Ending(reply, _undo(entry, {**unsure, **left}), why, wait)


def _lost(entry: Entry, results: Results) -> Ending:
    """Another has the flavor in hand, and may want what is there."""
    text = (
        f"Flavor {entry.flavor_id} was not made everywhere, as"
        f" {', '.join(writing.left(results))} could not, and nothing was"
        f" taken back, as it took too long."
    )
    why = writing.reasons(results)
    return Ending(leading.failed(f"{text} {why}"), entry, why)


def _told(
    call: Call, entry: Entry, results: Results, left: Mapping[str, State]
) -> str:
    text = (
        f"Flavor {entry.flavor_id} was not made, as"
        f" {', '.join(writing.left(results))} could not."
        f" {writing.reasons(results)}"
    )
    if not left:
        return f"{text} No cell has it now."
    more = "is deleted as soon as they answer"
    if not call.journal.replays:
        more = "must be deleted there"
    return f"{text} It may be in {', '.join(left)} yet, and {more}."
