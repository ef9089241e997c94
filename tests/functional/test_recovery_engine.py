"""The engine on a real Nova: what it has on record, and what Nova has."""

import contextlib
import re
import time

import pytest
from nova.tests import fixtures

from tests.functional.engines import Engines
from tests.functional.hosts import FLAVORS, HUGE, STAY, Hosts, until
from tests.functional.states import AUTOMATIC, States
from waffles.clients import compute
from waffles.recovery import forcing, may_start
from waffles.recovery.model import Phase, State

MOVED = "moved"

#: State of a server before -> what is on record of it (its state, a part of
#: the reason), and what Nova has then: where, what it is, its evacuations.
#: None: Nova does not show it on the host.
TABLE = {
    "active": (State.RECOVERED, "evacuated", MOVED, "active", ["done"]),
    "stopped": (State.RECOVERED, "evacuated", MOVED, "stopped", ["done"]),
    "error": (State.RECOVERED, "evacuated", MOVED, "active", ["done"]),
    "powering_off": (State.RECOVERED, "evacuated", MOVED, "active", ["done"]),
    "rebuilding": (State.RECOVERED, "evacuated", MOVED, "active", ["done"]),
    "locked_by_owner": (
        State.RECOVERED, "evacuated", MOVED, "active", ["done"],
    ),
    "locked_by_admin": (
        State.RECOVERED, "evacuated", MOVED, "active", ["done"],
    ),
    "deleting": (State.SKIPPED, "being deleted", "", "active", []),
    "migrating": (State.STUCK, "live migration", "", "active", []),
    "resize_migrating": (State.STUCK, "under way", "", "active", []),
    "paused": (State.FAILED, "it was paused", "", "paused", []),
    "suspended": (State.FAILED, "it was suspended", "", "suspended", []),
    "rescued": (State.FAILED, "rescue mode", "", "rescued", []),
    "resized": (State.FAILED, "not confirmed", "", "resized", []),
    "shelved": (State.FAILED, "being shelved", "", "shelved", []),
    "building": (State.FAILED, "still being built", "", "building", []),
    "never_launched": (State.FAILED, "never run", "", "error", []),
    "vtpm": (State.FAILED, "vTPM", "", "active", []),
    "shared": (State.FAILED, "shares", "", "active", []),
    "shelved_offloaded": (None, "", "nowhere", "shelved_offloaded", []),
    "soft_deleted": (None, "", "", "soft-delete", []),
}  # fmt: skip

#: The shortest times that the options allow.
HASTY = {"timeout": 1, "settle_time": 7, "lease_time": 7}


@contextlib.contextmanager
def paused(hosts, engines):
    engines.store.set_pause("somebody", "a new switch", None)
    yield
    engines.store.lift_pause("somebody")


@contextlib.contextmanager
def without_computes(hosts, engines):
    for host in STAY:
        hosts.update(host, status="disabled")
    yield
    for host in STAY:
        hosts.update(host, status="enabled")


@contextlib.contextmanager
def without_scheduler(hosts, engines):
    hosts.scheduler(forced_down=True)
    yield
    hosts.scheduler(forced_down=False)


@contextlib.contextmanager
def without_cell(hosts, engines):
    cells = [hosts.cloud.cell_mappings["cell1"]]
    with fixtures.DownCellFixture(cells):
        yield


#: Gate -> what closes it meanwhile.
CLOSED = {
    "paused": paused,
    "computes": without_computes,
    "scheduler": without_scheduler,
    "cell": without_cell,
}


@pytest.fixture(scope="session")
def few_threads():
    """Threads of Nova's that wait for work take a good part of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_DEFAULT__EXECUTOR_THREAD_POOL_SIZE", "8")
        yield


@pytest.fixture(scope="session")
def cloud(few_threads, cloud):
    """The cloud of all functional tests, with fewer threads."""
    return cloud


@pytest.fixture(scope="module")
def flavored(cloud, nova):
    """Nova, with the flavors of the tests."""
    for name, ram in FLAVORS.items():
        flavor = {"id": name, "name": name, "ram": ram, "vcpus": 1, "disk": 1}
        Hosts(cloud, nova).call("POST", "/flavors", {"flavor": flavor})
    return nova


@pytest.fixture
def hosts(cloud, flavored):
    """Hosts that are gone at the end, with their servers."""
    made = Hosts(cloud, flavored)
    yield made
    made.clear()


@pytest.fixture
def engines(services, tmp_path):
    """A store of the test's own, and what works on it."""
    return Engines(services, tmp_path)


