import pytest

from tests.unit.recovery.engine.running import planned
from waffles.recovery.engine import forcing
from waffles.recovery.model import Phase, State


def test_a_custom_server_waits_for_its_notice(bench):
    one = bench(1, webhook_url="https://x.example")
    one.nova.edit("s0", tags=["custom-recovery"])

    work = planned(one)

    (row,) = work.lease.servers()
    assert row.state is State.NOTIFYING
    (notice,) = one.store.undelivered(10)
    assert (notice.event, notice.server_key) == ("server.custom", row.key)


def test_where_nobody_can_be_told_a_custom_server_has_failed(bench):
    one = bench(1)
    one.nova.edit("s0", tags=["custom-recovery"])

    work = planned(one)

    (row,) = work.lease.servers()
    assert row.state is State.FAILED
    assert "nobody can be told" in row.reason


def test_a_notice_that_was_given_up_is_sent_again_after_a_retry(bench):
    one = bench(1, webhook_url="https://x.example")
    one.nova.edit("s0", tags=["custom-recovery"])
    work = planned(one)
    (notice,) = one.store.undelivered(10)
    one.store.failed(notice.key, "no answer", None)
    assert one.states(work.lease.recovery()) == {"s0": "failed"}

    one.store.retry(work.lease.recovery_id, "ann")
    other = one.claim("two")
    forcing.planning(other, other.lease.recovery())

    assert one.states(other.lease.recovery()) == {"s0": "notifying"}
    assert [
        notice.event
        for notice in one.store.undelivered(10)
        if not notice.gave_up_at
    ] == ["server.custom"]


@pytest.mark.parametrize("tag", ["custom-recovery", "automatic-recovery"])
def test_nobody_is_told_of_a_server_before_every_gate_is_open(bench, tag):
    """Who is told starts it elsewhere."""
    one = bench(1, threshold_cloud=30, webhook_url="https://x.example")
    one.nova.edit("s0", tags=[tag], **{"OS-EXT-STS:vm_state": "paused"})
    one.nova.force_down("id-of-c2", True)
    work = planned(one)
    assert work.lease.recovery().phase is Phase.HELD
    told = [notice.event for notice in one.store.undelivered(10)]
    assert told == ["recovery.held"]

    one.store.release(work.lease.recovery_id, "ann")
    for _ in range(2):
        forcing.planning(work, work.lease.recovery())

    told = [notice.event for notice in one.store.undelivered(10)]
    assert len(told) == 2
    assert told[0].startswith("server.")
