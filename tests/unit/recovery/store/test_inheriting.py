import dataclasses

import pytest

from tests.unit.recovery.cloud import Nova
from tests.unit.recovery.working import Bench
from waffles.recovery.engine import evacuating, forcing
from waffles.recovery.model import Phase


@pytest.fixture
def bench(tmp_path):
    made = []

    def bench(servers=1, **settings):
        made.append(Bench(tmp_path, Nova(servers), **settings))
        return made[-1]

    yield bench
    for one in made:
        one.close()


def carried_out(one):
    """A recovery from its beginning to its end."""
    recovery = one.declare()
    work = one.claim()
    for stage in (forcing.received, forcing.forcing, forcing.planning):
        stage(work, work.lease.recovery())
    evacuation = evacuating.Evacuation(work)
    for _ in range(20):
        if work.lease.recovery().phase is Phase.RUNNING:
            evacuation.round(work.lease.recovery())
    if work.lease.recovery().phase is Phase.SETTLING:
        evacuating.settling(work, work.lease.recovery())
    work.lease.release()
    return recovery


def test_a_server_that_was_stuck_is_watched_and_not_evacuated_again(bench):
    one = bench(evacuation_timeout=-1)
    one.nova.endings["s0"] = [""]
    first = carried_out(one)
    assert one.states(first) == {"s0": "stuck"}

    one.nova.endings["s0"] = ["done"]
    one.settings = dataclasses.replace(one.settings, evacuation_timeout=600)
    second = carried_out(one)

    assert one.nova.asked == ["s0"]
    assert one.states(second) == {"s0": "recovered"}
    events = [line.event for line in one.store.lines(second.id)]
    assert "taken-over" in events


def test_one_that_is_stuck_for_good_is_stuck_here_too(bench):
    one = bench(evacuation_timeout=-1)
    one.nova.endings["s0"] = [""]
    carried_out(one)

    second = carried_out(one)

    assert one.nova.asked == ["s0"]
    assert one.states(second) == {"s0": "stuck"}


def test_what_a_server_was_before_it_failed_is_restored_later(
    bench, monkeypatch
):
    monkeypatch.setattr(evacuating, "PATIENCE", 0.0)
    one = bench(max_attempts=1)
    one.nova.edit("s0", **{"OS-EXT-STS:vm_state": "stopped"})
    one.nova.endings["s0"] = ["error"]
    first = carried_out(one)
    assert one.states(first) == {"s0": "failed"}
    assert one.nova.server("s0")["OS-EXT-STS:vm_state"] == "error"

    second = carried_out(one)

    assert one.states(second) == {"s0": "recovered"}
    assert one.nova.server("s0")["OS-EXT-STS:vm_state"] == "stopped"


def test_a_server_that_is_new_has_nothing_to_inherit(bench):
    one = bench(2)
    found = carried_out(one)

    assert one.states(found) == {"s0": "recovered", "s1": "recovered"}
    events = [line.event for line in one.store.lines(found.id)]
    assert "taken-over" not in events


def test_one_that_was_stuck_elsewhere_and_has_come_here_is_evacuated(bench):
    """Its first evacuation has led to the host that is gone now."""
    one = bench(evacuation_timeout=-1)
    one.nova.endings["s0"] = [""]
    carried_out(one)
    one.nova.moves[0]["status"] = "done"
    one.nova.edit("s0", **{"OS-EXT-SRV-ATTR:host": "c3"})
    one.nova.host, one.nova.endings["s0"] = "c3", ["done"]
    one.settings = dataclasses.replace(one.settings, evacuation_timeout=600)

    second = carried_out(one)

    assert one.nova.asked == ["s0", "s0"]
    assert one.states(second) == {"s0": "recovered"}
