"""The engine on a real Nova: what it has on record, and what Nova has."""

import time

import pytest

from tests.functional.engines import Engines
from tests.functional.hosts import HUGE, STAY, until
from tests.functional.states import AUTOMATIC, States
from waffles.clients import compute
from waffles.recovery.endpoint import may_start
from waffles.recovery.model import Phase, State

pytest_plugins = ["tests.functional.engines"]

#: The shortest times that the options allow.
HASTY = {"timeout": 1, "settle_time": 7, "lease_time": 7}


def test_a_late_failure_on_the_destination_is_no_success(
    hosts, services, tmp_path
):
    """Nova has the server ACTIVE then, on the host that is gone."""
    host = hosts.start()
    server_id = hosts.server(host, AUTOMATIC)
    hosts.die(host)
    engines = Engines(services, tmp_path, max_attempts=2)
    with hosts.claims_fail():
        done = engines.recover(host)
    row = engines.row(done.id)

    assert hosts.place(server_id) == (host, "active", None)
    assert hosts.evacuations(server_id) == ["failed", "failed"]
    assert (done.phase, row.state) == (Phase.FAILED, State.FAILED)
    assert row.attempt == 2
    assert "its migration is failed" in row.reason


def test_a_source_that_starts_in_the_middle_is_no_success(hosts, engines):
    """Nova calls the migration completed then, and has evacuated nothing."""
    host = hosts.start()
    server_id = hosts.server(host, AUTOMATIC)
    hosts.die(host)
    recovery_id = engines.declare(host)
    with engines.running():
        with hosts.scheduler_waits():
            until(lambda: hosts.evacuations(server_id) == ["accepted"])
            hosts.restart(host)
            assert hosts.evacuations(server_id) == ["completed"]
            engines.until(recovery_id, Phase.HELD)
            engines.store.release(recovery_id, "somebody")
            until(lambda: "yet Nova has" in engines.reasons(recovery_id))
            assert engines.row(recovery_id).state is State.RESTORING
            assert hosts.place(server_id)[0] == host
        done = engines.until(recovery_id, Phase.DONE)

    assert engines.row(recovery_id).state is State.RECOVERED
    assert hosts.place(server_id)[0] in STAY
    assert hosts.evacuations(server_id) == ["done"]
    assert done.released_by == "somebody"


@pytest.mark.parametrize("before", ["active", "stopped"])
def test_a_server_for_which_there_was_no_host_is_recovered_once_there_is(
    hosts, services, tmp_path, before
):
    """And is stopped again if it was, though Nova starts it."""
    fillers = [hosts.server(one, flavor=HUGE) for one in STAY]
    host = hosts.start()
    server_id = hosts.server(host, AUTOMATIC, flavor=HUGE)
    if before == "stopped":
        hosts.act(server_id, "os-stop")
        hosts.wait(server_id, "SHUTOFF")
    hosts.die(host)
    engines = Engines(services, tmp_path, retry_delay=2)
    recovery_id = engines.declare(host)
    with engines.running():
        until(lambda: "valid host" in engines.reasons(recovery_id))
        engines.store.pause(recovery_id, "somebody", "there is no room")
        hosts.delete(fillers[0])
        assert hosts.place(server_id) == (host, "error", None)
        engines.store.resume(recovery_id, "somebody")
        done = engines.until(recovery_id, Phase.DONE)
    row = engines.row(done.id)

    assert (row.state, row.attempt) == (State.RECOVERED, 2)
    assert hosts.place(server_id) == (STAY[0], before, None)
    assert hosts.evacuations(server_id) == ["error", "done"]


def test_an_evacuation_of_somebody_else_is_watched_and_not_repeated(
    hosts, engines
):
    host = hosts.start()
    server_id = hosts.server(host, AUTOMATIC)
    hosts.die(host)
    hosts.update(host, forced_down=True)
    with engines.running():
        with hosts.scheduler_waits():
            hosts.act(server_id, "evacuate", {})
            recovery_id = engines.declare(host)
            until(lambda: "under way" in engines.reasons(recovery_id))
            assert engines.row(recovery_id).state is State.WATCHING
        done = engines.until(recovery_id, Phase.DONE)

    assert engines.row(done.id).state is State.RECOVERED
    assert hosts.evacuations(server_id) == ["done"]


def test_a_second_force_down_evacuates_only_what_is_left(hosts, engines):
    host = hosts.start()
    first, second = hosts.server(host, AUTOMATIC), hosts.server(host)
    hosts.die(host)
    engines.recover(host)
    before = hosts.service(host)
    hosts.call("PUT", f"/servers/{second}/tags/{AUTOMATIC}")
    done = engines.recover(host)

    assert done.phase is Phase.DONE
    assert engines.row(done.id).server_id == second
    assert hosts.evacuations(first) == hosts.evacuations(second) == ["done"]
    assert hosts.place(second)[0] in STAY
    assert hosts.service(host) == before
    assert done.disabled