@pytest.fixture(scope="module")
def table(cloud, flavored, services, tmp_path_factory):
    """Servers in all states, after a recovery of their host."""
    hosts = Hosts(cloud, flavored)
    host = hosts.start()
    states = States(hosts, host)
    # Shelved servers stay on their host, and deleted ones are kept.
    cloud.flags(shelved_offload_time=-1, reclaim_instance_interval=3600)
    made = {state: states.make(state) for state in TABLE}
    cloud.flags(shelved_offload_time=0, reclaim_instance_interval=0)
    hosts.die(host)
    engines = Engines(services, tmp_path_factory.mktemp("table"))
    done = engines.recover(host)
    yield host, hosts, engines, done, made
    hosts.change(made["soft_deleted"], vm_state="active")
    hosts.clear()


@pytest.mark.parametrize("state", TABLE)
def test_a_server_is_brought_back_or_not_as_its_state_allows(table, state):
    host, hosts, engines, done, made = table
    wanted, why, where, vm_state, evacuations = TABLE[state]
    row = engines.rows(done.id).get(made[state])
    shown = hosts.place(made[state])

    assert (row and row.state) is wanted
    assert why in (row.reason if row else "")
    assert shown[1] == vm_state
    assert (shown[0] in STAY) is (where == MOVED)
    assert where != "" or shown[0] == host
    assert hosts.evacuations(made[state]) == evacuations
    assert (
        row is None
        or row.attempt == 0
        or wanted
        in (
            State.RECOVERED,
            State.FAILED,
        )
    )
    assert (shown[2] is None) or wanted is not State.RECOVERED


@pytest.mark.parametrize("state", ["locked_by_owner", "locked_by_admin"])
def test_a_lock_is_still_there_afterwards(table, state):
    _, hosts, _, _, made = table

    assert hosts.show(made[state])["locked"]


def test_servers_that_are_left_leave_a_recovery_partial(table):
    _, _, engines, done, made = table
    rows = engines.rows(done.id)

    assert done.phase is Phase.PARTIAL
    assert rows.keys() == {
        made[state] for state, (wanted, *_) in TABLE.items() if wanted
    }


def test_what_nova_does_not_evacuate_is_reset_where_that_is_wanted(
    hosts, services, tmp_path
):
    host = hosts.start()
    states = States(hosts, host)
    ids = [states.make(one) for one in ("paused", "suspended", "rescued")]
    hosts.die(host)
    engines = Engines(services, tmp_path, nonevacuable="reset")
    done = engines.recover(host)

    assert done.phase is Phase.DONE
    for server_id in ids:
        assert engines.rows(done.id)[server_id].state is State.RECOVERED
        assert hosts.place(server_id)[0] in STAY
        assert hosts.place(server_id)[1:] == ("active", None)
        assert hosts.evacuations(server_id) == ["done"]


def test_a_tag_that_is_nearly_the_one_is_none(hosts, engines):
    host = hosts.start()
    tags = [
        "not-automatic-recovery",
        "Automatic-Recovery",
        "automatic-recovery:yes",
    ]
    left = [hosts.server(host, tag) for tag in tags]
    taken = hosts.server(host, *tags, AUTOMATIC)
    hosts.die(host)
    done = engines.recover(host)
    rows = engines.rows(done.id)

    assert done.phase is Phase.DONE
    assert rows.pop(taken).state is State.RECOVERED
    assert {row.state for row in rows.values()} == {State.SKIPPED}
    for server_id in left:
        assert "nobody asks for it" in rows[server_id].reason
        assert hosts.place(server_id) == (host, "active", None)
        assert hosts.evacuations(server_id) == []


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
    assert "alive" in done.released


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
        hosts.nova.wait(server_id, "SHUTOFF")
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


