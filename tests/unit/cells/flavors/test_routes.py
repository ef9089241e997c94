from urllib import parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cells import fakes
from waffles import exceptions
from waffles.clients.cell import End


def ids(reply):
    return [one["id"] for one in reply.data["flavors"]]


def flavors(*names, **fields):
    return [fakes.flavor(name, **fields) for name in names]


@pytest.fixture
def cells():
    """Home, with a, b and c; and two others."""
    return [
        fakes.Nova("c1", *flavors(*"abc"), fakes.flavor("p", is_public=False)),
        fakes.Nova("c2", *flavors("b", "x", ram=4096)),
        fakes.Nova("c3", *flavors("y", ram=64)),
    ]


@pytest.fixture
def front(cells):
    return fakes.Front(*cells)


def walk(front, path, query):
    """All ids that a client sees that follows the links."""
    found, pages = [], 0
    while query is not None and pages < 99:
        reply = front.get(f"{path}?{query}")
        found += ids(reply)
        pages += 1
        links = reply.data.get("flavors_links", [{"href": ""}])
        query = links[0]["href"].partition("?")[2] or None
    return found


def test_a_list_is_the_union_of_the_cells_lists(front):
    assert ids(front.get("/flavors")) == ["a", "b", "c", "x", "y"]
    assert ids(front.get("/flavors/detail")) == ["a", "b", "c", "x", "y"]
    assert front.seen == {"c1": "ok", "c2": "ok", "c3": "ok"}


def test_of_two_flavors_of_one_id_homes_is_shown(front):
    listed = front.get("/flavors/detail?sort_key=memory_mb").data["flavors"]

    assert [(one["id"], one["ram"]) for one in listed] == [
        ("y", 64),
        ("a", 512),
        ("b", 512),
        ("c", 512),
        ("x", 4096),
    ]


def test_links_lead_to_the_proxy(front):
    (first, *_) = front.get("/flavors?limit=1").data["flavors"]

    assert first == {
        "id": "a",
        "name": "m.a",
        "description": None,
        "links": [
            {"rel": "self", "href": "http://top/v2.1/flavors/a"},
            {"rel": "bookmark", "href": "http://top/flavors/a"},
        ],
    }


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("/flavors?limit=2", "/flavors?limit=2&marker=b"),
        (
            "/flavors/detail?sort_dir=asc&limit=2&marker=b",
            "/flavors/detail?limit=2&marker=x&sort_dir=asc",
        ),
        ("/flavors?limit=5", "/flavors?limit=5&marker=y"),
        ("/flavors?limit=6", None),
        ("/flavors", None),
        ("/flavors?limit=0", None),
        ("/flavors?limit=2&marker=x", None),
    ],
)
def test_a_next_link_is_there_only_where_a_page_is_full(front, url, link):
    links = front.get(url).data.get("flavors_links")

    assert links == (
        link and [{"rel": "next", "href": f"http://top/v2.1{link}"}]
    )


def test_at_most_a_thousand_are_shown_at_once():
    many = flavors(*(f"f{number:04}" for number in range(1001)))
    front = fakes.Front(
        fakes.Nova("c1", *many[:600]), fakes.Nova("c2", *many[600:])
    )

    for query in ("", "?limit=5000"):
        reply = front.get(f"/flavors{query}")
        assert len(ids(reply)) == 1000
        assert "marker=f0999" in reply.data["flavors_links"][0]["href"]
    assert ids(front.get("/flavors?limit=5000&marker=f0999")) == ["f1000"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("is_public=None", "abcpxy"),
        ("is_public=false", "p"),
        ("minRam=100", "abcx"),
        ("minRam=64&minRam=1000", "bx"),
        ("minDisk=2", ""),
        ("is_public=None&minRam=64&limit=2&marker=b", "cp"),
    ],
)
def test_filters_are_the_cells_affair(front, query, expected):
    assert "".join(ids(front.get(f"/flavors?{query}"))) == expected


def test_a_filter_by_name_is_sent_where_nova_has_one(front, cells):
    asked = front.get("/flavors?name=m.[xy]", version=(2, 102))

    assert ids(asked) == ["x", "y"]
    assert len(ids(front.get("/flavors?name=x", version=(2, 74)))) == 5
    assert "name=x" not in cells[0].paths[-1]


