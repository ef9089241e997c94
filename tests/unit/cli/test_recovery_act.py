import dataclasses
import doctest

import pytest

from tests.unit.recovery import history, stores
from waffles.cli import recovery_act
from waffles.cli.recovery import operator
from waffles.recovery.model import Phase, Return, State


@pytest.fixture
def night(desk):
    history.night(desk.rows)
    return desk


def log(desk, host):
    return desk.rows.lines(desk.rows.latest(host).id)[-1].message


def test_what_is_held_is_let_go(night):
    code, shown, err = night.json(
        "recovery", "release", "compute-3", "--reason", "it is really down"
    )

    assert (code, err) == (0, "")
    assert [gate["released"] for gate in shown["gates"]] == [False, True]
    said = f"Released by {operator()}: it is really down (threshold:cloud)"
    assert log(night, "compute-3") == said


def test_one_gate_may_be_let_go_alone(night):
    words = ["recovery", "release", "compute-3", "--gate"]

    code, _, err = night.type(*words, "alive")
    assert (code, err) == (1, "It has no gate alive.\n")
    assert night.type(*words, "threshold:cloud")[0] == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["release", "compute-7"], "The recovery is running, not held."),
        (["resume", "compute-7"], "The recovery is not paused."),
        (["retry", "compute-2"], "No server has failed or is stuck."),
        (
            ["retry", "compute-1", "--server", "x"],
            "Server x is not failed or stuck.",
        ),
        (
            ["pause", "compute-2", "--reason", "x"],
            "The recovery has ended: it is done.",
        ),
        (
            ["abandon", "compute-2", "--reason", "x"],
            "The recovery has ended: it is done.",
        ),
    ],
    ids=" ".join,
)
def test_what_the_state_does_not_allow_is_told(night, words, sentence):
    assert night.type("recovery", *words) == (1, "", f"{sentence}\n")


@pytest.mark.parametrize(
    "what", ["release", "resume", "retry", "return", "pause", "abandon"]
)
def test_what_is_not_there_cannot_be_changed(desk, what):
    reason = ["--reason", "x"] if what in ("pause", "abandon") else []
    code, out, err = desk.type("recovery", what, "compute-9", *reason)

    assert (code, out) == (2, "")
    assert "There is no recovery of a host compute-9" in err


def test_what_is_stuck_of_a_recovery_that_has_ended_is_given_up(desk):
    lease = stores.leased(desk.rows, "dead")
    (row,) = stores.take(lease, lease.add([stores.server()]))
    lease.update([dataclasses.replace(row, state=State.STUCK)])
    lease.save(phase=Phase.FAILED)
    words = ["recovery", "abandon", "dead", "--reason", "looked"]

    code, shown, _ = desk.json(*words)

    assert (code, shown["state"]) == (0, "failed")
    assert desk.rows.totals().stuck == 0
    assert desk.type(*words)[0] == 1


def test_a_recovery_is_paused_and_goes_on(night):
    _, shown, _ = night.json(
        "recovery", "pause", "compute-7", "--reason", "wait"
    )
    assert shown["paused"] == f"Paused by {operator()}: wait"
    code, shown, _ = night.json("recovery", "resume", "compute-7")
    assert (code, shown["paused"]) == (0, "")


def test_all_recoveries_are_paused_and_go_on(desk):
    code, shown, _ = desk.json(
        "recovery", "pause", "--all", "--reason", "an update", "--for", "2h"
    )
    pause = desk.rows.pause_of_all()

    assert code == 0
    assert (shown["reason"], shown["by"]) == ("an update", operator())
    assert pause.until - pause.since == pytest.approx(7200, abs=60)
    code, out, err = desk.type("recovery", "resume", "--all")
    assert (code, out, err) == (0, "", "All recoveries go on.\n")
    assert desk.rows.pause_of_all() is None


def test_without_a_time_all_are_paused_for_good(desk):
    _, shown, _ = desk.json("recovery", "pause", "--all", "--reason", "x")

    assert shown["until"] is None


