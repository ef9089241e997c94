import textwrap
from pathlib import Path

import pytest

from waffles import opts
from waffles.cli import paste, places

SHIPPED = Path(__file__).parents[3] / "etc" / "api-paste.ini"

BASE = """\
[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: versions
/v2/+: old
/v2.1/+: new

[app:versions]
paste.app_factory = nova.api.openstack.compute.versions:Versions.factory

[composite:new]
use = call:nova.api.auth:pipeline_factory_v21
keystone = {new} app

[composite:old]
use = call:nova.api.auth:pipeline_factory_v21
keystone = {old} app

[app:app]
paste.app_factory = nova.api.openstack.compute:APIRouterV21.factory

[filter:legacy]
paste.filter_factory = nova.api.openstack:LegacyV2CompatibleWrapper.factory

[filter:context]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory
"""
NEW, OLD = "context", "context legacy"
NOT_IN = (
    "it does not stand in the pipeline of {}: requests there are not judged"
)
NAMING = "[filter:naming]\nuse = egg:waffles#naming\n"


@pytest.fixture
def found(tmp_path):
    """What is wrong: (group, option, problem) for each problem."""
    conf = tmp_path / "waffles.conf"

    def found(more, new=NEW, old=OLD, options="[waffles_naming]\n"):
        file = tmp_path / "api-paste.ini"
        text = BASE.format(new=new, old=old) + textwrap.dedent(more)
        file.write_text(text)
        conf.write_text(options)
        problems = places.problems(paste.Paste(str(file)), [str(conf)])
        return [tuple(problem[1:]) for problem in problems]

    return found


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (f"{NEW} naming", f"{OLD} naming"),
        (f"x {NEW} x naming", f"{OLD} naming x"),
    ],
)
def test_a_waffle_that_stands_right_is_no_problem(found, new, old):
    other = "[filter:x]\npaste.filter_factory = other:make\n"

    assert found(NAMING + other, new, old) == []


@pytest.mark.parametrize(
    ("new", "old", "problems"),
    [
        (f"{NEW} naming", OLD, [NOT_IN.format("/v2")]),
        (NEW, f"{OLD} naming", [NOT_IN.format("/v2.1")]),
        (
            f"naming {NEW}",
            f"{OLD} naming",
            [
                "in /v2.1 it does not stand below context: it does not know"
                " the caller"
            ],
        ),
        (
            "naming",
            f"{OLD} naming",
            [
                "in /v2.1 it does not stand below keystonecontext: it does"
                " not know the caller"
            ],
        ),
        (
            f"{NEW} naming",
            "context naming legacy",
            [
                "in /v2 it does not stand below legacy: it reads a"
                " microversion that Nova does not look at"
            ],
        ),
    ],
    ids=["not in v2", "not in v2.1", "above", "no context", "above legacy"],
)
def test_a_waffle_has_to_stand_in_its_place(found, new, old, problems):
    assert found(NAMING, new, old) == [
        ("filter:naming", "", problem) for problem in problems
    ]


def test_two_sections_with_one_policy_may_share_the_pipelines(found):
    more = NAMING + "[filter:naming2]\nuse = egg:waffles#naming\n"

    assert found(more, f"{NEW} naming", f"{OLD} naming2") == []


def test_two_policies_have_to_stand_in_both_pipelines(found):
    more = NAMING + "[filter:b]\nuse = egg:waffles#naming\nconfig_group = b\n"
    options = "[waffles_naming]\n[b]\n"

    assert sorted(
        found(more, f"{NEW} naming", f"{OLD} b", options=options)
    ) == [
        ("filter:b", "", NOT_IN.format("/v2.1")),
        ("filter:naming", "", NOT_IN.format("/v2")),
    ]


def test_a_section_that_no_pipeline_uses_is_a_problem(found):
    assert found(NAMING, options="") == [
        ("filter:naming", "", "no pipeline of Nova's API uses it")
    ]


