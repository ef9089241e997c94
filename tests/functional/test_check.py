"""The check of what is not yet in use, held against the real Nova."""

import json
from importlib import metadata
from pathlib import Path

import pytest

from waffles.cli import app, paste
from waffles.demo import cloud as demo

SHIPPED = Path(__file__).parents[2] / "etc" / "api-paste.ini"

RULES = """\
[waffles_naming]
pattern = chk-[a-z0-9-]+
exempt = role:admin
[waffles_metadata]
required_keys = owner
defaults = owner={user_name}
immutable_keys = owner
"""


def _caller(user):
    return {
        "user": user.name,
        "user_name": user.name,
        "project": user.project_id,
        "project_name": user.project,
        "roles": list(user.roles),
    }


#: From top to bottom, as in the shipped pipeline.
WAFFLES = [
    "cells",
    "recovery",
    "metadata",
    "naming",
    "networks",
    "network_policy",
]


@pytest.fixture
def check(tmp_path, capsys):
    """What each waffle would answer: its name -> the row."""
    conf, file = tmp_path / "waffles.conf", tmp_path / "request.json"
    conf.write_text(RULES)

    def check(**request):
        file.write_text(json.dumps(request))
        app.main(
            [
                "check",
                *("--config-file", str(conf)),
                *("--api-paste", str(SHIPPED)),
                *("--request", str(file)),
                *("-f", "json"),
            ]
        )
        return json.loads(capsys.readouterr().out)

    return check


@pytest.mark.parametrize("prefix", ["/v2.1", "/v2"])
@pytest.mark.parametrize(
    "user", [demo.DEMO, demo.ADMIN], ids=["demo", "admin"]
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/servers", {"server": {"name": "chk-1"}}),
        ("/servers", {"server": {"name": "Bad"}}),
        ("/servers", {"server": {"name": "Bad", "metadata": {"OWNER": "x"}}}),
        ("/servers", {"server": {"name": 5}}),
        ("/servers", {"server": {"name": "chk", "max_count": 2000}}),
        ("/os-volumes_boot", {"server": {"name": "Bad"}}),
        ("/servers/x/action", {"nothing": {}}),
        ("/servers/x/action", {"createImage": {"name": "any"}}),
    ],
)
def test_a_request_is_answered_as_by_the_pipeline(
    check, configured, prefix, user, path, body
):
    rows = check(method="POST", path=prefix + path, body=body, **_caller(user))
    nova = configured(RULES).call("POST", prefix + path, body, user=user)
    (fault,) = nova.json.values()

    if rows[-1]["outcome"] == "refuses":
        assert rows[-1]["status"] == nova.status_int
        assert rows[-1]["message"] == fault["message"]
    else:
        assert [row["waffle"] for row in rows] == WAFFLES
        assert "this cloud's" not in fault["message"]


def test_with_novas_answers_it_is_answered_as_by_the_pipeline(
    check, configured, nova
):
    server = nova.server(name="chk-meta", metadata={"owner": "ann"})
    path = f"/servers/{server['id']}/metadata"
    present = nova.call("GET", f"/v2.1{path}").json
    body = {"metadata": {"owner": "bob"}}
    request = {"method": "POST", "path": f"/v2.1{path}", "body": body}
    real = configured(RULES).call("POST", f"/v2.1{path}", body)

    *_, unknown = check(**request, **_caller(demo.DEMO))
    *_, known = check(**request, **_caller(demo.DEMO), answers={path: present})

    assert unknown["outcome"] == "needs an answer"
    assert unknown["message"] == f"to GET {path}"
    assert (known["outcome"], known["status"]) == ("refuses", 403)
    assert known["message"] == real.json["forbidden"]["message"]


def test_pipelines_are_read_as_nova_builds_them(configured):
    """But for the waffles that the rules leave off: they are not there."""
    off = {f"waffles.filters.{name}" for name in WAFFLES if name not in RULES}
    read = {
        pipeline.path: [
            maker
            for part in pipeline.parts
            if (maker := _maker(part.target)) not in off
        ]
        for pipeline in paste.Paste(str(SHIPPED)).pipelines()
        if pipeline.path.endswith("/+")
    }
    built = {
        path: list(_stack(below))
        for (_, path), below in configured(RULES).app.applications
        if path.endswith("/+")
    }

    assert read == built


def _maker(target):
    """The module that makes a part of the pipeline."""
    if target.startswith("egg:waffles#"):
        return f"waffles.filters.{target.partition('#')[2]}"
    made = metadata.EntryPoint("", target, "").load()
    return getattr(made, "__self__", made).__module__


def _stack(below):
    """The modules of what stands below, from top to bottom."""
    while below is not None:
        yield type(below).__module__
        kept = ("application", "app", "_app")
        below = next((vars(below)[k] for k in kept if k in vars(below)), None)
