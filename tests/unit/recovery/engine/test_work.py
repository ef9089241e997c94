import dataclasses

import pytest

from tests.unit.recovery.cloud import Nova
from tests.unit.recovery.working import Bench
from waffles import exceptions
from waffles.recovery.engine import work
from waffles.recovery.model import Phase, Server
from waffles.recovery.store import store


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, Nova())
    yield made
    made.close()


def test_a_line_is_in_the_log_with_all_that_one_looks_for(bench, caplog):
    recovery = bench.declare(request_id="req-1")
    held = bench.claim()
    caplog.set_level("INFO")

    line = held.line(recovery, "evacuate", "attempt 1", Server("s0"), "req-2")

    assert (line.event, line.server_id, line.request_id) == (
        "evacuate",
        "s0",
        "req-2",
    )
    for part in (recovery.id, "dead", "s0", "evacuate", "attempt 1", "req-2"):
        assert part in caplog.text


def test_a_line_without_a_request_of_its_own_has_the_callers(bench, caplog):
    recovery = bench.declare(request_id="req-1")
    caplog.set_level("INFO")

    bench.claim().line(recovery, "begun", "by an engine")

    assert "[req-1]" in caplog.text


def test_only_what_has_changed_is_written(bench):
    recovery = bench.declare()
    held = bench.claim()

    same = held.save(recovery, phase=Phase.RECEIVED, note="")
    assert same is recovery

    found = held.save(recovery, phase=Phase.FORCING)
    assert found.phase is Phase.FORCING
    assert bench.store.recovery(recovery.id).phase is Phase.FORCING


def test_a_lease_is_kept_that_would_not_last(bench):
    bench.settings = dataclasses.replace(bench.settings, lease_time=30)
    bench.declare()
    held = bench.claim()
    before = held.lease.until

    held.renew()
    assert held.lease.until == before

    held.lease._began -= 20
    held.renew()
    assert held.lease.until > before


def test_a_service_is_found_by_its_exact_name(bench):
    bench.declare()
    held = bench.claim()

    assert held.service("dead")["host"] == "dead"
    assert held.service("Dead") is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"host": "another"}, "shows no nova-compute of dead"),
        ({"status": "UNKNOWN"}, "does not see the cell of dead"),
    ],
    ids=["gone", "its cell"],
)
def test_what_nova_does_not_see_is_not_known(bench, change, why):
    bench.declare()
    held = bench.claim()
    assert held.seen("dead")["host"] == "dead"
    bench.nova.service("dead").update(change)

    with pytest.raises(exceptions.Unavailable, match=why):
        held.seen("dead")


def test_a_recovery_that_was_abandoned_is_not_ours(bench):
    recovery = bench.declare()
    held = bench.claim()
    held.fence()
    bench.store.abandon(recovery.id, "ann", "", 60)

    with pytest.raises(store.Lost):
        held.fence()


def test_a_window_ends(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(work.time, "monotonic", lambda: clock[0])
    is_open = work.window()

    assert is_open()
    clock[0] += work.ISSUING
    assert not is_open()
