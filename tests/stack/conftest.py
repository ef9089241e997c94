"""The cloud of a test run, and the ends of its logs where a test fails."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.cloud import Cloud, running


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """The cloud that all tests share: each says what its waffles do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        with running() as cloud:
            yield cloud


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
