"""Regular expressions that no request can make slow.

A pattern comes from an operator and the text from a stranger.  Python's
``re`` tries every way to match: ``(a+)+`` against thirty letters takes
minutes.  So, where the RE2 binding is installed (``pip install
waffles[re2]``), patterns are RE2's and take time linear in the text and in
their own size, which has a limit.  Where it is not, they are ``re``'s with
ASCII classes, as RE2 has them, and a pattern is admitted only when the number
of ways to match it is small: no quantifier and no alternative within a
quantifier, and hardly more than two quantifiers without a limit.
"""

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple, Protocol

try:
    import re2 as installed
except ImportError:
    installed = None

#: The RE2 binding, or None where ``re`` has to do.
ENGINE: Any = installed

#: What Nova stores of a name, a metadata key or a metadata value.
LONGEST = 255

#: The most ways for ``re`` to try, and the most steps for all of them, where
#: each may compare all the fixed text of the pattern.  ``tox -e bench`` shows
#: what the worst of them take: less than 10 ms.
MOST_WAYS = 70_000
MOST_STEPS = 3_000_000

#: The largest program that RE2 may make of a pattern: ``.{1,255}`` has about
#: 2,300 states.
MOST_STATES = 4_000

_REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}
_SINGLE = {sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN, sre.AT}
_STARTS = {sre.AT_BEGINNING, sre.AT_BEGINNING_STRING}


#: What one engine takes for a quantifier or a class, and the other for text.
_DIFFERS = re.compile(r"\{,\d|\[\[:")


class Pattern(Protocol):
    """What ``re`` and RE2 have in common."""

    @property
    def pattern(self) -> str: ...

    def fullmatch(self, text: str) -> object: ...

    def search(self, text: str) -> object: ...


def compiled(
    text: str, *, searched: bool = False, engine: Any = ENGINE
) -> Pattern:
    """Compile a pattern.

    :param searched: it will be looked for anywhere in a text, as JSON Schema
        does, and not only matched in full
    :param engine: the RE2 binding, or None for ``re``
    :raises ValueError: with the reason, when the text is no pattern or a
        request could make it slow
    """
    if _DIFFERS.search(text):
        raise ValueError(
            "RE2 and re differ in {,n} and [[:name:]]: write {0,n}"
        )
    return _of_re2(text, engine) if engine else _of_re(text, searched)


class _Linear(NamedTuple):
    """A pattern of RE2.

    On bytes it is several times as fast as on text, as it counts no
    characters then to say where the match is.
    """

    pattern: str
    regexp: Any

    def fullmatch(self, text: str) -> object:
        return self.regexp.fullmatch(text.encode())

    def search(self, text: str) -> object:
        return self.regexp.search(text.encode())


def _of_re2(text: str, engine: Any) -> Pattern:
    options = engine.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        regexp = engine.compile(text, options)
    except engine.error as error:
        (reason,) = error.args
        why = reason.decode() if isinstance(reason, bytes) else reason
        raise ValueError(f"RE2 does not take it: {why}") from None
    if regexp.programsize > MOST_STATES:
        raise ValueError("a request could make it slow, as it is too large")
    return _Linear(text, regexp)


def _of_re(text: str, searched: bool) -> Pattern:
    try:
        parsed = parser.parse(text, re.ASCII)
        pattern = re.compile(_ended(text, list(parsed)), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"it is not a pattern: {error}") from None
    items = list(parsed)
    anchored = bool(items) and items[0][0] is sre.AT and items[0][1] in _STARTS
    tries = ways(items) * (LONGEST if searched and not anchored else 1)
    steps = tries * (1 + min(parsed.getwidth()[0], LONGEST))
    if tries > MOST_WAYS or steps > MOST_STEPS:
        raise ValueError(
            "a request could make it slow, as its quantifiers can share a"
            " text in too many ways (waffles[re2] would take it)"
        )
    return pattern


def _ended(text: str, items: list[Any]) -> str:
    """The pattern with its last ``$`` as RE2 means it: at the very end.

    :raises ValueError: it has another one, where re allows a newline after it
    """
    if items and items[-1] == (sre.AT, sre.AT_END):
        text, items = rf"{text[:-1]}\Z", items[:-1]
    if re.search(r"\bAT_END\b", repr(items)):
        raise ValueError("a $ within it matches before a newline")
    return text


def ways(items: list[Any]) -> int:
    """In how many ways a parsed pattern can match from one place, at most.

    :raises ValueError: for what has no bound, or none that we know of
    """
    product = 1
    for op, value in items:
        if op in _REPEATS:
            least, most, body = value
            inner = ways(list(body))
            if inner > 1 and most > 1:
                raise ValueError(
                    "a request could make it slow, as a quantifier repeats"
                    " what can match in several ways (waffles[re2] would"
                    " take it)"
                )
            product *= inner * (min(int(most), LONGEST) - least + 1)
        elif op is sre.SUBPATTERN:
            product *= ways(list(value[3]))
        elif op is sre.BRANCH:
            product *= sum(ways(list(branch)) for branch in value[1])
        elif op not in _SINGLE:
            raise ValueError(f"{str(op).lower()} has no bound in time")
        product = min(product, MOST_WAYS + 1)
    return product
