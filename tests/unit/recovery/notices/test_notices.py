import dataclasses
import json
import re
from pathlib import Path

import pytest

from tests.unit.recovery.settings import settings
from waffles.recovery.model import (
    Assertion,
    Decision,
    Gate,
    Phase,
    Recovery,
    Server,
    State,
)
from waffles.recovery.notices import notices

RECOVERY = Recovery(
    id="0b4e3c1c-7e0f-4c55-9d0e-2f6f0c0e9a11",
    host="c1",
    phase=Phase.PLANNING,
    assertion=Assertion(
        host="c1",
        fenced=True,
        fenced_by="ipmi",
        fenced_at=1795168740.2,
        evidence="hidden",
    ),
    service_id="s-1",
    zone="nova",
    asserted_by="pacemaker",
    project_id="of-the-caller",
)
SERVER = Server(
    server_id="11111111-2222-4333-8444-555555555555",
    name="web-1",
    project_id="red-id",
    user_id="ann-id",
    decision=Decision.CUSTOM,
    reason="tag custom-recovery",
    state=State.NOTIFYING,
    priority=700,
    group="web",
    status="active",
    tags=("custom-recovery",),
    source="c1",
    key=17,
)
CLOSED = (
    Gate("threshold:cloud", False, "4 of 10 hosts are down"),
    Gate("scheduler", False, "no nova-scheduler is up"),
)
ALIVE = Gate("alive", False, "nova-compute has reported")

#: Configured targets, and what the notices of a custom server are.
TARGETS = {
    "nothing": (False, False, []),
    "a webhook": (True, False, [("webhook", "server.custom")]),
    "a bus": (False, True, [("bus", "server.custom")]),
    "both": (
        True,
        True,
        [("webhook", "server.custom"), ("bus", "server.custom.copy")],
    ),
}


@pytest.fixture
def make(tmp_path):
    """Makes settings with some targets."""

    def made(webhook=True, bus=False, **more):
        url = "https://hooks.example.com/hidden" if webhook else ""
        return settings(tmp_path, webhook_url=url, bus=bus, **more)

    return made


def _one(found):
    (notice,) = found
    return notice


@pytest.mark.parametrize(
    ("webhook", "bus", "expected"), TARGETS.values(), ids=TARGETS.keys()
)
def test_one_notice_decides_of_a_custom_server(make, webhook, bus, expected):
    found = notices.of_servers([SERVER], RECOVERY, make(webhook, bus))

    assert [(one.target, one.event) for one in found] == expected
    assert {one.payload["event"] for one in found} <= {"server.custom"}
    assert {one.server_key for one in found} <= {17}


@pytest.mark.parametrize(
    ("webhook", "bus", "expected"), TARGETS.values(), ids=TARGETS.keys()
)
def test_other_events_go_to_each_target(make, webhook, bus, expected):
    found = notices.held(RECOVERY, CLOSED, make(webhook, bus))

    assert [one.target for one in found] == [target for target, _ in expected]
    assert {one.event for one in found} <= {"recovery.held"}


@pytest.mark.parametrize(
    ("webhook", "bus", "expected"), TARGETS.values(), ids=TARGETS.keys()
)
def test_somebody_can_be_told_where_there_is_a_target(
    make, webhook, bus, expected
):
    made = make(webhook, bus)

    assert notices.reachable(made) is bool(expected)
    assert notices.targets(made) == tuple(target for target, _ in expected)
    assert "webhook_url" in notices.NOBODY


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.NOTIFYING, "server.custom"),
        (State.FAILED, "server.failed"),
        (State.STUCK, "server.stuck"),
        *((state, None) for state in State
          if state not in (State.NOTIFYING, State.FAILED, State.STUCK)),
    ],
)  # fmt: skip
def test_the_state_of_a_server_decides_whether_it_is_told(make, state, event):
    row = dataclasses.replace(SERVER, state=state)
    found = notices.of_servers([row], RECOVERY, make())

    assert [one.event for one in found] == ([event] if event else [])


UNSEEN = Gate("cell", False, "Nova does not see the cell of c1")


@pytest.mark.parametrize(
    ("closed", "can"),
    [(CLOSED, True), ([UNSEEN, *CLOSED], True), ([UNSEEN], False)],
    ids=["others", "others as well", "the cell"],
)
def test_nobody_is_told_to_let_a_cell_go(make, closed, can):
    text = _one(notices.held(RECOVERY, closed, make())).payload["next"]

    assert ("waffles recovery release" in text) is can
    assert "waffles recovery abandon" in text


def test_what_is_stuck_is_given_up_by_abandon(make):
    row = dataclasses.replace(SERVER, state=State.STUCK)
    text = _one(notices.of_servers([row], RECOVERY, make())).payload["next"]

    assert f"`waffles recovery abandon {RECOVERY.id}` gives it up" in text


def test_each_server_has_notices_of_its_own(make):
    rows = [dataclasses.replace(SERVER, key=key) for key in (1, 2)]
    found = notices.of_servers(rows, RECOVERY, make(bus=True))

    assert [one.server_key for one in found] == [1, 1, 2, 2]


