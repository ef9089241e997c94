import logging

import pytest

from waffles.cells.asking.breaker import (
    PAUSE,
    Breaker,
    Health,
    after,
    is_failure,
)
from waffles.clients.cell import End, Outcome


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


WELL = Outcome("c1", End.ANSWERED, 200, seconds=0.1)
LATE = Outcome("c1", End.LATE, why="Cell c1 has not answered.", seconds=5)
BUSY = Outcome("c1", End.BUSY)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


@pytest.mark.parametrize(
    ("end", "status", "speaks_against"),
    [
        (End.ANSWERED, 200, False),
        (End.ANSWERED, 300, False),
        (End.ANSWERED, 401, False),
        (End.ANSWERED, 404, False),
        (End.ANSWERED, 429, False),
        (End.ANSWERED, 500, False),
        (End.ANSWERED, 502, True),
        (End.ANSWERED, 503, True),
        (End.LATE, 0, True),
        (End.BROKEN, 0, True),
        (End.REFUSED, 0, True),
    ],
)
def test_what_speaks_against_a_cell(end, status, speaks_against):
    outcome = Outcome("c1", end, status)
    assert is_failure(outcome) is speaks_against
    known = after(Health(), outcome, 1)
    assert known.failures == speaks_against


@pytest.mark.parametrize("end", [End.BUSY, End.OPEN])
def test_what_was_not_sent_says_nothing(end):
    known = Health(True, 3, "x", 1, 2, 3)
    assert after(known, Outcome("c1", end), 4) is known


def see(breaker, *outcomes):
    for outcome in outcomes:
        breaker.saw(outcome)


def test_three_failures_in_a_row_open_it(breaker):
    see(breaker, LATE, LATE)
    assert breaker.admits()
    see(breaker, LATE)
    assert not breaker.admits()
    assert breaker.health.open


@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_between_failures_counts_anew(breaker, status):
    well = Outcome("c1", End.ANSWERED, status)
    see(breaker, LATE, LATE, well, LATE, LATE)
    assert breaker.admits()


def test_what_was_not_sent_between_failures_does_not(breaker):
    see(breaker, LATE, BUSY, LATE, BUSY, LATE)
    assert not breaker.admits()


def test_one_request_in_a_pause_finds_out(breaker, clock):
    see(breaker, LATE, LATE, LATE)
    for _ in range(3):
        clock.now += PAUSE - 0.1
        assert not breaker.admits()
        clock.now += 0.2
        assert [breaker.admits() for _ in range(3)] == [True, False, False]


def test_a_probe_that_fails_waits_for_another_pause(breaker, clock):
    see(breaker, LATE, LATE, LATE)
    clock.now += PAUSE
    assert breaker.admits()
    clock.now += 3
    see(breaker, LATE)
    clock.now += PAUSE - 0.1
    assert not breaker.admits()
    clock.now += 0.2
    assert breaker.admits()


def test_a_probe_that_is_answered_closes_it(breaker, clock):
    see(breaker, LATE, LATE, LATE)
    clock.now += PAUSE
    assert breaker.admits()
    see(breaker, WELL)
    assert breaker.admits()
    assert breaker.admits()
    see(breaker, LATE, LATE)
    assert breaker.admits()


def test_it_says_how_the_cell_is(breaker, clock):
    assert breaker.health == Health(since=100)
    see(breaker, WELL)
    assert breaker.health == Health(seconds=0.1, since=100)
    clock.now += 1
    see(breaker, LATE, LATE, LATE)
    opened = Health(True, 3, LATE.why, 5, 101, 106)
    assert breaker.health == opened
    clock.now += 1
    see(breaker, Outcome("c1", End.ANSWERED, 503, seconds=2))
    assert breaker.health == Health(
        True, 4, "Cell c1 has answered 503.", 2, 101, 107
    )
    see(breaker, WELL)
    assert breaker.health == Health(seconds=0.1, since=102)


def test_the_log_has_one_line_for_each_turn(breaker, caplog):
    caplog.set_level(logging.WARNING, "waffles.cells.asking.breaker")
    see(breaker, WELL, LATE, LATE, LATE, LATE, WELL, WELL)
    assert [record.getMessage() for record in caplog.records] == [
        "Cell c1 is left alone: Cell c1 has not answered.",
        "Cell c1 answers again",
    ]
