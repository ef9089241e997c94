import dataclasses

import pytest

from tests.unit.recovery.engine.running import planned
from waffles.recovery.engine.ledger import Ledger
from waffles.recovery.model import State


@pytest.fixture
def one(bench):
    return bench(3, webhook_url="https://x.example")


@pytest.fixture
def work(one):
    return planned(one)


def test_rows_are_had_by_state_in_the_order_of_the_plan(one, work):
    ledger = Ledger(work)

    found = ledger.of({State.QUEUED})

    assert [row.server_id for row in found] == ["s0", "s1", "s2"]
    assert ledger.of({State.STUCK}) == []
    assert ledger.left() == {State.QUEUED}
    assert ledger[found[1].key] == found[1]


def test_what_others_write_is_seen_once_it_is_read(one, work):
    ledger, other = Ledger(work), Ledger(work)
    (row, *_) = ledger.of({State.QUEUED})
    done = dataclasses.replace(row, state=State.RECOVERED)
    other.update(work.lease.recovery(), [done])

    assert len(ledger.of({State.QUEUED})) == 3
    ledger.read()
    assert len(ledger.of({State.QUEUED})) == 2


def test_what_is_kept_is_not_written(one, work):
    ledger = Ledger(work)
    (row, *_) = ledger.of({State.QUEUED})

    ledger.keep([dataclasses.replace(row, state=State.ISSUING)])

    assert ledger[row.key].state is State.ISSUING
    assert one.states(work.lease.recovery())["s0"] == "queued"


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({}, []),
        ({"wake_at": 5.0}, []),
        ({"state": State.STUCK, "reason": "why"}, ["attempt 0: why"]),
        ({"request_id": "req-1"}, ["attempt 0: Nova has been asked"]),
        (
            {"state": State.WATCHING, "migration": 7, "reason": "why",
             "migration_status": "accepted"},
            ["attempt 0: migration 7 is accepted"],
        ),
    ],
    ids=["nothing", "no news", "ended", "asked", "moving"],
)  # fmt: skip
def test_news_are_written_with_a_line(one, work, change, lines):
    ledger, recovery = Ledger(work), work.lease.recovery()
    (row, *_) = ledger.of({State.QUEUED})

    ledger.update(recovery, [dataclasses.replace(row, **change)])

    said = [
        line.message for line in one.store.lines(recovery.id, server_id="s0")
    ]
    assert said == lines
    (stored, *_) = one.store.servers(recovery.id)
    for name, value in change.items():
        assert getattr(stored, name) == value


def test_who_ends_has_a_time_and_people_are_told(one, work):
    ledger, recovery = Ledger(work), work.lease.recovery()
    (row, *_) = ledger.of({State.QUEUED})

    ledger.update(recovery, [dataclasses.replace(row, state=State.STUCK)])

    assert ledger[row.key].finished_at
    told = [notice.event for notice in one.store.undelivered(10)]
    assert told == ["server.stuck"]
    ended = work.counted.counts("servers")
    assert ended == {("automatic", "stuck"): 1}
