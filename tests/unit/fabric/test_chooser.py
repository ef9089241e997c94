from collections import Counter

import pytest

from waffles import exceptions
from waffles.fabric import pods
from waffles.fabric.chooser import Chooser, of_facts
from waffles.fabric.networks import Network, Networks
from waffles.fabric.pods import Wanted
from waffles.fabric.spread import Spread


def _id(number):
    return f"{number:08}-0000-4000-8000-000000000000"


def _network(number, name, shared=("*",), **more):
    fields = {"project_id": "admin", "free": 100} | more
    return Network(_id(number), name, shared_with=frozenset(shared), **fields)


def _pods(**named):
    """A pod for each keyword: its host, and how it names networks."""
    facts = {
        "hosts": [
            {"name": host, "zone": f"az-{host}", "up": True} for host in named
        ],
        "aggregates": [
            {
                "hosts": [host],
                "zone": f"az-{host}",
                "metadata": {"networks": names},
            }
            for host, names in named.items()
        ],
    }
    return pods.of_facts(facts, "networks")


def _chosen(chooser, wanted, times=20):
    return Counter(
        chooser.choose(wanted).network.name for _ in range(times)
    ).keys()


RED, BLUE = _network(1, "red"), _network(2, "blue", free=90)
MINE = _network(3, "mine", (), project_id="p")
SHARED = _network(4, "given", ("p",), project_id="q")
OTHERS = _network(5, "others", (), project_id="q")


@pytest.mark.parametrize(
    ("network", "named", "chosen"),
    [
        (RED, "red", True),
        (RED, RED.id, True),
        (MINE, "mine", True),
        (MINE, MINE.id, True),
        (SHARED, "given", True),
        (SHARED, SHARED.id, True),
        (OTHERS, "others", False),
        (OTHERS, OTHERS.id, False),
        (_network(6, "down", up=False), "down", False),
        (_network(6, "down", (), project_id="p", up=False), "down", False),
        (
            _network(7, "outside", (), project_id="p", external=True),
            "outside",
            False,
        ),
        (_network(7, "outside", external=True), "outside", True),
        (RED, "blue", False),
        (RED, _id(9), False),
    ],
    ids=[
        "common_by_name",
        "common_by_id",
        "own_by_name",
        "own_by_id",
        "shared_by_name",
        "shared_by_id",
        "of_another_project_by_name",
        "of_another_project_by_id",
        "down",
        "own_but_down",
        "own_but_external",
        "external_but_shared",
        "named_by_none",
        "gone",
    ],
)
def test_a_network_is_chosen_where_it_can_be_used(network, named, chosen):
    chooser = Chooser(Networks([network]), _pods(h=named), {}, Spread())
    if chosen:
        assert chooser.choose(Wanted("p"))[:2] == (network, None)
        return
    with pytest.raises(exceptions.Conflict) as caught:
        chooser.choose(Wanted("p"))

    assert str(caught.value) == (
        "There is no network for this server: this project can use none of"
        " the networks of its hosts."
    )


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([_network(8, "red", ("p",), project_id="eve", free=999)], {"red"}),
        ([_network(8, "red", (), project_id="p", free=999)], {"red"}),
    ],
    ids=["shared_with_the_caller", "of_the_caller"],
)
def test_a_name_means_what_is_shared_with_all(others, expected):
    """Any project can call its network red, and share it with another."""
    chooser = Chooser(Networks([RED, *others]), _pods(h="red"), {}, Spread())

    assert {chooser.choose(Wanted("p")).network.id for _ in range(20)} == {
        RED.id
    }


@pytest.mark.parametrize(
    "eve",
    [
        _network(8, "given", ("p",), project_id="eve"),
        _network(8, "given", (), project_id="eve"),
    ],
    ids=["shared_too", "not_shared"],
)
def test_a_name_of_several_that_are_not_common_means_none(eve):
    chooser = Chooser(Networks([SHARED, eve]), _pods(h="given"), {}, Spread())

    with pytest.raises(exceptions.Conflict):
        chooser.choose(Wanted("p"))


def test_a_name_that_looks_like_an_id_is_none():
    eve = _network(8, _id(9), ("p",), project_id="eve")
    chooser = Chooser(Networks([eve]), _pods(h=_id(9)), {}, Spread())

    with pytest.raises(exceptions.Conflict):
        chooser.choose(Wanted("p"))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted("p"), {"red", "blue", "mine"}),
        (Wanted("p", zone="az-a"), {"red"}),
        (Wanted("p", host="b"), {"blue", "mine"}),
        (Wanted("q"), {"red", "blue"}),
    ],
    ids=["anywhere", "zone", "host", "another_project"],
)
def test_only_networks_of_the_hosts_are_chosen(wanted, expected):
    networks = Networks([RED, BLUE, MINE])
    chooser = Chooser(networks, _pods(a="red", b="blue mine"), {}, Spread())

    assert _chosen(chooser, wanted) == expected


