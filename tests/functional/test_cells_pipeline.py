"""The proxy in the pipeline of a real Nova, which is the home of two cells.

The same script of calls as in ``test_cells_conformance``, by ``/v2.1`` and by
``/v2``.
"""

import functools

import pytest

from tests import realcells
from tests.realcells import asking, comparing
from tests.realcells.proxying import text
from tests.realcells.script import CHAPTERS
from tests.realcells.script.calls import read

HOSTS = ("host1", "host2")

#: What shows how many cells there are: two have a host of the same name.
COUNTED = {"zones_with_hosts"}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Three that begin alike: the second is above the third."""
    folder = tmp_path_factory.mktemp("cells")
    with realcells.running(3, folder, HOSTS) as (plain, top, below):
        top.stop()
        top.configure(text([top, below], local=top))
        top.start()
        yield plain, top, below


def refuse_differences(plain, top, name):
    """Fail where the two answer to a chapter otherwise."""
    chapter = CHAPTERS[name]
    put = functools.partial(comparing.put_at, "c2")
    expected = read(chapter(), plain)
    found = read(chapter(), top, put)
    told = comparing.differences(expected, found, home="c2")
    assert not told, "\n\n".join(told)


@pytest.mark.parametrize("chapter", sorted(CHAPTERS.keys() - COUNTED))
def test_the_top_of_two_cells_answers_as_one_cell(cells, chapter):
    plain, top, _ = cells

    refuse_differences(plain, top, chapter)


@pytest.mark.parametrize("chapter", ["flavors_made", "aggregates"])
def test_the_top_of_two_cells_answers_as_one_cell_by_v2(cells, chapter):
    old = [cell.url.replace("/v2.1", "/v2") for cell in cells]

    refuse_differences(asking.Api(old[0]), asking.Api(old[1]), chapter)


def test_what_is_made_at_the_top_is_in_both_cells(cells):
    _, top, below = cells
    top.flavor("everywhere")
    try:
        answer = top.call("GET", "/flavors/everywhere")
        assert answer.status == 200
        assert below.call("GET", "/flavors/everywhere").status == 200
        listed = top.call("GET", "/flavors")
        assert listed.headers["X-Waffles-Cells"] == "c2=ok;c3=ok"
    finally:
        top.done("DELETE", "/flavors/everywhere")
    assert below.call("GET", "/flavors/everywhere").status == 404


def test_all_else_is_the_top_novas_own(cells):
    _, top, _ = cells
    services = top.done("GET", "/os-services")["services"]

    assert {one["host"] for one in services} == {*HOSTS}
