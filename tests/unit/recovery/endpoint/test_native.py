import pytest

from waffles.recovery.endpoint.native import Forcing, forcing

ID = "9410ee70-e5a8-4ba6-a1cf-2c38fb02166a"
OLD = {"host": "c1", "binary": "nova-compute"}
SERVICES = [
    {"host": "c1", "id": ID, "status": "enabled"},
    {"host": "c10", "id": "other", "status": "enabled"},
    {"host": "C2", "id": "upper", "status": "enabled"},
    {"host": "c2", "id": "lower", "status": "enabled"},
    {"host": "unseen", "status": "UNKNOWN"},
]


@pytest.mark.parametrize(
    ("value", "forced"),
    [
        (True, True),
        (False, False),
        ("True", True),
        ("on", True),
        ("YES", True),
        ("1", True),
        ("off", False),
        ("0", False),
        ("maybe", False),
        (None, False),
    ],
    ids=repr,
)
class TestOfTheValue:
    def test_it_is_read_as_nova_reads_it_by_id(self, value, forced):
        body = {"forced_down": value, "status": "disabled"}

        assert forcing((2, 53), ID, body) == Forcing(forced, service_id=ID)

    def test_it_is_read_as_nova_reads_it_by_host(self, value, forced):
        body = OLD | {"forced_down": value}

        assert forcing((2, 52), "force-down", body) == Forcing(forced, "c1")


@pytest.mark.parametrize(
    ("version", "service_id", "body"),
    [
        (None, ID, {"forced_down": False}),
        ((2, 10), "force-down", OLD | {"forced_down": False}),
        ((2, 1), "force-down", OLD | {"forced_down": False}),
        ((2, 52), "disable", OLD | {"forced_down": False}),
        ((2, 52), ID, {"forced_down": False}),
        ((2, 52), "force-down", OLD),
        (
            (2, 52),
            "force-down",
            {"host": "c1", "binary": "nova-api", "forced_down": False},
        ),
        ((2, 53), ID, {"status": "enabled"}),
        ((2, 53), ID, [{"forced_down": False}]),
        ((2, 53), ID, None),
    ],
    ids=[
        "unreadable_version",
        "before_2.11",
        "v2",
        "another_action",
        "by_id_too_early",
        "nothing_said",
        "no_compute",
        "by_id_nothing_said",
        "list",
        "null",
    ],
)
def test_what_forces_nothing_is_not_looked_at(version, service_id, body):
    assert forcing(version, service_id, body) is None


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Forcing(False, host="c1"), [ID]),
        (Forcing(False, host="C1"), [ID]),
        (Forcing(False, host="c2"), ["lower"]),
        (Forcing(False, host="C2"), ["upper"]),
        (Forcing(False, host="c"), []),
        (Forcing(False, service_id=ID), [ID]),
        (Forcing(False, service_id=ID.upper()), [ID]),
        (Forcing(False, service_id=ID[:-1]), []),
        (Forcing(False, service_id=""), []),
        (Forcing(False, host="unseen"), [None]),
    ],
    ids=str,
)
def test_a_service_is_found_as_a_database_finds_it(wanted, ids):
    assert [one.get("id") for one in wanted.among(SERVICES)] == ids
