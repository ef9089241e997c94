import pytest

from tests.unit.cells import fakes
from waffles import exceptions
from waffles.cells.flavors import single
from waffles.clients.cell import End

SPECS = "/flavors/a/os-extra_specs"


@pytest.fixture
def cells():
    """Flavor a, of which home knows less; z in cell c3 only."""
    access = [{"flavor_id": "a", "tenant_id": "p"}]
    return [
        fakes.Nova("c1", fakes.flavor("a", ram=1, specs={"k": "1"})),
        fakes.Nova(
            "c2",
            fakes.flavor(
                "a",
                ram=2,
                specs={"k": "2", "only": "2"},
                is_public=False,
                access=access,
            ),
        ),
        fakes.Nova("c3", fakes.flavor("z", ram=3, specs={"k": "3"})),
    ]


@pytest.fixture
def front(cells):
    return fakes.Front(*cells)


@pytest.mark.parametrize(
    ("url", "ram"), [("/flavors/a", 1), ("/flavors/z", 3)]
)
def test_a_flavor_is_shown_as_home_has_it_else_as_another_has(front, url, ram):
    reply = front.get(url)

    assert (reply.status, reply.data["flavor"]["ram"]) == (200, ram)
    assert reply.data["flavor"]["links"][0] == {
        "rel": "self",
        "href": f"http://top/v2.1{url}",
    }


def test_what_home_has_is_asked_of_no_other(front, cells):
    front.get("/flavors/a")
    front.get(SPECS)

    assert (len(cells[0].asked), cells[1].asked) == (2, [])


@pytest.mark.parametrize(
    ("url", "data"),
    [
        (SPECS, {"extra_specs": {"k": "1"}}),
        (f"{SPECS}/k", {"k": "1"}),
        ("/flavors/z/os-extra_specs", {"extra_specs": {"k": "3"}}),
        ("/flavors/z/os-extra_specs/k", {"k": "3"}),
        ("/flavors/c2@a/os-extra_specs/only", {"only": "2"}),
        (
            "/flavors/c2@a/os-flavor-access",
            {"flavor_access": [{"flavor_id": "a", "tenant_id": "p"}]},
        ),
    ],
)
def test_what_belongs_to_a_flavor_is_that_of_the_cell_it_is_shown_of(
    front, url, data
):
    reply = front.get(url)

    assert (reply.status, reply.data) == (200, data)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"{SPECS}/only", "Flavor a has no only."),
        ("/flavors/a/os-flavor-access", "Access list not available"),
    ],
)
def test_of_its_own_flavor_homes_404_is_the_word(front, cells, url, message):
    cells[1].end = End.LATE
    reply = front.get(url)

    assert (reply.status, fakes.told(reply)) == (404, message)
    assert not cells[1].asked


@pytest.mark.parametrize(
    "url",
    [
        "/flavors/q",
        "/flavors/q/os-extra_specs",
        "/flavors/z/os-extra_specs/nosuch",
    ],
)
def test_a_404_needs_the_word_of_all(front, cells, url):
    reply = front.get(url)

    assert (reply.status, fakes.told(reply)[:7]) == (404, "Flavor ")
    assert all(cell.asked for cell in cells)


@pytest.mark.parametrize("end", [*[*End][1:], 500, 401, 403, 406])
def test_without_the_word_of_a_cell_there_is_no_404(front, cells, end):
    cells[1].end = end
    with pytest.raises(exceptions.Unavailable) as caught:
        front.get("/flavors/q")

    assert str(caught.value) == (
        "It is not known whether there is such a flavor: no answer of cell c2."
    )
    assert front.get("/flavors/z").status == 200


@pytest.mark.parametrize("end", [End.REFUSED, End.LATE, 500, 503])
def test_without_home_the_others_are_asked(front, cells, end):
    cells[0].end = end

    assert front.get("/flavors/a").data["flavor"]["ram"] == 2
    assert front.seen == {"c1": str(end), "c2": "ok", "c3": "ok"}
    with pytest.raises(exceptions.Unavailable, match="no answer of cell c1"):
        front.get("/flavors/q")


@pytest.mark.parametrize("status", [400, 401, 403, 409, 429])
def test_what_home_says_else_is_passed_on(front, cells, status):
    cells[0].end = status

    assert front.get("/flavors/z").status == status
    assert not cells[2].asked


def test_a_flavor_of_a_named_cell_is_what_that_has(front, cells):
    reply = front.get("/flavors/c2@a")

    assert (reply.data["flavor"]["id"], reply.data["flavor"]["ram"]) == (
        "a",
        2,
    )
    assert reply.data["flavor"]["links"][0]["href"] == (
        "http://top/v2.1/flavors/a"
    )
    assert front.get("/flavors/c1@z").status == 404
    cells[1].end = End.OPEN
    with pytest.raises(exceptions.Unavailable, match="Cell c2 is down"):
        front.get("/flavors/c2@a")
    with pytest.raises(exceptions.Hidden, match="There is no cell 'c9'"):
        front.get("/flavors/c9@a")


def test_one_cell_that_is_asked_is_believed(cells):
    cells[0].end = 500

    assert fakes.Front(cells[0]).get("/flavors/a").status == 500
    cells[0].end = End.LATE
    with pytest.raises(exceptions.Unavailable, match="Cell c1 is down"):
        fakes.Front(cells[0]).get("/flavors/a")


def test_the_cells_that_are_named_are_asked(front, cells):
    reply = front.get("/flavors/a", targets=["c2", "c3"])

    assert reply.data["flavor"]["ram"] == 2
    assert front.get("/flavors/z", targets=["c1"]).status == 404
    assert not cells[2].asked


def test_the_query_is_sent_and_an_id_is_quoted(front, cells):
    front.get("/flavors/a b?x=1")

    assert {path for cell in cells for path in cell.paths} == {
        "GET /flavors/a%20b?x=1"
    }


@pytest.mark.parametrize(
    "data", [None, [], "x", {}, {"flavor": None}, {"flavor": {}}]
)
def test_an_answer_without_a_flavor_has_none(data):
    assert single.record(data) is None
