import dataclasses
import doctest

import pytest

from waffles.recovery.dashboard import pages
from waffles.recovery.model import (
    Assertion,
    Decision,
    Phase,
    Recovery,
    Return,
    Server,
    State,
)


def _recovery(phase, **more):
    said = Assertion("compute-1")
    return Recovery("1", said.host, phase, said, "", **more)


def _card(phase, **more):
    return pages.card(_recovery(phase, **more), (), 9)


def test_the_examples_are_true():
    assert doctest.testmod(pages).attempted > 3
    assert doctest.testmod(pages).failed == 0


@pytest.mark.parametrize("state", [*State, *Phase])
def test_every_state_has_a_kind_and_a_mark(state):
    assert pages.kind(state) in pages.MARKS
    assert pages.mark(state)


def test_marks_tell_all_kinds_apart():
    assert len(set(pages.MARKS.values())) == len(pages.MARKS)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (State.FAILED, "bad"),
        (State.STUCK, "bad"),
        (State.RECOVERED, "good"),
        (State.SKIPPED, "left"),
        (Phase.FAILED, "bad"),
        (Phase.HELD, "warn"),
        (Phase.DONE, "good"),
        ("of the future", "bad"),
    ],
)
def test_what_is_bad_is_shown_as_bad(state, kind):
    assert pages.kind(state) == kind


def test_the_order_has_every_state():
    assert sorted(pages.ORDER) == sorted(State)


def test_trouble_comes_first_and_else_the_order_of_the_plan_stays():
    rows = [
        Server("1", state=State.SKIPPED),
        Server("2", state=State.RECOVERED),
        Server("3", state=State.STUCK),
        Server("4", state=State.RECOVERED),
        Server("5", state=State.FAILED),
    ]

    found = [one.server_id for one in pages.by_trouble(rows)]
    assert found == ["3", "5", "2", "4", "1"]


def test_a_card_has_the_first_servers_and_the_figures_of_all():
    rows = [Server(str(n), state=State.RECOVERED) for n in range(5)]
    rows.append(Server("bad", state=State.FAILED))
    card = pages.card(_recovery(Phase.RUNNING), rows, 2)

    assert [one.server_id for one in card.servers] == ["bad", "0"]
    assert card.total == 6
    assert card.counts == {State.FAILED: 1, State.RECOVERED: 5}


@pytest.mark.parametrize(
    ("counts", "drawn"),
    [
        ({}, []),
        ({State.RECOVERED: 1}, [("good", 0, 100)]),
        (
            {State.SKIPPED: 1, State.RECOVERED: 1, State.NOTIFIED: 1,
             State.QUEUED: 1},
            [("good", 0, 50), ("waiting", 50, 25), ("left", 75, 25)],
        ),
        (
            {State.FAILED: 2, State.WATCHING: 2},
            [("busy", 0, 50), ("bad", 50, 50)],
        ),
    ],
    ids=["nothing", "one", "several", "no good"],
)  # fmt: skip
def test_a_bar_has_a_part_for_each_kind(counts, drawn):
    assert pages.bar(counts) == drawn


@pytest.mark.parametrize("total", [3, 7, 1001])
def test_a_bar_is_full(total):
    parts = pages.bar({State.RECOVERED: 1, State.QUEUED: total - 1})

    assert parts[-1].left + parts[-1].width == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize(
    ("phase", "more", "group"),
    [
        (Phase.HELD, {}, "attention"),
        (Phase.RUNNING, {}, "under_way"),
        (Phase.RUNNING, {"paused": "by ann"}, "attention"),
        (Phase.RECEIVED, {}, "under_way"),
        (Phase.DONE, {}, "earlier"),
        (Phase.DONE, {"paused": "by ann"}, "earlier"),
        (Phase.PARTIAL, {}, "attention"),
        (Phase.FAILED, {"returning": Return.WAITING}, "attention"),
        (Phase.FAILED, {"returning": Return.RETURNED}, "earlier"),
    ],
)
def test_what_waits_for_somebody_is_told_from_the_rest(phase, more, group):
    card = _card(phase, **more)

    found = pages.grouped([card])._asdict()
    assert found.pop(group) == [card]
    assert list(found.values()) == [[], []]


def test_what_is_open_comes_before_what_has_failed():
    failed, held = _card(Phase.FAILED), _card(Phase.HELD)

    assert pages.grouped([failed, held]).attention == [held, failed]


@pytest.mark.parametrize(
    ("at", "program", "people"),
    [
        (None, "", ""),
        (0, "1970-01-01T00:00:00Z", "1970-01-01 00:00:00"),
        (1795000000.9, "2026-11-18T11:06:40Z", "2026-11-18 11:06:40"),
    ],
)
def test_times_are_of_utc(at, program, people):
    assert (pages.iso(at), pages.clock(at)) == (program, people)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86400 + 60, "1 d 1 min"),
    ],
)
def test_a_stretch_of_time_is_rough(seconds, text):
    assert pages.length(seconds) == text


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "no host"),
        ({"attempt": 1}, "no host"),
        ({"attempt": 2}, "no host; attempt 2"),
        ({"migration": 7}, "no host; migration 7 seen"),
        (
            {"reason": "", "migration": 7, "migration_status": "done"},
            "migration 7 done",
        ),
        ({"attempt": 2, "decision": Decision.CUSTOM}, "no host"),
    ],
)
def test_a_row_says_why(more, text):
    server = Server("1", decision=Decision.AUTOMATIC, reason="no host")

    assert pages.why(dataclasses.replace(server, **more)) == text
