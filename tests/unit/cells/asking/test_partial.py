import itertools

import pytest

from tests.unit.cells import fakes
from waffles import exceptions
from waffles.cells.asking import partial
from waffles.clients.cell import End, Outcome

HOME, TWO, THREE = fakes.registry("c1", "c2", "c3").cells
ALL = (HOME, TWO, THREE)


def outcomes(*ends):
    """How c1, c2, … have answered: a status or an End."""
    return {
        f"c{number}": Outcome(f"c{number}", end)
        if isinstance(end, End)
        else Outcome(f"c{number}", End.ANSWERED, end, json={})
        for number, end in enumerate(ends, 1)
    }


@pytest.mark.parametrize(
    ("ends", "whose"),
    [
        ((200, 200, 200), None),
        ((401, 200, 200), "c1"),
        ((403, 200, 200), "c1"),
        ((403, End.LATE, 503), "c1"),
        ((200, 403, 403), None),
        ((200, 401, 200), None),
        ((400, 200, 200), None),
        ((400, 400, 400), "c1"),
        ((400, 404, 401), "c1"),
        ((404, 404, End.LATE), "c1"),
        ((End.REFUSED, 403, 403), "c2"),
        ((500, 403, 403), "c2"),
        ((End.REFUSED, 401, 401), None),
        ((End.REFUSED, 406, 406), None),
        ((End.REFUSED, 403, 404), None),
        ((End.REFUSED, End.LATE, 500), None),
        ((500, 500, 500), None),
        ((404,), "c1"),
        ((500,), "c1"),
        ((200,), None),
        ((End.LATE,), None),
    ],
)
def test_one_answer_stands_for_all_as_the_table_says(ends, whose):
    found = partial.refusal(outcomes(*ends), ALL)

    assert (found and found.cell) == whose


@pytest.mark.parametrize(
    ("ends", "how", "sentence"),
    [
        ((200, 200, 200), "fail", None),
        ((200, End.LATE, 200), "skip", None),
        ((End.OPEN, 401, 204), "skip", None),
        (
            (200, End.LATE, 500),
            "fail",
            "Not every cell answers: c2 (late), c3 (500).",
        ),
        ((200, 401, 200), "fail", "Not every cell answers: c2 (401)."),
        (
            (500, 401, End.BUSY),
            "skip",
            "No cell answers: c1 (500), c2 (401), c3 (busy).",
        ),
    ],
)
def test_gaps_are_refused_as_the_table_says(ends, how, sentence):
    said = None
    try:
        missing = partial.lost(outcomes(*ends), ALL)
        partial.refuse_gaps(missing, len(ends), how)
    except exceptions.Unavailable as error:
        said = str(error)

    assert said == sentence


def test_the_order_of_the_answers_is_of_no_account():
    for some in (outcomes(200, End.BUSY, 204), outcomes(500, 403, 403)):
        for order in itertools.permutations(some):
            mixed = {name: some[name] for name in order}
            assert partial.refusal(mixed, ALL) == partial.refusal(some, ALL)
            assert partial.good(mixed, ALL) == partial.good(some, ALL)
            assert list(partial.lost(mixed, ALL)) == sorted(
                partial.lost(some, ALL)
            )


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"flavors": None}, {"flavors": {"a": {}}}]
)
def test_an_answer_without_a_list_is_broken(body):
    answer = Outcome("c2", End.ANSWERED, 200, json=body)
    found = partial.listed(answer, "flavors")

    assert (found.end, partial.state(found)) == (End.BROKEN, "broken")
    assert found.why == "Cell c2 has answered without a list of flavors."


def test_what_is_no_object_is_left_out_of_a_list():
    body = {"flavors": [{"id": "1"}, "x", None, [{}]]}
    answer = Outcome("c2", End.ANSWERED, 200, json=body)

    assert partial.listed(answer, "flavors") == answer
    assert partial.records(answer, "flavors") == [{"id": "1"}]


def test_a_refusal_is_no_broken_list():
    answer = Outcome("c2", End.ANSWERED, 403, json={"forbidden": {}})

    assert partial.listed(answer, "flavors") == answer
