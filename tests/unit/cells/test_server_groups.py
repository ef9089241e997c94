import pytest

from tests.unit.cells import fakes
from waffles import exceptions
from waffles.cells import server_groups
from waffles.cells.model import Version
from waffles.cells.server_groups import Window
from waffles.clients.cell import End

LIST = "/os-server-groups"


@pytest.fixture
def cells():
    return [
        fakes.Nova("c1", groups=["b", "a"]),
        fakes.Nova("c2", groups=["d", "c"]),
    ]


@pytest.fixture
def front(cells):
    return fakes.Front(*cells)


def ids(reply):
    return "".join(one["id"] for one in reply.data["server_groups"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "badc"),
        ("?limit=3", "bad"),
        ("?limit=0", "badc"),
        ("?offset=1&limit=2", "ad"),
        ("?offset=9", ""),
        ("?limit=1&limit=2", "ba"),
        ("?limit=9999&junk=1", "badc"),
    ],
)
def test_a_list_is_a_window_on_the_lists_of_all_cells(front, query, expected):
    assert ids(front.get(LIST + query, version=(2, 60))) == expected


@pytest.mark.parametrize(
    ("query", "version", "expected"),
    [
        ([], (2, 1), Window()),
        ([("junk", "1")], (2, 74), Window()),
        ([("junk", "1")], (2, 75), None),
        ([("limit", "x")], (2, 1), None),
        ([("limit", "")], (2, 1), None),
        ([("offset", "-1"), ("offset", "1")], (2, 1), None),
        ([("limit", "2\n"), ("offset", "7")], (2, 75), Window((), 7, 2)),
        (
            [("all_projects", ""), ("limit", "5000")],
            (2, 75),
            Window((("all_projects", ""),)),
        ),
    ],
)
def test_a_query_is_read_as_nova_reads_it(query, version, expected):
    found = server_groups.window(tuple(query), Version(*version))

    assert found == expected


def test_a_query_that_nova_refuses_home_refuses(front):
    reply = front.get(f"{LIST}?limit=x")

    assert (reply.status, fakes.told(reply)) == (
        400,
        "Invalid input for limit",
    )


def test_cells_are_asked_for_all_and_for_the_projects_of_the_caller(
    front, cells
):
    front.get(f"{LIST}?all_projects=True&limit=1&offset=1")

    assert cells[1].paths == [
        f"GET {LIST}?all_projects=True&limit=1000&offset=0",
        f"GET {LIST}?all_projects=True&limit=1000&offset=2",
    ]


def test_each_cell_is_read_to_its_end(monkeypatch, cells):
    monkeypatch.setattr(server_groups, "MOST", 2)
    cells[0].groups |= {one: {"id": one} for one in "xyz"}
    front = fakes.Front(*cells)

    assert ids(front.get(f"{LIST}?limit=99&offset=3")) == "yz"
    assert ids(front.get(f"{LIST}?limit=99&offset=5")) == "dc"
    assert front.rounds[:3] == [["c1", "c2"], ["c1", "c2"], ["c1"]]


def test_a_list_without_end_is_given_up(front, cells):
    cells[1].body = {"server_groups": [{"id": "x"}] * 1000}

    assert ids(front.get(LIST)) == "ba"
    assert front.seen == {"c1": "ok", "c2": "broken"}


def test_a_list_without_a_cell_names_it(front, cells):
    cells[0].end = End.LATE

    assert ids(front.get(LIST)) == "dc"
    assert front.seen == {"c1": "late", "c2": "ok"}


def test_what_is_no_group_is_left_out(front, cells):
    cells[1].groups |= {"p": {"id": 7}, "q": {}, "x": {"id": "x"}}

    assert ids(front.get(LIST)) == "badcx"


def test_who_may_not_list_is_told_so(front, cells):
    cells[0].end = 403

    assert front.get(LIST).status == 403


def test_one_cell_is_asked_what_the_client_asks(cells):
    front = fakes.Front(cells[0])

    assert ids(front.get(f"{LIST}?limit=1")) == "b"
    assert cells[0].paths == [f"GET {LIST}?limit=1"]


def test_a_group_is_found_and_deleted_in_the_cell_that_has_it(front, cells):
    reply = front.get(f"{LIST}/c")
    deleted = front("DELETE", f"{LIST}/c")

    assert reply.data == {"server_group": {"id": "c", "name": "c2"}}
    assert (deleted.status, deleted.data) == (204, None)
    assert (list(cells[0].groups), list(cells[1].groups)) == (
        ["b", "a"],
        ["d"],
    )
    assert "DELETE" not in "".join(cells[0].paths)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_404_needs_the_word_of_every_cell(front, cells, method):
    reply = front(method, f"{LIST}/q")
    assert (reply.status, fakes.told(reply)[:16]) == (404, "Instance group q")

    cells[1].end = End.REFUSED
    with pytest.raises(exceptions.Unavailable, match="no answer of cell c2"):
        front(method, f"{LIST}/q")
    assert front("GET", f"{LIST}/a").status == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_home_refuses_is_refused(front, cells, method):
    cells[0].end = 403

    assert front(method, f"{LIST}/c").status == 403
    assert "c" in cells[1].groups


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_404_of_one_cell_is_passed_on(cells, method):
    assert fakes.Front(cells[0])(method, f"{LIST}/q").status == 404


def test_without_home_a_group_of_another_cell_is_found(front, cells):
    cells[0].end = End.LATE

    assert front.get(f"{LIST}/c").status == 200


@pytest.mark.parametrize(
    ("targets", "expected"), [(None, "c1"), (["c2"], "c2")]
)
def test_a_new_group_is_of_the_named_cell_else_of_home(
    front, targets, expected
):
    body = {"server_group": {"name": "g"}}
    reply = front("POST", LIST, body, targets=targets)

    assert reply.data["server_group"]["id"] == "new"
    assert [n for n, one in front.novas.items() if "new" in one.groups] == [
        expected
    ]


def test_of_a_create_that_may_have_been_done_the_client_is_told(front, cells):
    cells[0].end = End.LATE
    with pytest.raises(exceptions.Unavailable, match="done it or not"):
        front("POST", LIST, {"server_group": {"name": "g"}})
