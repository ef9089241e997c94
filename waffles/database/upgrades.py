"""The schema of the database, and its revisions: Alembic.

The revisions are files of this package (:mod:`waffles.database.migrations`).
Several processes may upgrade at once: one does, and the others find it done.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from alembic import command, config, migration, script
from sqlalchemy import exc

from waffles import exceptions
from waffles.database import backends
from waffles.database.access import Database, brief

#: Where the revision of the schema stands, beside any other Alembic's.
VERSION_TABLE = "recovery_version"

#: The lock that one who upgrades has; PostgreSQL takes a number for it.
LOCK, LOCK_NUMBER = "waffles_recovery_upgrade", 0x77616666

#: MySQL: no access (1044, 1045, 1698), no such database (1049).
_MYSQL = frozenset({1044, 1045, 1049, 1698})

#: SQLite: not to be written (8), opened (14), or read (26).
_SQLITE = frozenset({8, 14, 26})

#: PostgreSQL gives no number while there is no connection.
_POSTGRESQL = re.compile(
    r"authentication failed|(database|role) \S+ does not exist|pg_hba\.conf"
)

T = TypeVar("T")


def head() -> str:
    """The newest revision that this waffles knows."""
    return _scripts().get_current_head() or ""


def version(database: Database) -> str:
    """The revision of a database; empty where there is nothing yet.

    :raises Unavailable: the database gives no answer
    :raises ConfigError: it has no such user or database
    """
    file = Path(str(database.url.database))
    if database.is_sqlite and not file.exists():
        return ""  # whoever looked would make it
    return _told(database, lambda: database.read(_version))


def upgrade(database: Database) -> tuple[str, str]:
    """Bring a database to the newest revision: what it was, and is.

    :raises Unavailable: the database gives no answer
    :raises ConfigError: it cannot be used, or is of a newer waffles
    """
    return _told(database, lambda: database.write(_upgrade))


def require(database: Database) -> None:
    """See to it that the schema is as this waffles knows it.

    A database of SQLite is made, or upgraded; others are left as they are.

    :raises Unavailable: the database gives no answer
    :raises ConfigError: it cannot be used, or must be upgraded first
    """
    found = version(database)
    if found == head():
        return
    if database.is_sqlite:
        upgrade(database)
        return
    _refuse_newer(found)
    raise backends.unusable(
        f"the database {backends.shown(database.url)} has"
        f" {'an old' if found else 'no'} schema; run: waffles db upgrade"
    )


def _upgrade(connection: sa.Connection) -> tuple[str, str]:
    with _alone(connection):
        before = _version(connection)
        _refuse_newer(before)
        how = config.Config(attributes={"connection": connection})
        how.set_main_option("script_location", _folder().replace("%", "%%"))
        command.upgrade(how, "head")
        return before, head()


def _version(connection: sa.Connection) -> str:
    context = migration.MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    )
    return context.get_current_revision() or ""


def _refuse_newer(found: str) -> None:
    known = {revision.revision for revision in _scripts().walk_revisions()}
    if found and found not in known:
        raise backends.unusable(
            f"the database has schema {found}, which this waffles does not"
            f" know: it is of a newer one"
        )


@contextlib.contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    """Nobody else upgrades; SQLite's transaction alone sees to that."""
    kind = connection.dialect.name
    if kind == "postgresql":
        connection.execute(
            sa.select(sa.func.pg_advisory_xact_lock(LOCK_NUMBER))
        )
    if kind not in ("mysql", "mariadb"):
        yield
        return
    # Here each statement that changes the schema is a transaction.
    if not connection.scalar(sa.select(sa.func.get_lock(LOCK, 60))):
        raise exceptions.Unavailable("Somebody else upgrades the database.")
    try:
        yield
    finally:
        connection.execute(sa.select(sa.func.release_lock(LOCK)))


def _folder() -> str:
    return str(resources.files("waffles.database") / "migrations")


def _scripts() -> script.ScriptDirectory:
    return script.ScriptDirectory(_folder())


def _told(database: Database, work: Callable[[], T]) -> T:
    """Run what an operator waits for: who is told what the matter is."""
    where = backends.shown(database.url)
    try:
        return work()
    except exc.DBAPIError as error:
        raise backends.unusable(f"{where}: {brief(error)}") from None
    except exceptions.Unavailable as error:
        cause = error.__cause__
        if not isinstance(cause, exc.DBAPIError):
            raise
        why = f"{where}: {brief(cause)}"
        if _is_denied(cause.orig):
            raise backends.unusable(why) from None
        raise exceptions.Unavailable(why) from error


def _is_denied(error: BaseException | None) -> bool:
    """Whether time will not help."""
    number = error.args[0] if error and error.args else None
    return (
        number in _MYSQL
        or getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE
        or _POSTGRESQL.search(str(error)) is not None
    )
