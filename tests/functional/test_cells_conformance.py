"""One script of calls, asked of a real cell, and of proxies over such cells.

What differs is told call by call; what counts is said in
:mod:`tests.realcells.comparing`.
"""

import functools

import pytest

from tests import realcells
from tests.realcells import comparing
from tests.realcells.proxying import proxied
from tests.realcells.script import CHAPTERS
from tests.realcells.script.calls import read

HOSTS = ("host1", "host2")

#: What shows how many cells there are: two have a host of the same name.
COUNTED = {"zones_with_hosts"}


@pytest.fixture(scope="module")
def apis(tmp_path_factory):
    """A cell, a proxy over one, and a proxy over two: all begin alike."""
    folder = tmp_path_factory.mktemp("cells")
    with (
        realcells.running(4, folder, HOSTS) as (c1, c2, c3, c4),
        proxied([c2], folder / "one") as one,
        proxied([c3, c4], folder / "two") as two,
    ):
        yield c1, one, two


@pytest.fixture(scope="module")
def heard(apis):
    """What each of them has answered to a chapter, which is asked once."""
    cell, one, two = apis

    @functools.cache
    def heard(name):
        chapter = CHAPTERS[name]
        put = functools.partial(comparing.put_at, "c3")
        return (
            read(chapter(), cell),
            read(chapter(), one),
            read(chapter(), two, put),
        )

    return heard


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_proxy_over_one_cell_answers_as_the_cell(heard, chapter):
    cell, one, _ = heard(chapter)

    told = comparing.differences(cell, one)
    assert not told, "\n\n".join(told)


@pytest.mark.parametrize("chapter", sorted(CHAPTERS.keys() - COUNTED))
def test_a_proxy_over_two_equal_cells_answers_as_one_of_them(heard, chapter):
    cell, _, two = heard(chapter)

    told = comparing.differences(cell, two, home="c3")
    assert not told, "\n\n".join(told)


def test_answers_have_the_id_of_the_request_by_both_its_names(heard):
    for read_by_one in heard("flavors_made"):
        for call, answer in read_by_one:
            ids = {
                answer.headers.get("X-Compute-Request-Id"),
                answer.headers.get("X-OpenStack-Request-Id"),
            }
            assert len(ids - {None}) == len(ids) == 1, call


def test_an_answer_that_differs_is_told(heard):
    cell, _, _ = heard("flavors_made")
    call, answer = cell[0]
    headers = answer.headers.copy()
    headers["Vary"] = "Accept"
    others = [
        answer._replace(status=201),
        answer._replace(headers=headers),
        answer._replace(text=answer.text.replace("made", "mode")),
    ]

    for other in others:
        (told,) = comparing.differences(cell, [(call, other), *cell[1:]])
        assert told.startswith("POST /flavors ")
