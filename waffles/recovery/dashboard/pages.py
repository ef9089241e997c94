"""What the dashboard shows of a recovery, in words: pure functions.

Whatever has a colour has a word and a mark as well.
"""

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from waffles.recovery.model import (
    Decision,
    Phase,
    Recovery,
    Return,
    Server,
    State,
)

#: How good or bad it is: the class of the style sheet.
KINDS: Mapping[str, str] = {
    State.QUEUED: "waiting",
    State.ISSUING: "busy",
    State.WATCHING: "busy",
    State.RESTORING: "busy",
    State.NOTIFYING: "busy",
    State.RECOVERED: "good",
    State.NOTIFIED: "good",
    State.SKIPPED: "left",
    State.FAILED: "bad",
    State.STUCK: "bad",
    Phase.RECEIVED: "busy",
    Phase.FORCING: "busy",
    Phase.PLANNING: "busy",
    Phase.RUNNING: "busy",
    Phase.SETTLING: "busy",
    Phase.HELD: "warn",
    Phase.DONE: "good",
    Phase.PARTIAL: "warn",
}

MARKS: Mapping[str, str] = {
    "good": "✓",
    "bad": "✗",
    "warn": "!",
    "busy": "▸",
    "waiting": "·",
    "left": "–",
}

#: What somebody may have to do something about comes first.
ORDER = (
    State.STUCK,
    State.FAILED,
    State.ISSUING,
    State.WATCHING,
    State.RESTORING,
    State.NOTIFYING,
    State.QUEUED,
    State.RECOVERED,
    State.NOTIFIED,
    State.SKIPPED,
)


class Segment(NamedTuple):
    """A part of a progress bar, in percent of it."""

    kind: str
    left: float
    width: float


class Card(NamedTuple):
    """A recovery, and as many of its servers as are shown with it.

    :param total: how many servers it has in all
    """

    recovery: Recovery
    counts: Mapping[State, int]
    servers: Sequence[Server]
    total: int


class Groups(NamedTuple):
    """Recoveries, by what they want of those who look."""

    attention: list[Card]
    under_way: list[Card]
    earlier: list[Card]


def kind(state: str) -> str:
    """How good or bad a state or phase is."""
    return KINDS.get(state, "bad")


def mark(state: str) -> str:
    """A sign for a state or phase, for those who do not see colours."""
    return MARKS[kind(state)]


def counted(servers: Iterable[Server]) -> dict[State, int]:
    """How many servers are in each state, in the order of :data:`ORDER`."""
    found = [server.state for server in servers]
    return {state: found.count(state) for state in ORDER if state in found}


def by_trouble(servers: Iterable[Server]) -> list[Server]:
    """Those first that somebody may have to look at."""
    return sorted(servers, key=lambda server: ORDER.index(server.state))


def card(recovery: Recovery, servers: Sequence[Server], most: int) -> Card:
    """A recovery with its servers, the first few of them in full."""
    first = by_trouble(servers)[:most]
    return Card(recovery, counted(servers), first, len(servers))


def summary(counts: Mapping[State, int]) -> str:
    """How far it is, in words.

    >>> summary({State.RECOVERED: 2, State.SKIPPED: 1})
    '3 servers: 2 recovered, 1 skipped'
    """
    total = sum(counts.values())
    if not total:
        return "no server is listed yet"
    parts = ", ".join(
        f"{counts[state]:,} {state}" for state in ORDER if counts.get(state)
    )
    return f"{number(total, 'server')}: {parts}"


def number(many: int, what: str) -> str:
    """A number of things.

    >>> number(1000, "server"), number(1, "server")
    ('1,000 servers', '1 server')
    """
    return f"{many:,} {what}{'' if many == 1 else 's'}"


def bar(counts: Mapping[State, int]) -> list[Segment]:
    """The progress bar of a recovery: what is well done first."""
    total = sum(counts.values()) or 1
    kinds = dict.fromkeys(("good", "busy", "waiting", "bad", "left"), 0)
    for state, many in counts.items():
        kinds[kind(state)] += many
    found, left = [], 0.0
    for name, many in kinds.items():
        width = round(100 * many / total, 3)
        if many:
            found.append(Segment(name, round(left, 3), width))
        left += width
    return found


def grouped(cards: Iterable[Card]) -> Groups:
    """Cards, by what they want of those who look; each in its own order."""
    found = Groups([], [], [])
    for one in cards:
        if wants_somebody(one.recovery):
            found.attention.append(one)
        elif one.recovery.phase.final:
            found.earlier.append(one)
        else:
            found.under_way.append(one)
    found.attention.sort(key=lambda one: one.recovery.phase.final)
    return found


def wants_somebody(recovery: Recovery) -> bool:
    """Whether nothing goes on before somebody does something.

    What has failed is settled when its host is back: its servers went there
    too, or were brought back by hand.
    """
    if recovery.phase in (Phase.PARTIAL, Phase.FAILED):
        return recovery.returning is not Return.RETURNED
    return recovery.phase is Phase.HELD or bool(
        recovery.paused and not recovery.phase.final
    )


def clock(at: float | None) -> str:
    """A time of UTC, for people; empty for none.

    >>> clock(0)
    '1970-01-01 00:00:00'
    """
    return iso(at).replace("T", " ").rstrip("Z")


def iso(at: float | None) -> str:
    """A time of UTC, for programs; empty for none."""
    if at is None:
        return ""
    when = datetime.datetime.fromtimestamp(int(at), datetime.UTC)
    return when.isoformat().replace("+00:00", "Z")


def length(seconds: float) -> str:
    """A stretch of time, roughly.

    >>> length(59.5), length(60), length(7300), length(200000)
    ('59 s', '1 min', '2 h 1 min', '2 d 7 h')
    """
    whole = max(0, math.floor(seconds))
    if whole < 60:
        return f"{whole} s"
    units = (("d", 86400), ("h", 3600), ("min", 60))
    parts = []
    for name, size in units:
        many, whole = divmod(whole, size)
        if many:
            parts.append(f"{many} {name}")
    return " ".join(parts[:2])


def why(server: Server) -> str:
    """What a server's row says beside its state."""
    parts = [server.reason]
    if server.decision is Decision.AUTOMATIC and server.attempt > 1:
        parts.append(f"attempt {server.attempt}")
    if server.migration:
        status = server.migration_status or "seen"
        parts.append(f"migration {server.migration} {status}")
    return "; ".join(filter(None, parts))
