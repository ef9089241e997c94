import pytest

from waffles import exceptions
from waffles.cells import paths
from waffles.cells.paths import Path

NAMES = {"flavors", "os-aggregates"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/flavors", Path(None, ("flavors",))),
        ("/flavors/", Path(None, ("flavors", ""))),
        ("/abc-1/flavors/x y", Path("abc-1", ("flavors", "x y"))),
        ("/os-aggregates/c1@1", Path(None, ("os-aggregates", "c1@1"))),
        ("/flavors\n", Path(None, ("flavors",))),
        ("/flavors/a\n", Path(None, ("flavors", "a"))),
        ("/flavors/\n", Path(None, ("flavors", "\n"))),
        ("/xyz/flavors", None),
        ("/servers", None),
        ("/abc", None),
        ("/", None),
        ("", None),
        ("//flavors", None),
        ("flavors", None),
    ],
    ids=str,
)
def test_a_path_is_of_a_collection_or_not(path, found):
    assert paths.of_environ({"PATH_INFO": path}, NAMES) == found


@pytest.mark.parametrize("project_id", [None, "abc"])
def test_the_callers_own_project_may_stand_in_front(project_id):
    assert paths.refuse_project(Path(project_id, ("flavors",)), "abc") is None


def test_the_project_of_another_may_not():
    with pytest.raises(exceptions.Malformed, match="project_id 'def' doesn't"):
        paths.refuse_project(Path("def", ("flavors",)), "abc")


@pytest.mark.parametrize(
    ("parts", "ids"),
    [
        (("flavors", "1", "os-extra_specs", "hw:a"), ("1", "hw:a")),
        (("flavors", "\xc3\xa9", "os-extra_specs", "b"), ("é", "b")),
        (("flavors", "\xe9", "os-extra_specs", "b"), ("\udce9", "b")),
        (("flavors", "", "os-extra_specs", "b"), None),
        (("flavors", "1", "os-flavor-access", "b"), None),
        (("flavors", "1"), None),
    ],
    ids=str,
)
def test_a_template_matches_whole_paths(parts, ids):
    found = paths.matched("/flavors/{flavor_id}/os-extra_specs/{key}", parts)

    assert (found and tuple(found.values())) == ids


def test_parts_are_quoted_whole():
    assert paths.quoted("flavors", "a/b?é", 7) == "/flavors/a%2Fb%3F%C3%A9/7"


def test_what_is_no_text_is_kept_as_it_came():
    (found,) = paths.matched("/{x}", ("\xff",)).values()

    assert paths.quoted(found) == "/%FF"
