"""PostgreSQL, with no database but its own."""

import signal

import psycopg

from tests.stack.debian import POSTGRESQL
from tests.stack.site import Site

NAME, USER = "postgresql", "postgres"


def start(site: Site) -> None:
    """Start it, and wait until it answers.  It does not run as root."""
    data = site.make_folder(NAME, USER)
    password = site.write("postgresql.password", "stack\n")
    site.processes.run(
        "initdb",
        [
            POSTGRESQL.with_name("initdb"),
            f"--pgdata={data}",
            "--username=stack",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ],
        user=USER,
    )
    options = {
        "port": site.ports[NAME],
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": 400,
        # What a crash would lose is of no use to anybody.
        "fsync": "off",
        # In the folder, which goes.
        "dynamic_shared_memory_type": "mmap",
    }
    site.processes.serve(
        NAME,
        [
            POSTGRESQL,
            "-D",
            data,
            *(f"--{key}={value}" for key, value in options.items()),
        ],
        lambda: answers(site),
        user=USER,
    )


def stop(site: Site) -> None:
    """Stop it.  If it were killed, some shared memory would be left."""
    site.processes[NAME].end(signal.SIGQUIT)


def url(site: Site, name: str) -> str:
    """A database, as SQLAlchemy takes it."""
    address = f"127.0.0.1:{site.ports[NAME]}"
    return f"postgresql+psycopg://stack:stack@{address}/{name}"


def connect(site: Site) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection to its own database; each statement is committed."""
    return psycopg.connect(
        host="127.0.0.1",
        port=site.ports[NAME],
        user="stack",
        password="stack",  # noqa: S106
        dbname="postgres",
        autocommit=True,
    )


def answers(site: Site) -> bool:
    """Whether it can be reached."""
    try:
        connect(site).close()
    except psycopg.Error:
        return False
    return True
