import pytest

from waffles import exceptions
from waffles.cli import configuration
from waffles.cli.configuration import Use


@pytest.fixture
def found(tmp_path):
    file = tmp_path / "waffles.conf"

    def found(text):
        file.write_text(text)
        uses = configuration.default_uses([str(file)])
        problems = configuration.problems(uses, [str(file)])
        assert {problem.file for problem in problems} <= {str(file)}
        return [tuple(problem[1:]) for problem in problems]

    return found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[DEFAULT]\nanything = x\n[api]\nx = y\n",
        "[waffles_naming]\npattern = web-.*\nunique = cloud\n",
        "[WAFFLES_NAMING]\nmode = off\n",
    ],
    ids=["empty", "nova's", "right", "capitals"],
)
def test_what_is_right_is_no_problem(found, text):
    assert found(text) == []


def test_an_error_says_where_it_is():
    error = exceptions.ConfigError("why: x", "/a.conf", "g", "o")

    assert configuration.of_error(error) == ("/a.conf", "g", "o", "why: x")


@pytest.mark.parametrize(
    ("group", "label"),
    [("waffles_naming", "naming"), ("gpu", "naming (gpu)")],
)
def test_a_waffle_with_a_group_of_another_name_says_so(group, label):
    assert Use("naming", (), group).label == label


def test_a_use_knows_whether_it_is_configured(tmp_path):
    file = tmp_path / "waffles.conf"
    file.write_text("[Waffles_Naming]\n")

    assert Use("naming", (str(file),), "waffles_naming").configured
    assert not Use("naming", (str(file),), "other").configured
