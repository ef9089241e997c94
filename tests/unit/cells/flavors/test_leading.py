import dataclasses

import pytest

from tests.unit.cells.journals import database, journal, url
from tests.unit.cells.writing_fakes import (
    BASE,
    Fault,
    Front,
    Nova,
    flavor,
    text,
)
from waffles import exceptions
from waffles.cells.flavors import leading, plans
from waffles.cells.flavors.leading import Ending
from waffles.cells.journal.entries import Kind
from waffles.cells.model import Reply

__all__ = ["database", "journal", "url"]

PLAN = plans.update("m1", {"flavor": {"description": "x"}})


def led(*faults):
    front = Front(Nova("c1", flavor("m1")), Nova("c2"))
    front.novas["c1"].faults = list(faults)
    made = leading.lead(front.asks(), PLAN, front.registry.home)
    assert front.novas["c2"].asked == []
    return made


@pytest.mark.parametrize(
    ("faults", "status", "done", "maybe"),
    [
        ([], 200, True, False),
        ([Fault("PUT", "after", 404)], 404, False, False),
        ([Fault("PUT", "after", "5xx")], 503, False, False),
        ([Fault("PUT", "after", "5xx", down=True)], 502, False, True),
        ([Fault("PUT", "after", "hang")], 502, False, True),
        ([Fault("PUT", "after", "html", down=True)], 502, False, True),
        ([Fault("PUT", "commit", "hang")], 200, True, False),
        ([Fault("PUT", "commit", "5xx")], 200, True, False),
    ],
    ids=str,
)
def test_home_does_it_or_not_or_nobody_knows(faults, status, done, maybe):
    found = led(*faults)

    assert (found.reply.status, found.done, found.maybe) == (
        status,
        done,
        maybe,
    )


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([Fault("PUT", "after", "hang")], "Cell c1 is late. It has not done"),
        (
            [Fault("PUT", "commit", "hang", down=True)],
            "late. It may have done",
        ),
    ],
    ids=str,
)
def test_what_is_known_of_home_is_told(faults, said):
    assert said in text(led(*faults).reply)


def test_a_home_that_was_not_reached_has_done_nothing():
    with pytest.raises(exceptions.Unavailable, match="Nothing was changed"):
        led(Fault("PUT", "before", "refused"))


def kept(journal, work):
    front = Front(Nova("c1"), Nova("c2"), journal=journal)
    call = front.asks()
    cells = front.registry.cells[1:]
    entry = leading.entry(call, Kind.UPDATE, "m1", cells)
    return leading.kept(call, entry, work)


def test_a_write_is_kept_while_it_is_under_way(journal):
    def work(entry):
        assert [one.key for one in journal.entries()] == [entry.key]
        done = dataclasses.replace(entry, cells={})
        return Ending(Reply(200), done)

    assert kept(journal, work) == Reply(200)
    assert journal.entries() == []


def test_what_is_left_stays(journal):
    kept(journal, lambda entry: Ending(Reply(200), entry, "why", 77.0))

    (entry,) = journal.entries()
    assert (entry.cells, entry.error) == ({"c2": "pending"}, "why")
    assert entry.next_at - entry.created_at >= 77


def test_a_refusal_leaves_nothing(journal):
    def work(entry):
        raise exceptions.Conflict("No.")

    with pytest.raises(exceptions.Conflict):
        kept(journal, work)

    assert journal.entries() == []


def test_a_refusal_behind_the_first_write_leaves_all(journal):
    def work(entry):
        with leading.behind_it():
            raise exceptions.Conflict("No.")

    reply = kept(journal, work)

    assert (reply.status, text(reply)[:3]) == (502, "No.")
    (entry,) = journal.entries()
    assert (entry.cells, entry.error) == ({"c2": "pending"}, "")


def test_a_look_that_is_refused_is_behind_the_first_write(journal):
    front = Front(Nova("c1", flavor("m1")), Nova("c2"), journal=journal)
    front.novas["c1"].faults = [Fault("PUT", "after", "hang")]
    answered = front.novas["c1"].answer

    def answer(question):
        if question.method == "GET":
            raise exceptions.Malformed("No path.")
        return answered(question)

    front.novas["c1"].answer = answer
    body = {"flavor": {"description": "x"}}

    assert front("PUT", "/flavors/m1", body).status == 502
    assert len(journal.entries()) == 1


def test_an_error_leaves_all(journal):
    def work(entry):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        kept(journal, work)

    (entry,) = journal.entries()
    assert entry.cells == {"c2": "pending"}


def test_a_call_for_chosen_cells_leaves_no_cell_to_follow_home():
    front = Front(Nova("c1"), Nova("c2"))
    call = front.call("PUT", "/", targets=["c1", "c2"])

    entry = leading.entry(call, Kind.UPDATE, "m1", front.registry.cells)

    assert entry.cells == {}


def test_an_answer_has_our_addresses_where_it_has_any():
    call = Front(Nova("c1")).asks()
    shown = flavor("m1").shown((2, 1))

    ours = leading.ours(call, Reply(200, {"flavor": shown}, {"a": "b"}))

    (link,) = ours.data["flavor"]["links"]
    assert link["href"] == f"{BASE}/flavors/m1"
    assert ours.headers == {"a": "b"}
    for data in (None, {}, {"extra_specs": {}}):
        assert leading.ours(call, Reply(200, data)) == Reply(200, data)
