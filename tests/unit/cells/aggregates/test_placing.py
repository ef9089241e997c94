import pytest

from tests.unit.cells import fakes
from waffles import exceptions
from waffles.clients.cell import End


def zone(name):
    return {"zoneName": name, "zoneState": {"available": True}, "hosts": None}


@pytest.fixture
def cells():
    return [
        fakes.Nova("c1", zones=[zone("nova"), zone("east")]),
        fakes.Nova("c2", zones=[zone("nova"), zone("west")]),
        fakes.Nova("c3", zones=[zone("nova")]),
    ]


@pytest.fixture
def front(cells):
    return fakes.Front(*cells)


def made(front, name, zone=None, **how):
    """The names of new aggregates by cell."""
    wanted = {"name": name, "availability_zone": zone}
    front("POST", "/os-aggregates", {"aggregate": wanted}, **how)
    return {
        cell.name: one["name"]
        for cell in front.novas.values()
        for one in cell.aggregates.values()
    }


@pytest.mark.parametrize(
    ("name", "zone", "targets", "expected"),
    [
        ("a", None, ["c3"], {"c3": "a"}),
        ("c3@a", None, ["c3"], {"c3": "a"}),
        ("a", "west", ["c3"], {"c3": "a"}),
        ("c2@a", None, None, {"c2": "a"}),
        ("c2@a", "east", None, {"c2": "a"}),
        ("top!c2@c1@a", None, None, {"c2": "c1@a"}),
        ("a", "west", None, {"c2": "a"}),
        ("x@a", "west ", None, {"c2": "x@a"}),
        ("a", "nova", ["c3"], {"c3": "a"}),
        ("c2@a", None, ["c2", "c3"], {"c2": "a"}),
        ("a", "west", ["c2", "c3"], {"c2": "a"}),
    ],
)
def test_the_first_thing_that_says_a_cell_counts(
    front, name, zone, targets, expected
):
    assert made(front, name, zone, targets=targets) == expected


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("a", None),
        ("a", "nova"),
        ("a", "new"),
        ("a", 7),
        ("a", ""),
        ("x@a", None),
    ],
)
def test_where_nothing_says_a_cell_the_client_is_told_what_may(
    front, name, zone
):
    with pytest.raises(exceptions.Malformed) as caught:
        made(front, name, zone)

    assert str(caught.value) == (
        "It must be said which cell the aggregate is for, by the header"
        " X-Waffles-Cell, by a name as c1@name, or by an availability zone"
        " that one cell has. The cells are c1, c2, c3."
    )


@pytest.mark.parametrize("targets", [["c3"], ["c2", "c3"]])
def test_a_name_of_a_cell_that_the_call_is_not_for_is_refused(front, targets):
    with pytest.raises(exceptions.Malformed):
        made(front, "c1@a", targets=targets)


def test_one_cell_needs_no_saying(cells):
    front = fakes.Front(cells[0])

    assert made(front, "c1@a", "east") == {"c1": "c1@a"}


def test_without_prefixes_a_name_says_nothing(cells):
    front = fakes.Front(*cells, prefixed=False)
    with pytest.raises(exceptions.Malformed):
        made(front, "c2@a")

    assert made(front, "c2@a", "east") == {"c1": "c2@a"}


@pytest.mark.parametrize("end", [End.REFUSED, 500, 403])
def test_a_cell_that_is_silent_may_have_the_zone_as_well(front, cells, end):
    cells[2].end = end
    with pytest.raises(exceptions.Unavailable, match="c3"):
        made(front, "a", "west")

    assert made(front, "c2@a", "west") == {"c2": "a"}


def test_who_may_not_see_zones_must_say_the_cell(front, cells):
    for cell in cells:
        cell.end = 403
    with pytest.raises(exceptions.Malformed, match="It must be said"):
        made(front, "a", "west")
