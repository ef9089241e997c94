import pytest

from tests.unit.cells.writing_fakes import Fault, Front, Nova, flavor
from waffles.cells.flavors import plans, writing
from waffles.cells.flavors.writing import Result, State
from waffles.clients.cell import End, Outcome

PLAN = plans.set_specs("m1", {"extra_specs": {"a": "1"}})
CREATE = plans.create({"flavor": {"id": "m1", "name": "n"}})
DELETE = plans.delete("m1")


def outcome(end, why=""):
    """By an End, or a status."""
    if isinstance(end, End):
        return Outcome("c2", end, why=why)
    fault = {"conflictingRequest": {"code": end, "message": "Why."}}
    return Outcome("c2", End.ANSWERED, end, json=fault)


#: An answer to a write: the state, whether it may have been done, and whether
#: that needs no look.
JUDGED = [
    (PLAN, 200, State.OK, True, True),
    (PLAN, 202, State.OK, True, True),
    (PLAN, 404, State.MISSING, False, True),
    (PLAN, 400, State.FAILED, False, True),
    (PLAN, 401, State.REFUSED, False, True),
    (PLAN, 403, State.REFUSED, False, True),
    (PLAN, 409, State.FAILED, False, True),
    (PLAN, 500, State.FAILED, True, False),
    (PLAN, 503, State.FAILED, True, False),
    (PLAN, End.REFUSED, State.FAILED, False, False),
    (PLAN, End.BUSY, State.FAILED, False, False),
    (PLAN, End.OPEN, State.FAILED, False, False),
    (PLAN, End.LATE, State.TIMED_OUT, True, False),
    (PLAN, End.BROKEN, State.FAILED, True, False),
    (DELETE, 404, State.ALREADY, False, True),
    (CREATE, 409, State.DIFFERS, False, False),
]


@pytest.mark.parametrize(
    ("plan", "end", "state", "maybe", "settled"),
    JUDGED,
    ids=lambda value: getattr(value, "path", str(value)),
)
def test_an_answer_says_what_became_of_a_write(
    plan, end, state, maybe, settled
):
    found = writing.judged(plan, outcome(end))

    assert (found.state, found.maybe, found.settled) == (
        state,
        maybe,
        settled,
    )
    again = writing.judged(plan, outcome(end), maybe=True)
    assert (again.state, again.maybe) == (state, True)


@pytest.mark.parametrize(
    ("result", "shown", "state", "settled"),
    [
        (Result("c2", State.TIMED_OUT, maybe=True), True, "ok", True),
        (Result("c2", State.FAILED), True, "already", True),
        (Result("c2", State.DIFFERS, settled=False), True, "already", True),
        (Result("c2", State.DIFFERS, settled=False), False, "differs", True),
        (Result("c2", State.DIFFERS, settled=False), None, "differs", False),
        (Result("c2", State.FAILED, settled=False), False, "failed", False),
        (Result("c2", State.TIMED_OUT, settled=False), None, "timed-out",
         False),
    ],
    ids=str,
)  # fmt: skip
def test_a_look_says_what_the_answer_did_not(result, shown, state, settled):
    found = writing.looked(result, shown)

    assert (found.state, found.settled) == (state, settled)


def carried(*faults):
    """What becomes of extra specs in c2, and what c2 was asked."""
    front = Front(Nova("c1"), Nova("c2", flavor("m1")))
    front.novas["c2"].faults = list(faults)
    results = writing.carry(front.asks(), PLAN, front.registry.cells[1:])
    asked = "".join(text[0] for text in front.novas["c2"].asked)
    return results["c2"].state.value, asked


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([], ("ok", "P")),
        # It is looked at, and sent once more where that shows it is not done.
        ([Fault("POST", "after", "hang")], ("ok", "PGP")),
        ([Fault("POST", "before", "refused")], ("ok", "PGP")),
        ([Fault("POST", "commit", "hang")], ("ok", "PG")),
        ([Fault("POST", "after", "hang", times=9)], ("timed-out", "PGPG")),
        ([Fault("POST", "after", "reset", times=9)], ("failed", "PGPG")),
        ([Fault("POST", "after", "5xx", times=9)], ("failed", "PGPG")),
        # Nobody knows: it is not sent again.
        ([Fault("POST", "after", "hang", down=True)], ("timed-out", "PG")),
        ([Fault("POST", "after", "html", down=True)], ("failed", "PG")),
        # It was late, and was done when it was sent again.
        ([Fault("POST", "after", "hang"), Fault("POST", "commit", "reset")],
         ("ok", "PGPG")),
        ([Fault("POST", "after", 400)], ("failed", "P")),
    ],
    ids=str,
)  # fmt: skip
def test_nothing_is_sent_again_blindly(faults, expected):
    assert carried(*faults) == expected


def test_a_write_for_no_cell_asks_nobody():
    front = Front(Nova("c1"))

    assert writing.carry(front.asks(), PLAN, []) == {}
    assert front.novas["c1"].asked == []


def test_cells_are_written_at_the_same_time():
    front, rounds = Front(Nova("c1"), Nova("c2"), Nova("c3")), []
    ask = front.ask

    def spy(questions, seconds, here=None):
        rounds.append(list(questions))
        return ask(questions, seconds, here)

    front.ask = spy
    writing.carry(front.asks(), PLAN, front.registry.cells)

    assert rounds == [["c1", "c2", "c3"]]


RESULTS = {
    "c1": Result("c1", State.OK, "never said"),
    "c2": Result("c2", State.TIMED_OUT, "Cell c2 is late."),
    "c3": Result("c3", State.MISSING, "Cell c3 answered 404."),
    "c4": Result("c4", State.SKIPPED),
}


def test_what_is_left_is_told_with_the_reasons():
    assert writing.left(RESULTS) == {"c2": "timed-out", "c3": "missing"}
    assert writing.reasons(RESULTS) == (
        "Cell c2 is late. Cell c3 answered 404."
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (outcome(End.LATE, "Cell c2 is late."), "Cell c2 is late."),
        (outcome(End.LATE), "Cell c2 has not answered."),
        (outcome(409), "Cell c2 answered 409: Why."),
        (Outcome("c2", End.ANSWERED, 500, json={"a": {"message": "b\nc"}}),
         "Cell c2 answered 500: b\\nc"),
        (Outcome("c2", End.ANSWERED, 500), "Cell c2 answered 500."),
        (Outcome("c2", End.ANSWERED, 500, json=[1]), "Cell c2 answered 500."),
        (Outcome("c2", End.ANSWERED, 500, json={"a": 1, "b": {"message": 2}}),
         "Cell c2 answered 500."),
    ],
)  # fmt: skip
def test_what_a_cell_said_is_told_to_people(answer, said):
    assert writing.said(answer) == said
