"""MariaDB, with an empty database for each service."""

import pymysql

from tests.stack.debian import MARIADB
from tests.stack.site import DATABASES, Site

USER = "mysql"

#: Run at each start, before anybody can connect.
FIRST = (
    "CREATE USER stack@'127.0.0.1' IDENTIFIED BY 'stack';"
    "GRANT ALL ON *.* TO stack@'127.0.0.1';"
)


def start(site: Site) -> None:
    """Start it, and wait until the databases are there."""
    data = site.make_folder("mariadb", USER)
    create = "".join(
        f"CREATE DATABASE {name} CHARACTER SET utf8mb3;" for name in DATABASES
    )
    first = site.write("mariadb.sql", (FIRST + create).replace(";", ";\n"))
    common = ["--no-defaults", f"--datadir={data}"]
    site.processes.run(
        "mariadb-install-db",
        [
            "mariadb-install-db",
            *common,
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ],
        user=USER,
    )
    site.processes.serve(
        "mariadb",
        [
            MARIADB,
            *common,
            f"--init-file={first}",
            f"--socket={data / 'socket'}",
            "--bind-address=127.0.0.1",
            f"--port={site.ports['mariadb']}",
            "--max-connections=2000",
            # What a crash would lose is of no use to anybody.
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0",
            "--skip-name-resolve",
        ],
        lambda: answers(site),
        user=USER,
    )


def answers(site: Site) -> bool:
    """Whether the last database can be reached."""
    try:
        pymysql.connect(
            host="127.0.0.1",
            port=site.ports["mariadb"],
            user="stack",
            password="stack",  # noqa: S106
            database=DATABASES[-1],
        ).close()
    except pymysql.Error:
        return False
    return True
