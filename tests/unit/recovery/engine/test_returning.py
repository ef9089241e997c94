import dataclasses

import pytest

from tests.unit.recovery.cloud import Nova
from tests.unit.recovery.working import Bench
from waffles import exceptions
from waffles.recovery.engine import evacuating, forcing, returning
from waffles.recovery.model import Phase, Return
from waffles.recovery.store import store


@pytest.fixture
def bench(tmp_path):
    made = []

    def bench(servers=1, **settings):
        made.append(Bench(tmp_path, Nova(servers), **settings))
        return made[-1]

    yield bench
    for one in made:
        one.close()


def done(one, **more):
    """A recovery that has ended, and whose host is to return."""
    recovery = one.declare(**more)
    work = one.claim()
    for stage in (forcing.received, forcing.forcing, forcing.planning):
        stage(work, work.lease.recovery())
    evacuation = evacuating.Evacuation(work)
    while work.lease.recovery().phase is Phase.RUNNING:
        evacuation.round(work.lease.recovery())
    evacuating.settling(work, work.lease.recovery())
    one.store.ask_return(recovery.id, "ann")
    work.lease.release()
    return one.claim()


def look(work):
    returning.waiting(work, work.lease.recovery())
    return work.lease.recovery()


def home(one):
    """nova-compute starts again, and reports."""
    one.nova.start("dead")
    one.nova.report("dead")


def test_a_host_returns_once_it_has_cleaned_up_and_reports(bench):
    one = bench()
    work = done(one)
    home(one)

    for _ in range(3):
        found = look(work)
        one.nova.report("dead")

    service = one.nova.service("dead")
    assert found.returning is Return.RETURNED
    assert (service["forced_down"], service["status"]) == (False, "enabled")


def test_what_is_under_way_keeps_it_down(bench):
    one = bench()
    work = done(one)
    one.nova.edit("s0", **{"OS-EXT-STS:task_state": "rebuilding"})
    late = one.nova.move("s0")
    one.nova.endings["s0"] = [""]
    one.nova.report("dead")

    found = look(work)

    assert "1 evacuations from it are under way" in found.note
    assert one.nova.service("dead")["forced_down"]
    late["status"] = "failed"
    home(one)
    look(work)
    assert not one.nova.service("dead")["forced_down"]


def test_what_is_left_of_a_server_that_is_gone_keeps_nothing_down(bench):
    one = bench()
    work = done(one)
    home(one)
    one.nova.move("s9", "accepted")
    one.nova.endings["s9"] = [""]

    look(work)

    assert not one.nova.service("dead")["forced_down"]


def test_a_server_that_is_not_shown_is_not_taken_for_gone(bench):
    one = bench()
    work = done(one)
    home(one)
    one.nova.endings["s0"] = [""]
    one.nova.move("s0", "accepted")
    one.nova.faults["server"] = [exceptions.Hidden(403, "not for you")]

    with pytest.raises(exceptions.Hidden, match="not for you"):
        look(work)

    assert one.nova.service("dead")["forced_down"]


def test_a_compute_service_that_was_not_started_anew_keeps_it_down(bench):
    one = bench()
    work = done(one)
    one.nova.report("dead")

    found = look(work)

    assert "has not cleaned up after 1 evacuations" in found.note
    assert one.nova.service("dead")["forced_down"]


def test_a_host_that_is_silent_stays_down(bench):
    one = bench()
    work = done(one)
    one.nova.start("dead")

    found = look(work)

    assert "has not reported" in found.note
    assert one.nova.service("dead")["forced_down"]


def test_it_must_report_for_a_while(bench):
    one = bench(healthy_delay=1000)
    work = done(one)
    home(one)

    for _ in range(3):
        look(work)
        one.nova.report("dead")
    assert one.nova.service("dead")["forced_down"]

    now = one.store.now()
    work.lease.save(return_at=now - 1001)
    look(work)
    assert not one.nova.service("dead")["forced_down"]


def test_silence_in_between_begins_the_time_anew(bench):
    one = bench(healthy_delay=1000)
    work = done(one)
    home(one)
    look(work)
    work.lease.save(return_at=one.store.now() - 1001)

    look(work)  # nothing has come since

    one.nova.report("dead")
    look(work)
    assert one.nova.service("dead")["forced_down"]


def test_it_waits_for_the_end_of_a_dump(bench):
    one = bench(kdump_time=1000)
    work = done(one)
    home(one)
    found = work.lease.recovery()
    said = dataclasses.replace(found.assertion, kdump=True)

    found = dataclasses.replace(found, assertion=said)
    returning.waiting(work, found)

    assert "dump of its memory" in work.lease.recovery().note
    assert one.nova.service("dead")["forced_down"]


@pytest.mark.parametrize(
    ("reason", "status"),
    [("broken fan", "disabled"), ("waffles: recovery of before", "enabled")],
    ids=["somebody else", "an earlier recovery"],
)
def test_it_is_enabled_only_if_it_was_us_who_disabled_it(
    bench, reason, status
):
    one = bench()
    one.nova.disable("id-of-dead", reason)
    work = done(one)
    home(one)

    for _ in range(3):
        found = look(work)
        one.nova.report("dead")

    assert found.returning is Return.RETURNED
    assert one.nova.service("dead")["status"] == status


def test_a_cell_that_is_down_is_waited_for(bench):
    one = bench()
    work = done(one)
    one.nova.service("dead")["status"] = "UNKNOWN"

    assert look(work).note == "Nova cannot see its cell"
    assert look(work).returning is Return.WAITING


def test_a_service_that_was_deleted_does_not_come_back(bench):
    one = bench()
    work = done(one)
    one.nova.service("dead")["host"] = "another"

    assert look(work).returning is Return.RETURNED


def test_what_it_waits_for_is_said_once(bench):
    one = bench()
    work = done(one)

    for _ in range(3):
        look(work)

    events = one.events(work.lease.recovery())
    assert events.count("waits") == 1


def test_a_host_that_was_declared_dead_again_does_not_return(bench):
    one = bench()
    work = done(one)
    home(one)
    one.declare()

    found = look(work)

    assert found.returning is Return.DOWN
    assert one.nova.service("dead")["forced_down"]


def test_an_engine_that_has_lost_its_lease_lets_no_host_back(bench):
    one = bench()
    work = done(one)
    recovery = work.lease.recovery()
    one.nova.force_down("id-of-dead", False)
    work.lease.release()
    one.claim("another")

    with pytest.raises(store.Lost):
        returning.waiting(work, recovery)

    assert "enable" not in one.nova.calls
