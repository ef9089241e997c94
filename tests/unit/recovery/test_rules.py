import pytest
from oslo_policy import policy

from waffles import config, exceptions
from waffles.caller import Caller
from waffles.recovery import rules

NAMES = [rule.name.removeprefix(rules.PREFIX) for rule in rules.RULES]
READS = ["list", "show", "servers"]

ADMIN = Caller(user_id="root", project_id="infra", roles=("admin",))
MEMBER = Caller(user_id="ann", project_id="red", roles=("member", "reader"))
READER = Caller(user_id="ann", project_id="red", roles=("reader",))
FENCER = Caller(user_id="stonith", project_id="infra", roles=("fencer",))
NOBODY = Caller()


def _guard(tmp_path, overrides=""):
    conf = tmp_path / "waffles.conf"
    conf.write_text("[oslo_policy]\npolicy_file = policy.yaml\n")
    if overrides:
        (tmp_path / "policy.yaml").write_text(overrides)
    return rules.guard(config.read([str(conf)]))


def test_each_call_has_a_rule_of_its_own():
    names = [rule.name for rule in rules.RULES]
    known = (
        *("create", "plan"),
        *("list", "show", "servers", "log"),
        *("release", "pause", "resume", "retry", "abandon"),
        *("may_start", "return", "protection"),
        "pause_all",
    )

    assert names == [f"waffles:recovery:{name}" for name in known]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.name)
def test_each_rule_says_what_it_is_for(rule):
    assert isinstance(rule, policy.DocumentedRuleDefault)
    assert rule.scope_types == ["project"]
    assert rule.description.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_an_administrator_may_do_all(tmp_path, name):
    guard = _guard(tmp_path)
    guard.require(name, ADMIN)

    assert guard.scope(name, ADMIN) == ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "caller", [MEMBER, READER, FENCER, NOBODY], ids=lambda one: one.roles
)
def test_others_may_do_nothing(tmp_path, name, caller):
    with pytest.raises(exceptions.Hidden) as error:
        _guard(tmp_path).require(name, caller)

    assert error.value.code == 403
    assert str(error.value) == (
        f"Policy doesn't allow waffles:recovery:{name} to be performed."
    )


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("caller", [MEMBER, READER], ids=["member", "reader"])
def test_members_and_readers_may_read_what_is_their_projects(
    tmp_path, name, caller
):
    assert _guard(tmp_path).scope(name, caller) == "red"


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(READS)))
def test_of_the_others_a_project_has_nothing(tmp_path, name):
    with pytest.raises(exceptions.Hidden):
        _guard(tmp_path).scope(name, MEMBER)


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(
    "caller",
    [NOBODY, FENCER, Caller(roles=("reader",))],
    ids=["nobody", "another_role", "no_project"],
)
def test_who_has_no_project_or_no_role_reads_nothing(tmp_path, name, caller):
    with pytest.raises(exceptions.Hidden):
        _guard(tmp_path).scope(name, caller)


@pytest.mark.parametrize(
    "caller",
    [
        Caller(user_id="root", roles=("admin",), system_scope="all"),
        Caller(user_id="root", roles=("admin",), domain_id="default"),
    ],
    ids=["system", "domain"],
)
def test_a_token_that_is_not_of_a_project_is_refused_as_by_nova(
    tmp_path, caller
):
    with pytest.raises(exceptions.Hidden):
        _guard(tmp_path).require("create", caller)


class TestOfAPolicyFile:
    OPEN = '"waffles:recovery:{}": "role:admin or role:fencer"\n'

    def test_a_call_can_be_opened_to_a_role(self, tmp_path):
        guard = _guard(tmp_path, self.OPEN.format("create"))
        guard.require("create", FENCER)

        with pytest.raises(exceptions.Hidden):
            guard.require("plan", FENCER)

    def test_whom_a_role_lets_in_sees_all(self, tmp_path):
        guard = _guard(tmp_path, self.OPEN.format("list"))

        assert guard.scope("list", FENCER) == ""

    def test_a_call_can_be_closed(self, tmp_path):
        guard = _guard(tmp_path, '"waffles:recovery:create": "!"\n')

        with pytest.raises(exceptions.Hidden):
            guard.require("create", ADMIN)

    def test_rules_of_others_in_it_do_no_harm(self, tmp_path):
        guard = _guard(tmp_path, '"os_compute_api:servers:index": "@"\n')

        guard.require("create", ADMIN)

    def test_what_cannot_be_understood_lets_nobody_in(self, tmp_path):
        guard = _guard(tmp_path, '"waffles:recovery:create": "role admin"\n')

        with pytest.raises(exceptions.Hidden):
            guard.require("create", ADMIN)

    def test_a_change_counts_from_the_next_call_on(self, tmp_path):
        guard = _guard(tmp_path, '"waffles:recovery:create": "!"\n')
        with pytest.raises(exceptions.Hidden):
            guard.require("create", ADMIN)
        text = '"waffles:recovery:create": "role:admin"  # once more\n'
        (tmp_path / "policy.yaml").write_text(text)

        guard.require("create", ADMIN)

    @pytest.mark.parametrize("text", ["- a list\n", '"a": [\n', "\x00"])
    def test_one_that_cannot_be_read_stops_the_start(self, tmp_path, text):
        with pytest.raises(exceptions.ConfigError, match="policy_file"):
            _guard(tmp_path, text)
