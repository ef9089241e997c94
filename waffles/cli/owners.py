"""Whom ``when`` may have meant, for servers that exist already.

Of the caller who made a server Nova keeps the ids of user and project, but
not the roles and names of the token.  To judge too much is the safe side: a
rule is taken to hold for a server when it would for any caller with these
ids.
"""

import dataclasses
import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

from waffles import policy
from waffles.caller import Caller

#: The most callers to be tried; beyond, the rule is taken to hold.
MOST = 256

#: Of any one field; of a list, each is held or not: 256 callers.
MOST_WORDS = 8

_KNOWN = {"user_id", "project_id"}
_LISTS = {"role": "roles", "roles": "roles", "service_roles": "service_roles"}
_LEAF = re.compile(r"(?<![\w%'\"])(\w+):([^\s()]+)")


class Judge:
    """Says to which servers a policy applies."""

    def __init__(self, of: policy.Policy) -> None:
        self._policy = of
        self._callers = callers(of.when.text if of.when else "")

    def applies(self, server: Mapping[str, Any]) -> bool:
        """Whether the policy covers a server, as Nova shows it at 2.46."""
        if self._callers is None:
            return True
        owner = {
            "user_id": server["user_id"],
            "project_id": server["tenant_id"],
        }
        return any(
            self._policy.applies(server, dataclasses.replace(caller, **owner))
            for caller in self._callers
        )


def callers(when: str) -> list[Caller] | None:
    """All the callers that a check string could tell from one another.

    None where there are more than :data:`MOST`, or no end of them.

    >>> [caller.roles for caller in callers("not role:admin")]
    [(), ('admin',)]
    """
    choices: dict[str, set[str]] = {}
    for kind, value in _LEAF.findall(when):
        field = _LISTS.get(kind, kind)
        if field in Caller.__slots__ and field not in _KNOWN:
            if value.startswith("%"):
                return None
            choices.setdefault(field, set()).add(value)
    if any(len(words) > MOST_WORDS for words in choices.values()):
        return None
    each = [_values(field, words) for field, words in choices.items()]
    if math.prod(map(len, each)) > MOST:
        return None
    return [
        Caller(**dict(zip(choices, values, strict=True)))
        for values in itertools.product(*each)
    ]


def _values(field: str, words: set[str]) -> list[Any]:
    """What a field may hold: one of the words or none; of a list, any."""
    if field not in _LISTS.values():
        return [None, *sorted(words)]
    return [
        some
        for size in range(len(words) + 1)
        for some in itertools.combinations(sorted(words), size)
    ]
