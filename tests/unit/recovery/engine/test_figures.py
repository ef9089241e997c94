import pytest

from waffles.recovery.engine import figures
from waffles.recovery.engine.counters import Counters
from waffles.recovery.model import (
    Assertion,
    Decision,
    Gate,
    Line,
    Notice,
    Phase,
    Recovery,
    Server,
    State,
)
from waffles.recovery.store import store


@pytest.fixture
def rows(tmp_path):
    made = store.open(f"sqlite:///{tmp_path}/recovery.db")
    yield made
    made.close()


def _begun(rows, host):
    """The lease of a recovery of a host."""
    said = Assertion(host, fenced=True)
    recovery = Recovery("", host, Phase.RECEIVED, said, service_id="s-1")
    rows.create(recovery, line=Line("received", "it is gone"))
    return rows.claim("engine", 60)


def _values(found):
    """Name and labels of each figure -> its value."""
    return {
        (family.name + sample.suffix, *sample.labels.values()): sample.value
        for family in found
        for sample in family.samples
    }


def _of(rows, counted=None, calls=()):
    held = figures.of_store(rows)
    counted, calls = counted or Counters(), dict(calls)
    return _values(figures.families(held, rows.takeovers, counted, calls))


def test_an_empty_store_has_figures_of_zero(rows):
    found = _of(rows)

    assert found.pop(("store_up",)) == 1
    assert ("recoveries_on_record", "held") in found
    assert ("servers_on_record", "custom", "failed") in found
    assert set(found.values()) == {0}


def test_the_store_says_how_much_there_is(rows):
    held = _begun(rows, "c1")
    held.save(phase=Phase.HELD)
    running = _begun(rows, "c2")
    running.save(phase=Phase.RUNNING)
    states = (State.FAILED, State.WATCHING, State.ISSUING, State.STUCK)
    running.add(
        [
            Server(str(number), decision=Decision.AUTOMATIC, state=state)
            for number, state in enumerate(states)
        ],
        notices=[Notice("server.failed", "webhook", {"server_id": "0"})] * 2,
    )
    rows.failed(running.notices()[0].key, "no", None)
    rows.beat("engine", "node-1", 4711)
    found = _of(rows)

    assert found["recoveries_on_record", "held"] == 1
    assert found["recoveries_on_record", "running"] == 1
    assert found["servers_on_record", "automatic", "failed"] == 1
    assert found["held",] == 1
    assert found["stuck",] == 1
    assert found["in_flight",] == 2
    assert found["outbox_pending",] == 1
    assert found["outbox_given_up",] == 1
    assert found["engines",] == 1


def test_the_age_is_that_of_the_oldest_that_is_open(rows):
    class Later:
        """Asks a store 500 s later."""

        def __getattr__(self, name):
            return getattr(rows, name)

        def now(self):
            return rows.now() + 500

    assert _of(Later())["oldest_open_seconds",] == 0
    lease = _begun(rows, "c1")
    _begun(rows, "c2")
    assert 500 <= _of(Later())["oldest_open_seconds",] < 560
    lease.save(phase=Phase.DONE)
    assert 500 <= _of(Later())["oldest_open_seconds",] < 560


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.PARTIAL, Phase.FAILED])
def test_the_last_success_is_the_end_of_one_that_is_done(rows, phase):
    lease = _begun(rows, "c1")
    before = rows.now()
    lease.save(phase=phase)
    last = _of(rows)["last_success",]

    if phase is Phase.DONE:
        assert before <= last <= rows.now()
    else:
        assert last == 0


def test_without_the_store_the_engine_is_still_seen():
    counted = Counters()
    counted.ended(Phase.DONE)
    found = _values(figures.families(None, 3, counted, {}))

    assert found["store_up",] == 0
    assert found["lease_takeovers_total",] == 3
    assert found["recoveries_total", "done"] == 1
    assert ("held",) not in found


def test_what_the_engine_has_done_is_counted(rows):
    counted = Counters()
    counted.ended(Phase.PARTIAL)
    counted.closed([Gate("scheduler", False, "none is up")])
    counted.told(Notice("recovery.held", "webhook", {}), "delivered")
    counted.settled(
        [
            Server(
                "s-1",
                decision=Decision.AUTOMATIC,
                state=State.RECOVERED,
                issued_at=100.0,
                finished_at=115.0,
            )
        ]
    )
    calls = {"POST evacuate": 7, "GET servers 200": 2}
    found = _of(rows, counted, calls)

    assert found["recoveries_total", "partial"] == 1
    assert found["recoveries_total", "done"] == 0
    assert found["servers_total", "automatic", "recovered"] == 1
    assert found["servers_total", "custom", "notified"] == 0
    assert found["gate_blocked_total", "scheduler"] == 1
    assert found["notices_total", "webhook", "delivered"] == 1
    assert found["nova_calls_total", "POST", "evacuate"] == 7
    assert found["nova_calls_total", "GET", "servers", "200"] == 2
    assert found["evacuation_seconds_bucket", "10.0"] == 0
    assert found["evacuation_seconds_bucket", "20.0"] == 1
    assert found["evacuation_seconds_bucket", "+Inf"] == 1
    assert found["evacuation_seconds_count",] == 1
    assert found["evacuation_seconds_sum",] == 15.0


def test_a_lease_that_has_run_out_is_counted_when_it_is_taken_over(rows):
    _begun(rows, "c1")
    with rows.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE recovery SET lease_until = 0")
    assert rows.claim("other", 60)

    assert _of(rows)["lease_takeovers_total",] == 1


def test_no_figure_has_the_name_of_another(rows):
    held = figures.of_store(rows)
    found = figures.families(held, 0, Counters(), {})
    names = [family.name for family in found]

    assert len(names) == len(set(names))
    assert all(family.text.endswith(".") for family in found)
