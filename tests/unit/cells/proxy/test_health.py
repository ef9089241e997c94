import pytest

from waffles.cells.model import Cell
from waffles.cells.proxy import health
from waffles.clients.cell import End, Outcome

CELL = Cell("c1", 1, "http://c1/v2.1", home=True)

DOCUMENT = {"version": {"min_version": "2.1", "version": "2.104"}}


@pytest.mark.parametrize(
    ("outcome", "state", "version", "reason"),
    [
        (
            Outcome("c1", End.ANSWERED, 200, json=DOCUMENT, seconds=0.0213),
            "ok",
            "2.104",
            "",
        ),
        (
            Outcome("c1", End.ANSWERED, 200, json={"hello": "world"}),
            "broken",
            "",
            "shows no microversions",
        ),
        (Outcome("c1", End.ANSWERED, 503), "503", "", ""),
        (Outcome("c1", End.LATE, why="No answer."), "late", "", "No answer."),
    ],
    ids=["well", "something else", "503", "late"],
)
def test_a_cell_is_as_it_has_answered(outcome, state, version, reason):
    (found,) = health.of_outcomes([CELL], {"c1": outcome})

    assert (found.state, found.version) == (state, version)
    assert reason in found.reason
    assert found.is_well is (state == "ok")
    assert found.seconds == pytest.approx(outcome.seconds, abs=0.001)
    assert (found.name, found.number, found.home) == ("c1", 1, True)


def test_the_nova_below_has_no_address():
    outcome = Outcome("c3", End.ANSWERED, 200, json=DOCUMENT)
    (found,) = health.of_outcomes([Cell("c3", 3)], {"c3": outcome})

    assert found.endpoint == "local"
