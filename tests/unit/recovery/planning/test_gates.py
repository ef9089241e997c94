import dataclasses
from typing import NamedTuple

import pytest

from waffles.recovery.planning import gates
from waffles.recovery.planning.sites import (
    COMPUTE,
    SCHEDULER,
    Aggregate,
    Service,
    Site,
)
from waffles.recovery.planning.wishes import Rules

RULES = Rules(threshold_cloud=30, threshold_zone=50, threshold_aggregate=50)
NAMES = [
    "paused",
    "threshold:cloud",
    "threshold:zone",
    "threshold:aggregate",
    "scheduler",
    "computes",
    "alive",
    "cell",
]


class Pause(NamedTuple):
    by: str
    reason: str


def compute(host, zone="z1", **more):
    return Service(host, COMPUTE, zone=zone, updated_at="t1", **more)


def site(*services, aggregates=(), schedulers=1):
    found = [Service(f"c{n}", SCHEDULER) for n in range(schedulers)]
    made = [
        Aggregate(name, frozenset(hosts), metadata)
        for name, hosts, metadata in aggregates
    ]
    return Site((*found, *services), tuple(made))


def hosts(many, down=0, zone="z1"):
    """Some hosts; of them the last are down."""
    return [
        compute(f"h{n}", zone, is_up=n <= many - down)
        for n in range(1, many + 1)
    ]


def judged(found, name, host="h1", rules=RULES, **how):
    (gate,) = (
        one
        for one in gates.judge(found, host, rules, **how)
        if one.name == name
    )
    return gate.passed, gate.reason


def test_every_gate_is_judged_whether_it_passes_or_not():
    well, badly = site(*hosts(4)), site(schedulers=0)

    for found, passes in ((well, True), (badly, False)):
        shown = gates.judge(found, "h1", RULES)
        assert [gate.name for gate in shown] == NAMES
        assert all(gate.reason for gate in shown)
        assert all(gate.passed for gate in shown) is passes


def test_a_pause_says_whose_and_why():
    pause = Pause("ann", "the storage is being moved")

    assert judged(site(*hosts(4)), "paused", pause=pause) == (
        False,
        "ann has paused all recoveries: the storage is being moved",
    )
    assert judged(site(*hosts(4)), "paused")[0]


@pytest.mark.parametrize(
    ("many", "down", "passed", "reason"),
    [
        (
            4,
            0,
            True,
            "1 of 4 hosts of the cloud is down: 25 %, allowed are 30 %; one"
            " alone never holds",
        ),
        (
            1,
            0,
            True,
            "1 of 1 host of the cloud is down: 100 %, allowed are 30 %; one"
            " alone never holds",
        ),
        (
            10,
            2,
            True,
            "3 of 10 hosts of the cloud are down (h1, h10, h9): 30 %, allowed"
            " are 30 %",
        ),
        (
            9,
            2,
            False,
            "3 of 9 hosts of the cloud are down (h1, h8, h9): 33.3 %, allowed"
            " are 30 %",
        ),
        (
            2,
            1,
            False,
            "2 of 2 hosts of the cloud are down (h1, h2): 100 %, allowed are"
            " 30 %",
        ),
        (
            8,
            7,
            False,
            "8 of 8 hosts of the cloud are down (h1, h2, h3, h4, h5, …):"
            " 100 %, allowed are 30 %",
        ),
    ],
)
def test_the_hosts_that_are_down_already_count(many, down, passed, reason):
    found = site(*hosts(many, down))

    assert judged(found, "threshold:cloud") == (passed, reason)


@pytest.mark.parametrize(
    "other",
    [
        {"is_up": False},
        {"is_seen": False},
    ],
    ids=["down", "not seen"],
)
def test_a_host_that_is_not_surely_up_counts_as_down(other):
    found = site(compute("h1"), compute("h2", **other), compute("h3"))

    assert not judged(found, "threshold:cloud")[0]


def test_a_host_that_is_down_counts_once():
    found = site(compute("h1", is_up=False), *hosts(3)[1:])

    assert judged(found, "threshold:cloud")[1].startswith("1 of 3 hosts")


def test_a_host_that_is_only_disabled_is_not_down():
    found = site(compute("h1"), compute("h2", is_enabled=False))

    assert judged(found, "threshold:cloud")[0]


@pytest.mark.parametrize("name", NAMES[1:4])
def test_a_threshold_of_100_is_none(name):
    rules = Rules(
        threshold_cloud=100, threshold_zone=100, threshold_aggregate=100
    )
    found = site(*hosts(3, 2), aggregates=[("a", ["h1", "h2"], {})])

    assert judged(found, name, rules=rules)[0]
    assert not judged(found, name)[0]


def test_only_hosts_of_the_zone_count_in_it():
    others = [compute(f"x{n}", "z2", is_up=False) for n in range(9)]

    assert judged(site(*hosts(4, 1), *others), "threshold:zone") == (
        True,
        "2 of 4 hosts of zone z1 are down (h1, h4): 50 %, allowed are 50 %",
    )
    assert not judged(site(*hosts(4, 2), *others), "threshold:zone")[0]


