"""Check strings of oslo.policy, checked themselves before they judge.

oslo.policy takes a string that it does not understand for "nobody" and goes
on.  Where "nobody" means "no request is judged" that would be a hole, so here
it is an error at start.
"""

import logging
import re
from collections.abc import Collection, Mapping
from typing import Any

from oslo_policy import policy

from waffles.caller import Caller

_RIGHT = re.compile(r"%\(\w+\)s|[^%*,]+")
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
        self._check = _parsed(text)
        if str(self._check).count("!") != text.count("!"):
            raise ValueError(f"{text!r} is not an oslo.policy check string")
        for leaf in _leaves(self._check):
            _refuse_kind(leaf)

    def __call__(self, caller: Caller, target: Mapping[str, str]) -> bool:
        # The checks that are admitted here ask no enforcer.
        credentials = caller.credentials()
        return bool(self._check(target, credentials, None))


def _parsed(text: str) -> Any:
    """What oslo.policy makes of a text; what it dislikes is not logged."""
    log = logging.getLogger("oslo_policy._parser")
    log.disabled = True
    try:
        return policy.RuleDefault("check", text).check
    finally:
        log.disabled = False


def _leaves(check: Any) -> list[Any]:
    if isinstance(check, policy.NotCheck):
        return _leaves(check.rule)
    if isinstance(check, policy.AndCheck | policy.OrCheck):
        return [leaf for rule in check.rules for leaf in _leaves(rule)]
    return [check]


def _refuse_kind(leaf: Any) -> None:
    """Refuse what could be true of nobody, or of everybody.

    oslo.policy compares a quoted word on the left, without its quotes, with
    the right side; there quotes are a part of the word.
    """
    kind, match = getattr(leaf, "kind", None), getattr(leaf, "match", "")
    if kind is None:
        return
    quoted = kind.startswith(("'", '"'))
    if match.startswith(("'", '"')):
        raise ValueError(f"{leaf}: there are no quotes on the right")
    if not _RIGHT.fullmatch(match):
        raise ValueError(f"{leaf}: on the right stands a word or one %(key)s")
    if quoted and "%(" not in match:
        raise ValueError(f"{leaf} compares two words that never change")
    if kind == "is_admin" and match not in ("True", "False"):
        raise ValueError(f"{leaf}: is_admin is True or False")
    if not quoted and kind != "role" and kind not in Caller.__slots__:
        raise ValueError(
            f"{leaf}: {kind!r} is neither role nor a field of the caller nor"
            f" a quoted word"
        )
