import dataclasses
import io
import os

import pytest

from tests.unit.recovery import history
from waffles import exceptions
from waffles.cli import recovery_live
from waffles.cli.recovery_live import Plain, Sight, Terminal
from waffles.recovery.model import Line, Phase, Server, State


class Tty(io.StringIO):
    def isatty(self):
        return True


class Eyes:
    """Sees what it is shown; may do something meanwhile."""

    def __init__(self):
        self.sights, self.ends = [], []

    def show(self, sight):
        self.sights.append(sight)

    def end(self, sight):
        self.ends.append(sight)


class Time:
    """Sleeping does the next thing."""

    def __init__(self, *acts):
        self.acts, self.slept = list(acts), []

    def __call__(self, seconds):
        self.slept.append(seconds)
        self.acts.pop(0)()


@pytest.fixture
def store(tmp_path):
    found = history.opened(tmp_path / "recovery.db")
    yield found
    found.close()


@pytest.fixture
def lease(store):
    """An engine's hold on a recovery of two servers."""
    history.declared(store, "compute-1")
    found = store.claim("engine-a", history.LEASE)
    found.add(
        [
            history.server("web-1", State.QUEUED),
            history.server("web-2", State.QUEUED),
        ]
    )
    found.save(phase=Phase.RUNNING)
    return found


def recovered(lease, which):
    one = lease.servers()[which]
    done = dataclasses.replace(
        one, state=State.RECOVERED, destination="compute-2"
    )
    lease.update([done], lines=[Line("recovered", f"{one.name} is back")])


def watch(store, lease, *acts):
    eyes, sleep = Eyes(), Time(*acts)
    found = recovery_live.watch(store, lease.recovery_id, eyes, sleep)
    return found, eyes, sleep


def test_a_recovery_is_watched_until_it_ends(store, lease):
    found, eyes, sleep = watch(
        store,
        lease,
        lambda: recovered(lease, 0),
        lambda: recovered(lease, 1),
        lambda: lease.save(phase=Phase.DONE),
    )

    assert found.phase is Phase.DONE
    assert [[line.event for line in sight.fresh] for sight in eyes.sights] == [
        ["received"],
        ["recovered"],
        ["recovered"],
        [],
    ]
    assert eyes.ends == eyes.sights[-1:]
    assert sleep.slept == [recovery_live.INTERVAL] * 3


def test_what_is_held_is_not_waited_for(store, lease):
    gates = (history.SHUT,)
    found, eyes, _ = watch(
        store, lease, lambda: lease.save(phase=Phase.HELD, gates=gates)
    )

    assert found.phase is Phase.HELD
    assert eyes.ends


def test_what_was_let_go_is_waited_for(store, lease):
    """The engine takes it up a moment later."""
    lease.save(phase=Phase.HELD, gates=(history.SHUT,))
    store.release(lease.recovery_id, "ann")
    found, _, _ = watch(store, lease, lambda: lease.save(phase=Phase.DONE))

    assert found.phase is Phase.DONE


class Flaky:
    """A store that gives no answer for some calls."""

    def __init__(self, store, silent):
        self._store, self.silent = store, silent

    def recovery(self, recovery_id):
        self.silent -= 1
        if self.silent >= 0:
            raise exceptions.Unavailable("It is away.")
        return self._store.recovery(recovery_id)

    def __getattr__(self, name):
        return getattr(self._store, name)


def test_a_store_that_is_away_for_a_while_is_waited_for(store, lease):
    lease.save(phase=Phase.DONE)
    acts = [lambda: None] * 9
    found, eyes, sleep = watch(Flaky(store, 9), lease, *acts)

    assert found.phase is Phase.DONE
    assert len(sleep.slept) == 9


def test_a_store_that_stays_away_is_given_up(store, lease):
    with pytest.raises(exceptions.Unavailable):
        watch(Flaky(store, 10**9), lease, *[lambda: None] * 99)


def test_a_recovery_that_has_gone_is_an_error(store):
    with pytest.raises(exceptions.WafflesError, match="has gone"):
        recovery_live.look(store, "none", 0)


@pytest.fixture
def sight(store, lease):
    """Sees the recovery as it is; with other values where they are given."""

    def sight(marker=0, **more):
        found = recovery_live.look(store, lease.recovery_id, marker)
        changed = dataclasses.replace(found.recovery, **more)
        return found._replace(recovery=changed)

    return sight


def test_a_pipe_gets_lines(sight, lease):
    stream = io.StringIO()
    screen = recovery_live.screen(stream)
    screen.show(first := sight())
    recovered(lease, 0)
    screen.show(sight(first.fresh[-1].key))
    screen.end(sight())
    lines = stream.getvalue().splitlines()

    assert isinstance(screen, Plain)
    assert len(lines) == 3
    assert lines[0].endswith(
        "Z received: pacemaker says that compute-1 is gone: fenced"
    )
    assert lines[1].endswith(" recovered: web-1 is back")
    assert lines[2].startswith("compute-1 is running after ")
    assert lines[2].endswith(" s; 2 servers: 1 queued, 1 recovered.")


def test_a_line_names_its_server(sight):
    stream = io.StringIO()
    line = Line("failed", "no valid host", server_id="web-1-id")
    Plain(stream).show(sight()._replace(fresh=[line]))

    assert stream.getvalue().endswith(" failed web-1-id: no valid host\n")


def terminal(columns=80, lines=24):
    stream = Tty()
    size = os.terminal_size((columns, lines))
    return Terminal(stream, lambda: size), stream


