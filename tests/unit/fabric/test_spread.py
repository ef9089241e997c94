import itertools
import subprocess
import sys
from collections import Counter

import pytest

from waffles.fabric import spread
from waffles.fabric.networks import Network


class _Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def _network(name, free, ipv4=True):
    return Network(name, name, "p", frozenset("*"), free=free, ipv4=ipv4)


def _taken(spread, networks, times, servers=1):
    """The networks of some choices, one after the other."""
    ranking = spread.ranking(networks)
    found = [spread.take([ranking], servers) for _ in range(times)]
    return [taken and taken[0].name for taken in found]


def test_the_network_with_the_most_free_addresses_is_chosen():
    networks = [_network("a", 10), _network("b", 12), _network("c", 11)]

    for _ in range(50):
        assert _taken(spread.Spread(), networks, 1) == ["b"]


def test_ties_go_at_random():
    networks = [_network(name, 10) for name in "abcd"]
    found = Counter(
        _taken(spread.Spread(), networks, 1)[0] for _ in range(400)
    )

    assert found.keys() == set("abcd")
    assert min(found.values()) > 50


def test_a_networks_own_choices_count_until_the_snapshot_shows_them():
    clock = _Clock()
    own = spread.Spread(clock)
    networks = [_network("a", 100), _network("b", 90)]
    own.renew({"a": 100, "b": 90}, clock.now)
    assert _taken(own, networks, 2) == ["a", "b"]

    own.renew({"a": 100, "b": 90}, clock.now + 1)  # too soon to show it
    assert _taken(own, networks, 1) == ["a"]
    own.renew({"a": 99, "b": 90}, clock.now + spread.SETTLE)
    networks = [_network("a", 98), _network("b", 90)]
    assert _taken(own, networks, 1) == ["a"]


def test_no_network_gets_more_than_it_has():
    networks = [_network("a", 3), _network("b", 2)]
    found = _taken(spread.Spread(), networks, 7)

    assert Counter(found) == {"a": 3, "b": 2, None: 2}


@pytest.mark.parametrize(
    ("free", "servers", "expected"),
    [
        ((10, 4), 5, ["a", "a", None]),
        ((4, 4), 5, [None]),
        ((5, 4), 5, ["a", None]),
    ],
    ids=["twice", "nowhere", "once"],
)
def test_servers_of_one_create_need_room_in_one_network(
    free, servers, expected
):
    networks = [_network("a", free[0]), _network("b", free[1])]

    assert (
        _taken(spread.Spread(), networks, len(expected), servers) == expected
    )


def test_room_is_found_behind_a_better_network_without_it():
    """b counts for less, as it was chosen, but still has room for 20."""
    own, b = spread.Spread(), _network("b", 30)
    ranking = own.ranking([_network("a", 10), b])
    own.take([own.ranking([b])], 2)

    assert own.take([ranking], 20)[0].name == "b"


def test_ipv6_never_outweighs_ipv4():
    networks = [_network("six", 2**64, ipv4=False), _network("four", 2)]

    assert _taken(spread.Spread(), networks, 3) == ["four", "four", "six"]


def test_what_is_only_looked_at_is_not_taken():
    own, networks = spread.Spread(), [_network("a", 1)]
    ranking = own.ranking(networks)

    assert [own.best([ranking], 1).name for _ in range(3)] == ["a"] * 3
    assert own.take([ranking], 1)
    assert own.best([ranking], 1) is None


def test_what_is_released_can_be_taken_again():
    own = spread.Spread()
    ranking = own.ranking([_network("a", 2), _network("b", 1)])
    taken = [own.take([ranking], 1) for _ in range(3)]
    assert own.take([ranking], 1) is None
    for network, choice in taken:
        own.release(choice)
        assert own.take([ranking], 1)[0] == network
    own.release(taken[0][1]._replace(when=0))  # shown by a snapshot

    assert own.take([ranking], 1) is None


def test_of_several_rankings_the_best_network_is_chosen():
    own = spread.Spread()
    rankings = [
        own.ranking([_network("a", 5)]),
        own.ranking([_network("b", 6)]),
        own.ranking([]),
    ]

    assert own.take(rankings, 1)[0].name == "b"
    assert own.take([[]], 1) is None


def _learned(rounds):
    """What is learned of rounds of (addresses gone, own choices)."""
    clock, free = _Clock(), 10_000
    own = spread.Spread(clock)
    own.renew({"a": free}, clock.now)
    for gone, choices in rounds:
        _taken(own, [_network("a", free)], choices)
        free -= gone
        clock.now += 30
        own.renew({"a": free}, clock.now)
    return own.others


