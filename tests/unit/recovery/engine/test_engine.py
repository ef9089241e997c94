import threading
import time

import pytest

from waffles import exceptions
from waffles.recovery.engine import engine, evacuating
from waffles.recovery.model import Phase, Return


@pytest.fixture
def run(monkeypatch):
    """Runs engines in threads; they end with the test."""
    monkeypatch.setattr(engine, "LOOK", 0.05)
    made = []

    def run(one, many=1):
        for _ in range(many):
            thread = threading.Thread(target=one.engine().run)
            thread.start()
            made.append((one, thread))
        return [thread for _, thread in made]

    yield run
    for one, thread in made:
        one.stop.set()
        thread.join(30)
        assert not thread.is_alive()


def until(what, seconds=20):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it has not come"
        time.sleep(0.02)
    return found


def ended(one, recovery):
    def ended():
        found = one.store.recovery(recovery.id)
        return found if found.phase.final else None

    return until(ended)


@pytest.mark.parametrize("engines", [1, 3])
def test_a_recovery_is_carried_out_from_end_to_end(bench, run, engines):
    one = bench(20)
    recovery = one.declare()

    run(one, engines)

    assert ended(one, recovery).phase is Phase.DONE
    assert sorted(one.nova.asked) == sorted(f"s{n}" for n in range(20))


def test_an_engine_that_is_told_to_end_hears_what_it_has_asked(bench, run):
    one = bench(1)
    asked, answers = threading.Event(), threading.Event()

    def evacuate(server_id):
        asked.set()
        assert answers.wait(20)
        return "req-late"

    one.nova.evacuate = evacuate
    recovery = one.declare()
    (thread,) = run(one)
    assert asked.wait(20)
    one.stop.set()
    thread.join(0.5)
    assert thread.is_alive()
    answers.set()
    thread.join(20)

    assert one.rows(recovery)["s0"].request_id == "req-late"
    assert one.store.claim("two", 10)


def test_a_host_without_servers_is_done(bench, run):
    one = bench(0)
    recovery = one.declare()

    run(one)

    assert ended(one, recovery).phase is Phase.DONE


@pytest.mark.parametrize(
    "name", ["services", "force_down", "disable", "servers", "migrations"]
)
def test_what_cannot_be_asked_is_asked_again(bench, run, name, monkeypatch):
    monkeypatch.setattr(engine, "AGAIN", 0.01)
    monkeypatch.setattr(engine, "LET_GO", 0.01)
    one = bench(2)
    one.nova.faults[name] = [exceptions.Unavailable("Nova is away.")] * 2
    recovery = one.declare()

    run(one)

    assert ended(one, recovery).phase is Phase.DONE
    assert len(one.nova.asked) == 2
    lines = [line.message for line in one.store.lines(recovery.id)]
    assert any("Nova is away." in line for line in lines)


def test_what_is_broken_is_left_to_the_next_lease(bench, run, caplog):
    one = bench(1, lease_time=1)
    one.nova.faults["servers"] = [ZeroDivisionError()]
    recovery = one.declare()

    run(one)

    assert ended(one, recovery).phase is Phase.DONE
    assert "another will, in 1 s" in caplog.text


def test_an_engine_that_is_told_to_end_lets_go_at_once(bench, run):
    one = bench(1, lease_time=1000)
    one.nova.endings["s0"] = [""]
    recovery = one.declare()
    (thread,) = run(one)
    until(lambda: one.nova.asked)

    one.stop.set()
    thread.join(20)

    assert not thread.is_alive()
    found = one.store.recovery(recovery.id)
    assert (found.owner, found.phase) == ("", Phase.RUNNING)
    assert one.store.engines() == []
    assert one.claim("another")


def test_an_engine_says_that_it_is_there(bench, run):
    one = bench(0)

    run(one)

    (found,) = until(one.store.engines)
    assert found[2]


def test_a_recovery_that_is_held_is_let_go_of(bench, run):
    one = bench(1, threshold_cloud=30)
    one.nova.force_down("id-of-c2", True)
    recovery = one.declare()
    run(one)

    def held():
        found = one.store.recovery(recovery.id)
        return found if found.phase is Phase.HELD and not found.owner else None

    until(held)
    assert one.nova.asked == []
    one.store.release(recovery.id, "ann")
    assert ended(one, recovery).phase is Phase.DONE


def test_a_host_that_is_to_return_is_looked_after(bench, run):
    one = bench(1)
    recovery = one.declare()
    run(one)
    ended(one, recovery)
    one.nova.start("dead")

    one.store.ask_return(recovery.id, "ann")

    def returned():
        one.nova.report("dead")
        found = one.store.recovery(recovery.id)
        return found.returning is Return.RETURNED

    until(returned)
    assert not one.nova.service("dead")["forced_down"]


def test_a_database_that_is_away_ends_no_engine(bench, run, monkeypatch):
    one = bench(1)
    recovery = one.declare()
    claim, faults = one.store.claim, [exceptions.Unavailable("away")] * 2

    def away(*args):
        if faults:
            raise faults.pop()
        return claim(*args)

    monkeypatch.setattr(one.store, "claim", away)
    run(one)

    assert ended(one, recovery).phase is Phase.DONE


@pytest.mark.parametrize("why", ["paused", "notices"])
def test_a_recovery_that_only_waits_leaves_its_thread_to_others(
    bench, run, why, monkeypatch
):
    monkeypatch.setattr(engine, "AT_ONCE", 1)
    one = bench(1, webhook_url="https://x.example")
    if why == "notices":
        one.nova.edit("s0", tags=["custom-recovery"])
    first = one.declare()
    if why == "paused":
        one.store.pause(first.id, "ann", "wait")
    run(one)
    until(lambda: one.store.recovery(first.id).phase is Phase.RUNNING)
    one.nova.host = "c3"
    second = one.declare()

    assert ended(one, second).phase is Phase.DONE


def test_what_is_resumed_goes_on_at_once(bench, run):
    one = bench(1)
    recovery = one.declare()
    one.store.pause(recovery.id, "ann", "wait")
    run(one)

    def idle():
        found = one.store.recovery(recovery.id)
        return found.phase is Phase.RUNNING and not found.owner

    until(idle)
    one.store.resume(recovery.id, "ann")

    assert ended(one, recovery).phase is Phase.DONE


def test_an_engine_that_is_told_to_end_asks_for_nothing_more(
    bench, run, monkeypatch
):
    monkeypatch.setattr(evacuating, "ROUND", 2)
    one = bench(6)
    asked, answers = threading.Barrier(3), threading.Event()
    evacuate = one.nova.evacuate

    def slow(server_id):
        asked.wait(20)
        assert answers.wait(20)
        return evacuate(server_id)

    one.nova.evacuate = slow
    recovery = one.declare()
    (thread,) = run(one)
    asked.wait(20)
    one.stop.set()
    threading.Timer(0.5, answers.set).start()
    thread.join(20)

    assert not thread.is_alive()
    assert len(one.nova.asked) == 2
    assert list(one.states(recovery).values()).count("queued") == 4


def test_no_two_engines_have_the_same_name():
    assert engine.name() != engine.name()
