import pytest

from tests.unit.recovery.calling import FENCED
from waffles import exceptions
from waffles.recovery.endpoint import may_start
from waffles.recovery.model import Phase
from waffles.recovery.planning import survey


def _verdict(office, host="c2"):
    return may_start.verdict(host, office.store, office.nova)


def test_a_host_of_which_nothing_is_known_may(office):
    found = _verdict(office)

    assert found.may_start is True
    assert found.recovery is None


@pytest.mark.parametrize("phase", [p for p in Phase if not p.final], ids=str)
def test_a_host_whose_recovery_is_open_may_not(office, phase):
    recovery_id = office.open()["id"]
    office.planned(recovery_id, phase=phase)
    office.nova.calls.clear()
    found = _verdict(office)

    assert found.may_start is False
    assert found.recovery.id == recovery_id
    assert f"{recovery_id} of it is {phase}" in found.reason
    assert office.nova.calls == []


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.PARTIAL, Phase.FAILED])
def test_a_host_whose_recovery_has_ended_may(office, phase):
    office.planned(office.open()["id"], phase=phase)

    assert _verdict(office).may_start is True


@pytest.mark.parametrize(
    ("status", "may"),
    [
        ("accepted", False),
        ("pre-migrating", False),
        ("running", False),
        ("done", True),
        ("completed", True),
        ("failed", True),
        ("error", True),
        ("cancelled", True),
    ],
)
def test_a_host_from_which_servers_are_evacuated_may_not(office, status, may):
    office.nova.move("s1", status, source="c2")
    found = _verdict(office)

    assert found.may_start is may
    assert (f"1 ({status})" in found.reason) is not may


def test_evacuations_from_others_are_not_in_the_way(office):
    office.nova.move("s1", "accepted", source="c3")

    assert _verdict(office).may_start is True


def test_of_many_evacuations_some_are_named(office):
    for number in range(7):
        office.nova.move(f"s{number}", "pre-migrating", source="c2")

    assert _verdict(office).reason.endswith("and 2 more.")


def test_a_recovery_that_is_opened_meanwhile_counts(office):
    """Nova is asked, and the host is declared dead before it answers."""

    def migrations(host):
        office.open(host)
        return []

    office.nova.migrations = migrations
    assert _verdict(office).may_start is False


@pytest.mark.parametrize("when", ["before", "after"])
def test_of_a_cell_that_is_down_nobody_knows(office, when):
    unknown = {"host": "c2", "binary": "nova-compute", "status": "UNKNOWN"}
    if when == "before":
        office.nova._services["c2"] = unknown

    def migrations(host):
        office.nova._services["c2"] = unknown
        return []  # as Nova does then

    office.nova.migrations = migrations
    with pytest.raises(exceptions.Unavailable, match="cell of c2"):
        _verdict(office)


def test_a_host_that_nova_has_never_heard_of_may(office):
    assert "no compute service" in _verdict(office, "new").reason
    assert _verdict(office, "new").may_start is True


@pytest.mark.parametrize("host", ["C2", "c2.example.com", "C2.x"])
def test_another_name_of_a_known_host_is_no_new_host(office, host):
    with pytest.raises(exceptions.Hidden, match="do you mean c2") as error:
        _verdict(office, host)

    assert error.value.code == 404


@pytest.mark.parametrize("call", ["services", "migrations"])
@pytest.mark.parametrize(
    "error",
    [
        exceptions.Unavailable("no answer"),
        exceptions.Hidden(404, "no such thing"),
        exceptions.ConfigError("too old"),
    ],
    ids=repr,
)
def test_what_is_no_answer_is_no_yes(office, call, error):
    office.nova.faults[call] = [error]

    with pytest.raises(exceptions.Unavailable):
        _verdict(office)


def test_that_there_is_no_such_host_is_an_answer():
    with pytest.raises(survey.NoHost), may_start.sure():
        raise survey.NoHost("c2", [])


def test_names_that_differ_in_case_or_domain_are_alike():
    others = ["c1", "C1", "c1.a", "c10", "c11.c1"]

    assert may_start.alike("c1.b", others) == ["C1", "c1", "c1.a"]


def test_the_verdict_is_the_answer_of_the_endpoint(office):
    office.call("POST", "/force-down", {"force_down": FENCED})
    answer = office.call("GET", "/hosts/c2/may-start")

    assert answer.json == {
        "may_start": False,
        "reason": _verdict(office).reason,
    }