def test_a_terminal_gets_a_picture_that_is_drawn_over(sight, lease):
    screen, stream = terminal()
    screen.show(sight())
    first = stream.getvalue()
    drawn = first.count("\n")
    recovered(lease, 0)
    screen.show(sight())
    second = stream.getvalue().removeprefix(first)

    assert "· queued     web-1" in first
    assert second.startswith(f"\x1b[{drawn}F")
    assert "✓ recovered  web-1" in second
    assert "compute-2" in second


def test_the_last_picture_stays_with_the_end_below_it(sight):
    screen, stream = terminal()
    screen.show(sight())
    before = stream.getvalue()
    screen.end(sight(phase=Phase.DONE))
    end = stream.getvalue().removeprefix(before)

    assert end.startswith("compute-1 is done after ")
    assert "\x1b[1F" not in end


def test_a_terminal_is_told_from_a_file():
    assert isinstance(recovery_live.screen(Tty()), Terminal)
    assert isinstance(recovery_live.screen(io.StringIO()), Plain)


def test_a_terminal_without_the_characters_gets_others(sight):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii")
    screen = recovery_live.screen(stream)
    screen.show(sight()._replace(fresh=[Line("x", "wéb")]))
    stream.flush()

    assert b"w?b" in raw.getvalue()


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (20, 5), (1, 1)])
def test_a_picture_fits_the_terminal(store, lease, sight, columns, lines):
    lease.add([history.server(f"long-name-{n}" * 9) for n in range(99)])
    screen, stream = terminal(columns, lines)
    screen.show(sight())
    drawn = stream.getvalue().replace("\x1b[K", "").removesuffix("\x1b[J")

    assert all(len(line) < columns for line in drawn.splitlines())
    # Of a terminal of a few lines the end is seen.
    assert drawn.count("\n") <= max(lines, 9)


def test_of_many_servers_those_in_trouble_are_shown(lease, sight):
    lease.add([history.server(f"app-{n}") for n in range(99)])
    lease.add([history.server("bad", State.STUCK)])
    lease.add([history.server("left", State.SKIPPED)])
    found = "\n".join(recovery_live.picture(sight(), [], 79, 20))

    assert "✗ stuck      bad" in found
    assert "and 88 more" in found
    assert "– skipped" not in found


def test_a_picture_says_what_it_waits_for(sight):
    found = recovery_live.picture(
        sight(
            phase=Phase.HELD,
            gates=(history.PASSED, history.SHUT),
            paused="by ann",
            note="two of three",
        ),
        [Line("x", "the newest line")],
        200,
        40,
    )

    assert found[0].startswith("compute-1  ! held  0 s  ")
    assert "paused: by ann" in found
    assert "note: two of three" in found
    assert f"threshold:cloud holds: {history.SHUT.reason}" in found
    assert found[-1].endswith(" the newest line")
    assert not any("scheduler" in line for line in found)


def test_the_picture_keeps_the_newest_lines(sight):
    screen, stream = terminal(80, 40)
    lines = [Line("x", f"line {n}") for n in range(9)]
    for line in lines:
        screen.show(sight()._replace(fresh=[line]))
    last = stream.getvalue().rpartition("\x1b[J")[0].rpartition("\x1b[J")[2]

    assert [n for n in range(9) if f"line {n}" in last] == [4, 5, 6, 7, 8]


def test_a_server_without_a_name_is_shown_by_its_id():
    rows = [Server("the-id", state=State.QUEUED)]

    assert "the-id" in recovery_live._servers(rows, 1)[0]


def test_names_move_no_cursor(lease, sight):
    lease.add([history.server("\x1b[2Jweb", State.FAILED)])
    found = recovery_live.picture(sight(), [Line("x", "\x1b[H")], 79, 40)

    assert "\x1b" not in "".join(found)
    stream = io.StringIO()
    Plain(stream).show(sight()._replace(fresh=[Line("x", "a\x1b[H\nb")]))
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("counts", "drawn"),
    [
        ({}, ""),
        ({State.RECOVERED: 3}, "█" * 10),
        ({State.RECOVERED: 1, State.QUEUED: 1}, "█████░░░░░"),
        (
            {State.RECOVERED: 2, State.WATCHING: 1, State.QUEUED: 1,
             State.FAILED: 1, State.SKIPPED: 5},
            "██▒░✗·····",
        ),
    ],
    ids=["nothing", "done", "half", "some of all"],
)  # fmt: skip
def test_each_kind_has_its_part_of_the_bar(counts, drawn):
    assert recovery_live.bar(counts, 10) == drawn


@pytest.mark.parametrize("total", [3, 7, 999])
def test_a_bar_is_full(total):
    counts = {State.RECOVERED: 1, State.FAILED: 1, State.QUEUED: total - 2}

    assert len(recovery_live.bar(counts, 60)) == 60


@pytest.mark.parametrize(
    ("line", "columns", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("日本語", 4, "日本"),
        ("日本語", 5, "日本"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301e\u0301"),
        ("abc", 0, ""),
    ],
    ids=["fits", "long", "wide", "half of one", "combined", "no room"],
)
def test_a_line_is_cut_to_the_terminal(line, columns, shown):
    assert recovery_live.cut(line, columns) == shown


def test_a_sight_is_of_one_moment(sight):
    found = sight()

    assert isinstance(found, Sight)
    assert len(found.servers) == 2
    assert found.now >= found.recovery.created_at
