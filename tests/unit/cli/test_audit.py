import io
import json

import pytest

from tests.unit.cli.test_walk import FakeCloud, _server
from waffles.cli import app, audit

ACCESS = "[waffles]\nauth_type = none\nendpoint = http://nova.example.com\n"
RULES = "[waffles_naming]\npattern = web\nunique = project\n"
NETWORKS = "[waffles_networks]\nuser_networks = refuse\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run an audit of a fake cloud; returns exit code, rows, stderr."""
    conf = tmp_path / "waffles.conf"

    def run(cloud, *argv, options=ACCESS + RULES):
        monkeypatch.setattr(audit.nova, "Nova", lambda access: cloud)
        conf.write_text(options)
        argv = ["audit", "-f", "json", "--config-file", str(conf), *argv]
        code = app.main(argv)
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return run


def test_a_cloud_that_keeps_the_rules_is_clean(run):
    assert run(FakeCloud(_server("1"))) == (
        0,
        [],
        "Servers looked at: 1. Violations found: 0.\n",
    )


def test_each_violation_is_a_row(run):
    code, rows, err = run(FakeCloud(_server("1", "x")))

    assert code == 1
    assert rows == [
        {
            "project": "red",
            "server_id": "1",
            "name": "x",
            "policy": "naming",
            "pointer": "/name",
            "reason": "must match web",
        }
    ]
    assert err == "Servers looked at: 1. Violations found: 1.\n"


def test_both_bearers_of_a_name_are_rows(run):
    cloud = FakeCloud(
        _server("1"), _server("2"), _server("3", tenant_id="blue")
    )
    _, rows, _ = run(cloud)

    assert [row["server_id"] for row in rows] == ["1", "2"]
    assert {row["reason"] for row in rows} == {
        "is the name of another server of this project"
    }


def test_what_could_not_be_seen_counts_more_than_what_was_found(run):
    code, rows, err = run(FakeCloud(_server("1", "x"), down=[["h1"], []]))

    assert (code, len(rows)) == (2, 1)
    assert "hosts (h1) cannot be seen" in err


def test_a_project_is_asked_for_by_its_id(run):
    cloud = FakeCloud(_server("1"))
    run(cloud, "--project", "red")

    assert cloud.asked == ["cells", "red", "red", "cells"]


def test_a_project_without_a_server_may_be_a_wrong_id(run):
    sentence = "Nova shows no server of project red: is that its id?"
    code, rows, err = run(FakeCloud(), "--project", "red")

    assert (code, rows) == (2, [])
    assert err.splitlines()[1:] == [sentence]
    assert run(FakeCloud())[0] == 0
    down = FakeCloud(down=[["h1"], []])
    assert sentence not in run(down, "--project", "red")[2]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (ACCESS, "There is nothing to audit by"),
        (ACCESS + RULES + "mode = off\n", "There is nothing to audit by"),
        (ACCESS + NETWORKS, "There is nothing to audit by"),
        (RULES, "[waffles] auth_type: is required"),
        (ACCESS + RULES + "x = y\n", "[waffles_naming] x: there is no such"),
    ],
    ids=["no rules", "off", "no audit", "no access", "wrong rules"],
)
def test_it_is_said_when_nothing_can_be_looked_at(run, options, sentence):
    code, rows, err = run(FakeCloud(), options=options)

    assert (code, rows) == (2, None)
    assert sentence in err


@pytest.mark.parametrize("mode", ["enforce", "warn", "audit"])
def test_servers_are_judged_in_any_other_mode(run, mode):
    options = f"{ACCESS}{RULES}mode = {mode}\n"

    assert run(FakeCloud(_server("1", "x")), options=options)[0] == 1


def test_the_policies_of_an_api_paste_are_those_that_count(run, tmp_path):
    paste = tmp_path / "api-paste.ini"
    paste.write_text(
        "[composite:osapi_compute]\nuse = egg:Paste#urlmap\n/v2.1/+: app\n"
        "[app:app]\nfilter-with = strict\n"
        "paste.app_factory = nova.api.openstack.compute:APIRouterV21.factory\n"
        "[filter:strict]\nuse = egg:waffles#naming\nconfig_group = strict\n"
    )
    options = ACCESS + RULES + "[strict]\nmin_length = 9\n"
    cloud = FakeCloud(_server("1"))
    _, rows, _ = run(cloud, "--api-paste", str(paste), options=options)

    assert [row["policy"] for row in rows] == ["naming (strict)"]


def test_a_terminal_sees_the_progress(run, monkeypatch):
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    run(FakeCloud(_server("1")))

    assert "names:" in terminal.getvalue()
    assert "servers:" in terminal.getvalue()
