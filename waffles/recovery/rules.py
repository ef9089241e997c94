"""Who may do what: the rules of oslo.policy.

So that a fencing agent with the role ``fencer`` may declare hosts dead::

    "waffles:recovery:create": "role:admin or role:fencer"

``etc/fence_waffles`` needs ``list``, ``return`` and ``may_start`` as well.

A rule that lets somebody in for the sake of his project
(``project_id:%(project_id)s``) shows him the rows of that project's servers;
one that lets him in without it shows him all there is.
"""

from oslo_config import cfg
from oslo_policy import policy

from waffles import guards

PREFIX = "waffles:recovery:"

ADMIN = "role:admin"
READER = (
    "role:admin or ((role:reader or role:member)"
    " and project_id:%(project_id)s)"
)

_RECOVERY = "/os-waffles/recoveries/{recovery_id}"
_HOST = "/os-waffles/hosts/{host}"


def _rule(
    name: str, check: str, description: str, *calls: str
) -> policy.DocumentedRuleDefault:
    return guards.rule(PREFIX + name, check, description, *calls)


RULES = (
    _rule(
        "create",
        ADMIN,
        "Declare a host dead, so that its servers are evacuated.",
        "POST /os-waffles/force-down",
    ),
    _rule(
        "plan",
        ADMIN,
        "See what would be done if a host were dead (dry_run).",
        "POST /os-waffles/force-down",
    ),
    _rule(
        "list",
        READER,
        "List recoveries; without the admin role, those in which the project"
        " has servers, and nothing of the host.",
        "GET /os-waffles/recoveries",
    ),
    _rule(
        "show",
        READER,
        "Show a recovery; without the admin role, one in which the project"
        " has servers, with these only, and nothing of the host.",
        f"GET {_RECOVERY}",
    ),
    _rule(
        "servers",
        READER,
        "List the servers of a recovery; without the admin role, those of"
        " the project.",
        f"GET {_RECOVERY}/servers",
    ),
    _rule(
        "log",
        ADMIN,
        "Read the log of a recovery.",
        f"GET {_RECOVERY}/log",
    ),
    _rule(
        "release",
        ADMIN,
        "Let go of a recovery that gates hold.",
        f"POST {_RECOVERY}/release",
    ),
    _rule(
        "pause",
        ADMIN,
        "Have a recovery begin nothing new.",
        f"POST {_RECOVERY}/pause",
    ),
    _rule(
        "resume",
        ADMIN,
        "Have a paused recovery go on.",
        f"POST {_RECOVERY}/resume",
    ),
    _rule(
        "retry",
        ADMIN,
        "Have failed and stuck servers of a recovery tried again.",
        f"POST {_RECOVERY}/retry",
    ),
    _rule(
        "abandon",
        ADMIN,
        "End a recovery as it is.",
        f"POST {_RECOVERY}/abandon",
    ),
    _rule(
        "may_start",
        ADMIN,
        "Ask whether nova-compute may be started on a host.",
        f"GET {_HOST}/may-start",
    ),
    _rule(
        "return",
        ADMIN,
        "Have a host taken back that was declared dead.",
        f"POST {_HOST}/return",
    ),
    _rule(
        "protection",
        ADMIN,
        "See which servers of a host are protected.",
        f"GET {_HOST}/protection",
    ),
    _rule(
        "pause_all",
        ADMIN,
        "See, set or lift the pause of all recoveries.",
        "GET /os-waffles/pause",
        "PUT /os-waffles/pause",
        "DELETE /os-waffles/pause",
    ),
)


def guard(conf: cfg.ConfigOpts) -> guards.Guard:
    """Asks these rules.

    :raises ConfigError: the policy file cannot be read
    """
    return guards.Guard(conf, RULES, PREFIX)
