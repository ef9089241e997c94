import dataclasses

import pytest

from waffles.recovery import views
from waffles.recovery.model import (
    Assertion,
    Decision,
    Gate,
    Line,
    Phase,
    Recovery,
    Return,
    Server,
    State,
)

LINK = "http://nova/v2.1/os-waffles/recoveries/r1"

RECOVERY = Recovery(
    id="r1",
    host="c1",
    phase=Phase.HELD,
    assertion=Assertion(
        host="c1",
        fenced=True,
        fenced_by="ipmi",
        fenced_at=1_795_168_800.9,
        evidence="chassis power is off",
        reason="no ping",
        kdump=True,
    ),
    service_id="s1",
    zone="az1",
    asserted_by="ann",
    project_id="infra",
    request_id="req-1",
    gates=(
        Gate("paused", True, "recoveries are not paused"),
        Gate("threshold:cloud", False, "9 of 10 hosts are down"),
    ),
    released=frozenset({"threshold:cloud"}),
    released_by="bob",
    paused="wait",
    note="held",
    baseline="then",
    disabled=True,
    returning=Return.WAITING,
    owner="engine-1",
    created_at=0.0,
    updated_at=61.0,
)

SERVER = Server(
    server_id="v1",
    name="db",
    project_id="red",
    user_id="ann",
    decision=Decision.AUTOMATIC,
    reason="it is in ERROR on c2.example.com: c1 and c10 disagree with c2",
    state=State.FAILED,
    priority=900,
    group="db",
    server_group="g1",
    status="active",
    tags=("automatic-recovery", "é"),
    source="c1",
    destination="c2",
    attempt=2,
    floor=6,
    migration=7,
    migration_status="failed",
    request_id="req-7",
    issued_at=1.0,
    finished_at=2.0,
    updated_at=3.0,
    key=5,
    recovery_id="r1",
)


def test_a_recovery_is_shown_as_the_api_has_it():
    counts = {State.RECOVERED: 2, State.FAILED: 0, State.QUEUED: 1}
    assert views.recovery(RECOVERY, counts, LINK) == {
        "id": "r1",
        "host": "c1",
        "state": "held",
        "return_state": "waiting",
        "service_id": "s1",
        "availability_zone": "az1",
        "fenced": True,
        "fenced_by": "ipmi",
        "fenced_at": "2026-11-20T10:00:00Z",
        "evidence": "chassis power is off",
        "reason": "no ping",
        "kdump": True,
        "asserted_by": "ann",
        "project_id": "infra",
        "request_id": "req-1",
        "gates": [
            {
                "name": "paused",
                "passed": True,
                "reason": "recoveries are not paused",
                "released": False,
            },
            {
                "name": "threshold:cloud",
                "passed": False,
                "reason": "9 of 10 hosts are down",
                "released": True,
            },
        ],
        "paused": "wait",
        "note": "held",
        "disabled": True,
        "engine": "engine-1",
        "servers": {"recovered": 2, "queued": 1},
        "created_at": "1970-01-01T00:00:00Z",
        "updated_at": "1970-01-01T00:01:01Z",
        "finished_at": None,
        "links": [{"rel": "self", "href": LINK}],
    }


def test_without_an_address_there_is_no_link():
    assert views.recovery(RECOVERY, {})["links"] == []


def test_a_server_is_shown_as_the_api_has_it():
    assert views.server(SERVER) == {
        "server_id": "v1",
        "name": "db",
        "project_id": "red",
        "user_id": "ann",
        "decision": "automatic",
        "reason": SERVER.reason,
        "state": "failed",
        "priority": 900,
        "group": "db",
        "server_group": "g1",
        "vm_state": "active",
        "tags": ["automatic-recovery", "é"],
        "source": "c1",
        "destination": "c2",
        "attempt": 2,
        "migration_id": 7,
        "migration_status": "failed",
        "request_id": "req-7",
        "issued_at": "1970-01-01T00:00:01Z",
        "finished_at": "1970-01-01T00:00:02Z",
        "updated_at": "1970-01-01T00:00:03Z",
    }


