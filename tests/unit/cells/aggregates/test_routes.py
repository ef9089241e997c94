import json

import pytest

from tests.unit.cells import fakes
from waffles import exceptions
from waffles.clients.cell import End

C2S_FIRST = "/os-aggregates/20000000001"
NAMED = {"aggregate": {"name": "x"}}
CACHED = {"cache": [{"id": "i"}]}


@pytest.fixture
def cells():
    return [
        fakes.Nova("c1", aggregates=["ssd", "gpu"]),
        fakes.Nova("c2", aggregates=["ssd"]),
    ]


@pytest.fixture
def front(cells):
    return fakes.Front(*cells)


def ids(reply):
    return [one["id"] for one in reply.data["aggregates"]]


def uuid(cell, local):
    return cell.aggregates[local]["uuid"]


def test_a_list_has_the_aggregates_of_all_cells_with_ids_of_their_own(front):
    reply = front.get("/os-aggregates")

    assert ids(reply) == [10000000001, 10000000002, 20000000001]
    assert [one["name"] for one in reply.data["aggregates"]] == [
        "c1@ssd",
        "c1@gpu",
        "c2@ssd",
    ]
    assert [one["waffles:cell"] for one in reply.data["aggregates"]] == [
        "c1",
        "c1",
        "c2",
    ]


def test_every_id_of_a_list_leads_to_its_aggregate(front, cells):
    for one in front.get("/os-aggregates").data["aggregates"]:
        shown = front.get(f"/os-aggregates/{one['id']}").data["aggregate"]
        assert shown == one


def test_a_list_without_a_cell_names_it(front, cells):
    cells[1].end = End.LATE

    assert ids(front.get("/os-aggregates")) == [10000000001, 10000000002]
    assert front.seen == {"c1": "ok", "c2": "late"}
    cells[1].end, cells[1].body = None, {"aggregates": "x"}
    assert ids(front.get("/os-aggregates")) == [10000000001, 10000000002]
    assert front.seen == {"c1": "ok", "c2": "broken"}


def test_who_may_not_see_aggregates_is_told_so(front, cells):
    for cell in cells:
        cell.end = 403
    reply = front.get("/os-aggregates")

    assert (reply.status, fakes.told(reply)) == (403, "No.")


def test_one_cell_is_shown_as_it_is(cells):
    front = fakes.Front(cells[0])
    reply = front.get("/os-aggregates")

    assert reply.data["aggregates"] == list(cells[0].aggregates.values())
    assert front.get("/os-aggregates/2").data == {
        "aggregate": cells[0].aggregates[2]
    }


@pytest.mark.parametrize(
    "aggregate_id", ["20000000001", "c2@1", "top!c2@1", "UUID"]
)
@pytest.mark.parametrize(
    ("method", "rest", "data", "told"),
    [
        ("GET", "", None, None),
        ("PUT", "", NAMED, NAMED),
        ("DELETE", "", None, None),
        ("POST", "/images", CACHED, CACHED),
        (
            "POST",
            "/action",
            {"add_host": {"host": "c2@n"}},
            {"add_host": {"host": "n"}},
        ),
    ],
    ids=["show", "update", "delete", "images", "action"],
)
def test_a_call_goes_to_the_cell_of_the_aggregate_only(
    front, cells, aggregate_id, method, rest, data, told
):
    if aggregate_id == "UUID":
        aggregate_id = uuid(cells[1], 1)
    reply = front(method, f"/os-aggregates/{aggregate_id}{rest}", data)
    asked = cells[1].asked[-1]

    assert reply.status in (200, 202)
    assert (asked.method, asked.path) == (method, f"/os-aggregates/1{rest}")
    assert asked.body == (told and json.dumps(told).encode())
    assert cells[0].paths in ([], ["GET /os-aggregates"])


def test_an_answer_shows_the_cell_again(front, cells):
    renamed = {"aggregate": {"name": "c2@nvme"}}
    reply = front("PUT", C2S_FIRST, renamed)

    assert cells[1].aggregates[1]["name"] == "nvme"
    assert reply.data["aggregate"]["id"] == 20000000001
    assert reply.data["aggregate"]["name"] == "c2@nvme"
    assert reply.data["aggregate"]["waffles:cell"] == "c2"


def test_what_was_read_may_be_written(front, cells):
    before = dict(cells[1].aggregates[1])
    read = front.get(C2S_FIRST).data["aggregate"]
    sent = {
        key: read[key] for key in ("name", "availability_zone", "waffles:cell")
    }
    front("PUT", C2S_FIRST, {"aggregate": sent})
    metadata = {"waffles:cell": "c2", "a": "b"}
    action = {"set_metadata": {"metadata": metadata}}
    front("POST", f"{C2S_FIRST}/action", action)

    assert cells[1].aggregates[1] == {**before, "metadata": {"a": "b"}}