def test_a_pause_that_is_over_at_once_is_told(desk, monkeypatch):
    monkeypatch.setattr(type(desk.rows), "pause_of_all", lambda store: None)
    words = ["recovery", "pause", "--all", "--reason", "x"]

    code, out, err = desk.type(*words)
    assert (code, out) == (2, "")
    assert "lifted it already" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["pause", "--reason", "x"], "Name a recovery, or say --all."),
        (
            ["pause", "compute-7", "--all", "--reason", "x"],
            "Name a recovery, or say --all.",
        ),
        (["resume"], "Name a recovery, or say --all."),
        (
            ["pause", "compute-7", "--reason", "x", "--for", "1h"],
            "--for needs --all.",
        ),
    ],
)
def test_it_must_be_plain_what_is_meant(night, words, sentence):
    assert night.type("recovery", *words) == (2, "", f"{sentence}\n")
    assert night.rows.pause_of_all() is None
    assert not night.rows.latest("compute-7").paused


@pytest.mark.parametrize(
    "words", [["pause", "--all"], ["abandon", "compute-7"]]
)
def test_a_reason_must_be_given(night, words):
    code, _, err = night.type("recovery", *words)

    assert code == 2
    assert "--reason" in err


def test_what_has_failed_is_tried_again(night):
    code, shown, _ = night.json("recovery", "retry", "compute-1")

    assert code == 0
    assert shown["state"] == "planning"
    assert shown["servers"]["watching"] == 1
    assert shown["servers"]["queued"] == 1
    assert "failed" not in shown["servers"]


def test_one_server_may_be_tried_again_alone(night):
    server_id = history.server("batch-1").server_id
    _, shown, _ = night.json(
        "recovery", "retry", "compute-1", "--server", server_id
    )

    assert shown["servers"]["queued"] == 1
    assert shown["servers"]["stuck"] == 1


def test_a_recovery_is_abandoned(night):
    code, shown, _ = night.json(
        "recovery", "abandon", "compute-7", "--reason", "it is back"
    )

    assert (code, shown["state"]) == (0, "failed")
    assert shown["note"] == f"Abandoned by {operator()}: it is back"
    assert shown["servers"]["stuck"] == 4


def test_what_was_asked_for_just_now_is_not_abandoned(desk):
    """Whether Nova has it is known after the configured time."""
    desk.configure("settle_time = 500")
    history.declared(desk.rows, "compute-1")
    lease = desk.rows.claim("engine-a", history.LEASE)
    (server,) = lease.add([history.server("web-1", State.QUEUED)])
    lease.take([server.key], floor=0, per_recovery=1, in_all=1)

    code, _, err = desk.type(
        "recovery", "abandon", "compute-1", "--reason", "x"
    )
    assert code == 1
    assert "try again in" in err
    assert 400 < int(err.rsplit("in ")[-1].split()[0]) <= 500


def test_a_host_is_taken_back(night):
    code, shown, _ = night.json("recovery", "return", "compute-2")

    assert (code, shown["return_state"]) == (0, "waiting")
    assert night.rows.latest("compute-2").returning is Return.WAITING


def test_a_host_is_not_taken_back_in_the_middle(night):
    code, _, err = night.type("recovery", "return", "compute-7")

    assert code == 1
    assert "is running" in err


def test_the_examples_are_true():
    found = doctest.testmod(recovery_act)

    assert found.attempted == 1
    assert found.failed == 0


@pytest.mark.parametrize("text", ["", "2", "h", "2 h", "-2h", "2hh", "1.5h"])
def test_what_is_no_time_is_refused(desk, text):
    words = ["recovery", "pause", "--all", "--reason", "x", f"--for={text}"]
    code, _, err = desk.type(*words)

    assert code == 2
    assert f"{text!r} is no time" in err
    assert desk.rows.pause_of_all() is None


def test_a_recovery_of_the_past_can_be_named(desk):
    old = history.recovery(desk.rows, "compute-1", phase=Phase.DONE)
    history.declared(desk.rows, "compute-1")

    code, _, err = desk.type("recovery", "pause", old.id[:13], "--reason", "x")
    assert code == 1
    assert "it is done" in err
