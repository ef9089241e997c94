"""What comes of the servers of a host, on a real Nova.

One server in each state that Nova tells apart; tags, pages, groups and gates.
"""

import contextlib
import re
import time

import pytest
from nova.tests import fixtures

from tests.functional.engines import Engines
from tests.functional.hosts import STAY, Hosts, until
from tests.functional.states import AUTOMATIC, States
from waffles.recovery.engine import forcing
from waffles.recovery.model import Phase, State

pytest_plugins = ["tests.functional.engines"]

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