def test_a_server_without_a_migration_has_none():
    shown = views.server(dataclasses.replace(SERVER, migration=0))

    assert shown["migration_id"] is None


def test_a_line_is_shown_with_its_number():
    line = Line("held", "why", "v1", "req-1", 1.0, "engine-1", 9, "r1")

    assert views.line(line) == {
        "id": 9,
        "at": "1970-01-01T00:00:01Z",
        "event": "held",
        "message": "why",
        "server_id": "v1",
        "request_id": "req-1",
        "engine": "engine-1",
    }


def test_a_pause_is_shown_with_its_end():
    assert views.pause("upgrade", "ann", 0.0, None) == {
        "reason": "upgrade",
        "by": "ann",
        "since": "1970-01-01T00:00:00Z",
        "until": None,
    }


class TestOfWhatAProjectSees:
    def test_there_is_nothing_of_the_host_in_its_recoveries(self):
        shown = views.own_recovery(RECOVERY, {State.FAILED: 1}, LINK)

        assert shown == {
            "id": "r1",
            "state": "held",
            "servers": {"failed": 1},
            "created_at": "1970-01-01T00:00:00Z",
            "updated_at": "1970-01-01T00:01:01Z",
            "finished_at": None,
            "links": [{"rel": "self", "href": LINK}],
        }

    def test_there_is_no_host_in_its_servers(self):
        shown = views.own_server(SERVER)

        assert shown["server_id"] == "v1"
        assert shown["tags"] == ["automatic-recovery", "é"]
        assert not {
            "source",
            "destination",
            "migration_id",
            "migration_status",
            "request_id",
        } & set(shown)

    @pytest.mark.parametrize("state", State)
    def test_a_reason_is_what_operators_may_read_alone(self, state):
        """Of what was begun: errors, addresses, hosts, and who did what."""
        server = dataclasses.replace(SERVER, state=state)

        assert views.own_server(server)["reason"] == views.OWN_REASONS[state]

    @pytest.mark.parametrize(
        ("decision", "state"),
        [
            (Decision.AUTOMATIC, State.SKIPPED),
            (Decision.CUSTOM, State.SKIPPED),
            (Decision.CUSTOM, State.FAILED),
            (Decision.CUSTOM, State.NOTIFYING),
            (Decision.CUSTOM, State.NOTIFIED),
        ],
        ids=["abandoned", "abandoned", "not told", "told again", "told"],
    )
    def test_nor_is_it_of_what_was_not_begun(self, decision, state):
        server = dataclasses.replace(
            SERVER,
            decision=decision,
            state=state,
            reason="abandoned by ann@ctl-1: rack 7 burns; http://10.1.2.3",
            issued_at=None,
        )

        assert views.own_server(server)["reason"] == views.OWN_REASONS[state]

    @pytest.mark.parametrize(
        ("decision", "state"),
        [
            (Decision.NONE, State.SKIPPED),
            (Decision.AUTOMATIC, State.QUEUED),
            (Decision.AUTOMATIC, State.FAILED),
            (Decision.AUTOMATIC, State.STUCK),
        ],
    )
    def test_why_it_was_decided_so_is_for_its_owner(self, decision, state):
        server = dataclasses.replace(
            SERVER,
            decision=decision,
            state=state,
            reason="its flavor says so",
            issued_at=None,
        )

        assert views.own_server(server)["reason"] == "its flavor says so"

    def test_why_its_image_could_not_be_asked_is_not(self):
        server = dataclasses.replace(
            SERVER,
            reason="its image could not be asked: http://10.1.2.3:9292 ...",
            issued_at=None,
        )

        assert (
            views.own_server(server)["reason"]
            == (views.OWN_REASONS[State.FAILED])
        )
