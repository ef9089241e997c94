import pytest

from tests.unit.recovery.calling import FENCED
from waffles import exceptions
from waffles.recovery.endpoint import may_start
from waffles.recovery.model import Phase
from waffles.recovery.planning import survey


def _verdict(office, host="c2", **how):
    return may_start.verdict(host, office.store, office.nova, **how)


def _evacuation(office, status, server_id="s1", host="c2", task=None):
    """One from c2, of a server that Nova has on some host."""
    now = {"OS-EXT-SRV-ATTR:host": host, "OS-EXT-STS:task_state": task}
    office.nova.edit(server_id, **now)
    _migration(office, status, server_id)


def _migration(office, status, server_id):
    """What Nova shows of an evacuation from c2, and goes on to show."""
    office.nova.endings[server_id] = [""]
    office.nova.move(server_id, status, source="c2")


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
    _evacuation(office, status)
    found = _verdict(office)

    assert found.may_start is may
    assert (f"1 ({status})" in found.reason) is not may


def test_evacuations_from_others_are_not_in_the_way(office):
    office.nova.move("s1", "accepted", source="c3")

    assert _verdict(office).may_start is True


def test_of_many_evacuations_some_are_named(office):
    for _ in range(7):
        _evacuation(office, "pre-migrating")

    assert _verdict(office).reason.endswith("and 2 more.")


def test_what_is_left_of_a_server_that_is_gone_is_not_in_the_way(office):
    _migration(office, "accepted", "deleted")

    assert _verdict(office).may_start is True


@pytest.mark.parametrize(
    ("host", "task", "may"),
    [
        ("c3", None, True),
        ("c3", "rebuild_spawning", False),
        ("c2", None, False),
        (None, None, False),
    ],
    ids=["elsewhere", "being rebuilt there", "here", "nowhere"],
)
def test_what_is_left_of_a_server_counts_as_long_as_it_may_be_here(
    office, host, task, may
):
    _evacuation(office, "accepted", host=host, task=task)

    assert _verdict(office).may_start is may


def test_one_of_many_that_counts_is_enough(office):
    _migration(office, "accepted", "deleted")
    _evacuation(office, "accepted", "s1")
    _evacuation(office, "accepted", "s2")
    office.nova.calls.clear()

    assert "migrations 3 (accepted), 2 (acc" in _verdict(office).reason
    assert office.nova.calls.count("server") == 1


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


def test_a_host_that_nova_has_never_heard_of_may_be_another(office):
    """That of the machine, where nova.conf has another name of the host."""
    office.open("c3")

    with pytest.raises(exceptions.Hidden, match="first_start") as error:
        _verdict(office, "node7")

    assert error.value.code == 404


def test_a_host_that_starts_for_the_first_time_may(office):
    found = _verdict(office, "node7", first_start=True)

    assert found.may_start is True
    assert "no compute service" in found.reason


@pytest.mark.parametrize("first_start", [False, True])
@pytest.mark.parametrize("host", ["C2", "c2.example.com", "C2.x"])
def test_another_name_of_a_known_host_is_no_new_host(
    office, host, first_start
):
    with pytest.raises(exceptions.Hidden, match="do you mean c2") as error:
        _verdict(office, host, first_start=first_start)

    assert error.value.code == 404


def test_a_slip_names_what_may_be_meant(office):
    office.nova._services["compute-1"] = office.nova._service("compute-1")

    with pytest.raises(exceptions.Hidden, match=r"mean compute-1\?"):
        _verdict(office, "computer-1")
    assert _verdict(office, "compute-2", first_start=True).may_start is True


@pytest.mark.parametrize("call", ["services", "migrations", "server"])
@pytest.mark.parametrize(
    "error",
    [
        exceptions.Unavailable("no answer"),
        exceptions.Hidden(403, "not for you"),
        exceptions.ConfigError("too old"),
    ],
    ids=repr,
)
def test_what_is_no_answer_is_no_yes(office, call, error):
    _evacuation(office, "accepted", host="c3")
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
