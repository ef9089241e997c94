import pytest

from waffles.recovery.engine import pace


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def tick(self, seconds=1.0):
        self.now += seconds
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def one(clock):
    return pace.Pace(clock)


def test_at_first_nothing_is_kept_back(one):
    assert not one.is_quiet
    assert not one.is_slow
    assert not one.is_stale
    assert not one.is_heard


def test_a_rest_gets_longer_each_time_up_to_a_limit(one, clock):
    found = [one.rest(clock.tick(100)) for _ in range(8) if clock.tick()]

    assert found == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_rest_that_is_repeated_for_days_is_still_one(one):
    one.rests = 100_000

    assert one.rest(1.0) == pace.PAUSE_MAX


def test_the_answers_to_one_round_count_once(one, clock):
    began = clock.now
    clock.tick(0.1)

    found = [one.rest(began) for _ in range(20)]

    assert found == [pace.PAUSE] * 20
    assert one.rests == 1


def test_a_later_answer_does_not_end_the_rest_that_nova_has_asked_for(
    one, clock
):
    assert one.rest(clock.now, 300.0) == 300
    clock.tick(10)

    assert one.rest(clock.now) == 290
    assert one.is_quiet
    clock.tick(290)
    assert not one.is_quiet


def test_one_is_begun_at_a_time_until_nova_accepts_something(one, clock):
    one.rest(clock.now)
    assert one.is_slow

    one.well(clock.tick())

    assert not one.is_slow


def test_what_was_begun_before_a_rest_does_not_end_it(one, clock):
    began = clock.now
    clock.tick()
    one.rest(began)

    one.well(began)

    assert one.is_slow
    assert one.is_heard


def test_who_accepts_something_does_not_refuse_us(one, clock):
    one.refused = "no token"

    one.well(clock.now)

    assert one.refused == ""
