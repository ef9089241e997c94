import copy
import dataclasses
import logging

import pytest

from tests.unit.cells.journals import database, due, journal, lapse, url
from tests.unit.cells.writing_fakes import Fault, Front, Nova, flavor
from waffles.cells import canonical
from waffles.cells.drift import drift, replay
from waffles.cells.journal.alone import Alone
from waffles.cells.journal.entries import Entry, Kind
from waffles.cells.model import Version

__all__ = ["database", "journal", "url"]

HOME = flavor("m1", is_public=False, specs={"a": "1"}, access=["p1"],
              description="ü")  # fmt: skip


def other(**fields):
    return dataclasses.replace(copy.deepcopy(HOME), **fields)


def fronted(*flavors, **how):
    """Cells, each with a flavor of its own, or with none."""
    novas = [
        Nova(f"c{number}", *([one] if one else []))
        for number, one in enumerate(flavors, 1)
    ]
    return Front(*novas, **how)


def left(journal, kind, *cells, **more):
    """A write that is not finished in some cells."""
    states = dict.fromkeys(cells, "timed-out")
    begun = journal.begin(Entry("m1", kind, states, **more))
    journal.end(begun, "It hangs.")
    due(journal)


CHANGES = [one for one in Kind if one not in (Kind.UNDO, Kind.DELETE)]
THERE = {
    "none": None,
    "equal": HOME,
    "specs": other(specs={"a": "2", "b": "3"}),
    "access": other(access=["p2"]),
    "description": other(description=None),
    "all": other(specs={}, access=[], description="x"),
}


@pytest.mark.parametrize("kind", [*CHANGES, Kind.DELETE])
@pytest.mark.parametrize("name", THERE)
def test_a_cell_is_made_as_home_is_now(journal, name, kind):
    """Whatever was asked for then."""
    front = fronted(HOME, THERE[name], None)
    left(journal, kind, "c2")

    assert replay.run(journal, front.asks()) == 1

    one, two, three = front.novas.values()
    assert two.state() == one.state()
    assert three.asked == []
    assert one.wrote == []
    assert journal.entries() == []


@pytest.mark.parametrize("kind", [*CHANGES, Kind.DELETE])
@pytest.mark.parametrize("name", THERE)
def test_only_a_delete_deletes_what_home_has_not(journal, name, kind):
    front = fronted(None, THERE[name])
    before = front.novas["c2"].state()
    left(journal, kind, "c2")

    replay.run(journal, front.asks())

    is_delete = kind is Kind.DELETE
    assert front.novas["c2"].state() == ({} if is_delete else before)
    assert journal.entries() == []


@pytest.mark.parametrize("kind", [*CHANGES, Kind.DELETE])
def test_nothing_is_done_while_home_says_nothing(journal, kind):
    front = fronted(HOME, None)
    front.novas["c1"].faults = [Fault("GET", "before", "hang", down=True)]
    left(journal, kind, "c2")

    assert replay.run(journal, front.asks()) == 1

    assert front.novas["c2"].asked == []
    (entry,) = journal.entries()
    assert (entry.cells, entry.attempts) == ({"c2": "pending"}, 1)
    assert entry.error == "Cell c1 is refused."
    assert entry.next_at > entry.created_at


@pytest.mark.parametrize("path", [".*/os-extra_specs", ".*/os-flavor-access"])
@pytest.mark.parametrize("cell", ["c1", "c2"])
def test_what_is_known_in_part_is_not_known(journal, cell, path):
    """What home hides would else be taken from the others."""
    front = fronted(other(specs={}, access=[]), HOME)
    front.novas[cell].faults = [Fault("GET", "after", 403, path=path)]
    left(journal, Kind.UPDATE, "c2")

    replay.run(journal, front.asks())

    assert front.novas["c2"].wrote == []
    assert "answered 403" in journal.entries()[0].error


@pytest.mark.parametrize(
    "how", ["refused", "reset", "hang", "5xx", "html", 403]
)
@pytest.mark.parametrize("point", ["before", "after", "commit"])
def test_it_goes_on_where_it_has_failed(journal, point, how):
    front = fronted(HOME, None)
    front.novas["c2"].faults = [
        Fault("POST", point, how, path=".*/os-extra_specs")
    ]
    left(journal, Kind.CREATE, "c2")

    replay.run(journal, front.asks())

    assert journal.entries()[0].cells == {"c2": "failed"}
    # Nobody may use it yet: access comes last.
    assert front.novas["c2"].flavors["m1"].access == []
    due(journal)
    replay.run(journal, front.asks())
    assert front.novas["c2"].state() == front.novas["c1"].state()
    assert journal.entries() == []


def test_cells_are_finished_each_for_itself(journal):
    front = fronted(HOME, None, None)
    front.novas["c2"].faults = [Fault("", "before", "refused", down=True)]
    left(journal, Kind.UPDATE, "c2", "c3")

    replay.run(journal, front.asks())

    assert front.novas["c3"].state() == front.novas["c1"].state()
    assert journal.entries()[0].cells == {"c2": "pending"}


