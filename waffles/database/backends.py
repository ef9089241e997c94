"""What differs between SQLite, MySQL (MariaDB) and PostgreSQL.

All give each statement what is committed at its begin (READ COMMITTED; SQLite
has one writer at a time), bounded waits, and a clock.  A transaction whose
client says nothing any more is ended by the server, with its locks.
"""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from waffles import exceptions

#: Where a database is named; no error shows more of it than that.
GROUP, OPTION = "waffles_recovery", "connection"


def unusable(why: str) -> exceptions.ConfigError:
    """The error for a database that cannot be used; to be raised."""
    return exceptions.ConfigError(why, group=GROUP, option=OPTION)


@dataclasses.dataclass(frozen=True, slots=True)
class Backend:
    """One kind of database.

    :param arguments: for its driver's connect(), by the seconds of one wait
    :param prepare: is called with each new connection of the driver, and
        with the seconds of one wait
    :param clock: what gives the seconds since 1970; empty for this machine's
    :param options: for SQLAlchemy's create_engine()
    """

    arguments: Callable[[float], dict[str, Any]]
    prepare: Callable[[Any, float], None]
    clock: str = ""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def now(self, connection: sa.Connection) -> float:
        """The time, by the database's clock."""
        if not self.clock:
            return time.time()
        return float(connection.exec_driver_sql(self.clock).scalar_one())


def _sqlite_arguments(wait: float) -> dict[str, Any]:
    return {"timeout": wait}


def _sqlite_prepare(driver: Any, wait: float) -> None:
    # Python's module would begin transactions on its own.
    driver.isolation_level = None
    with contextlib.closing(driver.cursor()) as cursor:
        # Readers do not wait for a writer; this is kept in the file.
        cursor.execute("PRAGMA journal_mode = WAL")
        if cursor.fetchone() != ("wal",):
            raise unusable("its file system lets SQLite keep no log (WAL)")
        # A power failure loses nothing that was committed.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")


def _mysql_arguments(wait: float) -> dict[str, Any]:
    # Longer than a server waits for a lock.
    patience = math.ceil(2 * wait)
    return {
        "charset": "utf8mb4",
        "connect_timeout": math.ceil(wait),
        "read_timeout": patience,
        "write_timeout": patience,
    }


def _mysql_prepare(driver: Any, wait: float) -> None:
    # In local time the hour that comes twice in autumn would come twice here.
    # MariaDB ends a silent transaction; MySQL can end silent sessions only.
    with driver.cursor() as cursor:
        cursor.execute(
            f"SET SESSION time_zone = '+00:00', sql_mode = 'TRADITIONAL',"
            f" innodb_lock_wait_timeout = {math.ceil(wait)}"
            f" /*M!100300 , idle_transaction_timeout = {_silence(wait)} */"
            f" /*!80000 , wait_timeout = {6 * _silence(wait)} */"
        )
        cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
        if ("wsrep_on", "ON") in cursor.fetchall():
            # What was committed on another node of Galera's is read on this.
            cursor.execute("SET SESSION wsrep_sync_wait = 1")


def _postgresql_arguments(wait: float) -> dict[str, Any]:
    return {
        # libpq takes 1 for 2.
        "connect_timeout": max(2, math.ceil(wait)),
        "tcp_user_timeout": math.ceil(wait * 1000),
        "keepalives_idle": math.ceil(wait),
        "keepalives_interval": 1,
        "keepalives_count": 3,
        # A pool between us and the server would mix statements up.
        "prepare_threshold": None,
    }


def _postgresql_prepare(driver: Any, wait: float) -> None:
    seconds = {
        "lock_timeout": wait,
        "statement_timeout": 1.5 * wait,
        "idle_in_transaction_session_timeout": _silence(wait),
    }
    for name, value in seconds.items():
        driver.execute(f"SET {name} = {math.ceil(value * 1000)}")
    driver.commit()


def _silence(wait: float) -> int:
    """Seconds after which a client that says nothing is taken for dead."""
    return max(2, math.ceil(2 * wait))


_MYSQL = Backend(
    _mysql_arguments,
    _mysql_prepare,
    "SELECT UNIX_TIMESTAMP(NOW(6))",
    {"isolation_level": "READ COMMITTED"},
)

_POSTGRESQL = Backend(
    _postgresql_arguments,
    _postgresql_prepare,
    "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
    {"isolation_level": "READ COMMITTED"},
)

#: By the name that a URL begins with; without a driver it is the same one.
BACKENDS = {
    "sqlite+pysqlite": Backend(_sqlite_arguments, _sqlite_prepare),
    "mysql+pymysql": _MYSQL,
    "mariadb+pymysql": _MYSQL,
    "postgresql+psycopg": _POSTGRESQL,
}
DRIVERS = {name.partition("+")[0]: name for name in BACKENDS}


def parse(text: str) -> sa.URL:
    """The URL of a database, with its driver.

    :raises ConfigError: it is none that we know; its text, which may hold a
        password, is not in the message
    """
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise unusable(
            "it is not a URL such as sqlite:////var/lib/waffles/recovery.db"
            " or mysql+pymysql://user:password@host/database"
        ) from None
    url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
    if url.drivername not in BACKENDS:
        raise unusable(
            f"{url.drivername} is none of the databases and drivers that are"
            f" known: {', '.join(sorted(BACKENDS))}"
        )
    if not url.database:
        raise unusable("it names no database")
    return url


def shown(url: sa.URL) -> str:
    """Where a database is, without who uses it."""
    if url.host is None:
        return f"{url.drivername}:///{url.database}"
    port = f":{url.port}" if url.port else ""
    return f"{url.drivername}://{url.host}{port}/{url.database}"
