"""A database: its connections, and transactions on it.

A transaction is a function of a connection.  It is run again, as a whole,
when another transaction was faster (a deadlock, a file that is locked, a
COMMIT that Galera takes back) or when the connection was lost before COMMIT.
If it is lost during COMMIT nobody knows what became of it: Unavailable.

A process that is forked has connections of its own.
"""

import contextlib
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from waffles import exceptions, texts
from waffles.database import backends, conflicts, files
from waffles.database.conflicts import Meaning

LOG = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

#: Connections that are kept, and those that there may be at once.
KEPT, MOST = 5, 30

#: Seconds between two tries, at the most; the first come sooner.
PAUSE = 0.5

_WRITES = "waffles_writes"

AWAY = "The database of recoveries gives no answer."


class Database:
    """One database; any number of threads may use it.

    :param timeout: seconds after which a transaction has ended, or failed
    :raises ConfigError: the URL, or what it names, cannot be used
    """

    def __init__(
        self,
        text: str,
        timeout: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = backends.parse(text)
        self.backend = backends.BACKENDS[self.url.drivername]
        self.is_sqlite = self.url.drivername.startswith("sqlite")
        if self.is_sqlite:
            files.check(str(self.url.database))
        # A try that begins at the last moment waits as long once more.
        self.timeout, self.wait = timeout, timeout / 2
        self._sleep, self._pid = sleep, os.getpid()
        self._inherited: list[sa.Pool] = []
        self.engine = _engine(self.url, self.backend, self.wait)

    def now(self, connection: sa.Connection) -> float:
        """The time by the database's clock: seconds since 1970."""
        return self.backend.now(connection)

    def read(self, work: Work[T]) -> T:
        """Run a transaction that changes nothing.

        :raises Unavailable: the database gives no answer
        """
        return self._run(work, False)

    def write(self, work: Work[T]) -> T:
        """Run a transaction; what it raises is raised, and undoes it.

        :raises Unavailable: the database gives no answer
        """
        return self._run(work, True)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self.engine.dispose()

    def _run(self, work: Work[T], writes: bool) -> T:
        end, tries = time.monotonic() + self.wait, 0
        while True:
            tries += 1
            try:
                return self._once(work, writes)
            except exc.DBAPIError as error:
                what = conflicts.meaning(error)
                if what is Meaning.OURS:
                    raise
                if what is Meaning.AWAY or time.monotonic() > end:
                    _away(error)
                LOG.debug("Once more: %s", brief(error))
            except exc.TimeoutError as error:
                _away(error)
            limit = min(PAUSE, 0.01 * 2**tries)
            self._sleep(random.uniform(0, limit))  # noqa: S311

    def _once(self, work: Work[T], writes: bool) -> T:
        self._after_fork()
        with self.engine.connect() as found:
            connection = found.execution_options(**{_WRITES: writes})
            with self._bounded(connection), connection.begin() as transaction:
                result = work(connection)
                if writes:
                    _commit(connection, transaction)
                else:
                    transaction.rollback()
            return result

    @contextlib.contextmanager
    def _bounded(self, connection: sa.Connection) -> Iterator[None]:
        """Shut the socket of a server that says nothing: of PostgreSQL.

        Its driver has no such time-out.
        """
        driver: Any = connection.connection.dbapi_connection
        if not hasattr(driver, "pgconn"):
            yield
            return
        with socket.socket(fileno=os.dup(driver.fileno())) as known:
            timer = threading.Timer(self.timeout, _shut, [known])
            timer.daemon = True
            timer.start()
            try:
                yield
            finally:
                timer.cancel()

    def _after_fork(self) -> None:
        """Leave the connections of the process that we were forked from.

        They are not closed, and not forgotten, which would close them: SQLite
        forgets locks of the other process then.
        """
        if self._pid != os.getpid():
            self._inherited.append(self.engine.pool)
            self.engine.dispose(close=False)
            self._pid = os.getpid()


def _engine(url: sa.URL, backend: backends.Backend, wait: float) -> sa.Engine:
    try:
        engine = sa.create_engine(
            url,
            connect_args=backend.arguments(wait),
            poolclass=sa.QueuePool,
            pool_size=KEPT,
            max_overflow=MOST - KEPT,
            pool_timeout=wait,
            # Each transaction is ended here, in a bounded time.
            pool_reset_on_return=None,
            **backend.options,
        )
    except ImportError as error:
        raise backends.unusable(
            f"{url.drivername} needs the Python package {error.name}"
        ) from None
    sa.event.listen(engine, "do_connect", _connect)
    sa.event.listen(
        engine, "connect", lambda driver, _: backend.prepare(driver, wait)
    )
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "begin", _begin)
    return engine


def _connect(dialect: Any, record: Any, args: Any, named: Any) -> Any:
    try:
        return dialect.connect(*args, **named)
    except (TypeError, ValueError):
        # They may show a value.
        raise backends.unusable(
            "its driver does not take all that stands behind ?"
        ) from None


def _begin(connection: sa.Connection) -> None:
    """Who means to write waits for its turn before it reads."""
    writes = connection.get_execution_options().get(_WRITES, True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _commit(
    connection: sa.Connection, transaction: sa.RootTransaction
) -> None:
    try:
        transaction.commit()
    except exc.DBAPIError as error:
        # It may be open yet, and SQLAlchemy takes it for ended.
        connection.invalidate()
        if conflicts.meaning(error) is not Meaning.LOST:
            raise
        LOG.warning("Lost during COMMIT: %s", brief(error))
        raise exceptions.Unavailable(
            "The database of recoveries was lost: nobody knows whether this"
            " was stored."
        ) from error


def _away(error: exc.SQLAlchemyError) -> NoReturn:
    LOG.warning("The database of recoveries: %s", brief(error))
    raise exceptions.Unavailable(AWAY) from error


def _shut(known: socket.socket) -> None:
    with contextlib.suppress(OSError):
        known.shutdown(socket.SHUT_RDWR)


def brief(error: exc.SQLAlchemyError) -> str:
    """What a driver says, without the statement and its values."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    return texts.one_line(str(cause).strip())[:300]
