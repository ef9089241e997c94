import pytest

from waffles import config, guards
from waffles.caller import Caller
from waffles.cells import rules

NAMES = [rule.name.removeprefix(rules.PREFIX) for rule in rules.RULES]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("role", "may"), [("admin", True), ("member", False), ("reader", False)]
)
def test_rules_are_for_administrators(name, role, may):
    guard = guards.Guard(config.read([]), rules.RULES, rules.PREFIX)

    assert guard.allows(name, Caller("u", roles=(role,))) is may
