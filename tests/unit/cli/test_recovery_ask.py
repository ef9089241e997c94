import pytest

from tests.unit.recovery import history
from tests.unit.recovery.cloud import Nova
from waffles import exceptions
from waffles.cli import recovery_ask
from waffles.recovery.model import Phase


@pytest.fixture
def nova(desk, monkeypatch):
    """Three hosts; on one called dead are three servers."""
    made = Nova()
    made.edit("s1", tags=["custom-recovery"])
    made.edit("s2", tags=[])
    monkeypatch.setattr(recovery_ask, "Compute", lambda access, timeout: made)
    monkeypatch.setattr(recovery_ask, "Glance", lambda *access: None)
    return made


def test_a_plan_has_each_server_and_why(desk, nova):
    code, rows, err = desk.json("recovery", "plan", "dead")

    assert code == 0
    assert [(row["name"], row["decision"], row["state"]) for row in rows] == [
        ("s0", "automatic", "queued"),
        ("s1", "custom", "notifying"),
        ("s2", "none", "skipped"),
    ]
    assert rows[2]["reason"] == "nobody asks for it"
    assert err == "3 servers: 1 queued, 1 notifying, 1 skipped\n"


def test_a_plan_changes_nothing(desk, nova):
    desk.type("recovery", "plan", "dead")
    desk.type("recovery", "protection", "dead")

    assert set(nova.calls) <= {
        "services",
        "servers",
        "server_groups",
        "aggregates",
    }
    assert desk.rows.recoveries(limit=9) == []


def test_a_gate_that_would_hold_is_told(desk, nova):
    desk.rows.set_pause("ann", "an update", None)
    code, rows, err = desk.json("recovery", "plan", "dead")

    assert (code, len(rows)) == (1, 3)
    assert "paused HOLDS: ann has paused all recoveries: an update" in err


def test_gates_may_be_listed_instead(desk, nova):
    code, rows, _ = desk.json("recovery", "plan", "dead", "--gates")

    assert code == 0
    assert {row["name"] for row in rows} >= {"paused", "scheduler", "cell"}
    assert all(row["passed"] for row in rows)


def test_the_configured_rules_are_those_that_count(desk, nova):
    desk.configure("automatic_tag = custom-recovery", "custom_tag = x")
    _, rows, _ = desk.json("recovery", "plan", "dead")

    assert {row["name"]: row["decision"] for row in rows} == {
        "s0": "none",
        "s1": "automatic",
        "s2": "none",
    }


@pytest.mark.parametrize("what", ["plan", "protection"])
def test_a_host_that_is_not_there_has_near_ones(desk, nova, what):
    code, out, err = desk.type("recovery", what, "DEAD")

    assert (code, out) == (2, "")
    assert err == "There is no compute host DEAD; there is dead.\n"


@pytest.mark.parametrize("what", ["plan", "protection", "may-start"])
def test_a_nova_that_is_away_is_told(desk, nova, what):
    nova.faults["services"] = [exceptions.Unavailable("Nova is away.")]

    assert desk.type("recovery", what, "dead") == (2, "", "Nova is away.\n")


def test_protection_is_told_by_kinds(desk, nova):
    code, rows, err = desk.json("recovery", "protection", "dead")

    assert code == 0
    assert rows == [
        {
            "decision": "automatic",
            "state": "queued",
            "servers": 1,
            "reason": "its tag automatic-recovery asks for it",
        },
        {
            "decision": "custom",
            "state": "notifying",
            "servers": 1,
            "reason": "its tag custom-recovery asks for it",
        },
        {
            "decision": "none",
            "state": "skipped",
            "servers": 1,
            "reason": "nobody asks for it",
        },
    ]
    assert err.startswith("3 servers: ")


def test_who_asks_for_it_in_vain_is_told_before_it_matters(desk, nova):
    nova.edit("s0", **{"OS-EXT-STS:vm_state": "paused"})
    code, rows, _ = desk.json("recovery", "protection", "dead")

    assert code == 1
    assert (rows[0]["decision"], rows[0]["state"]) == ("automatic", "failed")
    assert "it was paused" in rows[0]["reason"]


def test_a_host_may_start_when_nothing_is_under_way(desk, nova):
    code, shown, err = desk.json("recovery", "may-start", "dead")

    assert (code, err) == (0, "")
    assert shown == {
        "host": "dead",
        "may_start": True,
        "reason": "No recovery of it is open, nothing is under way.",
    }


def test_a_host_may_not_start_while_its_recovery_is_open(desk, nova):
    one = history.declared(desk.rows, "dead")
    code, shown, _ = desk.json("recovery", "may-start", "dead")

    assert (code, shown["may_start"]) == (1, False)
    assert shown["reason"] == f"Recovery {one.id} of it is received."


def test_a_host_may_not_start_in_the_middle_of_an_evacuation(desk, nova):
    history.recovery(desk.rows, "dead", phase=Phase.DONE)
    nova.endings["s0"] = [""]
    nova.move("s0")
    code, shown, _ = desk.json("recovery", "may-start", "dead")

    assert (code, shown["may_start"]) == (1, False)
    assert "migrations 1 (accepted)" in shown["reason"]


def test_a_host_that_nova_does_not_know_is_new_where_that_is_said(desk, nova):
    code, _, err = desk.type("recovery", "may-start", "node7")
    assert (code, "no compute service on node7" in err) == (2, True)

    code, shown, _ = desk.json(
        "recovery", "may-start", "node7", "--first-start"
    )

    assert (code, shown["may_start"]) == (0, True)


def test_without_access_to_the_cloud_it_cannot_be_told(desk):
    desk.conf.write_text(
        f"[waffles_recovery]\nconnection = sqlite:///{desk.file}\n"
    )
    code, _, err = desk.type("recovery", "plan", "dead")

    assert code == 2
    assert "[waffles] auth_type: is required to reach the cloud" in err


@pytest.mark.parametrize("what", ["plan", "protection", "may-start"])
def test_the_help_tells_the_exit_codes(desk, what):
    assert "exit codes: 0 " in desk.type("recovery", what, "--help")[1]
