"""Where cells differ from home in their flavors, and what mends it.

===========  ================================================================
missing      home has a flavor and the cell has not; ``clash`` is the id that
             its name has there
extra        the cell has one and home has not: nobody touches it, as nobody
             knows who made it
differs      both have it, with other values in ``fields``
===========  ================================================================

A cell that has not answered is not looked at: unreachable is not empty.  A
list that leaves flavors out (for its filters, its limit, or for who asks)
says nothing of what is missing or extra; what it shows can be compared.  What
is seen once may be a write under way: it counts when it is seen again.

Mending makes what is missing, with its extra specs before its access, so that
nobody has it without what keeps others off its hosts.  Where both have a
flavor its extra specs and access are made those of home.  No flavor is ever
deleted, nor made anew: other values are for people.
"""

import dataclasses
import enum
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from waffles.cells import paths
from waffles.cells.canonical import (
    Canonical,
    canonical,
    creating,
    differences,
)
from waffles.cells.flavors.whole import Whole

#: The flavors of a cell, as it shows them in a list.
Shown = Iterable[Mapping[str, Any]]

#: What healing makes equal to home.
MENDED = frozenset({"extra_specs", "access"})


class Kind(enum.StrEnum):
    """How a cell differs from home."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERS = "differs"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One flavor that a cell does not have as home has it."""

    flavor_id: str
    cell: str
    kind: Kind
    fields: tuple[str, ...] = ()
    clash: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One request that mends something.

    :param tolerated: statuses that say that it is so already
    """

    method: str
    path: str
    data: Any = None
    tolerated: frozenset[int] = frozenset()


def find(
    home: str,
    lists: Mapping[str, Shown],
    *,
    whole: bool = True,
    busy: Collection[str] = (),
) -> tuple[Drift, ...]:
    """How cells differ from home, by flavor and cell.

    :param lists: of the cells that have answered; nothing is found where
        home is not among them
    :param whole: whether they have all flavors of their cells
    :param busy: ids that are being written: they are left out
    """
    known = {name: _by_id(shown) for name, shown in lists.items()}
    if home not in known:
        return ()
    found = (
        drift
        for name, there in known.items()
        if name != home
        for drift in _between(name, known[home], there)
        if drift.flavor_id not in busy
        and (whole or drift.kind is Kind.DIFFERS)
    )
    return tuple(sorted(found))


def confirmed(
    before: Collection[Drift], now: Iterable[Drift]
) -> tuple[Drift, ...]:
    """What two looks in a row have found."""
    return tuple(drift for drift in now if drift in before)


def steps(
    home: Whole, there: Whole, mended: Collection[str] = MENDED
) -> tuple[Step, ...]:
    """What makes a flavor in a cell as it is at home, one after another.

    :param home: home has it
    :param there: the cell has said whether it has it, and how
    :param mended: the fields that are mended where it has
    """
    shown = home.shown
    if shown is None or there.why:
        return ()
    path = paths.quoted("flavors", shown["id"])
    if there.shown is None:
        made = Step("POST", "/flavors", {"flavor": creating(shown)})
        bare: Canonical = {"extra_specs": {}, "access": []}
        return (made, *_mending(path, home.canonical, bare, MENDED))
    return tuple(_mending(path, home.canonical, there.canonical, mended))


def _by_id(shown: Shown) -> dict[str, Canonical]:
    return {
        one["id"]: canonical(one)
        for one in shown
        if isinstance(one.get("id"), str)
    }


def _between(
    cell: str,
    home: Mapping[str, Canonical],
    there: Mapping[str, Canonical],
) -> Iterator[Drift]:
    named = {str(one.get("name")): key for key, one in there.items()}
    for key, one in home.items():
        if key not in there:
            clash = named.get(str(one.get("name")), "")
            yield Drift(key, cell, Kind.MISSING, clash=clash)
        elif fields := differences(one, there[key]):
            yield Drift(key, cell, Kind.DIFFERS, fields)
    for key in there.keys() - home.keys():
        yield Drift(key, cell, Kind.EXTRA)


def _mending(
    path: str, home: Canonical, there: Canonical, fields: Collection[str]
) -> Iterator[Step]:
    differing = frozenset(differences(home, there)) & frozenset(fields)
    if "description" in differing:
        flavor = {"description": home["description"] or None}
        yield Step("PUT", path, {"flavor": flavor})
    if "extra_specs" in differing:
        yield from _specs(path, home["extra_specs"], there["extra_specs"])
    if "access" in differing:
        yield from _access(path, set(home["access"]), set(there["access"]))


def _specs(
    path: str, home: Mapping[str, str], there: Mapping[str, str]
) -> Iterator[Step]:
    new = {key: one for key, one in home.items() if there.get(key) != one}
    if new:
        specs = {"extra_specs": new}
        yield Step("POST", f"{path}/os-extra_specs", specs)
    for key in sorted(there.keys() - home.keys()):
        one = paths.quoted("os-extra_specs", key)
        yield Step("DELETE", path + one, tolerated=frozenset({404}))


def _access(path: str, home: set[str], there: set[str]) -> Iterator[Step]:
    for project in sorted(home - there):
        data = {"addTenantAccess": {"tenant": project}}
        yield Step("POST", f"{path}/action", data, frozenset({409}))
    for project in sorted(there - home):
        data = {"removeTenantAccess": {"tenant": project}}
        yield Step("POST", f"{path}/action", data, frozenset({404}))
