import collections
import dataclasses
from functools import partial

import pytest

from tests.unit.recovery.stores import (
    column,
    created,
    had,
    leased,
    server,
    servers,
    states,
    take,
    together,
)
from waffles.recovery.model import IN_FLIGHT, State
from waffles.recovery.store import store as stores
from waffles.recovery.store import tables


def names(found):
    return [one.server_id for one in found]


def test_what_is_taken_is_written_down_before_anything_is_done(store):
    lease = leased(store)
    (row,) = lease.add(
        [server(1, migration=5, migration_status="error", request_id="req-1",
                attempt=1, finished_at=4.0)]
    )  # fmt: skip

    (found,) = take(lease, [row], floor=17)

    assert [found] == lease.servers()
    assert found == dataclasses.replace(
        row,
        state=State.ISSUING,
        attempt=2,
        floor=17,
        migration=0,
        migration_status="",
        request_id="",
        finished_at=None,
        issued_at=found.updated_at,
        updated_at=found.updated_at,
    )
    assert abs(found.issued_at - store.now()) < 30
    assert column(store, "open_key", tables.server) == ["server-1"]


def test_servers_are_taken_in_the_order_that_is_asked_for(store):
    lease = leased(store)
    rows = lease.add(servers(6))
    wanted = [rows[number] for number in (4, 1, 5, 0)]

    found = take(lease, wanted, per_recovery=3)

    assert names(found) == ["server-4", "server-1", "server-5"]
    assert names(take(lease, [rows[2], *wanted], per_recovery=5)) == [
        "server-2",
        "server-0",
    ]


@pytest.mark.parametrize(
    ("per_recovery", "in_all", "taken"),
    [(3, 100, 3), (100, 2, 2), (2, 3, 2), (0, 9, 0), (9, 0, 0), (-1, 9, 0)],
)
def test_no_more_are_taken_than_the_limits_leave(
    store, per_recovery, in_all, taken
):
    lease = leased(store)
    rows = lease.add(servers(6))
    limits = {"per_recovery": per_recovery, "in_all": in_all}

    assert len(take(lease, rows, **limits)) == taken
    assert take(lease, rows, **limits) == []


def test_the_limit_of_all_is_for_all_recoveries(store):
    one, two = leased(store, "a"), leased(store, "b")
    take(one, one.add(servers(4)), per_recovery=4)
    rows = two.add([server(server_id=f"other-{n}") for n in range(9)])

    assert len(take(two, rows, per_recovery=8, in_all=6)) == 2
    assert take(one, one.servers(), in_all=6) == []


@pytest.mark.parametrize("state", State)
def test_only_what_nova_may_work_on_counts(store, state):
    lease = leased(store)
    rows = lease.add([server(1, state), server(2)])

    found = take(lease, rows[1:], per_recovery=1)

    assert bool(found) is (state not in IN_FLIGHT)


@pytest.mark.parametrize("state", State)
def test_only_what_is_queued_is_taken(store, state):
    lease = leased(store)
    rows = lease.add([server(1, state)])

    assert bool(take(lease, rows)) is (state is State.QUEUED)


def test_a_server_that_another_recovery_has_open_is_left_out(store):
    one, two = leased(store, "a"), leased(store, "b")
    (row,) = take(one, one.add([server(1)]))
    rows = two.add(servers(3))

    assert names(take(two, rows)) == ["server-0", "server-2"]

    one.update([dataclasses.replace(row, state=State.STUCK)])
    assert take(two, rows) == []
    one.update([dataclasses.replace(row, state=State.FAILED)])
    assert names(take(two, rows)) == ["server-1"]


def test_members_of_a_server_group_are_taken_one_after_another(store):
    lease = leased(store)
    rows = lease.add(
        [server(n, server_group=group) for n, group in enumerate("aabb")]
        + servers(6)[4:]
    )

    first = take(lease, rows)
    assert names(first) == ["server-0", "server-2", "server-4", "server-5"]
    assert take(lease, rows) == []

    restoring = dataclasses.replace(first[0], state=State.RESTORING)
    lease.update([restoring])
    assert take(lease, rows) == []
    lease.update([dataclasses.replace(restoring, state=State.RECOVERED)])
    assert names(take(lease, rows)) == ["server-1"]


def test_a_server_group_may_be_on_several_hosts(store):
    one, two = leased(store, "a"), leased(store, "b")
    take(one, one.add([server(1, server_group="g")]))
    rows = two.add([server(2, server_group="g"), server(3)])

    assert names(take(two, rows)) == ["server-3"]


