"""Flavors in a form in which they can be compared.

Novas of different ages, and one Nova at different microversions, show the
same flavor differently.  The canonical form has:

=============  ==============================================================
name           without white space around it
ram, vcpus,    integers; ``swap`` is ``""`` for 0 before 2.75
disk, swap,
ephemeral
rxtx_factor    a float; absent from 2.102 on, and where it is ``""``
is_public      a boolean
disabled       a boolean; absent from 2.102 on
description    a text, empty for null; absent before 2.55
extra_specs    texts by keys; absent before 2.61, or where policy hides them
access         ids of projects; of private flavors, where they were asked for
=============  ==============================================================

What a side does not show is not compared: absent is not empty.  Two Novas of
different ages would differ for ever.  Nothing here raises: a value that
Nova would not have sent is kept as it is, and differs from all others.
"""

from collections.abc import Callable, Mapping
from typing import Any

#: Fields of a flavor, by canonical names.
Canonical = Mapping[str, Any]

#: Strings that Nova takes for true (oslo.utils, ``bool_from_string``).
_TRUE = frozenset("1 t true on y yes".split())
_FALSE = frozenset("0 f false off n no".split())

EPHEMERAL = "OS-FLV-EXT-DATA:ephemeral"
IS_PUBLIC = "os-flavor-access:is_public"
DISABLED = "OS-FLV-DISABLED:disabled"


def _integer(value: Any) -> Any:
    if value == "":
        return 0
    return _made(int, value)


def _float(value: Any) -> Any:
    return _made(float, value)


def _boolean(value: Any) -> Any:
    text = str(value).lower()
    return True if text in _TRUE else False if text in _FALSE else value


def _name(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _description(value: Any) -> Any:
    return "" if value is None else value


def _specs(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: str(one) for key, one in value.items()}


def _made(kind: type[int] | type[float], value: Any) -> Any:
    """A number; half of one is not cut off."""
    if not isinstance(value, (int, float, str)):
        return value
    try:
        number = kind(value)
    except (ValueError, OverflowError):
        return value
    return number if isinstance(value, str) or number == value else value


#: What the compute API calls it, what it is here, and how it is compared.
_FIELDS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("name", "name", _name),
    ("ram", "ram", _integer),
    ("vcpus", "vcpus", _integer),
    ("disk", "disk", _integer),
    (EPHEMERAL, "ephemeral", _integer),
    ("swap", "swap", _integer),
    ("rxtx_factor", "rxtx_factor", _float),
    (IS_PUBLIC, "is_public", _boolean),
    (DISABLED, "disabled", _boolean),
    ("description", "description", _description),
    ("extra_specs", "extra_specs", _specs),
)

#: What a flavor has that a create does not say.
_DEFAULTS: Canonical = {
    "ephemeral": 0,
    "swap": 0,
    "rxtx_factor": 1.0,
    "is_public": True,
    "disabled": False,
    "description": "",
    "extra_specs": {},
}

#: What a create may say; ``rxtx_factor`` before 2.102 only.
_CREATED = (
    "name", "ram", "vcpus", "disk", EPHEMERAL, "swap", "rxtx_factor",
    IS_PUBLIC, "description",
)  # fmt: skip


def canonical(shown: Mapping[str, Any]) -> Canonical:
    """A flavor as a Nova has shown it.

    >>> canonical({"id": "1", "ram": "512", "swap": "", "rxtx_factor": ""})
    {'ram': 512, 'swap': 0}
    """
    return {
        field: made(shown[key])
        for key, field, made in _FIELDS
        if key in shown and not (field == "rxtx_factor" and shown[key] == "")
    }


def wanted(asked: Mapping[str, Any]) -> Canonical:
    """The flavor that a create makes.

    :param asked: the object ``flavor`` of its body
    """
    return {**_DEFAULTS, **canonical(asked)}


def differences(one: Canonical, other: Canonical) -> tuple[str, ...]:
    """The fields that both have, and not alike.

    >>> differences({"ram": 1, "disk": 2, "swap": 0}, {"ram": 2, "disk": 2})
    ('ram',)
    """
    both = (field for field in one if field in other)
    return tuple(field for field in both if one[field] != other[field])


def creating(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The object ``flavor`` of a create that makes this one in another cell.

    :param shown: by the cell that has it, at the microversion of the create
    """
    body = {key: shown[key] for key in _CREATED if key in shown}
    if body.get("rxtx_factor") == "":
        del body["rxtx_factor"]
    # Below 2.75 Nova shows "", and takes numbers only.
    if body.get("swap") == "":
        body["swap"] = 0
    return {"id": shown["id"], **body}
