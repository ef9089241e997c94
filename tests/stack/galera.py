"""A cluster of two nodes of Galera, which MariaDB brings along."""

from collections.abc import Sequence
from pathlib import Path

import pymysql

from tests.stack import mariadb, ports
from tests.stack.site import Site

LIBRARY = Path("/usr/lib/galera/libgalera_smm.so")

NODES = ("galera-1", "galera-2")

#: What each node listens for: clients, the other node, what it has missed.
USES = ("clients", "nodes", "changes", "copies")


class Cluster:
    """Two nodes that have the same databases."""

    def __init__(self, site: Site) -> None:
        self.site = site
        names = [f"{node} {use}" for node in NODES for use in USES]
        self.ports = ports.free(names)

    def start(self) -> None:
        """Start the first node, and have the second copy it."""
        first, second = NODES
        data = self.site.make_folder(first, mariadb.USER)
        mariadb.install(self.site, data)
        file = mariadb.script(self.site, *mariadb.FIRST)
        how = ["--wsrep-new-cluster", f"--init-file={file}"]
        self._serve(first, data, "", how)
        data = self.site.make_folder(second, mariadb.USER)
        self._serve(second, data, self._address(first, "nodes"), [])

    def make(self, name: str) -> list[str]:
        """The URLs of a new, empty database: one of each node."""
        with self._connect(NODES[0]) as connection:
            connection.cursor().execute(f"CREATE DATABASE {name}")
        return [
            f"mysql+pymysql://stack:stack@{self._address(node)}/{name}"
            for node in NODES
        ]

    def _serve(
        self, node: str, data: Path, others: str, how: Sequence[str]
    ) -> None:
        provider = {
            "gmcast.listen_addr": f"tcp://{self._address(node, 'nodes')}",
            "ist.recv_addr": self._address(node, "changes"),
            "gcache.size": "16M",
        }
        options = ";".join(f"{key}={value}" for key, value in provider.items())
        self.site.processes.serve(
            node,
            [
                *mariadb.command(data, self.ports[f"{node} clients"]),
                "--innodb-autoinc-lock-mode=2",
                "--binlog-format=ROW",
                "--wsrep-on=ON",
                f"--wsrep-provider={LIBRARY}",
                f"--wsrep-provider-options={options}",
                "--wsrep-cluster-name=stack",
                f"--wsrep-cluster-address=gcomm://{others}",
                "--wsrep-node-address=127.0.0.1",
                f"--wsrep-node-name={node}",
                "--wsrep-sst-method=rsync",
                f"--wsrep-sst-receive-address={self._address(node, 'copies')}",
                *how,
            ],
            lambda: self._is_synced(node),
            user=mariadb.USER,
        )

    def _is_synced(self, node: str) -> bool:
        """Whether a node has what the others have."""
        try:
            with self._connect(node) as connection:
                cursor = connection.cursor()
                cursor.execute("SHOW STATUS LIKE 'wsrep_local_state_comment'")
                return ("wsrep_local_state_comment", "Synced") in cursor
        except pymysql.Error:
            return False

    def _connect(
        self, node: str
    ) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return mariadb.connect(self.ports[f"{node} clients"])

    def _address(self, node: str, use: str = "clients") -> str:
        return f"127.0.0.1:{self.ports[f'{node} {use}']}"
