import socket
import threading

import pytest

from tests.unit.recovery.stores import within
from waffles import exceptions
from waffles.database import backends
from waffles.database.access import Database
from waffles.recovery.store import store as stores

HIDDEN = "hunter2"

DRIVERS = ["mysql+pymysql", "mariadb+pymysql", "postgresql+psycopg"]


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("sqlite:////a/b.db", "sqlite+pysqlite"),
        ("sqlite+pysqlite:////a/b.db", "sqlite+pysqlite"),
        ("mysql://u:p@h/d", "mysql+pymysql"),
        ("mysql+pymysql://u:p@h/d?charset=utf8", "mysql+pymysql"),
        ("mariadb://u:p@h/d", "mariadb+pymysql"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h:1/d", "postgresql+psycopg"),
    ],
)
def test_a_url_names_a_driver_or_means_one(text, driver):
    assert backends.parse(text).drivername == driver


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a URL"),
        (f"{HIDDEN}", "is not a URL"),
        (f"mysql//u:{HIDDEN}@h/d", "is not a URL"),
        (f"mysql://u:{HIDDEN}@h:port/d", "is not a URL"),
        (f"oracle://u:{HIDDEN}@h/d", "oracle is none of the databases"),
        (f"mysql+aiomysql://u:{HIDDEN}@h/d", "mysql.aiomysql is none of"),
        (f"postgresql+psycopg2://u:{HIDDEN}@h/d", "psycopg2 is none of"),
        (f"mysql://u:{HIDDEN}@h", "names no database"),
        (f"mysql://u:{HIDDEN}@h/", "names no database"),
        ("sqlite://", "names no database"),
        (
            f"mysql://u:{HIDDEN}@h/d?no_such={HIDDEN}",
            "does not take all that stands behind",
        ),
        (
            f"postgresql://u:{HIDDEN}@127.0.0.1/d?no_such=1",
            'psycopg://127.0.0.1/d: invalid connection option "no_such"',
        ),
    ],
)
def test_a_url_that_cannot_be_used_stops_the_start(text, why):
    with pytest.raises(exceptions.ConfigError, match=why) as caught:
        stores.open(text)

    assert str(caught.value).startswith("[waffles_recovery] connection: ")
    assert HIDDEN not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pymysql", None)

    with pytest.raises(exceptions.ConfigError, match="Python package pymysql"):
        Database(f"mysql://u:{HIDDEN}@127.0.0.1/d")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sqlite:////a/b.db", "sqlite+pysqlite:////a/b.db"),
        (f"mysql://u:{HIDDEN}@h/d?ssl_key=x", "mysql+pymysql://h/d"),
        (f"postgresql://u:{HIDDEN}@h:5/d", "postgresql+psycopg://h:5/d"),
    ],
)
def test_a_database_is_shown_without_who_uses_it(text, shown):
    assert backends.shown(backends.parse(text)) == shown


@pytest.fixture
def silent():
    """Something that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepted = []

        def accept():
            try:
                while True:
                    accepted.append(listening.accept()[0])
            except OSError:
                pass

        thread = threading.Thread(target=accept)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in accepted:
            one.close()


@pytest.fixture
def closed():
    """A port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def fails(driver, port, timeout):
    url = f"{driver}://user:{HIDDEN}@127.0.0.1:{port}/name"
    with pytest.raises(exceptions.Unavailable) as caught:
        within(30, lambda: stores.open(url, timeout=timeout))
    assert HIDDEN not in str(caught.value)
    assert f"127.0.0.1:{port}/name: " in str(caught.value)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_database_that_is_not_there_is_unavailable(driver, closed):
    fails(driver, closed, 10.0)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_database_that_says_nothing_is_unavailable(driver, silent):
    fails(driver, silent, 1.0)


def test_every_backend_has_bounded_waits():
    for name, backend in backends.BACKENDS.items():
        waits = backend.arguments(3.2)
        assert waits.get("connect_timeout", waits.get("timeout")) in (3.2, 4)
        assert name in backends.DRIVERS.values()


@pytest.mark.parametrize("wait", [0.01, 0.5, 1.0])
def test_no_wait_is_rounded_to_nothing(wait):
    mysql = backends.BACKENDS["mysql+pymysql"].arguments(wait)
    postgresql = backends.BACKENDS["postgresql+psycopg"].arguments(wait)

    assert mysql["connect_timeout"] == 1
    assert mysql["read_timeout"] >= 1
    assert postgresql["connect_timeout"] == 2
    assert postgresql["tcp_user_timeout"] >= 10
    assert postgresql["keepalives_idle"] == 1


class Cursor:
    """A driver's cursor that knows what was said to it."""

    def __init__(self, variables):
        self.said, self._variables = [], variables

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def cursor(self):
        return self

    def execute(self, statement):
        self.said.append(statement)

    def fetchall(self):
        return self._variables

    def fetchone(self):
        return self._variables[0]

    def close(self):
        pass


@pytest.mark.parametrize(
    ("variables", "waits"),
    [((("wsrep_on", "ON"),), True), ((("wsrep_on", "OFF"),), False), ((), 0)],
    ids=["Galera", "MariaDB", "MySQL"],
)
def test_what_another_node_has_committed_is_read_on_this(variables, waits):
    cursor = Cursor(variables)

    backends.BACKENDS["mysql+pymysql"].prepare(cursor, 5.0)

    assert ("SET SESSION wsrep_sync_wait = 1" in cursor.said) is bool(waits)
    assert "innodb_lock_wait_timeout = 5" in cursor.said[0]


def test_a_file_system_must_let_sqlite_keep_a_log():
    with pytest.raises(exceptions.ConfigError, match="no log"):
        backends.BACKENDS["sqlite+pysqlite"].prepare(Cursor([("delete",)]), 1)
