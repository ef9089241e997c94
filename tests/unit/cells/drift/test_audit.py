import dataclasses

import pytest

from tests.unit.cells.journals import database, journal, url
from tests.unit.cells.writing_fakes import Fault, Flavor, Front, Nova
from waffles import exceptions
from waffles.cells.drift import audit
from waffles.cells.drift.drift import Kind

__all__ = ["database", "journal", "url"]

SMALL = Flavor("s", "small", 64, 1, 0, specs={"hw:a": "1"})
LARGE = Flavor("l", "large", 4096, 4, 0)
HIDDEN = Flavor("h", "hidden", 64, 1, 0, is_public=False, access=["red"])


def other(flavor, **more):
    return dataclasses.replace(flavor, **more)


def front(here, there, **how):
    return Front(Nova("c1", *here), Nova("c2", *there), **how)


def seen(front, wait=lambda: None):
    return audit.seen(lambda: front.call("GET", "/"), wait)


def kinds(found):
    return [(one.flavor_id, one.kind, one.fields) for one in found.drifts]


@pytest.mark.parametrize(
    ("here", "there", "found"),
    [
        ([SMALL, LARGE, HIDDEN], [LARGE, HIDDEN, SMALL], []),
        ([SMALL], [], [("s", Kind.MISSING, ())]),
        ([], [SMALL], [("s", Kind.EXTRA, ())]),
        (
            [SMALL],
            [other(SMALL, ram=128, specs={})],
            [("s", Kind.DIFFERS, ("ram", "extra_specs"))],
        ),
    ],
    ids=["equal", "missing", "extra", "other values"],
)
def test_what_two_looks_find_counts(here, there, found):
    assert kinds(seen(front(here, there))) == found


def test_what_is_gone_at_the_second_look_does_not():
    one = front([SMALL], [])

    def made():
        one.novas["c2"].flavors["s"] = SMALL

    assert kinds(seen(one, made)) == []


def test_a_cell_that_does_not_answer_is_not_one_that_has_nothing():
    one = front([SMALL], [SMALL])
    one.novas["c2"].faults.append(Fault("", "before", "refused", down=True))

    found = seen(one)

    assert kinds(found) == []
    assert found.unseen == {"c2": "refused"}


def test_without_home_nothing_is_known():
    one = front([SMALL], [SMALL])
    one.novas["c1"].faults.append(Fault("", "before", "refused", down=True))

    with pytest.raises(exceptions.Unavailable, match="Cell c1 is home"):
        seen(one)


def test_who_may_not_see_all_flavors_finds_nothing_out():
    one = front([SMALL], [])
    one.novas["c1"].faults.append(Fault("", "after", 403, times=9))

    with pytest.raises(exceptions.Hidden, match="does not show all"):
        seen(one)


def healed(one):
    found = seen(one)
    done = audit.healed(lambda: one.call("GET", "/"), one.journal, found)
    return {drift.flavor_id: result for drift, result in done}


def test_what_is_missing_is_made_with_all_that_belongs_to_it(journal):
    one = front([SMALL, HIDDEN], [], journal=journal)

    found = healed(one)

    assert {key: result.state for key, result in found.items()} == {
        "s": "ok",
        "h": "ok",
    }
    assert one.novas["c2"].state() == one.novas["c1"].state()
    assert journal.entries() == []


def test_extra_specs_are_mended_and_other_values_are_for_people():
    there = other(SMALL, ram=128, specs={"hw:b": "2"})
    one = front([SMALL], [there])

    (result,) = healed(one).values()

    assert one.novas["c2"].flavors["s"].specs == {"hw:a": "1"}
    assert one.novas["c2"].flavors["s"].ram == 128
    assert (result.state, result.why) == (
        "differs", "ram differ, and are for you to mend",
    )  # fmt: skip


def test_what_home_does_not_have_is_left():
    one = front([], [SMALL])

    (result,) = healed(one).values()

    assert result.state == "skipped"
    assert "nothing is deleted" in result.why
    assert one.novas["c2"].wrote == []


def test_a_name_that_another_flavor_has_is_in_the_way():
    one = front([SMALL], [other(SMALL, id="x")])

    found = healed(one)

    assert found["s"].state == "failed"
    assert found["s"].why == "its name is that of x there"


def test_a_cell_that_refuses_is_told():
    one = front([SMALL], [])
    one.novas["c2"].faults.append(Fault("POST", "after", 403))

    (result,) = healed(one).values()

    assert result.state == "failed"
    assert "c2" in result.why


def test_a_cell_that_goes_away_in_between_is_told():
    one = front([SMALL], [])
    found = seen(one)
    one.novas["c2"].faults.append(Fault("", "before", "refused", down=True))
    done = audit.healed(lambda: one.call("GET", "/"), one.journal, found)
    ((_, result),) = done

    assert result.state == "failed"
    assert result.why == "Cell c2 is refused."


def test_operators_ask_for_it_over_http():
    one = front([SMALL], [])

    reply = audit.index(one.call("GET", "/os-waffles/drift"))

    assert reply.data == {
        "drift": [
            {
                "flavor_id": "s",
                "cell": "c2",
                "kind": "missing",
                "fields": (),
                "clash": "",
            }
        ],
        "unseen": {},
    }
