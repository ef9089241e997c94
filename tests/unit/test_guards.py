import pytest

from waffles import config, exceptions, guards
from waffles.caller import Caller

ADMIN = Caller("u", project_id="p", roles=("admin",))
READER = Caller("u", project_id="p", roles=("reader",))

RULES = (
    guards.rule("w:all", "role:admin", "All.", "GET /a", "POST /a"),
    guards.rule(
        "w:own", "role:reader and project_id:%(project_id)s", "Own.", "GET /b"
    ),
)


@pytest.fixture
def guard():
    return guards.Guard(config.read([]), RULES, "w:")


def test_a_rule_says_what_it_guards():
    assert RULES[0].operations == [
        {"method": "GET", "path": "/a"},
        {"method": "POST", "path": "/a"},
    ]


def test_who_has_the_role_may(guard):
    guard.require("all", ADMIN)

    assert guard.allows("all", ADMIN)
    assert guard.scope("all", ADMIN) == ""


def test_who_has_not_is_refused_by_the_name_of_the_rule(guard):
    with pytest.raises(exceptions.Hidden, match="w:all to be") as caught:
        guard.require("all", READER)

    assert caught.value.code == 403
    assert not guard.allows("all", Caller())


def test_who_may_for_the_sake_of_a_project_is_confined_to_it(guard):
    assert guard.scope("own", READER) == "p"


@pytest.mark.parametrize(
    "caller", [ADMIN, Caller("u", roles=("reader",))], ids=["role", "project"]
)
def test_who_may_for_no_project_is_refused(guard, caller):
    with pytest.raises(exceptions.Hidden, match="w:own"):
        guard.scope("own", caller)


def test_a_policy_file_counts(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text('"w:all": "role:reader"\n')
    file = tmp_path / "waffles.conf"
    file.write_text(f"[oslo_policy]\npolicy_file = {policy}\n")

    assert guards.Guard(config.read([file]), RULES, "w:").allows("all", READER)


def test_a_policy_file_that_cannot_be_read_stops_the_start(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text('"w:all": "role:reader\n')
    file = tmp_path / "waffles.conf"
    file.write_text(f"[oslo_policy]\npolicy_file = {policy}\n")

    with pytest.raises(exceptions.ConfigError, match="policy_file"):
        guards.Guard(config.read([file]), RULES, "w:")
