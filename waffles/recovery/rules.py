"""Who may do what: the rules of oslo.policy, and the guard that asks them.

Overrides stand where Nova's do: in the file that ``[oslo_policy]
policy_file`` of the same configuration names.  So that a fencing agent with
the role ``fencer`` may declare hosts dead, and nothing else::

    "waffles:recovery:create": "role:admin or role:fencer"

A rule that lets somebody in for the sake of his project
(``project_id:%(project_id)s``) shows him the rows of that project's servers;
one that lets him in without it shows him all there is.
"""

from collections.abc import Mapping

from oslo_config import cfg
from oslo_policy import policy

from waffles import exceptions
from waffles.caller import Caller

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
    operations: list[policy.Operation] = []
    for call in calls:
        method, path = call.split()
        operations.append({"method": method, "path": path})
    return policy.DocumentedRuleDefault(
        PREFIX + name, check, description, operations, scope_types=["project"]
    )


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


class Guard:
    """Asks the rules of one configuration.

    Its policy file is read at start, and again when it has changed.

    :raises ConfigError: it cannot be read
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._enforcer = policy.Enforcer(conf)
        self._enforcer.suppress_default_change_warnings = True
        self._enforcer.register_defaults(RULES)
        try:
            self._enforcer.load_rules()
        except Exception as error:  # of whatever reads the file
            raise exceptions.ConfigError(
                f"it cannot be read: {error}", "", "oslo_policy", "policy_file"
            ) from error

    def require(self, name: str, caller: Caller) -> None:
        """Let somebody do something.

        :raises Hidden: he may not (403)
        """
        if not self._allows(name, caller, {}):
            raise _refused(name)

    def scope(self, name: str, caller: Caller) -> str:
        """Of which project somebody may read; empty for all of them.

        :raises Hidden: of none (403)
        """
        if self._allows(name, caller, {}):
            return ""
        project_id = caller.project_id
        own = {"project_id": project_id}
        if not project_id or not self._allows(name, caller, own):
            raise _refused(name)
        return project_id

    def _allows(
        self, name: str, caller: Caller, target: Mapping[str, object]
    ) -> bool:
        credentials = caller.credentials()
        return bool(
            self._enforcer.authorize(PREFIX + name, target, credentials)
        )


def _refused(name: str) -> exceptions.Hidden:
    return exceptions.Hidden(
        403, f"Policy doesn't allow {PREFIX}{name} to be performed."
    )
