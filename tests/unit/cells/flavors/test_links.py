import pytest

from waffles.cells.flavors import links


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("http://n/v2.1", "http://n"),
        ("http://n/v2.1/9f-e", "http://n/9f-e"),
        ("http://n:8774/compute/v2/9f", "http://n:8774/compute/9f"),
        ("http://n/v2.1/v2.1", "http://n/v2.1"),
        ("http://n/compute", "http://n/compute"),
        ("http://v2.1", "http://v2.1"),
    ],
)
def test_bookmarks_have_no_version(base, expected):
    assert links.unversioned(base) == expected


def test_links_to_a_record_lead_to_us_and_others_stay():
    record = {
        "id": "a b",
        "links": [
            {"rel": "self", "href": "http://cell/v2.1/flavors/a b"},
            {"rel": "bookmark", "href": "http://cell/flavors/a b", "x": 1},
            {"rel": "other", "href": "http://elsewhere"},
            {"rel": ["self"]},
            "junk",
        ],
    }

    assert links.relinked(record, "http://top/v2.1/p", "/flavors/a b") == {
        "id": "a b",
        "links": [
            {"rel": "self", "href": "http://top/v2.1/p/flavors/a b"},
            {"rel": "bookmark", "href": "http://top/p/flavors/a b", "x": 1},
            {"rel": "other", "href": "http://elsewhere"},
            {"rel": ["self"]},
            "junk",
        ],
    }


def test_a_record_without_links_gets_none():
    record = {"id": "1", "links": None}

    assert links.relinked(record, "http://top", "/flavors/1") is record


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([], "marker=m"),
        ([("sort_key", "id"), ("limit", "2")], "limit=2&sort_key=id&marker=m"),
        ([("marker", "a"), ("sort_dir", "asc")], "marker=m&sort_dir=asc"),
        ([("limit", "3"), ("limit", "2")], "limit=3&marker=m"),
        ([("minRam", "")], "minRam=&marker=m"),
    ],
)
def test_the_next_link_has_the_query_as_nova_writes_it(query, expected):
    assert links.following("http://top/flavors", query, "m") == [
        {"rel": "next", "href": f"http://top/flavors?{expected}"}
    ]
