"""Host aggregates: each is of one cell, and its id and name say of which.

How ids and names look is said in :mod:`waffles.cells.names`.  A list is that
of all cells, by number of the cell and by id.  All else goes to the cell of
the aggregate, and its answer comes back whole but for the id, the name and
the key ``waffles:cell``; these may be sent back as they were read.  Hosts are
named as in their cell; ``cell@host`` is understood.
"""

from collections.abc import Callable, Mapping
from typing import Any

from waffles import exceptions
from waffles.cells import names
from waffles.cells.aggregates import bodies, placing
from waffles.cells.asking import merge, pinned, reading
from waffles.cells.asking.call import Call
from waffles.cells.model import Cell, Reply
from waffles.cells.paths import quoted

COLLECTION = "os-aggregates"


def index(call: Call) -> Reply:
    """GET /os-aggregates"""
    found = _lists(call)
    if isinstance(found, Reply):
        return found
    return Reply(200, {"aggregates": merge.aggregates(found, call.registry)})


def _lists(
    call: Call, *, complete: bool = False
) -> dict[str, reading.Records] | Reply:
    query = () if complete else call.query
    return reading.lists(
        call, f"/{COLLECTION}", "aggregates", query, complete=complete
    )


def create(call: Call) -> Reply:
    """POST /os-aggregates"""
    wanted = bodies.aggregate(call.data)
    if isinstance(wanted.get("name"), str):
        zone = wanted.get("availability_zone")
        cell = placing.cell_of(call, wanted["name"], zone)
    else:
        # Any Nova refuses it, and knows best how to say so.
        cell = call.cells()[0]
    return _passed(call, cell, f"/{COLLECTION}", call.data)


def show(call: Call) -> Reply:
    """GET /os-aggregates/{aggregate_id}"""
    return _to_its_cell(call)


def update(call: Call) -> Reply:
    """PUT /os-aggregates/{aggregate_id}"""
    return _to_its_cell(call, data=call.data)


def delete(call: Call) -> Reply:
    """DELETE /os-aggregates/{aggregate_id}"""
    return _to_its_cell(call)


def act(call: Call) -> Reply:
    """POST /os-aggregates/{aggregate_id}/action"""
    return _to_its_cell(call, "action", data=call.data)


def images(call: Call) -> Reply:
    """POST /os-aggregates/{aggregate_id}/images"""
    return _to_its_cell(call, "images", data=call.data)


def _to_its_cell(call: Call, *rest: str, data: Any = None) -> Reply:
    cell, local = _target(call)
    return _passed(call, cell, quoted(COLLECTION, local, *rest), data)


def _target(call: Call) -> tuple[Cell, int]:
    """The cell of an aggregate, and its id there.

    :raises Hidden: there is none
    """
    found = names.target(call.ids["aggregate_id"], call.cells())
    if found.cell is not None:
        return found.cell, found.local
    return _with_uuid(call, found.uuid)


def _with_uuid(call: Call, uuid: str) -> tuple[Cell, int]:
    """An aggregate that is looked for in every cell.

    :raises Hidden: it is in none; home does not let the caller look
    :raises Conflict: it is in several
    :raises Unavailable: a cell that may have it does not answer
    """
    if not call.version.at_least(2, 41):
        raise names.no_integer()
    lists = _lists(call, complete=True)
    if isinstance(lists, Reply):
        raise exceptions.Hidden(
            lists.status, f"Aggregate {uuid} cannot be looked for."
        )
    found = [
        (cell, record["id"])
        for cell in call.cells()
        for record in lists[cell.name]
        if record.get("uuid") == uuid and merge.is_aggregate(record)
    ]
    if not found:
        raise names.absent(uuid)
    if len(found) > 1:
        which = ", ".join(cell.name for cell, _ in found)
        raise exceptions.Conflict(f"Aggregate {uuid} is in cells {which}.")
    return found[0]


def _passed(call: Call, cell: Cell, path: str, data: Any) -> Reply:
    """What a cell answers to the call, said in its words."""
    outcome = call.one(
        cell,
        path,
        method=call.method,
        query=call.query,
        data=bodies.inward(data, cell, call.registry),
    )
    reply = pinned.told(call, outcome)
    data = bodies.outward(reply.data, cell, call.registry)
    return Reply(reply.status, data, reply.headers)


ROUTES: Mapping[tuple[str, str], Callable[[Call], Reply]] = {
    ("GET", "/os-aggregates"): index,
    ("POST", "/os-aggregates"): create,
    ("GET", "/os-aggregates/{aggregate_id}"): show,
    ("PUT", "/os-aggregates/{aggregate_id}"): update,
    ("DELETE", "/os-aggregates/{aggregate_id}"): delete,
    ("POST", "/os-aggregates/{aggregate_id}/action"): act,
    ("POST", "/os-aggregates/{aggregate_id}/images"): images,
}
