"""Asks the rules of oslo.policy whether a caller may do something.

Overrides stand where Nova's do: in the file that ``[oslo_policy]
policy_file`` of the same configuration names.
"""

from collections.abc import Mapping, Sequence

from oslo_config import cfg
from oslo_policy import policy

from waffles import exceptions
from waffles.caller import Caller


def rule(
    name: str, check: str, description: str, *calls: str
) -> policy.DocumentedRuleDefault:
    """A rule and its default.

    :param calls: what it guards: ``"GET /os-waffles/cells"``
    """
    operations: list[policy.Operation] = []
    for call in calls:
        method, path = call.split()
        operations.append({"method": method, "path": path})
    return policy.DocumentedRuleDefault(
        name, check, description, operations, scope_types=["project"]
    )


class Guard:
    """Asks the rules of one configuration.

    Its policy file is read at start, and again when it has changed.

    :param prefix: what the names of the rules begin with
    :raises ConfigError: it cannot be read
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        rules: Sequence[policy.RuleDefault],
        prefix: str,
    ) -> None:
        self._prefix, self._enforcer = prefix, policy.Enforcer(conf)
        self._enforcer.suppress_default_change_warnings = True
        self._enforcer.register_defaults(rules)
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
        if not self.allows(name, caller):
            raise self._refused(name)

    def scope(self, name: str, caller: Caller) -> str:
        """Of which project somebody may read; empty for all of them.

        :raises Hidden: of none (403)
        """
        if self.allows(name, caller):
            return ""
        project_id = caller.project_id
        own = {"project_id": project_id}
        if not project_id or not self.allows(name, caller, own):
            raise self._refused(name)
        return project_id

    def allows(
        self,
        name: str,
        caller: Caller,
        target: Mapping[str, object] | None = None,
    ) -> bool:
        """Whether somebody may do something."""
        credentials = caller.credentials()
        return bool(
            self._enforcer.authorize(
                self._prefix + name, target or {}, credentials
            )
        )

    def _refused(self, name: str) -> exceptions.Hidden:
        return exceptions.Hidden(
            403, f"Policy doesn't allow {self._prefix}{name} to be performed."
        )
