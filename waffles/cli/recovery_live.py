"""A recovery that is watched: how far it is, until it ends.

A terminal shows one picture, drawn anew each second; anything else gets the
lines of the log as they are written, and a line with the end.
"""

import io
import os
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, TextIO

from waffles import exceptions, texts
from waffles.recovery.dashboard import pages
from waffles.recovery.model import Line, Phase, Recovery, Server, State
from waffles.recovery.planning import plan
from waffles.recovery.store.store import Store

#: Seconds between two looks.
INTERVAL = 1.0

#: Seconds for which a store that gives no answer is asked again.
PATIENCE = 60.0

#: Characters of the progress bar, at the most; and of each kind.
BAR = 60
_FILL = {"good": "█", "busy": "▒", "waiting": "░", "bad": "✗", "left": "·"}

#: Lines of the log in the picture.
NEWEST = 5

#: Go up so many lines; clear the rest of a line, and what is below.
_UP, _LINE, _BELOW = "\x1b[{}F", "\x1b[K\n", "\x1b[J"


class Sight(NamedTuple):
    """What is seen of a recovery at one moment.

    :param fresh: the lines of the log that were not seen before
    """

    recovery: Recovery
    servers: Sequence[Server]
    fresh: Sequence[Line]
    now: float


class Screen(Protocol):
    """Where it is shown."""

    def show(self, sight: Sight) -> None:
        """Show it as it is now."""

    def end(self, sight: Sight) -> None:
        """Show how it has ended."""


def watch(
    store: Store,
    recovery_id: str,
    screen: Screen,
    sleep: Callable[[float], None] = time.sleep,
) -> Recovery:
    """Show a recovery until it ends or is held; as it is then.

    :raises Unavailable: the store gives no answer for a while
    """
    marker, silence = 0, 0.0
    while True:
        try:
            sight = look(store, recovery_id, marker)
        except exceptions.Unavailable:
            if silence >= PATIENCE:
                raise
            silence += INTERVAL
            sleep(INTERVAL)
            continue
        silence = 0.0
        marker = sight.fresh[-1].key if sight.fresh else marker
        screen.show(sight)
        if has_ended(sight.recovery):
            screen.end(sight)
            return sight.recovery
        sleep(INTERVAL)


def look(store: Store, recovery_id: str, marker: int) -> Sight:
    """What there is to be seen.

    :param marker: the key of the last line that was seen
    :raises Unavailable: the store gives no answer
    """
    # In this order, so that what has ended has all its servers and lines.
    found = store.recovery(recovery_id)
    if found is None:
        raise exceptions.WafflesError(f"Recovery {recovery_id} has gone.")
    servers = store.servers(recovery_id)
    return Sight(
        found, servers, store.lines(recovery_id, marker=marker), store.now()
    )


def has_ended(recovery: Recovery) -> bool:
    """Whether there is nothing to wait for, but for somebody to act."""
    is_held = recovery.phase is Phase.HELD and bool(
        plan.closed(recovery.gates, recovery.released)
    )
    return recovery.phase.final or is_held


def screen(stream: TextIO) -> Screen:
    """What suits a stream."""
    if isinstance(stream, io.TextIOWrapper):
        # Not every terminal has the characters of names, or of the bar.
        stream.reconfigure(errors="replace")
    return Terminal(stream) if stream.isatty() else Plain(stream)


class Plain:
    """For a file or a pipe: what is new."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, sight: Sight) -> None:
        for line in sight.fresh:
            about = f" {line.server_id}" if line.server_id else ""
            self._write(
                f"{pages.iso(line.at)} {line.event}{about}: {line.message}"
            )

    def end(self, sight: Sight) -> None:
        self._write(conclusion(sight))

    def _write(self, line: str) -> None:
        print(texts.one_line(line), file=self._stream, flush=True)


class Terminal:
    """For eyes: one picture, drawn over the last one.

    :param size: gives the columns and lines of the terminal
    """

    def __init__(
        self,
        stream: TextIO,
        size: Callable[[], os.terminal_size] = shutil.get_terminal_size,
    ) -> None:
        self._stream, self._size = stream, size
        self._drawn = 0
        self._log: list[Line] = []

    def show(self, sight: Sight) -> None:
        self._log = [*self._log, *sight.fresh][-NEWEST:]
        columns, lines = self._size()
        self._draw(
            cut(line, columns - 1)
            for line in picture(sight, self._log, columns - 1, lines - 1)
        )

    def end(self, sight: Sight) -> None:
        self._drawn = 0
        self._draw([conclusion(sight)])

    def _draw(self, lines: Iterable[str]) -> None:
        up = _UP.format(self._drawn) if self._drawn else ""
        drawn = list(lines)
        self._drawn = len(drawn)
        text = "".join(f"{line}{_LINE}" for line in drawn)
        self._stream.write(up + text + _BELOW)
        self._stream.flush()


def conclusion(sight: Sight) -> str:
    """How it is, in one sentence."""
    one = sight.recovery
    took = pages.length((one.finished_at or sight.now) - one.created_at)
    counts = pages.summary(pages.counted(sight.servers))
    held = ", ".join(
        gate.name for gate in plan.closed(one.gates, one.released)
    )
    by = f" by {held}" if one.phase is Phase.HELD else ""
    return f"{one.host} is {one.phase}{by} after {took}; {counts}."


def picture(
    sight: Sight, log: Sequence[Line], columns: int, lines: int
) -> list[str]:
    """The picture, line by line: as many servers in it as there is room for.

    :param log: the newest lines of it
    """
    one, counts = sight.recovery, pages.counted(sight.servers)
    age = pages.length(sight.now - one.created_at)
    head = [
        f"{one.host}  {pages.mark(one.phase)} {one.phase}  {age}  {one.id}",
        bar(counts, min(BAR, columns)),
        pages.summary(counts),
        *(f"paused: {why}" for why in [one.paused] if why),
        *(f"note: {why}" for why in [one.note] if why),
        *(
            f"{gate.name} holds: {gate.reason}"
            for gate in plan.closed(one.gates, one.released)
        ),
    ]
    tail = [f"{pages.iso(line.at)} {line.message}" for line in log]
    room = max(0, lines - len(head) - len(tail) - 3)
    shown = [
        server
        for server in pages.by_trouble(sight.servers)
        if server.state is not State.SKIPPED
    ]
    found = [*head, "", *_servers(shown[:room], len(shown)), "", *tail]
    return [texts.one_line(line) for line in found]


def bar(counts: dict[State, int], width: int) -> str:
    """The progress bar: each kind of state has a character of its own."""
    drawn = ""
    for part in pages.bar(counts):
        end = round((part.left + part.width) * width / 100)
        drawn += _FILL[part.kind] * (end - len(drawn))
    return drawn


def cut(line: str, columns: int) -> str:
    """As much of a line as a terminal has room for."""
    width = 0
    for index, char in enumerate(line):
        width += _width(char)
        if width > columns:
            return line[:index]
    return line


def _servers(shown: Sequence[Server], total: int) -> list[str]:
    found = [
        f"{pages.mark(server.state)} {server.state:<10}"
        f" {server.name or server.server_id:<24}"
        f" {server.destination:<16} {pages.why(server)}"
        for server in shown
    ]
    more = total - len(shown)
    return [*found, f"  and {more:,} more"] if more else found


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
