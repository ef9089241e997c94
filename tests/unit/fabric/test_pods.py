import pytest

from waffles import exceptions
from waffles.fabric import pods
from waffles.fabric.pods import Wanted

NET = "11111111-0000-4000-8000-000000000001"


def _host(name, zone="nova", up=True):
    return {"name": name, "zone": zone, "up": up}


def _aggregate(hosts, zone=None, **metadata):
    return {"hosts": hosts, "zone": zone, "metadata": metadata}


def _facts(hosts, *aggregates):
    return {"hosts": hosts, "aggregates": list(aggregates)}


def test_hosts_in_the_same_host_aggregates_are_one_pod():
    facts = _facts(
        [_host("a"), _host("b", up=False), _host("c"), _host("d")],
        _aggregate(["a", "b", "c"], networks=f"red, {NET.upper()}"),
        _aggregate(["c"], networks="blue", ssd="true,fast"),
    )
    found = {pod.hosts: pod for pod in pods.of_facts(facts, "networks")}

    assert found.keys() == {
        frozenset("ab"), frozenset("c"), frozenset("d")
    }  # fmt: skip
    assert found[frozenset("ab")].names == {"red", NET}
    assert found[frozenset("ab")].up == {"a"}
    assert found[frozenset("c")].names == {"red", NET, "blue"}
    assert found[frozenset("c")].metadata["ssd"] == {"true", "fast"}
    assert found[frozenset("d")].names == frozenset()


def test_an_aggregate_of_hosts_that_nova_does_not_list_is_no_pod():
    facts = _facts([], _aggregate(["gone"], networks="red"))

    assert pods.of_facts(facts, "networks") == []


def test_another_key_may_name_the_networks():
    facts = _facts([_host("a")], _aggregate(["a"], nets="red", networks="x"))

    assert pods.of_facts(facts, "nets")[0].names == {"red"}


FACTS = _facts(
    [
        _host("r1", "az1"),
        _host("r2", "az1", up=False),
        _host("b1", "az2"),
        _host("own1"),
        _host("plain1", "az3"),
        _host("down1", "az4", up=False),
    ],
    _aggregate(["r1", "r2"], "az1", networks="red", ssd="true"),
    _aggregate(["b1"], "az2", networks="blue"),
    _aggregate(
        ["own1"],
        networks="own",
        filter_tenant_id="p1",
        filter_tenant_id_2="p2, p3",
    ),
    _aggregate(["plain1"], "az3", other="x"),
    _aggregate(["down1"], "az4", networks="dark"),
)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted("p"), {"red", "blue"}),
        (Wanted("p", zone="az1"), {"red"}),
        (Wanted("p", zoned=True), {"red", "blue"}),
        (Wanted("p", host="r1"), {"red"}),
        (Wanted("p", zone="az1", host="r1"), {"red"}),
        (Wanted("p", needs=(("ssd", "true"),)), {"red"}),
        (Wanted("p1"), {"red", "blue", "own"}),
        (Wanted("p3", zone="nova"), {"own"}),
    ],
    ids=repr,
)
def test_the_pods_that_can_take_a_server(wanted, names):
    found = pods.able(pods.of_facts(FACTS, "networks"), wanted)

    assert frozenset[str]().union(*(pod.names for pod in found)) == names


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (
            Wanted("p", zone="az9"),
            "no host aggregate with networks is in availability zone az9",
        ),
        (
            Wanted("p", zone="az3"),
            "no host aggregate with networks is in availability zone az3",
        ),
        (
            Wanted("p1", zone="nova", zoned=True),
            "no host aggregate with networks has an availability zone",
        ),
        (
            Wanted("p", host="plain1"),
            "host plain1 is in no host aggregate with networks",
        ),
        (
            Wanted("p", zone="az2", host="r1"),
            "host r1 is in no host aggregate with networks",
        ),
        (
            Wanted("p", host="own1"),
            "no host aggregate with networks takes servers of this project",
        ),
        (
            Wanted("p", needs=(("ssd", "false"),)),
            "no host aggregate with networks takes servers of this flavor",
        ),
        (
            Wanted("p", zone="az4"),
            "no host of the host aggregates with networks is up and enabled",
        ),
        (
            Wanted("p", host="r2"),
            "no host of the host aggregates with networks is up and enabled",
        ),
    ],
    ids=repr,
)
def test_what_is_said_is_the_first_step_that_left_none(wanted, why):
    with pytest.raises(exceptions.Conflict) as caught:
        pods.able(pods.of_facts(FACTS, "networks"), wanted)

    assert str(caught.value) == f"There is no network for this server: {why}."
    assert caught.value.code == 409


def test_what_a_client_asks_for_is_not_repeated_at_length():
    wanted = Wanted("p", zone="z" * 100_000)
    with pytest.raises(exceptions.Conflict) as caught:
        pods.able(pods.of_facts(FACTS, "networks"), wanted)

    assert len(str(caught.value)) < 250


def test_a_cloud_without_networks_in_its_aggregates_says_so():
    facts = _facts([_host("a")], _aggregate(["a"]))

    with pytest.raises(exceptions.Conflict, match="aggregate names networks"):
        pods.able(pods.of_facts(facts, "networks"), Wanted("p"))