@pytest.mark.parametrize(
    ("url", "version", "message"),
    [
        ("?limit=-1", (2, 1), "Invalid input for limit: -1"),
        ("?sort_key=ram", (2, 1), "Invalid input for sort_key: ram"),
        ("?sort_dir=up", (2, 1), "Invalid input for sort_dir: up"),
        ("/detail?junk=1", (2, 75), "Additional properties are not allowed"),
        ("?minRam=x", (2, 1), "Invalid minRam filter"),
    ],
)
def test_a_query_is_refused_in_the_words_of_home(front, url, version, message):
    reply = front.get(f"/flavors{url}", version=version)

    assert (reply.status, fakes.told(reply)) == (400, message)


@pytest.mark.parametrize("end", [End.LATE, 503])
def test_a_query_is_refused_without_home_too(front, cells, end):
    cells[0].end = end
    with pytest.raises(exceptions.Malformed, match="none that Nova takes"):
        front.get("/flavors?limit=x")


def test_a_query_that_home_takes_against_our_reading_is_refused(front, cells):
    cells[0].body = {"flavors": []}
    with pytest.raises(exceptions.Malformed, match="none that Nova takes"):
        front.get("/flavors?limit=x")


def test_an_unknown_marker_is_refused_as_nova_does(front):
    for marker in ("nosuch", "c1@a", "", ".."):
        with pytest.raises(exceptions.Malformed) as caught:
            front.get(f"/flavors?marker={marker}")
        assert str(caught.value) == f"marker [{marker}] not found"


def test_a_marker_may_be_known_to_a_cell_that_is_down(front, cells):
    cells[2].end = End.REFUSED
    with pytest.raises(exceptions.Unavailable, match="no answer of cell c3"):
        front.get("/flavors?marker=y")

    assert ids(front.get("/flavors?marker=b")) == ["c", "x"]


def test_a_marker_may_be_a_flavor_that_the_filters_leave_out(front):
    assert ids(front.get("/flavors?minRam=100&marker=p")) == ["x"]
    assert ids(front.get("/flavors?minRam=100&marker=y")) == []
    behind = "/flavors?sort_key=memory_mb&sort_dir=desc&minRam=100&marker=y"
    assert ids(front.get(behind)) == []


def test_where_a_filtered_marker_stands_in_a_hidden_order_nobody_knows(front):
    with pytest.raises(exceptions.Malformed, match=r"marker \[p\] not found"):
        front.get("/flavors?sort_key=created_at&marker=p")


def test_by_what_no_body_shows_home_sorts(cells):
    cells[0].flavors[0]["created_at"] = "2026-03-01"
    cells[0].flavors[1]["created_at"] = "2026-02-01"
    front = fakes.Front(*cells)

    assert ids(front.get("/flavors?sort_key=created_at")) == list("cbaxy")
    descending = "/flavors?sort_key=created_at&sort_dir=desc"
    assert ids(front.get(descending)) == list("abcyx")
    cells[0].end = End.LATE
    assert ids(front.get("/flavors?sort_key=created_at")) == list("bxy")


def test_two_equal_cells_give_the_order_of_one():
    rows = [*flavors(*"cab", ram=1), *flavors(*"fed", ram=2, swap=5)]
    one = fakes.Front(fakes.Nova("c1", *rows))
    two = fakes.Front(fakes.Nova("c1", *rows), fakes.Nova("c2", *rows[::-1]))

    for key in fakes.SORT_KEYS:
        for way in ("asc", "desc"):
            url = f"/flavors/detail?sort_key={key}&sort_dir={way}&limit=4"
            assert one.get(url) == two.get(url), (key, way)


def test_one_cell_is_asked_what_the_client_asks_and_links_are_ours(cells):
    front = fakes.Front(cells[0])
    reply = front.get("/flavors/detail?limit=1&sort_key=name")
    (flavor,) = reply.data["flavors"]

    assert cells[0].paths == ["GET /flavors/detail?limit=1&sort_key=name"]
    assert flavor["links"][0]["href"] == "http://top/v2.1/flavors/a"
    assert reply.data["flavors_links"] == [
        {
            "rel": "next",
            "href": "http://top/v2.1/flavors/detail?limit=1&sort_key=name"
            "&marker=a",
        }
    ]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"flavors": None, "flavors_links": None},
        {"flavors": ["x"], "flavors_links": ["x"]},
    ],
)
def test_what_one_cell_says_is_passed_on_as_it_is(body):
    odd = fakes.Nova("c1")
    odd.body = body

    assert fakes.Front(odd).get("/flavors").data == body


