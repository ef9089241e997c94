"""What of merged flavors a list shows, and in which order.

The order of Nova is by the sort key and then by the flavor's key in the
database, which no answer shows and which differs from cell to cell.  So here
it is by the sort key, then as home has it, then by id; descending is the
same, backwards.  Where there is no value comes first (ascending).  Texts are
compared by code points, whatever the databases of the cells do.

By what no body shows (``created_at``, ``updated_at``, ``id``,
``vcpu_weight``; ``description`` below 2.55, ``disabled`` from 2.102 on) home
is asked to sort.  What home does not have comes behind all that it has, in
both directions.
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from waffles import exceptions
from waffles.cells.model import Version

Record = dict[str, Any]

#: The most flavors of one answer (Nova's default for ``[api] max_limit``).
MOST = 1000

_LIMIT = re.compile(r"[0-9]{1,4000}\n?")


class Field(NamedTuple):
    """Where a body shows what a sort key means.

    :param since: from this microversion on
    :param until: before this one
    """

    name: str
    kind: type
    since: tuple[int, int] = (2, 1)
    until: tuple[int, float] = (2, math.inf)

    def shows(self, version: Version) -> bool:
        """Whether bodies of a microversion show it."""
        return self.since <= version < self.until


#: Sort key -> the field that shows it; None: no body does.
FIELDS: Mapping[str, Field | None] = {
    "created_at": None,
    "description": Field("description", str, since=(2, 55)),
    "disabled": Field("OS-FLV-DISABLED:disabled", bool, until=(2, 102)),
    "ephemeral_gb": Field("OS-FLV-EXT-DATA:ephemeral", int),
    "flavorid": Field("id", str),
    "id": None,
    "is_public": Field("os-flavor-access:is_public", bool),
    "memory_mb": Field("ram", int),
    "name": Field("name", str),
    "root_gb": Field("disk", int),
    "rxtx_factor": Field("rxtx_factor", float, until=(2, 102)),
    "swap": Field("swap", int),
    "updated_at": None,
    "vcpu_weight": None,
    "vcpus": Field("vcpus", int),
}

#: Parameters that say which flavors are listed.
FILTERS = ("is_public", "minRam", "minDisk")
_PARAMETERS = (*FILTERS, "limit", "marker", "sort_key", "sort_dir")


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """What a client wants to see.

    :param kept: the parameters that Nova would read, for the next link
    :param field: what shows the sort key; None: home must sort
    """

    kept: tuple[tuple[str, str], ...] = ()
    key: str = "flavorid"
    field: Field | None = FIELDS["flavorid"]
    descending: bool = False
    marker: str | None = None
    limit: int = MOST

    @property
    def asked(self) -> dict[str, str]:
        """What each cell is asked: all that the filters leave."""
        wanted = (*FILTERS, "name")
        found = {name: text for name, text in self.kept if name in wanted}
        return found | {"limit": str(MOST)}


def listing(
    query: Sequence[tuple[str, str]], version: Version
) -> Listing | None:
    """What a query says; None if Nova refuses it."""
    known = {*_PARAMETERS, *(["name"] if version >= (2, 102) else [])}
    kept = tuple((name, text) for name, text in query if name in known)
    if len(kept) < len(query) and version >= (2, 75):
        return None
    if not all(_is_valid(name, text, version) for name, text in kept):
        return None
    last = dict(kept)
    key = last.get("sort_key", "flavorid")
    field = FIELDS[key]
    return Listing(
        kept,
        key,
        field if field and field.shows(version) else None,
        last.get("sort_dir") == "desc",
        last.get("marker"),
        min(MOST, int(last.get("limit", MOST))),
    )


def _is_valid(name: str, text: str, version: Version) -> bool:
    """Whether Nova's schema takes a parameter."""
    if name == "limit":
        return _LIMIT.fullmatch(text) is not None
    if name == "sort_dir":
        return text in ("asc", "desc")
    if name == "sort_key":
        gone = text == "rxtx_factor" and version >= (2, 102)
        return text in FIELDS and not gone
    return True


def arranged(
    records: Iterable[Record], listing: Listing, home: Iterable[str]
) -> list[Record]:
    """Flavors in the order of a list.

    :param home: the ids of those that home has, ascending in its own order
    """
    rank = {flavor_id: place for place, flavor_id in enumerate(home)}
    field = listing.field
    if field is None:
        return list(_as_home(records, rank, listing.descending))

    def place(record: Record) -> tuple[Any, ...]:
        flavor_id = record["id"]
        at = rank.get(flavor_id, len(rank))
        return (*_value(record, field), at, flavor_id)

    return sorted(records, key=place, reverse=listing.descending)


def _as_home(
    records: Iterable[Record], rank: Mapping[str, int], descending: bool
) -> Iterator[Record]:
    by_id = {record["id"]: record for record in records}
    known = sorted(by_id.keys() & rank.keys(), key=rank.__getitem__)
    strange = sorted(by_id.keys() - rank.keys())
    for flavor_id in reversed(known) if descending else known:
        yield by_id[flavor_id]
    for flavor_id in reversed(strange) if descending else strange:
        yield by_id[flavor_id]


def _value(record: Record, field: Field) -> tuple[bool, Any]:
    """What a flavor is sorted by; whatever a cell may have sent for it."""
    value = record.get(field.name)
    if field.name == "swap" and value == "":
        value = 0
    if field.kind is float and type(value) is int:
        value = float(value) if abs(value) < 2**53 else None
    sortable = type(value) is field.kind and value == value
    return sortable, value if sortable else field.kind()


def behind(records: Sequence[Record], flavor_id: str) -> list[Record]:
    """The flavors behind one of them."""
    places = (at for at, one in enumerate(records) if one["id"] == flavor_id)
    return list(records[next(places) + 1 :])


def unknown(marker: str) -> exceptions.Malformed:
    """Nova's words for a marker that is no flavor; to be raised."""
    return exceptions.Malformed(f"marker [{marker}] not found")


def basic(record: Record) -> Record:
    """What the list without details shows of a flavor."""
    shown = ("id", "name", "links", "description")
    return {key: record[key] for key in shown if key in record}
