import pytest

from waffles import checks
from waffles.caller import Caller

ANN = Caller(
    user_id="ann", project_id="red", roles=("Member",), is_admin=False
)
KEYS = ("flavor", "image")


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("role:member", True),
        ("role:admin", False),
        ("roles:Member", True),
        ("not role:admin", True),
        ("project_id:red", True),
        ("project_id:red and user_id:bob", False),
        ("(role:admin or role:member) and project_id:red", True),
        ("'gold':%(flavor)s", True),
        ("'':%(image)s", True),
        ("is_admin:False", True),
        ("@", True),
        ("!", False),
    ],
)
def test_a_check_judges_caller_and_target(text, passes):
    check = checks.Check(text, KEYS)

    assert check(ANN, {"flavor": "gold", "image": ""}) is passes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("member", "not an oslo.policy check string"),
        ("role:admin or member", "not an oslo.policy check string"),
        ("role:admin and", "not an oslo.policy check string"),
        ("(role:admin", "not an oslo.policy check string"),
        ("rule:admin_api", "'rule' is neither"),
        ("http://example.com", "'http' is neither"),
        ("projct_id:red", "'projct_id' is neither"),
        ("not (role:a or nme:b)", "'nme' is neither"),
        ("'x':%(flaver)s", r"no %\(flaver\)s here"),
        ("user_name:'bob'", "no quotes on the right"),
        ("'1':%(flavor)d", "a word or one"),
        ("'1':%(flavor)s%(image)s", "a word or one"),
        ("role:", "a word or one"),
        ("user_id:*", "a word or one"),
        ("role:admin,member", "a word or one"),
        ("'role':member", "two words that never change"),
        ("is_admin:true", "is_admin is True or False"),
    ],
)
def test_what_oslo_policy_would_take_for_nobody_is_an_error(text, reason):
    with pytest.raises(ValueError, match=reason):
        checks.Check(text, KEYS)
