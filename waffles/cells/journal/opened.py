"""The journal of a configuration, opened when it is first needed."""

import threading

from waffles import config, exceptions
from waffles.cells.journal.alone import Alone
from waffles.cells.journal.entries import Writes
from waffles.cells.journal.journal import Journal
from waffles.cells.model import Registry
from waffles.database import upgrades
from waffles.database.access import Database


class Opened:
    """What keeps the writes of flavors.

    :param url: of the shared database; empty for none
    """

    def __init__(self, url: str) -> None:
        self._url, self._lock = url, threading.Lock()
        self._writes: Writes | None = None if url else Alone()

    def __call__(self) -> Writes:
        """It.

        :raises Unavailable: the database gives no answer, or is not ready
        """
        with self._lock:
            if self._writes is None:
                self._writes = _journal(self._url)
            return self._writes


def of_section(section: config.Section, registry: Registry) -> Opened:
    """The journal that ``connection`` names.

    :raises ConfigError: what it keeps could not be finished
    """
    url = str(section["connection"] or "")
    local = [cell.name for cell in registry if cell.local]
    if url and local:
        why = (
            f"what is left unfinished is finished by waffles cells run, which"
            f" cannot ask {local[0]}, as it is local: give its Nova a second"
            f" address, without this waffle"
        )
        raise section.error("connection", why)
    return Opened(url)


def _journal(url: str) -> Journal:
    try:
        database = Database(url)
        try:
            upgrades.require(database)
        except BaseException:
            database.close()
            raise
    except exceptions.ConfigError as error:
        raise exceptions.Unavailable(error.why) from error
    return Journal(database)
