"""Check strings of oslo.policy, checked themselves before they judge.

oslo.policy takes a string that it does not understand for "nobody" and goes
on.  Where "nobody" means "no request is judged" that would be a hole, so here
it is an error at start.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from oslo_policy import policy

from waffles.caller import Caller

_TARGET_KEY = re.compile(r"%\((\w+)\)s")


class Check:
    """One check string, to be called with a caller and a target.

    On the left of a colon stands role, a field of the caller or a quoted
    word, on its right a word or ``%(key)s`` of the target; and, or, not and
    parentheses join such pairs.

    :param target: the keys that it may name
    :raises ValueError: with the reason
    """

    def __init__(self, text: str, target: Collection[str] = ()) -> None:
        self.text = text
        self.targets = frozenset(_TARGET_KEY.findall(text))
        for key in sorted(self.targets - set(target)):
            raise ValueError(f"there is no %({key})s here")
        self._check = policy.RuleDefault("check", text).check
        if str(self._check).count("!") != text.count("!"):
            raise ValueError(f"{text!r} is not an oslo.policy check string")
        for leaf in _leaves(self._check):
            _refuse_kind(leaf)

    def __call__(self, caller: Caller, target: Mapping[str, str]) -> bool:
        # The checks that are admitted here ask no enforcer.
        credentials = caller.credentials()
        return bool(self._check(target, credentials, None))  # type: ignore[arg-type]


def _leaves(check: Any) -> list[Any]:
    if isinstance(check, policy.NotCheck):
        return _leaves(check.rule)
    if isinstance(check, policy.AndCheck | policy.OrCheck):
        return [leaf for rule in check.rules for leaf in _leaves(rule)]
    return [check]


def _refuse_kind(leaf: Any) -> None:
    kind = getattr(leaf, "kind", None)
    if kind is None or kind == "role" or kind in Caller.__slots__:
        return
    if not kind.startswith(("'", '"')):
        raise ValueError(
            f"{leaf}: {kind!r} is neither role nor a field of the caller nor"
            f" a quoted word"
        )
