import contextlib
import os
import threading
import time
from concurrent import futures

import pytest

from tests.unit.cells import hostile
from tests.unit.cells.hostile import Cell
from waffles.cells.asking import breaker, fanout
from waffles.cells.asking.fanout import Fan
from waffles.clients.cell import Client, End, Outcome, Peer, Question

#: Seconds that a call may have, and that it may take on a busy machine.
TIME, LONG = 0.4, 10

GET = Question("GET", "/flavors")


@pytest.fixture
def cloud():
    """What makes a fan and its cells; all are closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(names="c1 c2 c3", answer=hostile.empty, **options):
            cells = {
                name: stack.enter_context(Cell(answer))
                for name in names.split()
            }
            fan = stack.enter_context(
                contextlib.closing(_fan(cells, **options))
            )
            return fan, cells

        yield make


def _fan(cells, clock=time.monotonic, **options):
    options = {"timeout": LONG, **options}
    return Fan(
        {
            name: Client(Peer(name, cell.url, **options))
            for name, cell in cells.items()
        },
        clock,
    )


def ask(fan, cells, seconds=LONG, **how):
    return fan.ask(dict.fromkeys(cells, GET), seconds, **how)


def ends(outcomes):
    return {name: outcome.end for name, outcome in outcomes.items()}


def test_each_cell_gets_its_own_question(cloud):
    fan, cells = cloud("c1 c2")
    fan.ask(
        {
            "c1": Question("GET", "/a"),
            "c2": Question("PUT", "/b", body=b"{}"),
        },
        LONG,
    )
    heard = [(*one.heard[0][:2], len(one.heard)) for one in cells.values()]
    assert heard == [("GET", "/a", 1), ("PUT", "/b", 1)]


def test_cells_that_are_not_asked_hear_nothing(cloud):
    fan, cells = cloud()
    assert list(ask(fan, ["c2"])) == ["c2"]
    assert not cells["c1"].heard


def test_outcomes_are_in_the_order_of_the_questions(cloud):
    fan, _ = cloud()
    here = {name: lambda: Outcome("x", End.ANSWERED) for name in ("c2", "c9")}
    found = ask(fan, ["c3", "c2", "c1"], here=here)
    assert list(found) == ["c3", "c2", "c1", "c9"]


def test_all_are_asked_at_the_same_time(cloud):
    together = threading.Barrier(3)

    def answer(heard):
        together.wait(LONG)
        return hostile.empty(heard)

    fan, cells = cloud(answer=answer)
    assert set(ends(ask(fan, cells)).values()) == {End.ANSWERED}


def test_what_is_here_is_answered_meanwhile_by_this_thread(cloud):
    there = threading.Event()

    def answer(heard):
        there.set()
        return hostile.empty(heard)

    def local():
        assert there.wait(LONG)
        threads.append(threading.current_thread())
        return Outcome("top", End.ANSWERED, 200)

    threads = []
    fan, cells = cloud("c1", answer)
    found = ask(fan, ["top", "c1"], here={"top": local})
    assert ends(found) == {"top": End.ANSWERED, "c1": End.ANSWERED}
    assert threads == [threading.current_thread()]


def test_what_is_here_may_outlast_the_time_of_the_others(cloud):
    fan, _ = cloud("c1")

    def slow():
        time.sleep(3 * TIME)
        return Outcome("top", End.ANSWERED, 200)

    found = ask(fan, ["c1"], TIME, here={"top": slow})
    assert ends(found) == {"c1": End.ANSWERED, "top": End.ANSWERED}


@pytest.mark.parametrize("fault", hostile.FAULTS)
def test_a_hostile_cell_costs_its_own_part_only(cloud, fault):
    fan, cells = cloud(most_bytes=2**22)
    cells["c2"].fails(fault)
    began = time.monotonic()
    found = ask(fan, cells, 2 * TIME)

    assert time.monotonic() - began < LONG
    assert found["c1"].json == found["c3"].json == {"flavors": []}
    bad = found["c2"]
    assert bad.end is not End.ANSWERED or bad.status >= 400


def test_a_cell_that_refuses_costs_its_own_part_only(cloud):
    fan, cells = cloud()
    cells["c1"].fails("refused")
    assert ends(ask(fan, cells)) == {
        "c1": End.REFUSED,
        "c2": End.ANSWERED,
        "c3": End.ANSWERED,
    }


def test_a_cell_that_hangs_takes_no_threads_of_others(cloud):
    fan, cells = cloud(connections=2)
    cells["c2"].fails("hang")
    with futures.ThreadPoolExecutor(2) as pool:
        many = [pool.submit(ask, fan, cells, 2 * TIME) for _ in range(12)]
        found = [ends(one.result()) for one in many]

    assert {one["c1"] for one in found} == {End.ANSWERED}
    assert {one["c3"] for one in found} == {End.ANSWERED}
    assert End.OPEN in {one["c2"] for one in found}


def test_a_cell_with_too_much_to_do_is_busy_at_once(cloud):
    fan, cells = cloud("c1", connections=2)
    cells["c1"].fails("hang")
    with futures.ThreadPoolExecutor(3) as pool:
        first = [pool.submit(ask, fan, cells, 4 * TIME) for _ in range(2)]
        while len(cells["c1"].heard) < 2:
            time.sleep(0.01)
        began = time.monotonic()
        outcome = ask(fan, cells)["c1"]
        assert time.monotonic() - began < 2 * TIME
        late = [one.result()["c1"].end for one in first]

    assert outcome.end is End.BUSY
    assert outcome.why == "Cell c1 has too much to do."
    assert late == [End.LATE] * 2
    assert len(cells["c1"].heard) == 2


def test_a_cell_has_room_again_when_its_answer_is_there(cloud):
    fan, cells = cloud("c1", connections=1)
    for _ in range(200):
        assert ask(fan, cells)["c1"].end is End.ANSWERED


def test_a_cell_that_keeps_failing_is_left_alone(cloud):
    fan, cells = cloud("c1 c2", connections=1)
    cells["c2"].fails("503")
    statuses = [ask(fan, cells)["c2"].status for _ in range(3)]
    assert statuses == [503] * 3
    outcome = ask(fan, cells)["c2"]
    assert outcome.end is End.OPEN
    assert outcome.why == ("Cell c2 is left alone: Cell c2 has answered 503.")
    assert len(cells["c2"].heard) == 3
    assert ask(fan, cells)["c1"].end is End.ANSWERED


def test_a_cell_that_works_again_is_found_out(cloud):
    skipped = [0.0]
    fan, cells = cloud(
        "c1",
        clock=lambda: time.monotonic() + skipped[0],
        connections=1,
    )
    cells["c1"].fails("503")
    for _ in range(4):
        ask(fan, cells)
    cells["c1"].works()
    assert ask(fan, cells)["c1"].end is End.OPEN
    skipped[0] += breaker.PAUSE
    assert ask(fan, cells)["c1"].end is End.ANSWERED
    assert not fan.states()["c1"].open


@pytest.mark.parametrize("status", [400, 401, 404, 409])
def test_refusals_of_novas_are_answers(cloud, status):
    said = hostile.fault(status, "fault")
    fan, cells = cloud("c1", lambda heard: said)
    for _ in range(5):
        assert ask(fan, cells)["c1"].status == status


def test_a_cell_that_had_no_time_has_missed_nothing(cloud):
    fan, cells = cloud("c1")
    for seconds in (0, -1, 0):
        assert ask(fan, cells, seconds)["c1"].end is End.REFUSED
    cells["c1"].fails("hang")
    for _ in range(3):
        assert ask(fan, cells, fanout.LEAST / 2)["c1"].end is End.LATE
    cells["c1"].works()
    assert ask(fan, cells)["c1"].end is End.ANSWERED


def test_states_say_what_is_known(cloud):
    fan, cells = cloud("c1 c2")
    assert not any(one.why for one in fan.states().values())
    cells["c2"].fails("refused")
    for _ in range(3):
        ask(fan, cells)
    known = fan.states()
    assert list(known) == ["c1", "c2"]
    assert (known["c1"].open, known["c1"].why) == (False, "")
    assert known["c1"].seconds > 0
    assert known["c2"].open
    assert known["c2"].why.startswith("Cell c2 cannot be reached")


class Stuck(Client):
    """Hangs where no deadline helps, as a resolver of names may."""

    def __init__(self):
        super().__init__(Peer("c1", "http://127.0.0.1:9"))
        self.go = threading.Event()

    def ask(self, question, seconds=None):
        self.go.wait(LONG)
        return Outcome("c1", End.REFUSED)


def test_the_time_is_over_whatever_hangs():
    client = Stuck()
    with contextlib.closing(Fan({"c1": client})) as fan:
        began = time.monotonic()
        outcome = ask(fan, ["c1"], TIME)["c1"]
        assert time.monotonic() - began < LONG / 2
        client.go.set()
    assert outcome.end is End.LATE
    assert outcome.why == "Cell c1 has not answered in time."


class Wrong(Client):
    """Breaks its promise not to raise."""

    def __init__(self):
        super().__init__(Peer("c1", "http://127.0.0.1:9", connections=1))

    def ask(self, question, seconds=None):
        raise ZeroDivisionError


def test_a_mistake_is_told_and_leaves_room():
    with contextlib.closing(Fan({"c1": Wrong()})) as fan:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                ask(fan, ["c1"])


def test_without_threads_nothing_is_sent(cloud, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    fan, cells = cloud("c1", connections=1)
    with monkeypatch.context() as patch:
        patch.setattr(futures.thread.threading.Thread, "start", start)
        outcome = ask(fan, cells)["c1"]
    assert outcome.end is End.BUSY
    assert not outcome.sent
    assert ask(fan, cells)["c1"].end is End.ANSWERED
    assert len(cells["c1"].heard) == 1


def test_a_forked_process_has_threads_of_its_own(cloud):
    fan, cells = cloud("c1 c2")
    for _ in range(3):
        cells["c2"].fails("503")
        ask(fan, cells)
    assert ask(fan, cells)["c2"].end is End.OPEN
    child = os.fork()
    if not child:
        found = ends(ask(fan, cells))
        os._exit(list(found.values()) != [End.ANSWERED] * 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_threads_are_made_when_they_are_needed(cloud):
    before = threading.active_count()
    fan, cells = cloud("c1 c2 c3")
    fan.states()
    made = threading.active_count()
    assert made == before + len(cells)  # the cells' own
    ask(fan, ["c1"])
    names = [thread.name for thread in threading.enumerate()]
    assert [one for one in names if one.startswith("waffles-cell")] == [
        "waffles-cell-c1_0"
    ]
