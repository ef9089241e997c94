"""The journal of a configuration, opened when it is first needed."""

from collections.abc import Callable

from waffles import config
from waffles.cells.journal.alone import Alone
from waffles.cells.journal.entries import Writes
from waffles.cells.journal.journal import Journal
from waffles.cells.model import Registry
from waffles.database.opened import Opened, ready


def of_section(
    section: config.Section, registry: Registry
) -> Callable[[], Writes]:
    """What gives the journal that ``connection`` names.

    It raises Unavailable where the database gives no answer, or is not ready.

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
    return Opened[Writes](lambda: Journal(ready(url)) if url else Alone())
