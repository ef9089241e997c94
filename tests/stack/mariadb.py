"""MariaDB, with an empty database for each service."""

from pathlib import Path

import pymysql

from tests.stack.debian import MARIADB
from tests.stack.site import DATABASES, Site

USER = "mysql"

#: Run at each start, before anybody can connect.
FIRST = (
    "CREATE USER stack@'127.0.0.1' IDENTIFIED BY 'stack'",
    "GRANT ALL ON *.* TO stack@'127.0.0.1'",
)

#: What a crash would lose is of no use to anybody.
CARELESS = ("--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0")


def start(site: Site) -> None:
    """Start it, and wait until the databases are there."""
    data = site.make_folder("mariadb", USER)
    create = [
        f"CREATE DATABASE {name} CHARACTER SET utf8mb3" for name in DATABASES
    ]
    first = script(site, *FIRST, *create)
    install(site, data)
    site.processes.serve(
        "mariadb",
        [
            *command(data, site.ports["mariadb"]),
            f"--init-file={first}",
            "--max-connections=2000",
        ],
        lambda: answers(site),
        user=USER,
    )


def script(site: Site, *statements: str) -> Path:
    """A file of statements for its first start."""
    text = "".join(f"{statement};\n" for statement in statements)
    return site.write("mariadb.sql", text)


def install(site: Site, data: Path) -> None:
    """Make what it needs before it can be started."""
    site.processes.run(
        f"install-{data.name}",
        [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ],
        user=USER,
    )


def command(data: Path, port: int) -> list[str | Path]:
    """What starts a server."""
    return [
        MARIADB,
        "--no-defaults",
        f"--datadir={data}",
        f"--socket={data / 'socket'}",
        "--bind-address=127.0.0.1",
        f"--port={port}",
        "--skip-name-resolve",
        *CARELESS,
    ]


def connect(
    port: int, database: str | None = None
) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """A connection to a server."""
    return pymysql.connect(
        host="127.0.0.1",
        port=port,
        user="stack",
        password="stack",  # noqa: S106
        database=database,
    )


def answers(site: Site) -> bool:
    """Whether the last database can be reached."""
    try:
        connect(site.ports["mariadb"], DATABASES[-1]).close()
    except pymysql.Error:
        return False
    return True