def test_nothing_is_taken_while_the_recovery_is_paused(store):
    lease = leased(store)
    rows = lease.add(servers(2))
    store.pause(lease.recovery_id, "me", "")

    assert take(lease, rows) == []
    store.resume(lease.recovery_id, "me")
    assert len(take(lease, rows)) == 2


@pytest.mark.parametrize(
    ("until", "taken"),
    [(None, 0), (9e9, 0), (5.0, 2)],
    ids=["without an end", "for a time", "over"],
)
def test_nothing_is_taken_while_everything_is_paused(store, until, taken):
    lease = leased(store)
    rows = lease.add(servers(2))
    store.set_pause("me", "the storage is being moved", until)

    assert len(take(lease, rows)) == taken
    store.lift_pause("me")
    assert len(take(lease, rows)) == 2 - taken


def test_what_is_asked_for_twice_is_taken_once(store):
    lease = leased(store)
    rows = lease.add(servers(300))

    found = take(lease, [*rows[:3], *rows, *rows[:3]], per_recovery=400,
                 in_all=400)  # fmt: skip

    assert names(found) == names(rows)
    assert {row.attempt for row in lease.servers()} == {1}


def test_what_is_not_of_this_recovery_is_not_taken(store):
    one, two = leased(store, "a"), leased(store, "b")
    rows = one.add(servers(2))

    assert take(two, rows) == []
    assert two.take([0, -1, 10**9], floor=0, per_recovery=9, in_all=9) == []
    assert set(states(store, one.recovery_id).values()) == {"queued"}


def test_the_limits_are_for_all_that_are_asked_for(store):
    lease = leased(store)
    rows = lease.add(servers(450))

    assert names(take(lease, rows, per_recovery=2)) == ["server-0", "server-1"]


def test_a_server_is_found_behind_hundreds_that_cannot_be_taken(store):
    lease = leased(store)
    rows = lease.add([server(n, State.SKIPPED) for n in range(450)])
    (row,) = lease.add([server(450)])

    assert names(take(lease, [*rows, row])) == ["server-450"]


PER_RECOVERY, IN_ALL = 3, 5


def engine(url, name):
    """Take servers of any recovery, let some of them end, and count.

    Gives the (server, attempt) that were taken, and the most in flight.
    """
    opened, taken, most = stores.open(url), [], collections.Counter()
    for _ in range(12):
        lease = opened.claim(name, 60)
        rows = lease.servers() if lease else []
        found = take(lease, rows, 0, PER_RECOVERY, IN_ALL) if lease else []
        taken += [(row.server_id, row.attempt) for row in found]
        most["all"] = max(most["all"], opened.totals().in_flight)
        if lease:
            flying = lease.servers(IN_FLIGHT)
            most["here"] = max(most["here"], len(flying))
            over = [row for row in flying if row.key % 3]
            done = {"state": State.QUEUED}
            lease.update([dataclasses.replace(row, **done) for row in over])
            lease.release()
    opened.close()
    return taken, most


def test_limits_hold_when_eight_engines_take_at_once(store, url):
    hosts = [created(store, f"compute-{n}").id for n in range(4)]
    for id in hosts:
        lease = had(store, id)
        lease.add(servers(12))  # the same servers on each: one may have them
        lease.release()

    found = together(*[partial(engine, url, f"engine-{n}") for n in range(8)])
    found.append(engine(url, "last"))

    taken = collections.Counter(pair for pairs, _ in found for pair in pairs)
    assert sum(taken.values()) > 20
    assert max(most["all"] for _, most in found) <= IN_ALL
    assert max(most["here"] for _, most in found) <= PER_RECOVERY
    flying = [row for id in hosts for row in store.servers(id)
              if row.state is State.ISSUING]  # fmt: skip
    assert len(set(names(flying))) == len(flying) <= IN_ALL


def takes(lease):
    """Take all that can be had, whoever else does."""
    rows = lease.servers()
    return names(row for _ in range(4) for row in take(lease, rows, 0, 6, 20))


def test_no_server_is_taken_twice_at_the_same_moment(store):
    leases = [leased(store, f"compute-{n}") for n in range(8)]
    for lease in leases:
        lease.add(servers(16))

    found = together(*[partial(takes, lease) for lease in leases])

    taken = sum(found, [])
    assert len(taken) == len(set(taken)) == 16
    assert max(len(one) for one in found) <= 6
    assert takes(leases[0]) == []
