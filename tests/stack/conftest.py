"""The cloud of a test run, and the ends of its logs where a test fails.

Tests of a store have databases, without a cloud around them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack import databases as servers
from tests.stack.cloud import Cloud, running


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """The cloud that all tests share: each says what its waffles do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        with running() as cloud:
            yield cloud


@pytest.fixture(scope="session")
def database_servers() -> Iterator[servers.Servers]:
    """MariaDB and PostgreSQL, which all tests share."""
    with servers.running() as found:
        yield found


@pytest.fixture
def databases(
    database_servers: servers.Servers, tmp_path: Path
) -> dict[str, str]:
    """By kind, the URL of an empty database that is the test's own."""
    return {
        kind: database_servers.make(kind, tmp_path) for kind in servers.KINDS
    }


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: Any, call: pytest.CallInfo[None]
) -> Iterator[None]:
    """Show what the services said while a test failed."""
    report: Any = yield
    cloud = item.funcargs.get("cloud")
    if report.failed and cloud:
        report.sections += [
            (f"log of {name}", end)
            for name, end in cloud.ends_of_logs(call.start)
        ]
    return report
