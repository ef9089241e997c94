"""Flavors are made, changed and deleted: at home first, then in all cells.

Home decides: what it refuses is answered as it is, and sent to nobody else.
One change of a flavor is under way at a time
(:mod:`waffles.cells.journal.journal`).

*Changes* (the description, extra specs, access, and deleting) go forward.
What home has done and a cell has not is answered as home did it, with
``X-Waffles-Pending: c3``, and a replay finishes it
(:mod:`waffles.cells.drift.replay`).  Without a journal (no ``connection`` in
``[waffles_cells]``) nobody would: then it is 502, with the cells that are
not as home is now, and why; who has mended them sends it again to those alone
(``X-Waffles-Cell: c3``).

A cell that does not let the caller do it (401, 403) is owed nothing either: a
replay would do it with other rights.  It is the same 502.

*A create* is done everywhere or nowhere: :mod:`waffles.cells.flavors.creates`.

*Home gives no answer.*  Where it was not reached, nothing has begun: 503.
Where nobody knows whether it has done it, it is asked how the thing stands:
it is done, and goes on; or it is not, or nobody knows: 502, nothing is sent
to other cells, and a replay makes them as home turns out to be.

A call for chosen cells (``X-Waffles-Cell``) is a write of those alone, the
first of them in home's place; nothing is finished later.
"""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Any

from waffles.cells import names
from waffles.cells.asking.call import Call
from waffles.cells.flavors import creates, leading, plans, writing
from waffles.cells.flavors.leading import Ending
from waffles.cells.flavors.writing import Plan, State
from waffles.cells.journal.entries import Entry, Kind
from waffles.cells.model import Cell, Reply

LOG = logging.getLogger(__name__)

ACTIONS = {plans.ADD: Kind.ADMIT, plans.REMOVE: Kind.EXCLUDE}


def update(call: Call) -> Reply:
    """PUT /flavors/{flavor_id}"""
    flavor = _at(call.data, "flavor")
    known = isinstance(flavor, dict)
    return _forward(call, Kind.UPDATE, plans.update if known else None)


def delete(call: Call) -> Reply:
    """DELETE /flavors/{flavor_id}"""
    return _forward(call, Kind.DELETE, lambda key, data: plans.delete(key))


def act(call: Call) -> Reply:
    """POST /flavors/{flavor_id}/action"""
    for action, kind in ACTIONS.items():
        asked = _at(call.data, action)
        if isinstance(asked, dict) and isinstance(asked.get("tenant"), str):
            return _forward(call, kind, plans.change_access, "action")
    return _forward(call, Kind.ADMIT, None, "action")


def set_specs(call: Call) -> Reply:
    """POST /flavors/{flavor_id}/os-extra_specs"""
    known = isinstance(_at(call.data, "extra_specs"), dict)
    plan = plans.set_specs if known else None
    return _forward(call, Kind.SPECS, plan, "os-extra_specs")


def set_spec(call: Call) -> Reply:
    """PUT /flavors/{flavor_id}/os-extra_specs/{key}"""
    key = call.ids["key"]
    known = isinstance(call.data, dict)

    def plan(flavor_id: str, data: Mapping[str, Any]) -> Plan:
        return plans.set_spec(flavor_id, key, data)

    rest = ("os-extra_specs", key)
    return _forward(call, Kind.SPECS, plan if known else None, *rest)


def delete_spec(call: Call) -> Reply:
    """DELETE /flavors/{flavor_id}/os-extra_specs/{key}"""
    key = call.ids["key"]
    return _forward(
        call,
        Kind.UNSPEC,
        lambda flavor_id, data: plans.delete_spec(flavor_id, key),
        "os-extra_specs",
        key,
    )


def _forward(
    call: Call,
    kind: Kind,
    planned: Callable[[str, Mapping[str, Any]], Plan] | None,
    *rest: str,
) -> Reply:
    """Bring a change to all cells, home first.

    :param planned: the plan for a flavor; None where the body is none that
        Nova takes: then home says so
    :param rest: of the path, behind the flavor
    """
    home, *others = call.cells()
    cell, flavor_id = names.of_flavor(call.ids["flavor_id"], call.cells())
    if (
        cell
        or not others
        or planned is None
        or len(flavor_id) > leading.LONGEST
    ):
        path = plans.path(flavor_id, *rest)
        return leading.alone(call, cell or home, path)
    data = call.data if call.method in leading.WITH_BODY else {}
    plan = planned(flavor_id, data)

    def work(entry: Entry) -> Ending:
        led = leading.lead(call, plan, home)
        if led.done:
            with leading.behind_it():
                return _followed(call, plan, entry, led.reply, others)
        if led.maybe:
            return Ending(led.reply, entry, "home", leading.SETTLES)
        return Ending(led.reply, dataclasses.replace(entry, cells={}))

    entry = leading.entry(call, kind, flavor_id, others)
    return leading.kept(call, entry, work)


def _followed(
    call: Call, plan: Plan, entry: Entry, reply: Reply, others: list[Cell]
) -> Ending:
    """Have the other cells do what home has done."""
    results = writing.carry(call, plan, others)
    left, why = writing.left(results), writing.reasons(results)
    if not left:
        return Ending(reply, dataclasses.replace(entry, cells={}))
    LOG.warning(
        "Flavor %s: a write (%s) is not in %s: %s",
        entry.flavor_id,
        entry.kind,
        ", ".join(left),
        why,
    )
    later = _later(call, left)
    entry = dataclasses.replace(entry, cells=later)
    owed = writing.reasons({name: results[name] for name in later})
    if later != left:
        return Ending(_halfway(call, left, later, why), entry, owed)
    return Ending(leading.pending(reply, left), entry, owed)


def _later(call: Call, left: Mapping[str, State]) -> dict[str, State]:
    """The cells in which a replay finishes what is left."""
    if call.targets or not call.journal.replays:
        return {}
    return {
        name: state
        for name, state in left.items()
        if state is not State.REFUSED
    }


def _halfway(
    call: Call,
    left: Mapping[str, State],
    later: Mapping[str, State],
    why: str,
) -> Reply:
    """The answer where nobody will finish all that is not finished."""
    done = (cell.name for cell in call.cells() if cell.name not in left)
    never = (name for name in left if name not in later)
    return leading.failed(
        f"It is done in {', '.join(done)} and not in {', '.join(left)}, and"
        f" nothing will finish it in {', '.join(never)}. {why}"
    )


def _at(data: Any, key: str) -> Any:
    """What the only key of an object has; None where it is another."""
    is_one = isinstance(data, dict) and len(data) == 1
    return data.get(key) if is_one else None


ROUTES: Mapping[tuple[str, str], Callable[[Call], Reply]] = {
    ("POST", "/flavors"): creates.create,
    ("PUT", "/flavors/{flavor_id}"): update,
    ("DELETE", "/flavors/{flavor_id}"): delete,
    ("POST", "/flavors/{flavor_id}/action"): act,
    ("POST", "/flavors/{flavor_id}/os-extra_specs"): set_specs,
    ("PUT", "/flavors/{flavor_id}/os-extra_specs/{key}"): set_spec,
    ("DELETE", "/flavors/{flavor_id}/os-extra_specs/{key}"): delete_spec,
}
