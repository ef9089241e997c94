"""A database whose tables are there, opened when it is first needed."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from waffles import exceptions
from waffles.database import upgrades
from waffles.database.access import Database

T = TypeVar("T")


def ready(url: str, timeout: float = 10.0) -> Database:
    """A database; one of SQLite is made, or upgraded, where needed.

    :param timeout: seconds after which a transaction has ended, or failed
    :raises ConfigError: it cannot be used, or must be upgraded first
    :raises Unavailable: it gives no answer
    """
    database = Database(url, timeout)
    try:
        upgrades.require(database)
    except BaseException:
        database.close()
        raise
    return database


class Opened(Generic[T]):
    """What works on a database.

    :param make: makes it, and may raise what :func:`ready` does
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._lock = make, threading.Lock()
        self._made: T | None = None

    def __call__(self) -> T:
        """It; made once.

        :raises Unavailable: the database gives no answer, or is not ready
        """
        with self._lock:
            if self._made is None:
                try:
                    self._made = self._make()
                except exceptions.ConfigError as error:
                    raise exceptions.Unavailable(error.why) from error
            return self._made
