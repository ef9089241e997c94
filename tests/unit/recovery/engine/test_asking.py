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
    asking.ask(row(1), lambda: row(1), row(8))
    asking.ask(row(2), lambda: row(2), row(8))

    assert asking.heard(20) == [row(1), row(2)]
    assert asking.heard(20) == []
    assert len(asking) == 0


def test_what_is_not_answered_is_still_asked(asking):
    answer = threading.Event()
    asking.ask(row(1), lambda: row(1) if answer.wait(20) else row(9), row(8))
    asking.ask(row(2), lambda: row(2), row(8))

    before = asking.heard(0.5)
    held = row(1) in asking, row(2) in asking
    answer.set()

    assert before == [row(2)]
    assert held == (True, False)
    assert asking.heard() == [row(1)]


def test_what_has_not_begun_is_taken_back(asking):
    answer, begun = threading.Event(), threading.Barrier(3)

    def slow():
        begun.wait(20)
        assert answer.wait(20)
        return row(1)

    for key in (1, 2):
        asking.ask(row(key), slow, row(8))
    begun.wait(20)
    asking.ask(row(3), lambda: row(9), row(3))

    taken = asking.cancel()
    answer.set()

    assert taken == [row(3)]
    assert row(3) not in asking
    assert asking.heard() == [row(1), row(1)]


def test_a_call_that_breaks_takes_no_other_answer_with_it(asking):
    asking.ask(row(1), lambda: 1 / 0, row(8))
    asking.ask(row(2), lambda: row(2), row(8))

    assert asking.heard() == [row(2)]
    with pytest.raises(ZeroDivisionError):
        asking.check()
    asking.check()
    assert len(asking) == 0
