import pytest

from waffles.recovery import model
from waffles.recovery.model import Phase, State


@pytest.mark.parametrize(
    ("servers", "phase"),
    [
        ({}, Phase.DONE),
        ({State.SKIPPED: 3}, Phase.DONE),
        ({State.RECOVERED: 1, State.NOTIFIED: 1}, Phase.DONE),
        ({State.RECOVERED: 1, State.FAILED: 1}, Phase.PARTIAL),
        ({State.NOTIFIED: 1, State.STUCK: 1}, Phase.PARTIAL),
        ({State.FAILED: 1, State.SKIPPED: 5}, Phase.FAILED),
        ({State.STUCK: 1}, Phase.FAILED),
    ],
    ids=[
        "no servers",
        "none asked for it",
        "all brought back",
        "one failed",
        "one stuck",
        "none brought back",
        "only stuck",
    ],
)
def test_a_recovery_ends_as_its_servers_did(servers, phase):
    assert model.outcome(servers) is phase


def test_a_recovery_ends_done_partial_or_failed():
    assert {one.value for one in Phase if one.final} == {
        "done",
        "partial",
        "failed",
    }


def test_a_server_ends_in_one_of_five_states():
    assert {one.value for one in State if one.final} == {
        "recovered",
        "skipped",
        "notified",
        "failed",
        "stuck",
    }