def test_a_custom_server_is_told_with_all_that_it_takes_to_act(make):
    made = make(help_url="https://wiki.example.com/recovery")
    notice = _one(notices.of_servers([SERVER], RECOVERY, made))

    assert notice.payload == {
        "event": "server.custom",
        "recovery_id": RECOVERY.id,
        "host": "c1",
        "availability_zone": "nova",
        "asserted_by": "pacemaker",
        "fenced": True,
        "fenced_by": "ipmi",
        "fenced_at": "2026-11-20T09:59:00Z",
        "server_id": SERVER.server_id,
        "name": "web-1",
        "project_id": "red-id",
        "user_id": "ann-id",
        "decision": "custom",
        "state": "notifying",
        "reason": "tag custom-recovery",
        "priority": 700,
        "group": "web",
        "server_group": "",
        "tags": ["custom-recovery"],
        "vm_state": "active",
        "destination": "",
        "attempt": 0,
        "migration_id": None,
        "migration_status": "",
        "request_id": "",
        "next": ("Nothing is done for it: that is for who gets this notice."),
        "links": [
            {
                "rel": "recovery",
                "href": f"/os-waffles/recoveries/{RECOVERY.id}",
            }
        ],
        "help_url": "https://wiki.example.com/recovery",
    }


def test_what_holds_a_recovery_is_told_with_its_figures(make):
    payload = _one(notices.held(RECOVERY, CLOSED, make())).payload

    assert payload["state"] == "held"
    assert payload["gates"] == [
        {"name": "threshold:cloud", "reason": "4 of 10 hosts are down"},
        {"name": "scheduler", "reason": "no nova-scheduler is up"},
    ]
    assert payload["reason"] == (
        "4 of 10 hosts are down; no nova-scheduler is up"
    )
    assert f"release {RECOVERY.id}" in payload["next"]


@pytest.mark.parametrize("others", [(), CLOSED])
def test_that_a_host_is_alive_is_an_event_of_its_own(make, others):
    notice = _one(notices.held(RECOVERY, (*others, ALIVE), make()))

    assert notice.event == notice.payload["event"] == "recovery.alive"
    assert "nova-compute has reported" in notice.payload["reason"]
    assert "cut the power" in notice.payload["next"]


@pytest.mark.parametrize("phase", Phase)
def test_an_end_is_told_where_not_all_is_well(make, phase):
    found = notices.finished(RECOVERY, phase, make())

    bad = phase in (Phase.PARTIAL, Phase.FAILED)
    assert [one.payload["state"] for one in found] == [phase.value] * bad


def test_an_end_is_told_with_its_figures(make):
    counts = {State.RECOVERED: 18, State.FAILED: 2}
    found = notices.finished(RECOVERY, Phase.PARTIAL, make(), counts)

    payload = _one(found).payload
    assert payload["servers"] == {"recovered": 18, "failed": 2}
    assert payload["reason"] == ("not all came back: 18 recovered, 2 failed")
    assert f"retry {RECOVERY.id}" in payload["next"]


def _all(made):
    stuck = dataclasses.replace(SERVER, state=State.STUCK)
    failed = dataclasses.replace(SERVER, state=State.FAILED)
    return [
        *notices.held(RECOVERY, CLOSED, made),
        *notices.held(RECOVERY, [ALIVE], made),
        *notices.finished(RECOVERY, Phase.FAILED, made),
        *notices.of_servers([SERVER, failed, stuck], RECOVERY, made),
    ]


def test_each_event_says_what_is_next(make):
    found = {one.event: one.payload["next"] for one in _all(make())}

    assert found.keys() == notices.NEXT.keys()
    assert all(text and "{" not in text for text in found.values())


def test_a_notice_is_json_and_holds_no_secret(make):
    for notice in _all(make()):
        text = json.dumps(notices.message(notice))
        assert "hidden" not in text
        assert "of-the-caller" not in text


def test_what_is_sent_is_the_same_each_time(make):
    (notice,) = notices.held(RECOVERY, CLOSED, make())
    stored = dataclasses.replace(
        notice, key=5, recovery_id=RECOVERY.id, created_at=1795168800.7
    )
    again = dataclasses.replace(stored, attempts=4, next_at=9.0, error="no")

    assert notices.delivery(stored) == f"{RECOVERY.id}-5"
    assert notices.message(stored) == notices.message(again)
    assert notices.message(stored) == {
        "id": f"{RECOVERY.id}-5",
        "created_at": "2026-11-20T10:00:00Z",
        **notice.payload,
    }


MANUAL = Path(__file__).parents[4] / "docs/recovery-notices.rst"


def _examples():
    """The JSON of the manual."""
    found = re.findall(
        r"code-block:: json\n\n(.+?)\n\n\w", MANUAL.read_text(), re.DOTALL
    )
    return [json.loads(text) for text in found]


def test_the_examples_of_the_manual_are_what_is_sent(make):
    made = make(help_url="https://wiki.example.com/recovery")
    (custom,) = notices.of_servers([SERVER], RECOVERY, made)
    stored = dataclasses.replace(
        custom, key=17, recovery_id=RECOVERY.id, created_at=1795168800.0
    )
    (held,) = notices.held(RECOVERY, CLOSED, made)
    counts = {State.RECOVERED: 18, State.FAILED: 2}
    (ended,) = notices.finished(RECOVERY, Phase.PARTIAL, made, counts)

    whole, of_held, of_ended = _examples()
    assert whole == notices.message(stored)
    assert list(whole) == list(notices.message(stored))
    assert of_held.items() <= held.payload.items()
    assert of_ended.items() <= ended.payload.items()


def test_the_manual_has_each_field_that_all_notices_have(make):
    found = [notices.message(notice).keys() for notice in _all(make())]
    for field in set.intersection(*map(set, found)) - {"state"}:
        assert f"``{field}``" in MANUAL.read_text()
