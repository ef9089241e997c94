"""The databases that a store may be in, without a cloud around them.

The fixture ``databases`` has the URL of an empty one of each kind; where a
test has both, they are beside the databases of the cloud.
"""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from tests.stack import mariadb, postgresql, site

KINDS = ("sqlite", "mariadb", "postgresql")


class Servers:
    """MariaDB and PostgreSQL."""

    def __init__(self, place: site.Site) -> None:
        self.site, self.processes = place, place.processes
        self._numbers = itertools.count(1)

    def make(self, kind: str, folder: Path) -> str:
        """The URL of a new, empty database.

        :param folder: where one of SQLite is made
        """
        name = f"test_{next(self._numbers)}"
        if kind == "sqlite":
            return f"sqlite:///{folder / name}.db"
        create = f"CREATE DATABASE {name}"
        if kind == "mariadb":
            port = self.site.ports["mariadb"]
            with mariadb.connect(port) as connection:
                connection.cursor().execute(f"{create} CHARACTER SET utf8mb3")
            return self.site.database(name)
        with postgresql.connect(self.site) as connection:
            connection.execute(create)
        return postgresql.url(self.site, name)


@contextlib.contextmanager
def running() -> Iterator[Servers]:
    """Servers beside all others; at the end nothing of them is left."""
    with site.prepared() as place:
        place.processes.together(
            lambda: mariadb.start(place), lambda: postgresql.start(place)
        )
        try:
            yield Servers(place)
        finally:
            postgresql.stop(place)