def test_hosts_of_another_project_are_not_chosen():
    facts = {
        "hosts": [{"name": "a", "zone": "nova", "up": True}],
        "aggregates": [
            {
                "hosts": ["a"],
                "zone": None,
                "metadata": {"networks": "red", "filter_tenant_id": "q"},
            }
        ],
    }
    found = pods.of_facts(facts, "networks")
    chooser = Chooser(Networks([RED]), found, {}, Spread())

    assert _chosen(chooser, Wanted("q")) == {"red"}
    with pytest.raises(exceptions.Conflict, match="takes servers of this pro"):
        chooser.choose(Wanted("p"))


@pytest.mark.parametrize(
    ("servers", "why"),
    [(1, "has a free address."), (101, "has 101 free addresses.")],
    ids=["one", "many"],
)
def test_full_networks_are_told(servers, why):
    full = RED._replace(free=min(servers - 1, 100))
    chooser = Chooser(Networks([full]), _pods(h="red"), {}, Spread())

    with pytest.raises(exceptions.Conflict) as caught:
        chooser.choose(Wanted("p", servers=servers))

    assert str(caught.value).endswith(f"no network of its hosts {why}")


def test_the_zone_of_the_hosts_is_told_where_it_is_wanted():
    chooser = Chooser(Networks([RED]), _pods(h="red"), {}, Spread())

    assert chooser.choose(Wanted("p", zoned=True)).zone == "az-h"
    assert chooser.choose(Wanted("p")).zone is None


def test_the_zone_is_that_of_hosts_with_the_very_network():
    """Of two networks that are called alike, each has hosts of its own."""
    mine = MINE._replace(name="red")
    chooser = Chooser(
        Networks([RED._replace(free=1), mine]),
        _pods(a="red", b=mine.id),
        {},
        Spread(),
    )

    assert chooser.choose(Wanted("p", zoned=True))[:2] == (mine, "az-b")


def test_hosts_that_are_asked_for_are_not_kept_in_mind():
    """There may be ten thousand, and any member may ask for them."""
    chooser = Chooser(Networks([RED]), _pods(a="red"), {}, Spread())
    before = set(chooser._views)
    chooser.choose(Wanted("p", host="a"))

    assert chooser._views.keys() == before


def test_what_nobody_asks_any_more_is_not_worked_out():
    networks, found = Networks([RED]), _pods(a="red")
    first = Chooser(networks, found, {}, Spread())
    first.choose(Wanted("p", zone="az-a"))
    second = Chooser(networks, found, {}, Spread(), first)
    third = Chooser(networks, found, {}, Spread(), second)

    assert Wanted(None, zone="az-a") in second._views
    assert Wanted(None, zone="az-a") not in third._views


def _facts(*networks, names="red", hosts=("h",)):
    return {
        "networks": [
            {**one._asdict(), "shared_with": [*one.shared_with]}
            for one in networks
        ],
        "aggregates": [
            {"zone": None, "hosts": ["h"], "metadata": {"networks": names}}
        ],
        "hosts": [{"name": "h", "zone": "nova", "up": True}],
        "flavors": {},
    }


@pytest.mark.parametrize(
    ("network", "learns"),
    [
        (RED, True),
        (SHARED, True),
        (BLUE, False),
        (MINE._replace(name="red"), False),
        (RED._replace(ipv4=False), False),
    ],
    ids=["common", "named_by_id", "not_named", "of_a_project", "ipv6"],
)
def test_only_networks_of_the_cloud_are_learned_from(network, learns):
    """What projects do with their own networks says nothing of ours."""
    spread = Spread()
    names = f"red {SHARED.id}"
    for left in (10**6, 0):
        facts = _facts(network._replace(free=left), names=names)
        of_facts(facts, 0.0, None, "networks", spread)

    assert (spread.others > 100) is learns


def test_names_of_several_networks_are_told_once(caplog):
    eve = _network(8, "given", ("p",), project_id="eve")
    facts = _facts(SHARED, eve, names="given")
    before = None
    for _ in range(3):
        before = of_facts(facts, 0.0, before, "networks", Spread())

    (line,) = caplog.records
    assert "given" in line.getMessage()


def test_a_new_chooser_knows_what_was_asked_of_the_one_before():
    networks, found = Networks([RED, BLUE]), _pods(a="red", b="blue")
    before = Chooser(networks, found, {}, Spread())
    before.choose(Wanted("p", zone="az-a"))

    after = Chooser(networks, found, {}, Spread(), before)
    assert after._views.keys() == before._views.keys()
    assert Wanted(None, zone="az-a") in after._views


def test_what_cannot_be_had_any_more_is_told_to_who_asks():
    before = Chooser(Networks([RED]), _pods(a="red"), {}, Spread())
    after = Chooser(Networks([RED]), [], {}, Spread(), before)

    with pytest.raises(exceptions.Conflict):
        after.choose(Wanted("p"))


def test_it_is_made_of_facts():
    facts = {
        "networks": [{**RED._asdict(), "shared_with": ["*"]}],
        "aggregates": [
            {"zone": None, "hosts": ["h"], "metadata": {"nets": "red"}}
        ],
        "hosts": [{"name": "h", "zone": "nova", "up": True}],
        "flavors": {
            "1": {},
            "2": {"aggregate_instance_extra_specs:ssd": "true"},
        },
    }
    chooser = of_facts(facts, 0.0, None, "nets", Spread())

    assert chooser.flavors == {"1": (), "2": (("ssd", "true"),)}
    assert chooser.choose(Wanted("p")).network == RED
