"""Who asks for a server to be recovered, and how.

It is looked for in this order, and the first that says anything decides:

1. the server's tag ``no-recovery``: nothing is done;
2. its tag ``custom-recovery``: somebody is told, who sees to it;
3. its tag ``automatic-recovery``: it is evacuated;
4. the extra spec ``waffles:recovery`` of its flavor, as it was when the server
   got it: ``automatic``, ``custom`` or ``off``;
5. a property of its image, with the same values, where ``image_property``
   names one; a server whose root disk is a volume has none;
6. the metadata ``waffles:recovery`` of the aggregates of its host, with the
   same values; where they contradict, ``off`` counts, then ``custom``.

Where nobody asks, nothing is done.  All is compared exactly and with regard to
case.  Another value counts as ``off``; both tags, ``custom`` and
``automatic``, count as ``custom``.

The reasons are for the owner of the server: they name no host aggregate.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from waffles.recovery.model import Decision

#: The values of an extra spec, a property or metadata; the first of several
#: aggregates that say different things counts.
VALUES = {
    "off": Decision.NONE,
    "custom": Decision.CUSTOM,
    "automatic": Decision.AUTOMATIC,
}

PRIORITY, PRIORITY_MAX = 500, 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """Who is recovered, and from when on it is too many.

    The names and the defaults are those of the options.
    """

    automatic_tag: str = "automatic-recovery"
    custom_tag: str = "custom-recovery"
    no_tag: str = "no-recovery"
    priority_tag: str = "recovery-priority"
    group_tag: str = "recovery-group"
    flavor_key: str = "waffles:recovery"
    image_property: str = ""
    aggregate_key: str = "waffles:recovery"
    local_disk: str = "refuse"
    config_drive: str = "custom"
    nonevacuable: str = "report"
    threshold_cloud: int = 30
    threshold_zone: int = 50
    threshold_aggregate: int = 50


class Unknown(NamedTuple):
    """Why something could not be asked for."""

    why: str


#: The properties of an image; None where it has gone, or is not asked for.
Image = Mapping[str, Any] | Unknown | None


class Said(NamedTuple):
    """What is said about a server, by all who may.

    :param extra_specs: of its flavor; None where they are not shown
    :param image: None also where its root disk is a volume
    :param aggregates: what the metadata of its host's aggregates says
    """

    tags: tuple[str, ...] = ()
    extra_specs: Mapping[str, str] | None = None
    image: Image = None
    aggregates: Iterable[str] = ()


class Wish(NamedTuple):
    """What is asked for, and who asks.

    :param is_known: False where that could not be found out
    """

    decision: Decision
    reason: str
    is_known: bool = True


def wish(said: Said, rules: Rules) -> Wish:
    """What is asked for, in the order of the module."""
    return (
        before_image(said, rules)
        or _of_image(said.image, rules.image_property)
        or _of_aggregates(said.aggregates, rules.aggregate_key)
        or Wish(Decision.NONE, _nobody(said.tags, rules))
    )


def before_image(said: Said, rules: Rules) -> Wish | None:
    """What is asked for by tags or the flavor; None for nothing."""
    return _of_tags(said.tags, rules) or _of_flavor(
        said.extra_specs, rules.flavor_key
    )


def priority(tags: Iterable[str], prefix: str) -> tuple[int, str]:
    """The priority that tags ask for, and what is wrong with them."""
    found = _behind(tags, prefix)
    if not found:
        return PRIORITY, ""
    if len(found) > 1:
        said = f"{prefix} has several values ({', '.join(found)})"
        return PRIORITY, f"{said}: {PRIORITY} counts"
    (text,) = found
    if re.fullmatch("[1-9][0-9]{0,3}", text) and int(text) <= PRIORITY_MAX:
        return int(text), ""
    why = f"{prefix}:{text} is not of 1 to {PRIORITY_MAX}: {PRIORITY} counts"
    return PRIORITY, why


def group(tags: Iterable[str], prefix: str) -> tuple[str, str]:
    """The group that tags name, and what is wrong with them."""
    found = _behind(tags, prefix)
    if len(found) > 1:
        said = ", ".join(found)
        return "", f"{prefix} has several values ({said}): none counts"
    return "".join(found), ""


def _of_tags(tags: tuple[str, ...], rules: Rules) -> Wish | None:
    custom, automatic = rules.custom_tag, rules.automatic_tag
    if rules.no_tag in tags:
        return Wish(Decision.NONE, f"its tag {rules.no_tag} says so")
    if custom in tags and automatic in tags:
        why = f"its tags {custom} and {automatic} contradict: {custom} counts"
        return Wish(Decision.CUSTOM, why)
    if custom in tags:
        return Wish(Decision.CUSTOM, f"its tag {custom} asks for it")
    if automatic in tags:
        return Wish(Decision.AUTOMATIC, f"its tag {automatic} asks for it")
    return None


def _of_flavor(specs: Mapping[str, str] | None, key: str) -> Wish | None:
    if not key:
        return None
    if specs is None:
        why = "the extra specs of its flavor are not shown to [waffles]"
        return Wish(Decision.AUTOMATIC, why, is_known=False)
    return _of_value("its flavor", key, specs.get(key))


def _of_image(image: Image, key: str) -> Wish | None:
    if not key or image is None:
        return None
    if isinstance(image, Unknown):
        why = f"its image could not be asked: {image.why}"
        return Wish(Decision.AUTOMATIC, why, is_known=False)
    return _of_value("its image", key, image.get(key))


def _of_aggregates(said: Iterable[str], key: str) -> Wish | None:
    found = set(said)
    if not key or not found:
        return None
    odd = sorted(found - VALUES.keys())
    value = [*odd, *(one for one in VALUES if one in found)][0]
    wish = _of_value("a host aggregate", key, value)
    if wish and len(found) > 1:
        others = ", ".join(sorted(found - {value}))
        return wish._replace(reason=f"{wish.reason}; others say {others}")
    return wish


def _of_value(whose: str, key: str, value: Any) -> Wish | None:
    if value is None:
        return None
    # What is no text may be nothing that a table can be asked for.
    decision = VALUES.get(value) if isinstance(value, str) else None
    if decision is None:
        known = ", ".join(VALUES)
        why = f"{key} of {whose} is {value!r}, which is none of {known}"
        return Wish(Decision.NONE, why)
    asks = "asks for it" if decision is not Decision.NONE else "says so"
    return Wish(decision, f"{whose} {asks} ({key}={value})")


def _nobody(tags: Iterable[str], rules: Rules) -> str:
    """That nobody asks; with a tag that was perhaps meant to."""
    ours = (rules.no_tag, rules.custom_tag, rules.automatic_tag)
    meant = {_folded(tag): tag for tag in ours}
    for tag in tags:
        if wanted := meant.get(_folded(tag)):
            return f"nobody asks for it: its tag {tag} is not {wanted}"
    return "nobody asks for it"


def _folded(tag: str) -> str:
    return re.sub(r"[^a-z0-9]", "", tag.lower())


def _behind(tags: Iterable[str], prefix: str) -> list[str]:
    return sorted(
        tag.removeprefix(f"{prefix}:")
        for tag in tags
        if prefix and tag.startswith(f"{prefix}:")
    )
