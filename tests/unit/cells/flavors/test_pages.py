import pytest

from tests.unit.cells import fakes
from waffles.cells.flavors import pages
from waffles.clients.cell import End


def ids(reply):
    return [one["id"] for one in reply.data["flavors"]]


def flavors(*names, **fields):
    return [fakes.flavor(name, **fields) for name in names]


def test_each_cell_is_read_to_its_end_with_its_own_markers():
    c1 = fakes.Nova("c1", *flavors(*"abcdefg"), most=3)
    c2 = fakes.Nova("c2", *flavors(*"bxyz"), most=2)
    c3 = fakes.Nova("c3", *flavors("q"))
    front = fakes.Front(c1, c2, c3)

    assert ids(front.get("/flavors")) == list("abcdefgqxyz")
    assert [p.partition("marker=")[2] for p in c1.paths] == ["", "c", "f"]
    assert [p.partition("marker=")[2] for p in c2.paths] == ["", "x", "z"]
    assert len(c3.paths) == 1


def test_only_home_is_asked_in_an_order():
    c1, c2 = fakes.Nova("c1", *flavors("a")), fakes.Nova("c2")
    fakes.Front(c1, c2).get("/flavors?sort_key=name&sort_dir=desc")

    assert c1.paths == ["GET /flavors/detail?limit=1000&sort_key=name"]
    assert c2.paths == ["GET /flavors/detail?limit=1000"]


def test_what_nova_leaves_out_where_it_sorts_by_null_is_not_missing():
    rows = flavors(*"cbad")
    rows[0]["updated_at"] = "2026-01-01"
    c1 = fakes.Nova("c1", *rows, most=2)
    front = fakes.Front(c1, fakes.Nova("c2"))
    lossy = fakes.Front(c1)

    first = lossy.get("/flavors?sort_key=updated_at&limit=2")
    rest = lossy.get("/flavors?sort_key=updated_at&limit=2&marker=a")
    assert ids(first) + ids(rest) == list("bad")
    assert ids(front.get("/flavors?sort_key=updated_at")) == list("badc")
    assert [p.partition("sort_key=")[2] for p in c1.paths[2:]] == [
        "updated_at",
        "updated_at&marker=a",
        "",
        "",
        "",
    ]


def test_the_next_pages_of_all_cells_are_asked_for_at_once():
    novas = [
        fakes.Nova(name, *flavors(*"abcd"), most=2)
        for name in ("c1", "c2", "c3")
    ]
    front = fakes.Front(*novas)
    front.get("/flavors")

    assert front.rounds == [["c1", "c2", "c3"]] * 3


@pytest.mark.parametrize("end", [End.LATE, End.REFUSED, 500, 400, 404])
def test_a_cell_that_does_not_end_its_list_is_left_out(end):
    class Dying(fakes.Nova):
        def answer(self, question):
            if len(self.asked) == 1:
                self.end = end
            return super().answer(question)

    front = fakes.Front(
        fakes.Nova("c1", *flavors("a")), Dying("c2", *flavors(*"xyz"), most=2)
    )

    assert ids(front.get("/flavors")) == ["a"]
    assert front.seen["c1"] == "ok"
    assert front.seen["c2"] != "ok"


@pytest.mark.parametrize(
    "body",
    [
        {"flavors": [{"id": "x"}], "flavors_links": [{"rel": "next"}]},
        {"flavors": [{"id": 7}], "flavors_links": [{"rel": "next"}]},
        {"flavors": [{"id": "a@b"}], "flavors_links": [{"rel": "next"}]},
        {"flavors": {}},
    ],
    ids=["the same again", "no id", "no id of Nova", "no list"],
)
def test_a_hostile_list_costs_its_own_part_only(body):
    hostile = fakes.Nova("c2")
    hostile.body = body
    front = fakes.Front(fakes.Nova("c1", *flavors("a")), hostile)

    assert ids(front.get("/flavors")) == ["a"]
    assert front.seen == {"c1": "ok", "c2": "broken"}
    assert len(hostile.asked) < 3


def test_a_list_without_end_is_given_up(monkeypatch):
    class Endless(fakes.Nova):
        def answer(self, question):
            self.body = {
                "flavors": [{"id": f"x{len(self.asked)}"}],
                "flavors_links": [{"rel": "next"}],
            }
            return super().answer(question)

    monkeypatch.setattr(pages, "MOST_PAGES", 4)
    endless, slow = Endless("c2"), Endless("c3")
    slow.seconds = 2.6
    front = fakes.Front(fakes.Nova("c1", *flavors("a")), endless, slow)

    assert ids(front.get("/flavors")) == ["a"]
    assert front.seen == {"c1": "ok", "c2": "broken", "c3": "broken"}
    assert (len(endless.asked), len(slow.asked)) == (4, 2)


def test_links_of_an_empty_page_lead_nowhere():
    odd = fakes.Nova("c2")
    odd.body = {"flavors": [], "flavors_links": [{"rel": "next"}]}
    front = fakes.Front(fakes.Nova("c1", *flavors("a")), odd)

    assert ids(front.get("/flavors")) == ["a"]
    assert front.seen == {"c1": "ok", "c2": "ok"}