@pytest.mark.parametrize("here", [HOME, None], ids=["home", "none"])
@pytest.mark.parametrize("kind", Kind)
def test_a_cell_that_is_no_more_is_not_forgotten(journal, kind, here):
    """It may come back, and would be without the write."""
    front = fronted(here, here)
    left(journal, kind, "c2", "c3", made=MADE)

    replay.run(journal, front.asks())

    (entry,) = journal.entries()
    assert entry.cells == {"c3": "pending"}
    assert entry.error == "There is no cell c3 any more."


def test_other_values_are_told_of_and_left(journal, caplog):
    front = fronted(HOME, other(ram=1, specs={}))
    left(journal, Kind.SPECS, "c2")

    with caplog.at_level(logging.WARNING):
        replay.run(journal, front.asks())

    assert front.novas["c2"].flavors["m1"] == other(ram=1)
    assert "differs in cell c2, and nothing mends it: ram" in caplog.text
    assert journal.entries() == []


def test_a_key_that_makes_no_path_stops_no_other_write(journal):
    front = fronted(HOME, other(specs={"a": "1", "..": "x"}))
    left(journal, Kind.SPECS, "c2")

    assert replay.run(journal, front.asks()) == 1

    assert "/os-extra_specs/..: " in journal.entries()[0].error


MADE = canonical.canonical(HOME.shown((2, 75))) | {
    "extra_specs": {},
    "access": [],
}
BARE = other(specs={}, access=[])


@pytest.mark.parametrize("cells", [["c1"], ["c2"], ["c1", "c2"]], ids=str)
def test_a_create_is_taken_back_where_it_was_made(journal, cells):
    front = fronted(BARE, BARE, BARE)
    left(journal, Kind.UNDO, *cells, made=MADE)

    replay.run(journal, front.asks())

    has = [name for name, nova in front.novas.items() if nova.flavors]
    assert has == sorted({"c1", "c2", "c3"} - {*cells})
    assert journal.entries() == []


@pytest.mark.parametrize(
    "changed", [{"ram": 1}, {"specs": {"a": "1"}}, {"access": ["p"]}], ids=str
)
def test_what_was_changed_since_is_not_deleted(journal, changed, caplog):
    front = fronted(None, dataclasses.replace(BARE, **changed))
    left(journal, Kind.UNDO, "c2", made=MADE)

    with caplog.at_level(logging.WARNING):
        replay.run(journal, front.asks())

    assert front.novas["c2"].flavors
    assert "it has been changed since" in caplog.text
    assert journal.entries() == []


def test_what_was_not_made_after_all_is_well(journal):
    front = fronted(None, None)
    left(journal, Kind.UNDO, "c1", "c2", made=MADE)

    replay.run(journal, front.asks())

    assert journal.entries() == []
    assert not any(nova.wrote for nova in front.novas.values())


def test_what_cannot_be_taken_back_yet_is_later(journal):
    front = fronted(BARE, BARE)
    front.novas["c2"].faults = [Fault("GET", "before", "hang", down=True)]
    left(journal, Kind.UNDO, "c1", "c2", made=MADE)

    replay.run(journal, front.asks())

    (entry,) = journal.entries()
    assert (entry.kind, entry.cells) == (Kind.UNDO, {"c2": "pending"})
    front.novas["c2"].faults.clear()
    due(journal)
    replay.run(journal, front.asks())
    assert front.novas["c2"].flavors == {}


def test_home_loses_it_last(journal):
    front, order = fronted(BARE, BARE), []
    for name, nova in front.novas.items():
        nova.answer = noted(nova.answer, order, name)
    left(journal, Kind.UNDO, "c1", "c2", made=MADE)

    replay.run(journal, front.asks())

    assert order == ["c2", "c1"]


def noted(answer, order, name):
    def note(question):
        if question.method == "DELETE":
            order.append(name)
        return answer(question)

    return note


def test_a_replay_that_breaks_down_is_done_again(journal):
    front = fronted(HOME, None)
    left(journal, Kind.UPDATE, "c2")

    def breaks(question):
        raise RuntimeError

    front.novas["c2"].answer = breaks
    with pytest.raises(RuntimeError):
        replay.run(journal, front.asks())

    (entry,) = journal.entries()
    assert (entry.cells, entry.attempts) == ({"c2": "timed-out"}, 1)
    del front.novas["c2"].answer
    due(journal)
    assert replay.run(journal, front.asks()) == 1
    assert journal.entries() == []


def test_who_dies_in_a_replay_leaves_it_to_the_next(journal):
    front = fronted(HOME, None)
    left(journal, Kind.UPDATE, "c2")
    assert journal.claim()

    assert replay.run(journal, front.asks()) == 0
    lapse(journal)
    assert replay.run(journal, front.asks()) == 1
    assert front.novas["c2"].state() == front.novas["c1"].state()


def test_no_more_are_replayed_than_is_said(journal):
    front = fronted(HOME, HOME)
    for _ in range(3):
        left(journal, Kind.UPDATE, "c2")

    assert replay.run(journal, front.asks(), most=2) == 2
    assert len(journal.entries()) == 1


def test_without_a_journal_there_is_nothing_to_replay():
    assert replay.run(Alone(), fronted(HOME).asks()) == 0


def test_all_that_a_write_can_change_is_mended():
    assert replay.MENDED > drift.MENDED
    # Below 2.86 Nova takes any extra spec, from 2.55 on a description.
    assert Version(2, 61) <= replay.VERSION < Version(2, 86)
