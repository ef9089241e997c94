import threading
from concurrent import futures

import pytest

from waffles.recovery.engine.asking import Asking
from waffles.recovery.model import Server


@pytest.fixture
def asking():
    with futures.ThreadPoolExecutor(2) as pool:
        yield Asking(pool)


def row(key):
    return Server(f"s{key}", key=key)


def test_what_is_answered_in_time_is_heard_once(asking):
    asking.ask(row(1), lambda: row(1))
    asking.ask(row(2), lambda: row(2))

    assert asking.heard(20) == [row(1), row(2)]
    assert asking.heard(20) == []
    assert len(asking) == 0


def test_what_is_not_answered_is_still_asked(asking):
    answer = threading.Event()
    asking.ask(row(1), lambda: row(1) if answer.wait(20) else row(9))
    asking.ask(row(2), lambda: row(2))

    before = asking.heard(0.5)
    held = row(1) in asking, row(2) in asking
    answer.set()

    assert before == [row(2)]
    assert held == (True, False)
    assert asking.heard() == [row(1)]
