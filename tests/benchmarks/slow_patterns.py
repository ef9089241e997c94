"""How long a pattern that waffles admit can take, at worst.

Patterns that are known to be hard, and patterns made at random of hard parts,
against texts of 255 characters that they nearly match.
"""

import random
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from waffles import patterns

LENGTH = patterns.LONGEST
MADE = 300
SEED = 2

KNOWN = (
    "[a-z]{3}-(prd|dev)-[a-z0-9-]+",
    ".*-(test|tmp)",
    "(a+)+",
    "(a|a)*b",
    "(a|aa)+b",
    "([a-zA-Z]+)*1",
    "a*a*b",
    "a*a*a*b",
    ".*.*=.*",
    "(.*)(.*)(.*)x",
    "[ab]*[ab]*c",
    "a*a*[a-z]{80}!",
    "a*(?:a{1}){200}b",
    "a{0,15}a{0,15}a{0,15}a{0,15}a{150}b",
    "a?" * 16 + "a{200}b",
    "(a|a)" * 16 + "a{200}b",
    "(?:a?){200}b",
    "(?:a?){1000}b",
    "(?:a?){1000}" * 5 + "b",
    "(?:a?){1000}" * 50 + "b",
    "((a?)(b?)){400}c",
    "(?:[a-z]{0,100}[0-9]{0,10}){0,10}b",
    "(?:a{0,31}){0,31}b",
    "[ab]{0,1000}" * 100 + "c",
    "(?:a|b)*a(?:a|b){999}",
    "[a-z]{0,63}(?:-[a-z0-9]{0,63}){0,4}",
    ".{1,255}",
    "[^x]{0,255}[^y]{0,255}[^z]{0,255}",
    r"(\w+\s?)*x",
    r"\w*\d*\w*x",
)
PARTS = ("a", "b", "[ab]", ".", "[^b]", "(a|b)", "(a|a)", "(?:ab)", "(?:a?b)")
COUNTS = (
    "",
    "?",
    "*",
    "+",
    "*?",
    "{0,15}",
    "{1,40}",
    "{60}",
    "{150}",
    "{0,300}",
)


class Worst(NamedTuple):
    """The slowest match of a kind."""

    seconds: float
    pattern: str
    text: str


def worst(engine: Any, searched: bool) -> tuple[Worst, int]:
    """The slowest of all matches, and how many patterns are admitted."""
    slowest, admitted = Worst(0, "", ""), 0
    for text in candidates():
        try:
            pattern = patterns.compiled(text, searched=searched, engine=engine)
        except ValueError:
            continue
        admitted += 1
        found = max(_matches(pattern, text, searched))
        slowest = max(slowest, found)
    return slowest, admitted


def candidates() -> Iterator[str]:
    yield from KNOWN
    maker = random.Random(SEED)  # noqa: S311  no secret
    for _ in range(MADE):
        parts = maker.choices(PARTS, k=maker.randint(1, 6))
        counts = maker.choices(COUNTS, k=len(parts))
        made = "".join(map("".join, zip(parts, counts, strict=True)))
        yield f"(?:{made}){maker.choice(COUNTS)}{maker.choice(('', 'c'))}"


def texts(pattern: str) -> Iterator[str]:
    """Texts that a pattern matches for long, and then does not."""
    letters = sorted(set(re.findall("[a-z]", pattern)))[:3] or ["a"]
    for letter in letters:
        yield letter * LENGTH
        yield letter * (LENGTH - 1) + "!"
    yield ("".join(letters) * LENGTH)[: LENGTH - 1] + "!"
    yield ("ab" * LENGTH)[:LENGTH]
    yield "a" * 200 + "b" * (LENGTH - 200)
    yield "\xe9" * LENGTH


def _matches(pattern: Any, source: str, searched: bool) -> Iterator[Worst]:
    match = pattern.search if searched else pattern.fullmatch
    for text in texts(source):
        yield Worst(_time(match, text), source, text)


def _time(match: Any, text: str) -> float:
    """Seconds of this thread: what else the machine does is not counted."""
    began = time.thread_time()
    match(text)
    return time.thread_time() - began