def test_a_refusal_of_one_cell_is_passed_on(cells):
    front = fakes.Front(cells[0])
    reply = front.get("/flavors?marker=nosuch")

    assert reply.status == 400
    assert fakes.told(reply) == "marker [nosuch] not found"


def test_a_list_may_be_that_of_a_cell_that_is_named(front, cells):
    assert ids(front.get("/flavors", targets=["c2"])) == ["b", "x"]
    assert ids(front.get("/flavors", targets=["c2", "c3"])) == ["b", "x", "y"]
    assert not cells[0].asked


@pytest.mark.parametrize("end", [*End][1:])
def test_a_cell_that_is_down_is_left_out_and_named(front, cells, end):
    cells[1].end = end

    assert ids(front.get("/flavors")) == ["a", "b", "c", "y"]
    assert front.seen == {"c1": "ok", "c2": end.value, "c3": "ok"}


def test_without_home_there_is_what_the_others_have(front, cells):
    cells[0].end = End.LATE

    assert ids(front.get("/flavors?limit=2")) == ["b", "x"]
    assert ids(front.get("/flavors?limit=2&marker=x")) == ["y"]


def test_a_list_without_a_cell_may_be_refused(cells):
    cells[2].end = 502
    front = fakes.Front(*cells, on_cell_down="fail")
    with pytest.raises(exceptions.Unavailable, match=r"c3 \(502\)"):
        front.get("/flavors")

    assert front.seen["c3"] == "502"


def test_a_token_that_another_cell_refuses_is_no_matter_of_the_client(
    front, cells
):
    cells[1].end = 401

    assert ids(front.get("/flavors")) == ["a", "b", "c", "y"]
    assert front.seen["c2"] == "401"


def test_a_cell_that_refuses_alone_is_named(front, cells):
    cells[1].end = 403

    assert ids(front.get("/flavors")) == ["a", "b", "c", "y"]
    assert front.seen["c2"] == "403"


@pytest.mark.parametrize("status", [401, 403])
def test_what_home_does_not_let_the_caller_see_nobody_shows(
    front, cells, status
):
    cells[0].end = status

    assert front.get("/flavors").status == status


def test_without_any_answer_there_is_no_list(front, cells):
    for cell in cells:
        cell.end = End.REFUSED
    with pytest.raises(exceptions.Unavailable, match="No cell answers: c1"):
        front.get("/flavors")


VERSIONS = [(2, 1), (2, 60), (2, 75), (2, 102)]


@st.composite
def rows(draw):
    """The flavors of one cell, in the order of its database."""
    names = draw(st.lists(st.sampled_from("abcdefgh"), unique=True))
    few = st.integers(0, 2)
    return [
        fakes.flavor(
            name,
            name=draw(st.sampled_from(["n", "N", "o"])) + name,
            ram=draw(few),
            disk=draw(few),
            vcpus=draw(few),
            swap=draw(few),
            ephemeral=draw(few),
            disabled=draw(st.booleans()),
            rxtx=draw(st.sampled_from([0.0, 0.5, 1.0])),
            description=draw(st.sampled_from([None, "", "x"])),
            updated_at=draw(st.sampled_from([None, "2026"])),
        )
        for name in names
    ]


@given(
    st.lists(rows(), min_size=2, max_size=3),
    st.sampled_from(sorted(fakes.SORT_KEYS)),
    st.sampled_from(["asc", "desc"]),
    st.sampled_from(VERSIONS),
    st.sampled_from(["/flavors", "/flavors/detail"]),
    st.integers(1, 9),
)
def test_a_walk_of_any_page_size_gives_each_id_once(
    cells, key, way, version, path, size
):
    if key == "rxtx_factor" and version == (2, 102):
        key = "name"
    front = fakes.Front(
        *(
            fakes.Nova(f"c{number}", *found, most=3)
            for number, found in enumerate(cells, 1)
        )
    )
    front.version = version
    query = parse.urlencode({"limit": size, "sort_key": key, "sort_dir": way})
    found = walk(front, path, query)
    every = ids(front.get(f"{path}?sort_key={key}&sort_dir={way}"))

    assert sorted(found) == sorted({row["id"] for c in cells for row in c})
    assert found == every