def test_a_host_that_reports_again_holds_what_has_not_begun(
    hosts, services, tmp_path
):
    host = hosts.start()
    ids = [hosts.server(host, AUTOMATIC, name=name) for name in "ab"]
    hosts.die(host)
    engines = Engines(services, tmp_path, in_flight_per_recovery=1)
    recovery_id = engines.declare(host)
    with engines.running():
        with hosts.scheduler_waits():
            until(lambda: hosts.evacuations(ids[0]))
            hosts.report(host)
            engines.until(recovery_id, Phase.HELD)
        until(lambda: hosts.evacuations(ids[0]) == ["done"])
        time.sleep(1)
        held = engines.until(recovery_id, Phase.HELD)
        assert [gate.name for gate in held.gates if not gate.passed] == [
            "alive"
        ]
        assert "reported" in held.note
        assert hosts.evacuations(ids[1]) == []
        engines.store.release(recovery_id, "somebody")
        engines.until(recovery_id, Phase.DONE)

    assert [hosts.evacuations(server_id) for server_id in ids] == [
        ["done"],
        ["done"],
    ]


def test_two_engines_share_hosts_and_one_goes_on_without_the_other(
    hosts, engines
):
    dead = [hosts.start(), hosts.start()]
    ids = [hosts.server(host, AUTOMATIC) for host in dead for _ in range(2)]
    for host in dead:
        hosts.die(host)
    with engines.running(2) as both:
        with hosts.scheduler_waits():
            recoveries = [engines.declare(host) for host in dead]
            until(lambda: all(map(hosts.evacuations, ids)))
            owner = engines.store.recovery(recoveries[0]).owner
            (first,) = (one for one in both if one.name == owner)
            first.stop.set()
        for recovery_id in recoveries:
            engines.until(recovery_id, Phase.DONE)
    lines = engines.store.lines(recoveries[0])

    assert {line.engine for line in lines if line.engine} == {
        one.name for one in both
    }
    assert [hosts.evacuations(one) for one in ids] == [["done"]] * len(ids)


@pytest.mark.parametrize("asked", [False, True], ids=["before", "after"])
def test_an_engine_that_dies_around_a_request_is_followed_by_one_evacuation(
    hosts, services, tmp_path, asked
):
    """It has committed what it was about to do, and nothing of the answer."""

    class Dying(compute.Compute):
        def evacuate(self, server_id):
            if asked:
                super().evacuate(server_id)
            raise Killed

    host = hosts.start()
    server_id = hosts.server(host, AUTOMATIC)
    hosts.die(host)
    engines = Engines(services, tmp_path, **HASTY)
    recovery_id = engines.declare(host)
    dying = engines.engine(engines.compute(Dying))
    with pytest.raises(Killed):
        dying._carry_out(engines.store.claim(dying.name, 7))
    left = engines.row(recovery_id)
    assert (left.state, left.request_id) == (State.ISSUING, "")
    with engines.running():
        engines.until(recovery_id, Phase.DONE)
    row = engines.row(recovery_id)

    assert (row.state, row.attempt) == (State.RECOVERED, 1)
    assert hosts.evacuations(server_id) == ["done"]
    assert hosts.place(server_id)[0] in STAY


def test_a_host_returns_when_it_has_cleaned_up_and_reports(hosts, engines):
    host = hosts.start()
    server_id = hosts.server(host, AUTOMATIC)
    hosts.die(host)
    nova = engines.compute()
    recovery_id = engines.declare(host)
    assert not may_start.verdict(host, engines.store, nova).may_start
    with engines.running():
        engines.until(recovery_id, Phase.DONE)
        assert may_start.verdict(host, engines.store, nova).may_start
        engines.store.ask_return(recovery_id, "somebody")
        until(lambda: "has not cleaned up" in engines.note(recovery_id))
        assert hosts.service(host)["forced_down"]
        hosts.restart(host)
        until(lambda: hosts.report(host) or engines.is_back(recovery_id))
    service = hosts.service(host)

    assert not service["forced_down"]
    assert (service["state"], service["status"]) == ("up", "enabled")
    assert hosts.evacuations(server_id) == ["completed"]
    assert hosts.place(server_id)[0] in STAY


def test_only_what_we_have_disabled_is_enabled(hosts, engines):
    host = hosts.start()
    hosts.update(host, status="disabled", disabled_reason="a new disk")
    hosts.die(host)
    done = engines.recover(host)
    engines.store.ask_return(done.id, "somebody")
    hosts.restart(host)
    with engines.running():
        until(lambda: hosts.report(host) or engines.is_back(done.id))
    service = hosts.service(host)

    assert not done.disabled
    assert not service["forced_down"]
    assert service["status"] == "disabled"
    assert service["disabled_reason"] == "a new disk"


def test_an_evacuation_that_does_not_end_is_stuck_and_keeps_its_host_down(
    hosts, services, tmp_path
):
    """Without Cyborg, Nova leaves one with an accelerator as it is."""
    host = hosts.start()
    server_id = States(hosts, host).make("accelerated")
    hosts.die(host)
    engines = Engines(services, tmp_path, **HASTY, evacuation_timeout=8)
    done = engines.recover(host)
    nova = engines.compute()
    row = engines.row(done.id)
    assert (done.phase, row.state) == (Phase.FAILED, State.STUCK)
    assert "accepted for too long" in row.reason
    assert hosts.evacuations(server_id) == ["accepted"]
    assert not may_start.verdict(host, engines.store, nova).may_start

    engines.store.ask_return(done.id, "somebody")
    with engines.running():
        until(lambda: "are under way" in engines.note(done.id))
        for _ in range(40):
            hosts.report(host)
            time.sleep(0.1)
        assert hosts.service(host)["forced_down"]
        assert not engines.is_back(done.id)


class Killed(BaseException):
    """What nobody catches, as nobody catches SIGKILL."""
