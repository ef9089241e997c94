"""The scheduler filter over Nova's own values."""

import logging
import types

import pytest
from nova.objects import aggregate, request_spec

from waffles import pins
from waffles.scheduler import AggregateNetworkFilter

ID = "3cb9bc59-5699-4588-a4b1-b87f96708bc6"
HINT = pins.hint("networks", ID, "blue")
OURS = "waffles.scheduler"


def spec(**hints):
    """A server to be placed; of a hint that is None, Nova has none."""
    given = {pins.HINT: HINT, **hints}
    lists = {name: value for name, value in given.items() if value is not None}
    return request_spec.RequestSpec(scheduler_hints=lists, instance_uuid=ID)


def host(*metadata):
    """A host in a host aggregate of each metadata."""
    aggregates = [aggregate.Aggregate(metadata=one) for one in metadata]
    return types.SimpleNamespace(aggregates=aggregates)


def passes(host, spec):
    return list(AggregateNetworkFilter().filter_all([host], spec)) == [host]


@pytest.mark.parametrize(
    ("metadata", "passed"),
    [
        ([], False),
        ([{}], False),
        ([{"networks": "red"}], False),
        ([{"network": "blue"}], False),
        ([{"networks": "blue"}], True),
        ([{"networks": f"red {ID}"}], True),
        ([{"ssd": "true"}, {"networks": "red"}, {"networks": "blue"}], True),
    ],
)
def test_a_host_passes_whose_aggregate_names_the_network(metadata, passed):
    assert passes(host(*metadata), spec()) is passed


def test_the_hint_says_which_key_of_the_metadata_counts():
    given = spec(**{pins.HINT: pins.hint("pods", ID, "blue")})

    assert passes(host({"pods": "blue"}), given)
    assert not passes(host({"networks": "blue"}), given)


@pytest.mark.parametrize(
    "given",
    [
        request_spec.RequestSpec(),
        spec(**{pins.HINT: None}),
        spec(**{pins.HINT: None, "group": [ID]}),
    ],
    ids=["unset", "empty", "others"],
)
def test_any_host_passes_for_a_server_without_a_hint(given, caplog):
    caplog.set_level(logging.WARNING, OURS)

    assert passes(host(), given)
    assert not caplog.records


@pytest.mark.parametrize("given", [[], [""], ["networks"], ["networks", ""]])
def test_no_host_passes_for_a_hint_that_is_none_of_ours(given, caplog):
    caplog.set_level(logging.WARNING, OURS)
    hosts = [host(), host({"networks": "blue"}), host({"": ""})]
    given = spec(**{pins.HINT: given})

    assert not list(AggregateNetworkFilter().filter_all(hosts, given))
    (record,) = caplog.records
    assert f"No host for server {ID}: " in record.message


def test_a_rebuild_is_not_held_up():
    assert passes(host(), spec(_nova_check_type=["rebuild"]))


def test_hosts_of_several_servers_are_judged_once():
    ours = AggregateNetworkFilter()

    assert ours.run_filter_for_index(0)
    assert not ours.run_filter_for_index(1)
