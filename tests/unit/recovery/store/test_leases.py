import dataclasses

import pytest

from tests.unit.recovery.stores import (
    HOST,
    LINE,
    column,
    created,
    events,
    had,
    leased,
    notice,
    server,
    servers,
    states,
    take,
)
from waffles.recovery.model import (
    Decision,
    Gate,
    Line,
    Notice,
    Phase,
    Recovery,
    Return,
    Server,
    State,
)
from waffles.recovery.store import leases, rows, tables
from waffles.recovery.store import store as stores

#: A value for each column that an engine may write.
VALUES = {
    "baseline": "2026-11-20T10:00:00.000000",
    "disabled": True,
    "finished_at": 12.5,
    "gates": (Gate("cell", False, "no <answer> ü"), Gate("alive", True, "")),
    "note": "it waits",
    "paused": "by hand",
    "phase": Phase.HELD,
    "released": frozenset({"cell", "alive"}),
    "return_at": 1795176037.863981,
    "returning": Return.WAITING,
    "service_id": "c0ffee",
    "zone": "zone-1",
}


@pytest.mark.parametrize("name", sorted(leases.COLUMNS))
def test_a_column_is_written_and_no_other(store, name):
    lease = leased(store)
    before = lease.recovery()
    value = VALUES.get(name, 77.5)

    found = lease.save(**{name: value})

    assert found == lease.recovery() == store.recovery(before.id)
    if name == "wake_at":
        assert column(store, name) == [value]
    else:
        assert getattr(found, name) == value
        same = {name: getattr(before, name), "updated_at": before.updated_at}
        assert dataclasses.replace(found, **same) == before
    assert found.updated_at > before.updated_at


@pytest.mark.parametrize("name", ["id", "host", "epoch", "owner", "open_key"])
def test_what_is_not_an_engines_to_write_is_refused(store, name):
    lease = leased(store)

    with pytest.raises(TypeError, match=name):
        lease.save(**{name: "x"})


@pytest.mark.parametrize("phase", Phase)
def test_a_final_phase_ends_the_recovery(store, phase):
    lease = leased(store)

    found = lease.save(phase=phase)

    ended = None if not phase.final else found.updated_at
    assert found.finished_at == ended
    assert (store.open_of(HOST) is None) is phase.final
    assert lease.save(note="later").finished_at == ended


def test_lines_and_notices_are_written_with_the_change(store):
    lease = leased(store)
    lines = [Line("a", "A", "server-1", "req-1"), Line("b", "B", at=5.0)]

    found = lease.save(
        note="x",
        lines=iter(lines),
        notices=iter([Notice("recovery.held", "bus", {"why": ["ü", 1.5]})]),
    )

    first, second = store.lines(found.id)[1:]
    assert (first.at, first.engine) == (found.updated_at, "one")
    assert (first.server_id, first.request_id) == ("server-1", "req-1")
    assert second.at == 5.0
    (told,) = lease.notices()
    assert told == Notice(
        "recovery.held",
        "bus",
        {"why": ["ü", 1.5]},
        created_at=found.updated_at,
        next_at=found.updated_at,
        key=told.key,
        recovery_id=found.id,
    )


def test_servers_are_given_back_as_they_were_written(store):
    lease = leased(store)
    full = Server(
        server_id="server-0",
        name="näme",
        project_id="p",
        user_id="u",
        decision=Decision.CUSTOM,
        reason="why",
        state=State.NOTIFYING,
        priority=7,
        group="g",
        server_group="sg",
        status="stopped",
        tags=("b", "a,ü"),
        source=HOST,
        destination="compute-2",
        attempt=2,
        floor=2**40,
        migration=2**41,
        migration_status="accepted",
        request_id="req-1",
        issued_at=1795176037.863981,
        wake_at=1795176037.963981,
    )

    found = lease.add([full, server(1)])

    assert found == lease.servers() == store.servers(lease.recovery_id)
    assert found[0] == dataclasses.replace(
        full,
        key=found[0].key,
        recovery_id=lease.recovery_id,
        updated_at=found[0].updated_at,
    )
    assert found[0].key < found[1].key


@pytest.mark.parametrize("state", State)
def test_what_is_final_from_the_beginning_has_ended(store, state):
    (found,) = leased(store).add([server(1, state)])

    ended = found.updated_at if state.final else None
    assert found.finished_at == ended


def test_a_server_that_has_a_row_keeps_it(store):
    lease = leased(store)
    (first,) = lease.add([server(1)], notices=[notice("server-1")])

    found = lease.add(
        [server(1, State.FAILED), server(2), server(2, State.FAILED)],
        [LINE],
        [notice("server-1"), notice("server-2"), notice("server-2", "bus")],
    )

    assert found[0] == first
    assert states(store, lease.recovery_id) == {
        "server-1": "queued",
        "server-2": "failed",
    }
    assert events(store, lease.recovery_id) == ["received"] * 2
    told = [(one.server_key, one.target) for one in lease.notices()]
    keys = [one.key for one in found]
    assert told == [
        (keys[0], "webhook"),
        (keys[1], "webhook"),
        (keys[1], "bus"),
    ]