def test_a_group_whose_waffle_does_not_stand_is_a_problem(found):
    ((group, option, problem),) = found("", options="[waffles_metadata]\n")

    assert (group, option) == ("waffles_metadata", "")
    assert problem.startswith("no waffle in /")
    assert problem.endswith("/api-paste.ini reads it")


def test_a_waffle_that_stands_without_a_group_is_a_problem(found, tmp_path):
    (tmp_path / "own.conf").write_text("[waffles_naming]\n")
    more = (
        NAMING
        + "config_file = %(here)s/own.conf\nconfig_group = mine\n"
        + "[filter:m]\nuse = egg:waffles#metadata\n"
        + "[filter:n]\nuse = egg:waffles#naming\n"
    )
    options = "[waffles_naming]\n[waffles_x]\n"
    file = tmp_path / "api-paste.ini"
    conf = tmp_path / "waffles.conf"
    names = "naming m n"
    file.write_text(
        BASE.format(new=f"{NEW} {names}", old=f"{OLD} {names}") + more
    )
    conf.write_text(options)
    problem = "no such group: the waffle has no rules"

    assert places.problems(paste.Paste(str(file)), [str(conf)]) == [
        (str(tmp_path / "own.conf"), "mine", "", problem),
        (str(conf), "waffles_metadata", "", problem),
        (str(conf), "waffles_x", "", "no waffle reads it"),
        (
            str(tmp_path / "own.conf"),
            "waffles_naming",
            "",
            f"no waffle in {file} reads it",
        ),
    ]


def test_a_key_that_a_waffle_does_not_take_is_a_problem(found):
    assert found(
        NAMING + "pattern = x\n", f"{NEW} naming", f"{OLD} naming"
    ) == [
        (
            "filter:naming",
            "pattern",
            "the section takes config_file and config_group only",
        )
    ]


def test_a_waffle_that_does_not_exist_is_a_problem(found):
    more = "[filter:n]\nuse = egg:waffles#namign\n"
    problems = found(more, f"{NEW} n", f"{OLD} n", options="")

    assert problems[0][:2] == ("filter:n", "use")
    assert problems[0][2].startswith(
        "there is no waffle 'namign', only cells, "
    )


def test_a_pipeline_has_to_lead_to_the_compute_api(found, tmp_path):
    file = tmp_path / "api-paste.ini"
    file.write_text(BASE.format(new=NEW, old=OLD).replace("APIRouter", "X"))
    problems = places.problems(paste.Paste(str(file)), [])

    assert [problem.problem for problem in problems] == [
        "no pipeline leads to Nova's compute API"
    ]


def test_the_file_and_the_group_of_a_section_are_checked(found, tmp_path):
    (tmp_path / "own.conf").write_text(
        "[mine]\nmode = audit\npattern = [\n[waffles_naming]\n"
    )
    more = NAMING + "config_file = %(here)s/own.conf\nconfig_group = mine\n"
    problems = found(more, f"{NEW} naming", f"{OLD} naming", options="")

    assert problems[0][:2] == ("mine", "pattern")
    assert problems[1][0] == "waffles_naming"
    assert len(problems) == 2


def test_a_config_file_that_is_not_there_is_a_problem(found):
    more = NAMING + "config_file = /none/waffles.conf\n"
    problems = found(more, f"{NEW} naming", f"{OLD} naming", options="")

    assert problems == [("", "", "cannot be read: No such file or directory")]


def test_a_file_that_nova_would_not_start_with_is_one_problem(found):
    ((_, _, problem),) = found("", f"{NEW} naming")

    assert problem.startswith("No section 'naming'")


def test_nothing_is_wrong_with_the_shipped_file(tmp_path):
    conf = tmp_path / "nova.conf"
    groups = (f"[waffles_{name}]\n" for name in opts.waffles())
    access = "[waffles]\nauth_type = none\nendpoint = http://127.0.0.1:1\n"
    conf.write_text("".join(groups) + access)

    assert places.problems(paste.Paste(str(SHIPPED)), [str(conf)]) == []
