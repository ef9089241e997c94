"""What the calls of the endpoint have at hand, as configured."""

import dataclasses
import logging
from collections.abc import Callable
from functools import partial

from waffles import config, exceptions
from waffles.clients import session
from waffles.clients.compute import Compute
from waffles.clients.glance import Glance
from waffles.database import upgrades
from waffles.database.access import Database
from waffles.database.opened import Opened
from waffles.guards import Guard
from waffles.recovery import rules
from waffles.recovery.options import Settings
from waffles.recovery.store import store
from waffles.recovery.store.store import Store

LOG = logging.getLogger(__name__)

#: Items of a page, at the most, where Nova does not say.
MOST = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Means:
    """What all calls share.

    :param store: gives the store, or raises Unavailable
    :param most: items of a page, at the most
    :param prefix: what links begin with; empty for what the client has asked
        for
    """

    settings: Settings
    store: Callable[[], Store]
    compute: Compute
    glance: Glance
    guard: Guard
    most: int = MOST
    prefix: str = ""


def of_section(section: config.Section) -> Means:
    """What a section of the configuration gives.

    :raises ConfigError: an option is wrong, or there is no way into the cloud
    """
    settings = Settings.of(section)
    _check(section, settings.connection)
    access, nova = session.load(section.conf), config.of_process("api")
    return Means(
        settings=settings,
        store=Opened(partial(store.open, settings.connection)),
        compute=Compute(access, settings.timeout),
        glance=Glance(access, settings.timeout),
        guard=rules.guard(section.conf),
        most=getattr(nova, "max_limit", MOST),
        prefix=getattr(nova, "compute_link_prefix", None) or "",
    )


def _check(section: config.Section, url: str) -> None:
    """Whether there can be a store; one that is away holds up no start.

    :raises ConfigError: there cannot
    """
    try:
        found = Database(url)
        if not found.is_sqlite:  # whose file the first call makes
            upgrades.require(found)
        found.close()
    except exceptions.Unavailable as error:
        LOG.error("[%s] connection: %s", section.group, error)
    except exceptions.ConfigError as error:
        raise section.error("connection", error.why) from None