@pytest.mark.parametrize(
    ("rounds", "least", "most"),
    [
        ([], 16, 16),
        ([(0, 0)] * 50, 16, 16),
        ([(100, 100)] * 8, 1, 1.1),
        ([(1600, 100)] * 6, 15.9, 16.1),
        ([(400, 100)] * 8, 3.9, 4.2),
        ([(3000, 0)] * 8, 2800, 3001),
        ([(2, 0)] * 8, 16, 16),
        ([(-500, 3)] * 8, 1, 4),
    ],
    ids=[
        "nothing",
        "quiet",
        "alone",
        "sixteen",
        "four",
        "idle_in_a_busy_cloud",
        "idle_in_a_quiet_cloud",
        "deletes",
    ],  # fmt: skip
)
def test_how_many_choose_is_learned(rounds, least, most):
    assert least <= _learned(rounds) <= most


def test_a_busy_cloud_spreads_what_is_nearly_alike():
    """A difference that the choices of others may have eaten is none."""
    clock = _Clock()
    own = spread.Spread(clock)
    own.renew({"a": 5000, "b": 4999, "c": 100}, clock.now)
    own.renew({"a": 4000, "b": 3999, "c": 100}, clock.now + 30)
    networks = [_network("a", 4000), _network("b", 3999), _network("c", 100)]
    found = Counter(own.ranking(networks)[0].network.name for _ in range(99))

    assert found.keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"a": 5, "b": 5}, {"a": 3, "b": 9}, {"a": 2, "b": 0}),
        ({"a": 5}, {}, {"a": 0}),
        ({}, {"a": 5}, {}),
    ],
    ids=["one_fell", "one_went", "one_came"],
)
def test_what_went_is_what_networks_have_less(before, now, expected):
    assert spread.went(before, now) == expected


@pytest.mark.parametrize(
    ("choices", "gone", "shown"),
    [
        ([(100, "a", 1)], {}, []),
        ([(100, "a", 1)], {"a": 1}, [0]),
        ([(100, "a", 1)], {"b": 1}, []),
        ([(100, "a", 1), (101, "a", 1)], {"a": 1}, [0]),
        ([(100, "a", 3), (101, "a", 1)], {"a": 2}, [1]),
        ([(90, "a", 1), (100, "a", 1)], {}, [0]),
        ([(90, "a", 1), (100, "a", 1)], {"a": 1}, [0]),
        ([(90, "a", 1), (100, "a", 1)], {"a": 2}, [0, 1]),
        ([(106, "a", 1)], {"a": 5}, []),
    ],
    ids=[
        "not_gone",
        "gone",
        "elsewhere",
        "one_of_two",
        "too_few",
        "old",
        "old_took_it",
        "both",
        "later",
    ],
)
def test_a_choice_is_seen_when_its_addresses_are_gone(choices, gone, shown):
    made = [spread.Choice(*choice) for choice in choices]
    found, hidden = spread.seen(made, gone, 105)

    assert found == [made[at] for at in shown]
    assert hidden == [choice for choice in made if choice not in found]


def test_the_last_address_is_given_out_soon_after_the_one_before():
    clock, own = _Clock(), spread.Spread(_Clock())
    for free in (2, 1):
        own.renew({"a": free}, clock.now + 3 - free)
        assert _taken(own, [_network("a", free)], 1) == ["a"]
    own.renew({"a": 0}, clock.now + 3)
    assert _taken(own, [_network("a", 0)], 1) == [None]


def test_many_workers_with_one_snapshot_fill_no_network():
    """A hundred more here than there: no herd overruns it."""
    free = {"a": 150, **{f"n{i}": 50 for i in range(10)}}
    networks = [_network(name, left) for name, left in free.items()]
    workers = [spread.Spread() for _ in range(16)]
    rankings = [worker.ranking(networks) for worker in workers]
    turns = itertools.islice(itertools.cycle(range(16)), 480)
    found = Counter(
        workers[turn].take([rankings[turn]], 1)[0].name for turn in turns
    )

    left = {name: count - found[name] for name, count in free.items()}
    assert min(left.values()) >= 0
    assert max(left.values()) - min(left.values()) <= 40


FORK = """
import os
from waffles.fabric import spread
from waffles.fabric.networks import Network

own, gone = spread.Spread(), spread.Spread()
del gone
ranking = own.ranking([Network("a", "a", "p", free=1)])
with own._lock:
    child = os.fork()
    if not child:
        os._exit(0 if own.take([ranking], 1) else 1)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_process_that_forks_while_a_thread_chooses_goes_on():
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", FORK], check=True, timeout=30
    )
