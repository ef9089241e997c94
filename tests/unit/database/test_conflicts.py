import sqlite3

import pytest
from sqlalchemy import exc

from waffles.database import conflicts
from waffles.database.conflicts import Meaning

pymysql = pytest.importorskip("pymysql")
psycopg = pytest.importorskip("psycopg")


def sqlite(code, text="x"):
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


#: A driver's error, whether SQLAlchemy takes the connection for lost, and
#: what it means.
ERRORS = {
    "MySQL deadlock": (
        pymysql.err.OperationalError(1213, "Deadlock found"),
        False,
        Meaning.CONFLICT,
    ),
    "Galera, another driver": (
        pymysql.err.InternalError(1213, "Deadlock: wsrep aborted transaction"),
        False,
        Meaning.CONFLICT,
    ),
    "Galera, older": (
        pymysql.err.InternalError(1180, "Got error 149 during COMMIT"),
        False,
        Meaning.CONFLICT,
    ),
    "group replication": (
        pymysql.err.OperationalError(3101, "Plugin instructed"),
        False,
        Meaning.CONFLICT,
    ),
    "MySQL lock": (
        pymysql.err.OperationalError(1205, "Lock wait timeout exceeded"),
        False,
        Meaning.CONFLICT,
    ),
    "MariaDB snapshot": (
        pymysql.err.OperationalError(1020, "Record has changed"),
        False,
        Meaning.CONFLICT,
    ),
    "MySQL away": (
        pymysql.err.OperationalError(2003, "Can't connect"),
        False,
        Meaning.AWAY,
    ),
    "MySQL lost": (
        pymysql.err.OperationalError(2013, "Lost connection"),
        True,
        Meaning.LOST,
    ),
    "Galera, not primary": (
        pymysql.err.OperationalError(1047, "WSREP has not yet prepared node"),
        False,
        Meaning.AWAY,
    ),
    "PostgreSQL deadlock": (
        psycopg.errors.DeadlockDetected(),
        False,
        Meaning.CONFLICT,
    ),
    "PostgreSQL serialisation": (
        psycopg.errors.SerializationFailure(),
        False,
        Meaning.CONFLICT,
    ),
    "PostgreSQL lock": (
        psycopg.errors.LockNotAvailable(),
        False,
        Meaning.CONFLICT,
    ),
    "PostgreSQL time-out": (
        psycopg.errors.QueryCanceled(),
        False,
        Meaning.CONFLICT,
    ),
    "PostgreSQL away": (
        psycopg.OperationalError("connection refused"),
        False,
        Meaning.AWAY,
    ),
    "PostgreSQL stopped": (
        psycopg.errors.AdminShutdown(),
        True,
        Meaning.LOST,
    ),
    "SQLite busy": (sqlite(5), False, Meaning.CONFLICT),
    "SQLite locked": (sqlite(6), False, Meaning.CONFLICT),
    "SQLite busy, in detail": (sqlite(517), False, Meaning.CONFLICT),
    "SQLite error": (sqlite(1), False, Meaning.OURS),
    "SQLite full": (sqlite(13), False, Meaning.AWAY),
    "no code": (sqlite3.OperationalError(), False, Meaning.AWAY),
    "nothing": (None, False, Meaning.AWAY),
}


@pytest.mark.parametrize(
    ("orig", "lost", "meaning"), ERRORS.values(), ids=ERRORS
)
def test_an_error_has_a_meaning(orig, lost, meaning):
    error = exc.OperationalError("X", {}, orig, connection_invalidated=lost)

    assert conflicts.meaning(error) is meaning


@pytest.mark.parametrize("kind", conflicts.OURS)
def test_what_would_fail_again_is_ours(kind):
    assert conflicts.meaning(kind("X", {}, Exception("x"))) is Meaning.OURS
