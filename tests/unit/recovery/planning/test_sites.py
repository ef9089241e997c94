import pytest

from waffles.recovery.planning import sites
from waffles.recovery.planning.sites import Aggregate, Service, Site

#: As Nova shows one at 2.94.
SHOWN = {
    "binary": "nova-compute",
    "host": "h1",
    "id": "1",
    "zone": "z1",
    "status": "enabled",
    "state": "up",
    "updated_at": "2026-11-20T11:53:23.263618",
    "disabled_reason": None,
    "forced_down": False,
}


@pytest.mark.parametrize(
    ("shown", "is_up", "is_enabled"),
    [
        ({}, True, True),
        ({"state": "down"}, False, True),
        ({"forced_down": True}, False, True),
        ({"status": "disabled"}, True, False),
    ],
    ids=str,
)
def test_a_service_is_as_nova_shows_it(shown, is_up, is_enabled):
    made = sites.service(SHOWN | shown)

    assert made == Service(
        "h1",
        "nova-compute",
        "1",
        "z1",
        is_up=is_up,
        is_enabled=is_enabled,
        updated_at="2026-11-20T11:53:23.263618",
    )
    assert made.is_down is not is_up


def test_a_service_that_is_not_seen_counts_as_down():
    shown = {"binary": "nova-compute", "host": "h1", "status": "UNKNOWN"}
    made = sites.service(shown)

    assert not made.is_seen
    assert made.is_down


def test_a_service_may_never_have_reported():
    assert not sites.service(SHOWN | {"updated_at": None}).updated_at


def test_a_host_is_found_by_its_exact_name():
    services = [Service("h1", "nova-conductor"), Service("h10", sites.COMPUTE)]
    site = Site((*services, Service("h1", sites.COMPUTE, "3")))

    assert site.compute("h1").id == "3"
    assert site.compute("H1") is None
    assert site.compute("h") is None


def test_aggregates_say_what_stands_in_their_metadata():
    shown = [
        {"name": "a", "hosts": ["h1", "h2"], "metadata": {"key": "1"}},
        {"name": "b", "hosts": ["h1"], "metadata": {"key": "2", "x": "y"}},
        {"name": "c", "hosts": ["h1"], "metadata": {}},
        {"name": "d", "hosts": ["h2"], "metadata": {"key": "3"}},
    ]
    site = Site((), tuple(map(sites.aggregate, shown)))

    assert site.said("h1", "key") == ("1", "2")
    assert site.said("h3", "key") == ()
    assert [one.name for one in site.around("h1")] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("service", "zone"),
    [
        (Service("h1", sites.COMPUTE, zone="z1"), "z1"),
        (Service("h2", sites.COMPUTE, is_seen=False), "z2"),
        (Service("h3", sites.COMPUTE, is_seen=False), ""),
    ],
    ids=["shown", "of an aggregate", "of none"],
)
def test_a_zone_may_be_told_by_an_aggregate(service, zone):
    metadata = {"availability_zone": "z2"}
    site = Site((), (Aggregate("a", frozenset({"h1", "h2"}), metadata),))

    assert site.zone(service) == zone
