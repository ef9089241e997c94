import logging

import pytest

from tests.unit.cells import fakes
from waffles.clients.cell import End


@pytest.mark.parametrize(
    ("body", "end", "said"),
    [
        (None, 403, "Cell c2 is left out of a list: it answered 403"),
        (
            {"aggregates": 7},
            None,
            "Cell c2 is left out of a list: Cell c2 has answered without a"
            " list of aggregates.",
        ),
    ],
    ids=["a refusal", "no list"],
)
def test_what_only_a_list_finds_wrong_is_logged(caplog, body, end, said):
    cells = [fakes.Nova("c1", aggregates=["a"]), fakes.Nova("c2")]
    cells[1].body, cells[1].end = body, end
    with caplog.at_level(logging.WARNING, "waffles.cells.asking.reading"):
        fakes.Front(*cells).get("/os-aggregates")

    assert [
        one.getMessage()
        for one in caplog.records
        if one.name == "waffles.cells.asking.reading"
    ] == [said]


def test_what_the_call_has_logged_is_logged_once(caplog):
    cells = [fakes.Nova("c1", aggregates=["a"]), fakes.Nova("c2")]
    cells[1].end = End.LATE
    with caplog.at_level(logging.WARNING):
        fakes.Front(*cells).get("/os-aggregates")

    assert len(caplog.records) == 1