def test_a_host_with_more_servers_than_a_page_is_recovered_whole(
    hosts, engines
):
    """998 of the 1,001 are only in Nova's database: to start them takes long.

    Those at both ends of Nova's pages run, and are evacuated.
    """
    host = hosts.start()
    taken = [hosts.server(host, AUTOMATIC)]
    hosts.copy(taken[0], 998)
    taken += [hosts.server(host, AUTOMATIC) for _ in range(2)]
    hosts.die(host)
    done = engines.recover(host)
    rows = engines.rows(done.id)
    states = [row.state for row in rows.values()]

    assert done.phase is Phase.DONE
    assert len(rows) == 1001
    assert states.count(State.SKIPPED) == 998
    for server_id in taken:
        assert rows[server_id].state is State.RECOVERED
        assert hosts.place(server_id)[0] in STAY


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


def test_members_of_a_server_group_are_moved_one_after_another(hosts, engines):
    host = hosts.start()
    rule = {"policy": "anti-affinity", "rules": {"max_server_per_host": 2}}
    made = hosts.call(
        "POST", "/os-server-groups", {"server_group": {"name": "g", **rule}}
    )
    hints = {"group": made["server_group"]["id"]}
    members = [
        hosts.server(host, AUTOMATIC, name=name, hints=hints) for name in "ab"
    ]
    other = hosts.server(host, AUTOMATIC, name="c")
    hosts.die(host)
    recovery_id = engines.declare(host)
    with engines.running():
        with hosts.scheduler_waits():
            until(lambda: hosts.evacuations(other))
            time.sleep(2)
            asked = [len(hosts.evacuations(one)) for one in members]
        done = engines.until(recovery_id, Phase.DONE)

    assert sorted(asked) == [0, 1]
    for server_id in [*members, other]:
        assert engines.rows(done.id)[server_id].state is State.RECOVERED
        assert hosts.evacuations(server_id) == ["done"]


@pytest.mark.parametrize("gate", ["paused", "computes", "scheduler", "cell"])
def test_a_gate_opens_when_all_is_well_again(
    hosts, engines, monkeypatch, gate
):
    monkeypatch.setattr(forcing, "LOOK", 0.5)
    host = hosts.start()
    server_id = hosts.server(host, AUTOMATIC)
    hosts.die(host)
    with engines.running():
        with CLOSED[gate](hosts, engines):
            recovery_id = engines.declare(host)
            held = engines.until(recovery_id, Phase.HELD)
        done = engines.until(recovery_id, Phase.DONE)

    assert gate in [one.name for one in held.gates if not one.passed]
    assert held.note
    assert not done.released
    assert hosts.evacuations(server_id) == ["done"]


def test_a_threshold_holds_until_somebody_releases_it(
    hosts, services, tmp_path
):
    host, other = hosts.start(), hosts.start()
    server_id = hosts.server(host, AUTOMATIC)
    for one in (host, other):
        hosts.die(one)
    hosts.update(other, forced_down=True)
    engines = Engines(services, tmp_path, threshold_cloud=49)
    recovery_id = engines.declare(host)
    with engines.running():
        held = engines.until(recovery_id, Phase.HELD)
        time.sleep(1)
        assert engines.until(recovery_id, Phase.HELD).note == held.note
        assert hosts.place(server_id) == (host, "active", None)
        engines.store.release(recovery_id, "somebody")
        done = engines.until(recovery_id, Phase.DONE)

    assert "hosts of the cloud are down" in held.note
    assert {host, other} <= set(re.findall(r"\w+", held.note))
    assert done.released == {"threshold:cloud"}
    assert done.released_by == "somebody"
    assert hosts.evacuations(server_id) == ["done"]


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
        hosts.report(host)
        time.sleep(2)
        assert hosts.service(host)["forced_down"]
        assert not engines.is_back(done.id)


class Killed(BaseException):
    """What nobody catches, as nobody catches SIGKILL."""