def test_servers_that_nobody_asks_for_are_not_given_back(store):
    lease = leased(store)
    lease.add(servers(3))

    assert [one.server_id for one in lease.add([server(1)])] == ["server-1"]
    assert lease.add([]) == []
    assert len(lease.servers()) == 3


def test_a_notice_about_the_host_is_about_no_server(store):
    lease = leased(store)
    lease.add([server(1)], notices=[Notice("recovery.held", "bus", {})])

    assert [one.server_key for one in lease.notices()] == [0]


def test_a_thousand_servers_are_written_at_once(store):
    lease = leased(store)

    found = lease.add(servers(1001))

    assert len(found) == len(lease.servers()) == 1001
    assert [one.server_id for one in found[:2]] == ["server-0", "server-1"]


def test_servers_are_found_by_state(store):
    lease = leased(store)
    lease.add([server(1), server(2, State.FAILED), server(3, State.STUCK)])

    found = lease.servers({State.FAILED, State.QUEUED})

    assert [one.server_id for one in found] == ["server-1", "server-2"]
    assert lease.servers(set()) == []


def test_a_recovery_has_its_own_servers_and_notices(store):
    one, two = leased(store, "a"), leased(store, "b")
    one.add([server(1)], notices=[notice()])

    assert two.servers() == two.notices() == []
    (copy,) = two.add([server(1)])
    assert copy.recovery_id == two.recovery_id


def open_keys(store):
    return column(store, "open_key", tables.server)


#: What becomes of open_key: it is set, cleared, or left as it was.
OPENS = {State.ISSUING, State.WATCHING, State.RESTORING}
KEEPS = {State.STUCK}


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
@pytest.mark.parametrize("state", State)
def test_a_server_is_open_while_nobody_else_may_have_it(store, state, taken):
    lease = leased(store)
    (row,) = lease.add([server(1)])
    if taken:
        (row,) = take(lease, [row])
    before = open_keys(store)
    assert before == ["server-1" if taken else None]

    lease.update([dataclasses.replace(row, state=state)])

    (found,) = lease.servers()
    assert found.state is state
    assert found.finished_at == (found.updated_at if state.final else None)
    if state in OPENS:
        assert open_keys(store) == ["server-1"]
    else:
        assert open_keys(store) == (before if state in KEEPS else [None])


def test_servers_are_written_by_their_keys(store):
    lease, other = leased(store, "a"), leased(store, "b")
    one, two, three = lease.add(servers(3))
    (foreign,) = other.add([server(9)])
    changed = {
        name: {"state": State.FAILED, "tags": ("z",), "priority": 3,
               "decision": Decision.CUSTOM, "issued_at": 8.5, "wake_at": 9.5,
               "attempt": 4, "floor": 5, "migration": 6}.get(name, name)
        for name in rows.WRITTEN
    }  # fmt: skip

    lease.update(
        [
            dataclasses.replace(one, **changed, finished_at=7.0),
            dataclasses.replace(two, reason="two"),
            dataclasses.replace(foreign, reason="stolen"),
        ],
        [LINE],
        [notice()],
    )

    found = lease.servers()
    assert found[0] == dataclasses.replace(
        one, **changed, finished_at=7.0, updated_at=found[0].updated_at
    )
    assert found[1].reason == "two"
    assert found[2] == three
    assert other.servers() == [foreign]
    assert events(store, lease.recovery_id) == ["received"] * 2
    assert len(lease.notices()) == 1


def test_nothing_is_changed_by_an_empty_update(store):
    lease = leased(store)
    lease.update([], [LINE])

    assert events(store, lease.recovery_id) == ["received"] * 2


@pytest.mark.parametrize("how", ["update", "add"])
def test_two_recoveries_do_not_have_one_server_open(store, how):
    one, two = leased(store, "a"), leased(store, "b")
    take(one, one.add([server(1)]))
    adopted = server(1, State.WATCHING)
    if how == "update":
        (row,) = two.add([server(1)])
        adopted = dataclasses.replace(row, state=State.WATCHING)

    with pytest.raises(stores.NotNow, match="Another recovery"):
        getattr(two, how)([adopted], [LINE])

    assert State.WATCHING not in {row.state for row in two.servers()}
    assert events(store, two.recovery_id) == ["received"]


def test_a_reader_sees_what_people_have_written(store):
    lease = leased(store)
    store.pause(lease.recovery_id, "me", "lunch")

    assert lease.recovery().paused == "Paused by me: lunch"
    assert lease.save(note="x").paused == "Paused by me: lunch"


def test_all_columns_have_a_value_to_be_tried_with():
    fields = {field.name for field in dataclasses.fields(Recovery)}

    assert leases.COLUMNS - {"wake_at"} == VALUES.keys() <= fields


def test_an_ended_recovery_is_not_in_the_way(store):
    lease = leased(store)
    take(lease, lease.add([server(1)]))
    lease.save(phase=Phase.DONE)
    again = had(store, created(store).id)

    (row,) = again.add([server(1)])

    assert take(again, [row]) == []