def test_a_host_of_another_cell_is_a_conflict_and_nothing_is_sent(
    front, cells
):
    with pytest.raises(exceptions.Conflict):
        front("POST", f"{C2S_FIRST}/action", {"add_host": {"host": "c1@n"}})

    assert not cells[0].asked
    assert not cells[1].asked


@pytest.mark.parametrize(
    ("method", "url", "data", "status"),
    [
        ("GET", "/os-aggregates/c2@9", None, 404),
        (
            "POST",
            "/os-aggregates/c2@1/action",
            {"add_host": {"host": "x@n"}},
            400,
        ),
        (
            "POST",
            "/os-aggregates",
            {"aggregate": {"name": "c2@a", "x": 1}},
            400,
        ),
    ],
)
def test_a_refusal_of_the_cell_is_passed_on(front, method, url, data, status):
    reply = front(method, url, data)

    assert (reply.status, front.seen) == (status, {"c2": "ok"})


def test_a_bare_id_is_that_of_the_one_cell_that_the_call_is_for(front):
    assert front.get("/os-aggregates/1", targets=["c2"]).data["aggregate"][
        "name"
    ] == ("c2@ssd")
    with pytest.raises(exceptions.Hidden, match="10000000001 or c1@1"):
        front.get("/os-aggregates/1")


@pytest.mark.parametrize("end", [End.LATE, 500, 401, 403])
def test_a_uuid_needs_the_word_of_every_cell(front, cells, end):
    cells[1].end = end
    with pytest.raises(exceptions.Unavailable, match="c2"):
        front("DELETE", f"/os-aggregates/{uuid(cells[0], 1)}")

    assert len(cells[0].aggregates) == 2


def test_a_uuid_that_no_cell_has_is_not_found(front):
    nosuch = "99999999-0000-4000-8000-000000000000"
    with pytest.raises(exceptions.Hidden, match=nosuch) as caught:
        front.get(f"/os-aggregates/{nosuch}")

    assert caught.value.code == 404


def test_a_uuid_that_two_cells_have_is_a_conflict(front, cells):
    cells[1].aggregates[1]["uuid"] = uuid(cells[0], 1)
    with pytest.raises(exceptions.Conflict, match="cells c1, c2"):
        front("DELETE", f"/os-aggregates/{uuid(cells[0], 1)}")


def test_a_uuid_is_no_id_where_nova_shows_none(front, cells):
    with pytest.raises(exceptions.Malformed, match="id must be an integer"):
        front.get(f"/os-aggregates/{uuid(cells[0], 1)}", version=(2, 40))

    assert not cells[0].asked
    front.get(f"/os-aggregates/{uuid(cells[0], 1)}", version=(2, 41))


def test_who_may_not_look_finds_no_uuid(front, cells):
    for cell in cells:
        cell.end = 403
    with pytest.raises(exceptions.Hidden) as caught:
        front.get(f"/os-aggregates/{uuid(cells[0], 1)}")

    assert caught.value.code == 403


def test_the_query_of_the_call_is_not_that_of_the_search(front, cells):
    front.get(f"/os-aggregates/{uuid(cells[0], 1)}?x=1")

    assert cells[0].paths == [
        "GET /os-aggregates",
        "GET /os-aggregates/1?x=1",
    ]


def test_a_new_aggregate_is_made_in_one_cell(front, cells):
    body = {"aggregate": {"name": "c2@new", "waffles:cell": "c2"}}
    reply = front("POST", "/os-aggregates", body)

    assert reply.data == {
        "aggregate": {
            "id": 20000000002,
            "name": "c2@new",
            "waffles:cell": "c2",
        }
    }
    assert cells[1].aggregates[2]["name"] == "new"
    assert not cells[0].asked


@pytest.mark.parametrize(
    "body", [[], {}, {"aggregate": []}, {"aggregate": {"name": 7}}]
)
def test_a_body_that_no_nova_takes_home_refuses(front, cells, body):
    reply = front("POST", "/os-aggregates", body)

    assert (reply.status, fakes.told(reply)) == (
        400,
        "'name' is a required property",
    )
    assert not cells[1].asked


@pytest.mark.parametrize("end", [End.LATE, End.BROKEN])
def test_of_a_write_that_may_have_been_done_the_client_is_told(
    front, cells, end
):
    cells[1].end = end
    with pytest.raises(exceptions.Unavailable) as caught:
        front("DELETE", C2S_FIRST)

    assert str(caught.value) == (
        "Cell c2 may have done it or not: look before you try again. Cell c2"
        " is down."
    )


@pytest.mark.parametrize(
    ("method", "end"),
    [("DELETE", End.REFUSED), ("DELETE", End.OPEN), ("GET", End.LATE)],
)
def test_where_nothing_was_done_the_client_is_told_no_more(
    front, cells, method, end
):
    cells[1].end = end
    with pytest.raises(exceptions.Unavailable) as caught:
        front(method, C2S_FIRST)

    assert str(caught.value) == "Cell c2 is down."
