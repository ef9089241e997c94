import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cells import fakes
from waffles.cells.asking import merge

REGISTRY = fakes.registry("c1", "c2", "c3")
C1, C2, C3 = REGISTRY.cells


def zone(name, available=True, hosts=None, **more):
    state = {"available": available}
    return {"zoneName": name, "zoneState": state, "hosts": hosts, **more}


def test_of_two_flavors_with_one_id_homes_is_taken():
    lists = {
        "c3": [{"id": "a", "ram": 3}, {"id": "c", "ram": 3}],
        "c2": [{"id": "a", "ram": 2}, {"id": "b", "ram": 2}],
        "c1": [{"id": "a", "ram": 1, "new": "kept"}],
    }

    assert merge.flavors(lists, REGISTRY) == {
        "a": {"id": "a", "ram": 1, "new": "kept"},
        "b": {"id": "b", "ram": 2},
        "c": {"id": "c", "ram": 3},
    }


@pytest.mark.parametrize("bad", ["c1@m", "a!b", "a/b", 7, None, ["a"], {}])
def test_a_flavor_with_an_id_that_nova_never_gives_is_left_out(bad):
    lists = {"c2": [{"id": bad}, {"id": "good"}, {}]}

    assert list(merge.flavors(lists, REGISTRY)) == ["good"]


def test_aggregates_come_by_number_of_the_cell_and_by_id():
    home = fakes.registry("c1", "c2")
    swapped = type(home)(tuple(reversed(home.cells)))
    lists = {
        "c2": [{"id": 2, "name": "d"}, {"id": 1, "name": "c"}],
        "c1": [{"id": 7, "name": "b", "hosts": ["n"], "x": 1}],
    }

    assert merge.aggregates(lists, swapped) == [
        {
            "id": 10000000007,
            "name": "c1@b",
            "hosts": ["n"],
            "x": 1,
            "waffles:cell": "c1",
        },
        {"id": 20000000001, "name": "c2@c", "waffles:cell": "c2"},
        {"id": 20000000002, "name": "c2@d", "waffles:cell": "c2"},
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {"id": 10**10, "name": "a"},
        {"id": -1, "name": "a"},
        {"id": 0, "name": "a"},
        {"id": "1", "name": "a"},
        {"id": True, "name": "a"},
        {"id": 1.0, "name": "a"},
        {"id": 1},
        {"id": 1, "name": None},
        {"name": "a"},
    ],
)
def test_an_aggregate_that_no_nova_has_is_left_out(bad):
    lists = {"c1": [{"id": 1, "name": "a"}], "c2": [bad]}
    found = merge.aggregates(lists, REGISTRY)

    assert [one["id"] for one in found] == [10000000001]


def test_aggregates_of_one_cell_are_as_it_has_them():
    records = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]

    assert merge.aggregates({"c1": records}, fakes.registry("c1")) == records


def test_a_zone_is_available_if_it_is_in_any_cell():
    lists = {
        "c1": [zone("b", False), zone("z"), zone("a", False)],
        "c2": [zone("b"), zone("a", False, more="kept")],
    }
    found = merge.zones(lists, REGISTRY)

    assert [
        (one["zoneName"], one["zoneState"]["available"]) for one in found
    ] == [("b", True), ("z", True), ("a", False)]
    assert all(one["hosts"] is None for one in found)


def test_hosts_of_a_zone_have_their_cell_before_them_only_where_they_clash():
    lists = {
        "c1": [
            zone("a", hosts={"n1": 1, "ctl": 2}),
            zone("b", hosts={"n1": 9}),
        ],
        "c2": [zone("a", hosts={"n2": 3, "ctl": 4}), zone("b", False)],
        "c3": [zone("a", hosts={"n3": 5})],
    }
    a, b = merge.zones(lists, REGISTRY)

    assert a["hosts"] == {
        "n1": 1,
        "c1@ctl": 2,
        "n2": 3,
        "c2@ctl": 4,
        "n3": 5,
    }
    assert b["hosts"] == {"n1": 9}


@pytest.mark.parametrize(
    "bad",
    [{}, {"zoneName": 1}, {"zoneName": None, "zoneState": {}}],
)
def test_a_zone_without_a_name_is_left_out(bad):
    lists = {"c1": [bad], "c2": [zone("a")]}

    assert [one["zoneName"] for one in merge.zones(lists, REGISTRY)] == ["a"]


@pytest.mark.parametrize("state", [None, {}, {"available": "yes"}, []])
def test_a_zone_that_does_not_say_that_it_is_available_is_not(state):
    lists = {"c2": [{"zoneName": "a", "zoneState": state, "new": 1}]}

    assert merge.zones(lists, REGISTRY) == [
        {
            "zoneName": "a",
            "zoneState": {"available": False},
            "hosts": None,
            "new": 1,
        }
    ]


def flavors_():
    record = st.fixed_dictionaries(
        {"id": st.sampled_from("abcde"), "ram": st.integers(1, 3)}
    )
    return st.lists(record, unique_by=lambda one: one["id"])


def aggregates_():
    record = st.fixed_dictionaries(
        {"id": st.integers(1, 5), "name": st.sampled_from("xy")}
    )
    return st.lists(record, unique_by=lambda one: one["id"])


def zones_():
    hosts = st.none() | st.dictionaries(st.sampled_from("mn"), st.integers())
    record = st.builds(zone, st.sampled_from("ab"), st.booleans(), hosts)
    return st.lists(record, unique_by=lambda one: one["zoneName"])


@pytest.mark.parametrize(
    ("lists", "merged"),
    [
        (flavors_(), merge.flavors),
        (aggregates_(), merge.aggregates),
        (zones_(), merge.zones),
    ],
    ids=["flavors", "aggregates", "zones"],
)
@given(data=st.data(), order=st.permutations(["c1", "c2", "c3"]))
def test_the_order_of_the_answers_is_of_no_account(lists, merged, data, order):
    found = {name: data.draw(lists) for name in ("c1", "c2", "c3")}
    mixed = {name: found[name] for name in order}

    assert merged(mixed, REGISTRY) == merged(found, REGISTRY)


@given(zones_(), zones_(), st.randoms(use_true_random=False))
def test_no_host_and_no_zone_is_lost(first, second, chance):
    lists = {"c1": first, "c2": chance.sample(second, len(second))}
    found = {one["zoneName"]: one for one in merge.zones(lists, REGISTRY)}
    every = [one for records in lists.values() for one in records]

    assert found.keys() == {one["zoneName"] for one in every}
    for name, one in found.items():
        mine = [z["hosts"] or {} for z in every if z["zoneName"] == name]
        assert len(one["hosts"] or {}) == sum(map(len, mine))
