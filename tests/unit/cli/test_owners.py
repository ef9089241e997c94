import dataclasses

import pytest

from waffles import checks, policy, targets
from waffles.cli import owners

SERVER = {
    "user_id": "ann",
    "tenant_id": "red",
    "flavor": {"id": "gpu"},
    "image": {"id": "ubuntu"},
    "OS-EXT-AZ:availability_zone": "west",
}


def _judge(when):
    check = checks.Check(when, targets.Target._fields) if when else None
    of = policy.Policy(
        name="naming",
        mode=policy.Mode.ENFORCE,
        when=check,
        exempt=None,
        help_url=None,
        notify=lambda event, record: None,
    )
    return owners.Judge(of)


@pytest.mark.parametrize(
    ("when", "applies"),
    [
        ("", True),
        ("'gpu':%(flavor)s", True),
        ("not 'gpu':%(flavor)s", False),
        ("user_id:ann", True),
        ("user_id:bob", False),
        ("project_id:red and 'west':%(availability_zone)s", True),
        ("project_id:blue", False),
        ("role:member", True),
        ("not role:admin", True),
        ("role:a and not role:b", True),
        ("role:a and not role:a", False),
        ("role:member and 'cpu':%(flavor)s", False),
        ("user_name:ann and not user_name:bob", True),
        ("user_name:ann and user_name:bob", False),
        ("is_admin:True", True),
        ("not is_admin:True", True),
        ("(role:a or user_id:bob) and (project_id:red)", True),
        ("user_name:%(image)s and 'cpu':%(flavor)s", True),
    ],
)
def test_a_rule_holds_when_it_would_for_some_caller(when, applies):
    assert _judge(when).applies(SERVER) is applies


@pytest.mark.parametrize(
    "when",
    [
        " and ".join(f"role:r{n}" for n in range(9)),
        " or ".join(f"user_name:u{n}" for n in range(8))
        + " or "
        + " or ".join(f"role:r{n}" for n in range(8)),
    ],
    ids=["too many roles", "too many in all"],
)
def test_what_is_too_much_to_try_holds(when):
    assert owners.callers(when) is None
    assert _judge(f"({when}) and 'cpu':%(flavor)s").applies(SERVER)


def test_eight_roles_are_tried():
    when = " and ".join(f"role:r{n}" for n in range(8))

    assert len(owners.callers(when)) == owners.MOST
    assert _judge(when).applies(SERVER)


def test_the_owner_is_not_one_of_the_choices():
    (caller,) = owners.callers("user_id:ann and project_id:red")

    assert all(not value for value in dataclasses.astuple(caller))
