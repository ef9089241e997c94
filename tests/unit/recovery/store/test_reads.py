import pytest

from tests.unit.recovery.stores import (
    HOST,
    LINE,
    created,
    had,
    leased,
    notice,
    put,
    server,
    take,
)
from waffles.recovery.model import Decision, Line, Phase, State
from waffles.recovery.store import store as stores
from waffles.recovery.store import tables


def ids(found):
    return [one.id for one in found]


def names(found):
    return [one.server_id for one in found]


def hosts(store, **how):
    return [one.host for one in store.recoveries(**{"limit": 99} | how)]


def test_what_is_not_there_is_none(store):
    assert store.recovery("x") is None
    assert store.latest(HOST) is None
    assert store.open_of(HOST) is None
    assert store.recoveries(limit=9) == store.servers("x") == []
    assert store.lines("x") == store.lines("") == store.undelivered(9) == []
    assert store.counts("x") == {}


def test_time_goes_on(store):
    first = store.now()

    assert first < store.now() < first + 30


def test_the_newest_recovery_of_a_host_is_the_latest(store):
    first = leased(store)
    first.save(phase=Phase.DONE)
    second = created(store)
    created(store, "other")

    assert store.latest(HOST) == store.open_of(HOST) == second
    had(store, second.id).save(phase=Phase.DONE)
    assert store.latest(HOST).id == second.id
    assert store.open_of(HOST) is None


def test_recoveries_are_listed_newest_first_in_pages(store):
    made = [created(store, f"compute-{n}").id for n in range(5)][::-1]

    assert ids(store.recoveries(limit=99)) == made
    assert ids(store.recoveries(limit=2)) == made[:2]
    assert ids(store.recoveries(limit=2, marker=made[1])) == made[2:4]
    assert ids(store.recoveries(limit=2, marker=made[3])) == made[4:]
    assert store.recoveries(limit=2, marker=made[4]) == []


def test_recoveries_are_found_by_what_they_are(store):
    first = leased(store, "a")
    first.add([server(1, project_id="red"), server(2, project_id="red")])
    first.save(phase=Phase.DONE)
    had(store, created(store, "b").id).add([server(3, project_id="blue")])
    created(store, "a")

    assert hosts(store) == ["a", "b", "a"]
    assert hosts(store, host="a") == ["a", "a"]
    assert hosts(store, host="A") == []
    assert hosts(store, open=True) == ["a", "b"]
    assert hosts(store, open=False) == ["a"]
    assert hosts(store, host="a", open=False, project_id="red") == ["a"]
    assert hosts(store, project_id="red") == ["a"]
    assert hosts(store, project_id="blue") == ["b"]
    assert (
        hosts(store, project_id="re") == hosts(store, project_id="RED") == []
    )


def test_servers_are_listed_in_the_order_of_the_plan_in_pages(store):
    lease = leased(store)
    lease.add([server(n) for n in (3, 1, 2, 0)])
    id = lease.recovery_id

    assert names(store.servers(id)) == [f"server-{n}" for n in (3, 1, 2, 0)]
    assert names(store.servers(id, limit=2)) == ["server-3", "server-1"]
    assert names(store.servers(id, limit=1, marker="server-1")) == ["server-2"]
    assert store.servers(id, marker="server-0") == []


def test_servers_of_a_project_are_listed_by_themselves(store):
    lease = leased(store)
    colours = ["red", "blue", "red", "Red"]
    lease.add([server(n, project_id=of) for n, of in enumerate(colours)])
    id, red = lease.recovery_id, {"project_id": "red"}

    assert names(store.servers(id, **red)) == ["server-0", "server-2"]
    assert names(store.servers(id, marker="server-0", **red)) == ["server-2"]


def marked(store, lease, kind, marker):
    if kind == "recoveries":
        return store.recoveries(limit=9, marker=marker)
    project = {"project_id": "red"} if kind == "of a project" else {}
    return store.servers(lease.recovery_id, marker=marker, **project)


@pytest.mark.parametrize(
    ("kind", "marker"),
    [
        ("recoveries", "x"),
        ("servers", "server-9"),
        ("servers", "SERVER-1"),
        ("of a project", "server-1"),
    ],
)
def test_a_page_begins_behind_something(store, kind, marker):
    lease, other = leased(store, "a"), leased(store, "b")
    lease.add([server(1)])
    other.add([server(9)])

    with pytest.raises(stores.NoMarker, match=f"no row {marker}") as caught:
        marked(store, lease, kind, marker)

    assert caught.value.code == 400


def test_lines_are_listed_oldest_first_in_pages(store):
    lease = leased(store)
    lease.save(lines=[Line(str(n), "", f"server-{n % 2}") for n in range(4)])
    id = lease.recovery_id
    all = store.lines(id)

    def events(**how):
        return [line.event for line in store.lines(id, **how)]

    assert events() == ["received", "0", "1", "2", "3"]
    assert events(limit=2) == ["received", "0"]
    assert events(limit=2, marker=all[1].key) == ["1", "2"]
    assert events(marker=all[4].key) == []
    assert events(server_id="server-1") == ["1", "3"]
    assert events(server_id="server-1", marker=all[2].key) == ["3"]
    assert {line.recovery_id for line in all} == {id}


def test_servers_are_counted_by_state(store):
    one, two = leased(store, "a"), leased(store, "b")
    one.add([server(n, State.SKIPPED) for n in range(3)] + [server(9)])
    two.add([server(1)])

    assert store.counts(one.recovery_id) == {State.SKIPPED: 3, State.QUEUED: 1}


def test_there_is_nothing_at_first(store):
    found = store.totals()

    assert found.phases == found.servers == {}
    assert (found.held, found.stuck, found.in_flight) == (0, 0, 0)
    assert (found.pending, found.given_up, found.engines) == (0, 0, 0)


def test_everything_is_counted(store):
    lease = leased(store, "a")
    custom = {"decision": Decision.CUSTOM}
    lease.add([server(n, State.STUCK) for n in range(2)])
    lease.add([server(9, State.STUCK, **custom), server(3), server(4)],
              [LINE], [notice("x", target=t) for t in "ABCDEF"])  # fmt: skip
    (taken,) = take(lease, lease.servers(), per_recovery=1)
    told = lease.notices()
    store.delivered(told[0].key)
    for one in told[1:3]:
        store.failed(one.key, "410", None)
    lease.save(phase=Phase.HELD)
    created(store, "b")
    store.beat("one", "node", 1)
    put(store, tables.engine, seen_at=store.now() - 61)
    store.beat("two", "node", 1)

    found = store.totals()

    assert found.phases == {Phase.HELD: 1, Phase.RECEIVED: 1}
    assert found.servers == {
        (Decision.AUTOMATIC, State.STUCK): 2,
        (Decision.CUSTOM, State.STUCK): 1,
        (Decision.AUTOMATIC, State.QUEUED): 1,
        (Decision.AUTOMATIC, State.ISSUING): 1,
    }
    assert (found.held, found.stuck, found.in_flight) == (1, 3, 1)
    assert (found.pending, found.given_up, found.engines) == (3, 2, 1)
