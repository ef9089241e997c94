"""The names of all servers, kept on disk."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from waffles.filters import naming


class Names:
    """Which servers share a name, without regard to case.

    They are kept in a temporary database of SQLite's own making: it holds
    two megabytes in memory and the rest in a file that nobody else sees and
    that is gone when it is closed.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE names (folded, project, id, name)")
        self._db.execute("CREATE INDEX by_name ON names (folded)")

    def __enter__(self) -> "Names":
        return self

    def __exit__(self, *error: object) -> None:
        self._db.close()

    def fill(self, servers: Iterable[Mapping[str, Any]]) -> None:
        """Take down the names of servers, as they come.

        What was taken before an error is kept.
        """
        for server in servers:
            name = server["name"]
            row = naming.folded(name), server["tenant_id"], server["id"], name
            self._db.execute("INSERT INTO names VALUES (?, ?, ?, ?)", row)

    def others(
        self, server: Mapping[str, Any], scope: str, regex: str = ""
    ) -> Iterator[str]:
        """The names of other servers that are the server's, in any case.

        :param scope: "project" or "cloud"
        :param regex: what Nova would be asked with; there is no need here
        """
        query = "SELECT name FROM names WHERE folded = ? AND id != ?"
        values = [naming.folded(server["name"]), server["id"]]
        if scope == "project":
            query += " AND project = ?"
            values.append(server["tenant_id"])
        for (name,) in self._db.execute(query, values):
            yield name
