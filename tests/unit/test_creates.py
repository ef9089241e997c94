import pytest

from waffles import creates, exceptions
from waffles.creates import Location


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({}, 1),
        ({"max_count": 3}, 3),
        ({"max_count": "3\n"}, 3),
        ({"max_count": 3.0}, 3),
        ({"min_count": 2}, 2),
        ({"min_count": "2", "max_count": 5}, 5),
    ],
)
def test_the_count_is_read_as_nova_reads_it(server, expected):
    assert creates.count(server) == expected


@pytest.mark.parametrize(
    "server",
    [
        {"max_count": "x"},
        {"max_count": None},
        {"max_count": []},
        {"min_count": float("inf")},
        {"max_count": "9" * 5000},
        {"max_count": 0},
        {"max_count": -1},
        {"min_count": "-3", "max_count": 2},
    ],
    ids=lambda server: repr(server)[:30],
)
def test_a_count_that_is_none_is_malformed(server):
    with pytest.raises(exceptions.Malformed):
        creates.count(server)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({}, Location()),
        ({"availability_zone": None}, Location()),
        ({"availability_zone": ""}, Location()),
        ({"availability_zone": "az"}, Location("az")),
        ({"availability_zone": " az "}, Location("az")),
        ({"availability_zone": "az:h"}, Location("az", "h")),
        ({"availability_zone": "az:h:n"}, Location("az", "h", "n")),
        ({"availability_zone": "az::n"}, Location("az", None, "n")),
        ({"availability_zone": ":h"}, Location(None, "h")),
        ({"host": "h"}, Location(None, "h")),
        ({"hypervisor_hostname": "n"}, Location(None, None, "n")),
        (
            {"availability_zone": "az", "host": "h"},
            Location("az", "h"),
        ),
    ],
    ids=repr,
)
def test_the_place_is_read_as_nova_reads_it(server, expected):
    assert creates.location(server) == expected


@pytest.mark.parametrize("key", ["host", "hypervisor_hostname"])
def test_fields_that_nova_does_not_read_are_not_read(key):
    server = {"availability_zone": "az", key: "x"}

    assert creates.location(server, fields=False) == Location("az")


@pytest.mark.parametrize(
    "server",
    [
        {"availability_zone": "a:b:c:d"},
        {"availability_zone": ["az"]},
        {"host": 1},
        {"hypervisor_hostname": {"a": 1}},
    ],
    ids=repr,
)
def test_a_place_that_is_none_is_malformed(server):
    with pytest.raises(exceptions.Malformed):
        creates.location(server)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ("os:scheduler_hints", {})),
        (
            {"os:scheduler_hints": {"a": "b"}},
            ("os:scheduler_hints", {"a": "b"}),
        ),
        (
            {"OS-SCH-HNT:scheduler_hints": {"a": "b"}},
            ("OS-SCH-HNT:scheduler_hints", {"a": "b"}),
        ),
        (
            {
                "OS-SCH-HNT:scheduler_hints": {"a": "b"},
                "os:scheduler_hints": {},
            },
            ("os:scheduler_hints", {}),
        ),
    ],
    ids=["none", "new", "old", "both"],
)
def test_the_hints_that_count_are_those_that_nova_reads(body, expected):
    assert creates.hints(body) == expected


def test_hints_that_are_no_object_are_malformed():
    with pytest.raises(exceptions.Malformed):
        creates.hints({"os:scheduler_hints": None})
