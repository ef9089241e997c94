import json
from pathlib import Path

import pytest

from waffles.cli import app

SHIPPED = Path(__file__).parents[3] / "etc" / "api-paste.ini"
RULES = """\
[waffles_naming]
pattern = web-.*
[waffles_metadata]
defaults = owner={user_name}
"""
#: Every waffle of the shipped pipeline has its group.
ALL = f"""\
{RULES}
[waffles_networks]
[waffles_network_policy]
max_networks = 1
[waffles_recovery]
[waffles_cells]
[waffles]
auth_type = none
endpoint = http://127.0.0.1:1
"""
CREATE = {
    "method": "POST",
    "path": "/v2.1/servers",
    "body": {"server": {"name": "web-1"}},
    "user_name": "ann",
}


@pytest.fixture
def run(capsys, tmp_path):
    """Run a check of files; returns exit code, rows, standard error."""
    conf, request = tmp_path / "waffles.conf", tmp_path / "request.json"

    def run(*argv, options=RULES, given=None):
        conf.write_text(options)
        argv = ["check", "-f", "json", "--config-file", str(conf), *argv]
        if given is not None:
            request.write_text(json.dumps(given))
            argv += ["--request", str(request)]
        code = app.main(argv)
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return run


def test_nothing_wrong_is_said_plainly(run):
    assert run() == (0, [], "Nothing is wrong.\n")
    argv = "--api-paste", str(SHIPPED)
    assert run(*argv, options=ALL) == (0, [], "Nothing is wrong.\n")


def test_each_problem_is_a_row(run, tmp_path):
    code, rows, err = run(options="[waffles_naming]\npatern = x\n")

    assert (code, err) == (1, "")
    assert rows == [
        {
            "file": str(tmp_path / "waffles.conf"),
            "group": "waffles_naming",
            "option": "patern",
            "problem": "there is no such option",
        }
    ]


@pytest.mark.parametrize(
    "argv",
    [
        ["--config-file", "/none/waffles.conf"],
        ["--api-paste", "/none/api-paste.ini"],
        ["--request", "/none/request.json"],
    ],
)
def test_a_file_that_is_not_there_could_not_be_looked_at(run, argv):
    code, rows, err = run(*argv)

    assert (code, rows) == (2, None)
    assert "/none/" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "code", "outcomes"),
    [
        (CREATE, 0, ["passes changed", "passes"]),
        (CREATE | {"body": {"server": {"name": "x"}}}, 1,
         ["passes changed", "refuses"]),
        (CREATE | {"path": "/servers/x/metadata", "body": {"metadata": {}}},
         2, ["needs an answer", "passes"]),
    ],
    ids=["pass", "refused", "unknown"],
)  # fmt: skip
@pytest.mark.parametrize("paste", [False, True], ids=["alone", "in order"])
def test_a_request_has_an_answer_of_each_waffle(
    run, given, code, outcomes, paste
):
    argv = ["--api-paste", str(SHIPPED)] if paste else []
    found, rows, _ = run(*argv, given=given)
    # In order: what is behind one that does not pass it on is not known.
    asked = 1 if paste and code == 2 else 2
    ours = [row for row in rows if row["waffle"] in ("metadata", "naming")]

    assert found == code
    assert [row["outcome"] for row in ours] == outcomes[:asked]
    assert [row["waffle"] for row in ours] == ["metadata", "naming"][:asked]
    assert {row["message"] for row in rows if row not in ours} <= {
        "the waffle is off"
    }


def test_a_waffle_gets_what_the_one_above_passes_on(run, tmp_path):
    paste = tmp_path / "api-paste.ini"
    paste.write_text(
        SHIPPED.read_text()
        + "[filter:again]\nuse = egg:waffles#metadata\nconfig_group = again\n"
    )
    text = paste.read_text().replace(
        "filter-with = naming", "filter-with = again"
    )
    paste.write_text(text + "filter-with = naming\n")
    options = RULES + "[again]\nallowed_keys = team\n"
    code, rows, _ = run(
        "--api-paste", str(paste), options=options, given=CREATE
    )

    assert code == 1
    assert rows[-1]["waffle"] == "metadata (again)"
    assert "/server/metadata/owner is not one of team" in rows[-1]["message"]


def test_a_request_goes_down_the_pipeline_of_its_path(run, tmp_path):
    paste = tmp_path / "api-paste.ini"
    text = SHIPPED.read_text()
    paste.write_text(text.replace("filter-with = network_policy", ""))
    code, _, err = run("--api-paste", str(paste), given=CREATE)

    assert code == 2
    assert "no waffle stands in a pipeline" in err


def test_a_request_is_not_tried_on_a_wrong_configuration(run):
    options = "[waffles_naming]\npatern = x\n"
    code, _, err = run(options=options, given=CREATE)

    assert code == 2
    assert "[waffles_naming] patern" in err


def test_a_body_and_a_message_are_shown(run):
    _, rows, _ = run(given=CREATE | {"body": {"server": {"name": "x"}}})

    found = {row["waffle"]: row for row in rows}
    body = json.loads(found["metadata"]["body"])
    assert body["server"]["metadata"] == {"owner": "ann"}
    assert (found["naming"]["status"], found["naming"]["body"]) == (403, "")
    assert "/server/name must match web-.*" in found["naming"]["message"]
