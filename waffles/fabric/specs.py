"""Requirements of a flavor on host aggregates, as Nova's scheduler reads them.

An extra spec ``aggregate_instance_extra_specs:<key> = <requirement>`` asks
that a host aggregate of the host has metadata of that key that fits
(``nova/scheduler/filters/aggregate_instance_extra_specs.py``).  Extra specs
without that scope, which that filter takes for requirements too, are left to
it: most of them are about other things.
"""

import operator
from collections.abc import Callable, Collection, Mapping

SCOPE = "aggregate_instance_extra_specs:"

Requirements = tuple[tuple[str, str], ...]


def _numbers(compare: Callable[[float, float], bool]) -> Callable[..., bool]:
    return lambda value, wanted: compare(float(value), float(wanted))


#: The first word of a requirement -> what must hold for a value and the word
#: behind it (``nova/scheduler/filters/extra_specs_ops.py``).
OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "=": _numbers(operator.ge),
    "==": _numbers(operator.eq),
    "!=": _numbers(operator.ne),
    ">=": _numbers(operator.ge),
    "<=": _numbers(operator.le),
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
    "<in>": operator.contains,
}


def requirements(extra_specs: Mapping[str, str]) -> Requirements:
    """What a flavor asks of host aggregates: keys and requirements."""
    return tuple(
        sorted(
            (key.removeprefix(SCOPE), requirement)
            for key, requirement in extra_specs.items()
            if key.startswith(SCOPE)
        )
    )


def met(wanted: Requirements, has: Mapping[str, Collection[str]]) -> bool:
    """Whether a host has what is asked for.

    :param has: the metadata of its host aggregates: key -> values
    """
    return all(
        any(fits(value, requirement) for value in has.get(key, ()))
        for key, requirement in wanted
    )


def fits(value: str, requirement: str) -> bool:
    """Whether a value of metadata is what a requirement asks for.

    A requirement that is no good, at which Nova's scheduler fails, is met by
    nothing.
    """
    first, *words = requirement.split() or [""]
    try:
        if first == "<or>":  # <or> a <or> b
            return value in words[::2]
        if first == "<all-in>":
            return bool(words) and all(word in value for word in words)
        if first in OPERATORS:
            return bool(words) and OPERATORS[first](value, words[0])
    except ValueError:
        return False
    return value == requirement
