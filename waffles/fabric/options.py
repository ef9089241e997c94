"""How a waffle keeps what it knows of the fabric: the options, and a keeper.

PasteDeploy makes a waffle once for each pipeline that it stands in, and Nova
has two.  They share a keeper, as they share a process.
"""

import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from oslo_config import cfg

from waffles import config
from waffles.clients import cache, session
from waffles.fabric.keeper import Keeper

T = TypeVar("T")

OPTS = (
    cfg.FloatOpt(
        "refresh_interval",
        default=30,
        min=1,
        help=(
            "Seconds after which Nova and Neutron are asked again, in the "
            "background. Where the group [cache] has a cache, all workers of "
            "all API nodes ask once in that time, else each process does."
        ),
    ),
    cfg.FloatOpt(
        "stale_after",
        default=300,
        min=1,
        help=(
            "Seconds for which an answer is used when there is no newer one."
        ),
    ),
    cfg.FloatOpt(
        "timeout",
        default=10,
        min=0.1,
        help="Seconds that a request waits for Nova and Neutron, in all.",
    ),
)

#: What is in use, by what it is made of; a keeper that no waffle uses any
#: more is gone from here.
_KEEPERS: weakref.WeakValueDictionary[Any, Keeper[Any]] = (
    weakref.WeakValueDictionary()
)


def keeper(
    name: str,
    section: config.Section,
    fetch: Callable[[], Any],
    build: Callable[[Any, float, T | None], T],
) -> Keeper[T]:
    """The keeper of a waffle: one for all that are configured alike.

    The access to the cloud must have been loaded.

    :raises ConfigError: an option is wrong
    """
    if section["stale_after"] < section["refresh_interval"]:
        why = "it is below refresh_interval: nothing would ever be known"
        raise section.error("stale_after", why)
    key = (name, section.group, repr(section.raw))
    found = _KEEPERS.get(key)
    if found is None:
        found = _KEEPERS[key] = Keeper(
            "networks",
            fetch,
            build,
            interval=section["refresh_interval"],
            stale_after=section["stale_after"],
            timeout=section["timeout"],
            shared=cache.shared(
                section.conf, f"{section.group} {session.cloud(section.conf)}"
            ),
        )
    return found
