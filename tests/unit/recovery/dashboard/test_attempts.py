import pytest

from waffles.recovery.dashboard import attempts
from waffles.recovery.dashboard.attempts import FAILURES, SECONDS, Attempts


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def kept(clock):
    return Attempts(clock)


def fail(kept, who, times):
    for _ in range(times):
        kept.failed(who)


def test_some_failures_are_let_pass(kept):
    fail(kept, "ann", FAILURES - 1)

    assert kept.wait("ann") == 0


def test_who_fails_too_often_has_to_wait(kept, clock):
    fail(kept, "ann", FAILURES)

    assert kept.wait("ann") == SECONDS
    assert kept.wait("bob") == 0
    clock.now += SECONDS - 0.5
    assert kept.wait("ann") == 1
    clock.now += 0.5
    assert kept.wait("ann") == 0


def test_the_first_failure_is_forgotten_first(kept, clock):
    for _ in range(FAILURES):
        kept.failed("ann")
        clock.now += 10
    clock.now += SECONDS - 10 * FAILURES
    assert kept.wait("ann") == 0

    kept.failed("ann")
    assert kept.wait("ann") == 10


def test_failures_without_number_take_no_more_room(kept, monkeypatch):
    monkeypatch.setattr(attempts, "MOST", 3)
    fail(kept, "ann", FAILURES)
    kept.failed("bob")
    kept.failed("ann")
    kept.failed("cid")
    kept.failed("dan")

    # Of four bob failed longest ago.
    assert list(kept._failed) == ["ann", "cid", "dan"]
    assert kept.wait("ann")
