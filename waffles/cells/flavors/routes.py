"""Flavors, as all cells have them: the lists, and all routes that read.

A flavor is one whatever cell it is in: its id is the same in all.  A list is
the union of the cells' lists; where two have a flavor of one id, home's is
shown.  Filters are the cells' affair: where home's is left out by one, that
of another cell may be listed.

A list that is for one cell is that cell's own, in its own order.
"""

from collections.abc import Callable, Mapping
from typing import Any

from waffles import exceptions
from waffles.cells.asking import merge, reading
from waffles.cells.asking.call import Call, passed_on
from waffles.cells.flavors import links, lists, pages, single
from waffles.cells.flavors.lists import Listing, Record
from waffles.cells.model import Cell, Reply


def index(call: Call) -> Reply:
    """GET /flavors"""
    return _list(call, "/flavors", lists.basic)


def detail(call: Call) -> Reply:
    """GET /flavors/detail"""
    return _list(call, "/flavors/detail", lambda record: record)


def _list(call: Call, path: str, form: Callable[[Record], Record]) -> Reply:
    cells = call.cells()
    listing = lists.listing(call.query, call.version)
    if len(cells) == 1:
        return _of_one(call, cells[0], path)
    if listing is None:
        return reading.as_home_says(call, path)
    found = pages.everything(call, listing)
    if isinstance(found, Reply):
        return found
    call.cloud.sightings.see(cells[0].name, found)
    known = merge.flavors(found, cells)
    home = [record["id"] for record in found.get(cells[0].name, ())]
    records = _page(call, listing, known, home)
    shown = [single.relinked(call, form(record)) for record in records]
    data: dict[str, Any] = {"flavors": shown}
    if shown and len(shown) == listing.limit:
        data["flavors_links"] = links.following(
            call.base + path, listing.kept, shown[-1]["id"]
        )
    return Reply(200, data)


def _page(
    call: Call, listing: Listing, known: Mapping[str, Record], home: list[str]
) -> list[Record]:
    """The page of a list that a client wants.

    :raises Malformed: it begins behind a flavor that there is not
    """
    if listing.marker is None:
        records = lists.arranged(known.values(), listing, home)
    else:
        last = known.get(listing.marker) or _marker(call, listing)
        every = {last["id"]: last, **known}
        records = lists.behind(
            lists.arranged(every.values(), listing, home), last["id"]
        )
    return records[: listing.limit]


def _marker(call: Call, listing: Listing) -> Record:
    """A flavor that the list leaves out, but that a page may begin behind.

    :raises Malformed: there is none; or no body shows where it stands
    :raises Unavailable: a cell that may know it does not answer
    """
    marker = str(listing.marker)
    is_id = merge.is_flavor({"id": marker}) and marker.strip(".")
    if listing.field and is_id:
        found = single.record(single.found(call, marker).data)
        if found and merge.is_flavor(found):
            return found
    if any(state != "ok" for state in call.seen.values()):
        raise exceptions.Unavailable(
            f"It is not known whether there is a flavor {marker}: not all"
            f" cells have answered."
        )
    raise lists.unknown(marker)


def _of_one(call: Call, cell: Cell, path: str) -> Reply:
    """A list as one cell has it, with our addresses."""
    reply = passed_on(call.one(cell, path, query=call.query))
    if reply.status != 200 or not isinstance(reply.data, dict):
        return reply
    data = dict(reply.data)
    if isinstance(data.get("flavors"), list):
        data["flavors"] = [
            single.relinked(call, one) for one in data["flavors"]
        ]
    if isinstance(data.get("flavors_links"), list):
        data["flavors_links"] = [
            _next(call.base + path, one) for one in data["flavors_links"]
        ]
    return Reply(reply.status, data, reply.headers)


def _next(address: str, link: Any) -> Any:
    if not isinstance(link, dict):
        return link
    query = str(link.get("href", "")).partition("?")[2]
    return {**link, "href": f"{address}?{query}"}


ROUTES: Mapping[tuple[str, str], Callable[[Call], Reply]] = {
    ("GET", "/flavors"): index,
    ("GET", "/flavors/detail"): detail,
    ("GET", "/flavors/{flavor_id}"): single.show,
    ("GET", "/flavors/{flavor_id}/os-extra_specs"): single.specs,
    ("GET", "/flavors/{flavor_id}/os-extra_specs/{key}"): single.spec,
    ("GET", "/flavors/{flavor_id}/os-flavor-access"): single.access,
}
