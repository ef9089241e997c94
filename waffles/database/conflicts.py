"""What an error of a database means: once more, or not at all.

Drivers agree on nothing but that the database's own number is in there:
the first argument (MySQL), ``sqlstate`` (PostgreSQL), ``sqlite_errorcode``.
"""

import enum

from sqlalchemy import exc

#: MySQL: a row has changed since it was read (1020, with
#: innodb_snapshot_isolation), a lock took too long (1205), deadlock (1213;
#: Galera says so at COMMIT as well), an error during COMMIT (1180, of older
#: Galera), a COMMIT that group replication took back (3101).
MYSQL = frozenset({1020, 1180, 1205, 1213, 3101})

#: PostgreSQL: serialization_failure, deadlock_detected, lock_not_available,
#: query_canceled (by statement_timeout).
POSTGRESQL = frozenset({"40001", "40P01", "55P03", "57014"})

#: SQLite: SQLITE_BUSY and SQLITE_LOCKED; more is told in higher bits.
SQLITE = frozenset({5, 6})

#: SQLite: SQLITE_ERROR, as for a table that is not there.
SQLITE_ERROR = 1

#: What is wrong with a statement, and would be again.
OURS = (
    exc.DataError,
    exc.IntegrityError,
    exc.NotSupportedError,
    exc.ProgrammingError,
)


class Meaning(enum.Enum):
    """What to do about an error.

    CONFLICT: another transaction won; this one has left nothing behind.
    LOST: the connection is gone; a new one may do.
    AWAY: the database cannot do it now.
    OURS: the statement is wrong, or a constraint has decided.
    """

    CONFLICT = enum.auto()
    LOST = enum.auto()
    AWAY = enum.auto()
    OURS = enum.auto()


def meaning(error: exc.DBAPIError) -> Meaning:
    """What an error means for the transaction that it ended."""
    if is_conflict(error.orig):
        return Meaning.CONFLICT
    if error.connection_invalidated:
        return Meaning.LOST
    if isinstance(error, OURS) or _sqlite(error.orig) == SQLITE_ERROR:
        return Meaning.OURS
    return Meaning.AWAY


def is_conflict(error: BaseException | None) -> bool:
    """Whether a driver's error says that another transaction won."""
    if _sqlite(error) in SQLITE:
        return True
    if getattr(error, "sqlstate", None) in POSTGRESQL:
        return True
    number = error.args[0] if error and error.args else None
    return isinstance(number, int) and number in MYSQL


def _sqlite(error: BaseException | None) -> int:
    """SQLite's own code for an error; 0 where it has none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
