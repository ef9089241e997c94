import pytest

from waffles import exceptions
from waffles.recovery.endpoint import paging
from waffles.recovery.endpoint.paging import Page


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, Page(1000)),
        ({"limit": "20"}, Page(20)),
        ({"limit": "0"}, Page(0)),
        ({"limit": "007"}, Page(7)),
        ({"limit": "1001"}, Page(1000)),
        ({"limit": "9" * 5000}, Page(1000)),
        ({"marker": "m"}, Page(1000, "m")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_page_is_as_long_as_asked_and_no_longer_than_allowed(query, page):
    assert paging.page(query, 1000) == page


@pytest.mark.parametrize(
    "limit", ["", "-1", "1.0", "x", " 1", "1\n", "٣", "1e3", "+1"], ids=repr
)
def test_a_limit_that_is_no_number_is_malformed(limit):
    with pytest.raises(exceptions.Malformed, match="limit"):
        paging.page({"limit": limit}, 1000)


def _answer(found, limit):
    return paging.answer(
        "items",
        found,
        Page(limit),
        lambda one: {"n": one},
        lambda one: f"?marker={one}",
    )


def test_a_full_page_links_to_the_next():
    assert _answer([1, 2, 3], 2) == {
        "items": [{"n": 1}, {"n": 2}],
        "items_links": [{"rel": "next", "href": "?marker=2"}],
    }


@pytest.mark.parametrize("found", [[], [1], [1, 2]], ids=len)
def test_the_last_page_links_to_nothing(found):
    assert _answer(found, 2) == {"items": [{"n": n} for n in found]}


def test_an_empty_page_has_no_next():
    assert _answer([1], 0) == {"items": []}


def test_one_more_is_looked_for():
    assert Page(2).wanted == 3