@pytest.mark.parametrize(
    ("metadata", "passed"),
    [
        ({"availability_zone": "z1"}, False),
        ({"availability_zone": "z2"}, True),
        ({}, False),
    ],
    ids=["of this zone", "of another", "of one that nobody tells"],
)
def test_a_host_that_is_not_seen_counts_where_it_may_be(metadata, passed):
    unseen = [compute(f"x{n}", "", is_seen=False) for n in range(3)]
    aggregate = ("a", [one.host for one in unseen], metadata)
    found = site(*hosts(2), *unseen, aggregates=[aggregate])

    assert judged(found, "threshold:zone")[0] is passed


def test_each_aggregate_of_the_host_counts():
    found = site(
        *hosts(6, 2),
        aggregates=[
            ("big", ["h1", "h2", "h3", "h5"], {}),
            ("small", ["h1", "h2", "h5", "h6", "gone"], {}),
            ("other", ["h5", "h6"], {}),
        ],
    )

    assert judged(found, "threshold:aggregate") == (
        False,
        "2 of 4 hosts of host aggregate big are down (h1, h5): 50 %, allowed"
        " are 50 %; 3 of 4 hosts of host aggregate small are down (h1, h5,"
        " h6): 75 %, allowed are 50 %",
    )


def test_a_host_may_be_in_no_aggregate():
    found = site(*hosts(2, 1), aggregates=[("a", ["h2"], {})])

    assert judged(found, "threshold:aggregate") == (
        True,
        "it is in no host aggregate",
    )


@pytest.mark.parametrize(
    ("schedulers", "passed", "reason"),
    [
        ([], False, "0 of 0 nova-schedulers up"),
        ([{"is_up": False}], False, "0 of 1 nova-scheduler up"),
        ([{"is_seen": False}], False, "0 of 1 nova-scheduler up"),
        ([{"is_up": False}, {}], True, "1 of 2 nova-schedulers up"),
    ],
)
def test_a_scheduler_must_be_up(schedulers, passed, reason):
    found = [Service("c", SCHEDULER, **more) for more in schedulers]

    assert judged(site(*hosts(2), *found, schedulers=0), "scheduler") == (
        passed,
        reason,
    )


@pytest.mark.parametrize(
    ("others", "passed", "reason"),
    [
        (
            [],
            False,
            "0 other hosts of its zone up and enabled, 0 of others",
        ),
        (
            [compute("h2")],
            True,
            "1 other host of its zone up and enabled, 0 of others",
        ),
        (
            [compute("h2", "z2"), compute("h3", "z2")],
            True,
            "0 other hosts of its zone up and enabled, 2 of others",
        ),
        (
            [
                compute("h2", is_up=False),
                compute("h3", is_enabled=False),
                compute("h4", is_seen=False),
            ],
            False,
            "0 other hosts of its zone up and enabled, 0 of others",
        ),
    ],
    ids=["none", "near", "elsewhere", "none that could take any"],
)
def test_another_host_must_be_up_and_enabled(others, passed, reason):
    assert judged(site(compute("h1"), *others), "computes") == (passed, reason)


@pytest.mark.parametrize(
    ("baseline", "updated_at", "passed", "reason"),
    [
        ("t1", "t1", True, "nothing was heard of it since t1"),
        (
            "t1",
            "t2",
            False,
            "its nova-compute has reported at t2, after it was declared dead"
            " (t1): the host still runs",
        ),
        ("", "t2", True, "its nova-compute has reported: t2"),
        ("", "", True, "its nova-compute has reported: never"),
    ],
)
def test_a_host_that_reports_is_alive(baseline, updated_at, passed, reason):
    here = compute("h1")._replace(updated_at=updated_at)

    assert judged(site(here), "alive", baseline=baseline) == (passed, reason)


@pytest.mark.parametrize(
    ("here", "passed", "reason"),
    [
        ([compute("h1")], True, "Nova sees the cell of h1"),
        (
            [compute("h1", "", is_seen=False)],
            False,
            "Nova does not see the cell of h1",
        ),
        ([compute("h10")], False, "Nova shows no nova-compute of h1"),
    ],
    ids=["seen", "not seen", "not there"],
)
def test_the_cell_must_be_seen(here, passed, reason):
    assert judged(site(*here), "cell") == (passed, reason)


@pytest.mark.parametrize("name", ["threshold:zone", "alive"])
def test_what_cannot_be_told_of_a_host_is_left_to_its_cell(name):
    found = site(compute("h1", "", is_seen=False), *hosts(4)[1:])

    assert judged(found, name, baseline="t0")[0]
    assert not judged(found, "cell")[0]


def test_rules_are_those_of_the_options():
    names = {field.name for field in dataclasses.fields(Rules)}

    assert {"threshold_cloud", "threshold_zone", "threshold_aggregate"} < names
