"""The store: recoveries, their servers, their log, and who works on them.

::

    store.open(url)      → Store       checks the schema; SQLite makes itself
    store.upgrade(url)   → before, after

Everything that the endpoint, the engines and the pages know of each other
stands in it.  Each method is a transaction of its own; any number of threads,
processes and machines may use one database (SQLite: of one machine).
"""

import contextlib

from waffles.database import upgrades
from waffles.database.access import Database
from waffles.database.opened import ready
from waffles.recovery.store.claims import Claims
from waffles.recovery.store.creates import Creates
from waffles.recovery.store.errors import (
    AlreadyOpen,
    KeyReused,
    Lost,
    NoMarker,
    NoRecovery,
    NotNow,
)
from waffles.recovery.store.leases import Lease
from waffles.recovery.store.orders import Orders
from waffles.recovery.store.outbox import Outbox
from waffles.recovery.store.pauses import Pause, Pauses
from waffles.recovery.store.presence import Engine, Presence
from waffles.recovery.store.reads import Reads, Totals

__all__ = [
    "AlreadyOpen",
    "Engine",
    "KeyReused",
    "Lease",
    "Lost",
    "NoMarker",
    "NoRecovery",
    "NotNow",
    "Pause",
    "Store",
    "Totals",
    "open",
    "upgrade",
    "version",
]


class Store(Creates, Reads, Orders, Pauses, Claims, Outbox, Presence):
    """One database, in use.  It is thread-safe."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def close(self) -> None:
        """Close the connections."""
        self.database.close()


def open(url: str, *, timeout: float = 10.0) -> Store:
    """Use a database; one of SQLite is made, or upgraded, where needed.

    :param timeout: seconds after which each method has ended, or failed
    :raises ConfigError: it cannot be used, or must be upgraded first
    :raises Unavailable: the database gives no answer
    """
    return Store(ready(url, timeout))


def upgrade(url: str, *, timeout: float = 600.0) -> tuple[str, str]:
    """Bring the schema up to date: what its revision was, and is.

    :raises ConfigError: it cannot be used, or is of a newer waffles
    :raises Unavailable: the database gives no answer
    """
    with contextlib.closing(Database(url, timeout)) as database:
        return upgrades.upgrade(database)


def version(url: str, *, timeout: float = 10.0) -> tuple[str, str]:
    """The revision of a database, and the newest one that is known.

    :raises ConfigError: it cannot be used
    :raises Unavailable: the database gives no answer
    """
    with contextlib.closing(Database(url, timeout)) as database:
        return upgrades.version(database), upgrades.head()
