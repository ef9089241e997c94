import itertools

import pytest

from tests.unit.cells.writing_fakes import Front, Nova, flavor
from waffles.cells.drift import drift, replay
from waffles.cells.drift.drift import Drift, Kind
from waffles.cells.flavors import whole

VERSION = (2, 61)


def lists(*cells):
    """What c1, c2, … show; None for one that has not answered."""
    return {
        f"c{number}": [one.shown(VERSION) for one in cell]
        for number, cell in enumerate(cells, 1)
        if cell is not None
    }


M1, M2 = flavor("m1"), flavor("m2")
BIG = flavor("m1", ram=513, specs={"a": "1"})
NAMED = flavor("m9", name="name-m1")

FOUND = {
    "equal": (([M1, M2], [M2, M1]), []),
    "missing": (([M1, M2], [M1]), [Drift("m2", "c2", Kind.MISSING)]),
    "extra": (([M1], [M1, M2]), [Drift("m2", "c2", Kind.EXTRA)]),
    "differs": (
        ([M1], [BIG]),
        [Drift("m1", "c2", Kind.DIFFERS, ("ram", "extra_specs"))],
    ),
    "name has another id": (
        ([M1], [NAMED]),
        [
            Drift("m1", "c2", Kind.MISSING, clash="m9"),
            Drift("m9", "c2", Kind.EXTRA),
        ],
    ),
    "three cells": (
        ([M1, M2], [M1], [BIG, M2]),
        [
            Drift("m1", "c3", Kind.DIFFERS, ("ram", "extra_specs")),
            Drift("m2", "c2", Kind.MISSING),
        ],
    ),
    "empty is not unreachable": (
        ([M1], []),
        [Drift("m1", "c2", Kind.MISSING)],
    ),
    "unreachable is not empty": (([M1], None, [M1]), []),
    "home is unreachable": ((None, [M1], [M2]), []),
}


@pytest.mark.parametrize("name", FOUND)
def test_drift_is_found(name):
    cells, expected = FOUND[name]

    assert list(drift.find("c1", lists(*cells))) == expected


@pytest.mark.parametrize("name", FOUND)
def test_the_order_of_answers_and_flavors_is_of_no_account(name):
    cells, expected = FOUND[name]
    for turned in itertools.permutations(lists(*cells).items()):
        backwards = {cell: shown[::-1] for cell, shown in turned}

        assert list(drift.find("c1", backwards)) == expected


def test_a_list_that_is_not_whole_says_nothing_of_what_is_missing():
    found = drift.find("c1", lists([M1, M2], [BIG]), whole=False)

    assert [one.kind for one in found] == [Kind.DIFFERS]


def test_what_is_being_written_is_left_out():
    found = drift.find("c1", lists([M1, M2], []), busy={"m1"})

    assert [one.flavor_id for one in found] == ["m2"]


def test_a_record_without_an_id_is_none():
    assert drift.find("c1", {"c1": [{"id": 1}], "c2": [{}]}) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    list(
        itertools.permutations(
            [(2, 1), (2, 55), (2, 61), (2, 75), (2, 102)], 2
        )
    ),
)
def test_cells_of_different_ages_do_not_drift(one, other):
    made = flavor("m1", specs={"a": "1"}, description="x", disabled=True)

    found = drift.find(
        "c1", {"c1": [made.shown(one)], "c2": [made.shown(other)]}
    )

    assert found == ()


def test_drift_counts_when_it_is_seen_twice():
    before = drift.find("c1", lists([M1, M2], []))
    now = drift.find("c1", lists([M1, M2], [BIG]))

    assert drift.confirmed(before, before) == before
    assert drift.confirmed(before, now) == (Drift("m2", "c2", Kind.MISSING),)


def planned(home, there, *mended):
    """The steps for a cell, as methods, paths and bodies."""
    front = Front(Nova("c1", home), Nova("c2", *([there] if there else [])))
    found = whole.read(front.asks(), front.registry.cells, home.id)
    steps = drift.steps(found["c1"], found["c2"], *mended)
    return [(one.method, one.path, one.data) for one in steps]


PRIVATE = flavor("m1", is_public=False, specs={"a": "1", "b": "2"},
                 access=["p1", "p2"])  # fmt: skip


def test_specs_are_made_before_access():
    (create, *rest) = planned(PRIVATE, None)

    assert create[:2] == ("POST", "/flavors")
    assert create[2]["flavor"]["id"] == "m1"
    assert rest == [
        ("POST", "/flavors/m1/os-extra_specs",
         {"extra_specs": {"a": "1", "b": "2"}}),
        ("POST", "/flavors/m1/action",
         {"addTenantAccess": {"tenant": "p1"}}),
        ("POST", "/flavors/m1/action",
         {"addTenantAccess": {"tenant": "p2"}}),
    ]  # fmt: skip


def test_a_bare_flavor_is_one_step():
    assert len(planned(M1, None)) == 1


def test_specs_and_access_are_made_those_of_home():
    there = flavor("m1", is_public=False, specs={"b": "3", "c d": "4"},
                   access=["p2", "p3"])  # fmt: skip

    assert planned(PRIVATE, there) == [
        ("POST", "/flavors/m1/os-extra_specs",
         {"extra_specs": {"a": "1", "b": "2"}}),
        ("DELETE", "/flavors/m1/os-extra_specs/c%20d", None),
        ("POST", "/flavors/m1/action",
         {"addTenantAccess": {"tenant": "p1"}}),
        ("POST", "/flavors/m1/action",
         {"removeTenantAccess": {"tenant": "p3"}}),
    ]  # fmt: skip


def test_other_values_are_for_people():
    there = flavor("m1", ram=1, name="x", is_public=True, description="y")

    assert planned(M1, there) == []
    assert planned(M1, there, drift.MENDED | {"description"}) == [
        ("PUT", "/flavors/m1", {"flavor": {"description": None}})
    ]


def test_equal_needs_nothing():
    assert planned(PRIVATE, PRIVATE) == []


def test_a_cell_that_says_nothing_is_left_alone():
    home = whole.Whole("c1", M1.shown(VERSION))

    assert drift.steps(home, whole.Whole("c2", why="Cell c2 is down.")) == ()
    assert drift.steps(whole.Whole("c1"), whole.Whole("c2")) == ()


HEALED = {
    "missing": (PRIVATE, None),
    "public and missing": (flavor("m1", specs={"a": "1"}), None),
    "other specs": (flavor("m1", specs={"a": "1"}),
                    flavor("m1", specs={"b": "1"})),
    "other access": (PRIVATE, flavor("m1", is_public=False,
                                     specs={"a": "1", "b": "2"})),
}  # fmt: skip


@pytest.mark.parametrize("version", [(2, 1), (2, 61), (2, 75), (2, 102)])
@pytest.mark.parametrize("name", HEALED)
def test_nothing_drifts_after_healing_and_twice_is_once(name, version):
    home, there = HEALED[name]
    novas = Nova("c1", home), Nova("c2", *([there] if there else []))
    front = Front(*novas, version=version)

    def heal():
        found = whole.read(front.asks(), front.registry.cells, "m1")
        steps = drift.steps(found["c1"], found["c2"])
        return replay.mend(front.asks(), front.registry.cells[1], steps)

    assert heal().state == "ok"
    assert novas[0].state() == novas[1].state()
    written = list(novas[1].wrote)
    assert heal().state == "already"
    assert novas[1].wrote == written
    assert "DELETE /flavors/m1" not in written
