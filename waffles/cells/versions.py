"""Microversions that all cells have: what ``latest`` is, what is refused.

A merged answer has one shape only if every cell is asked at the same
microversion.  So the range of the proxy is what the ranges of the cells that
are known have in common; ``latest`` is its end, before anything is asked.  A
cell that has never answered does not count, nor one that has nothing in common
with home and those before it: their part is missing anyway.
"""

import dataclasses
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from waffles import exceptions
from waffles.cells.model import Version

LOG = logging.getLogger(__name__)

#: Seconds for which a cell's range is believed.
KEPT = 300.0

#: Seconds after which a cell that gave none is asked again.
AGAIN = 10.0

OLDEST = Version(2, 1)

LATEST = "latest"

#: A microversion as Nova takes it.
_FORM = re.compile(r"([1-9][0-9]{0,8})\.([1-9][0-9]{0,8}|0)")


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """The microversions that something has, both ends with it."""

    least: Version
    most: Version

    def __contains__(self, version: Version) -> bool:
        return self.least <= version <= self.most


def parsed(text: str) -> Version:
    """A microversion.

    >>> parsed("2.90")
    Version(major=2, minor=90)

    :raises Malformed: with Nova's own words
    """
    found = _FORM.fullmatch(text)
    if not found:
        raise exceptions.Malformed(
            f"API Version String {text} is of invalid format. Must be of"
            f" format MajorNum.MinorNum."
        )
    return Version(int(found[1]), int(found[2]))


def common(ranges: Iterable[Range]) -> Range | None:
    """What ranges have in common; None for nothing."""
    known = list(ranges)
    if not known:
        return None
    least = max(one.least for one in known)
    most = min(one.most for one in known)
    return Range(least, most) if least <= most else None


def of_document(document: Any) -> Range | None:
    """The range of a version document (``GET /v2.1/``); None if it is none."""
    try:
        version = document["version"]
        least, most = version["min_version"], version["version"]
        return Range(parsed(least), parsed(most))
    except (KeyError, TypeError, exceptions.Malformed):
        return None


def chosen(text: str | None, known: Range) -> Version:
    """The microversion at which cells are asked.

    :param text: of the request's header; None where it has none
    :raises Malformed: Nova could not read it
    :raises Hidden: 406: not all cells have it
    """
    if text is None:
        return max(OLDEST, known.least)
    if text == LATEST:
        return known.most
    version = parsed(text)
    if version not in known:
        raise exceptions.Hidden(
            406,
            f"Version {version} is not supported by the API. Minimum is"
            f" {known.least} and maximum is {known.most}.",
        )
    return version


Ask = Callable[[Iterable[str], Mapping[str, Any]], Mapping[str, Any]]


class Versions:
    """The ranges of all cells, asked for when they are needed.

    :param names: of all cells, home first
    :param ask: asks cells for their version documents, for a request:
        names -> documents, of those that have answered
    :param clock: seconds, as :func:`time.monotonic`
    """

    def __init__(
        self,
        names: Iterable[str],
        ask: Ask,
        clock: Callable[[], float],
    ) -> None:
        self._ask, self._clock = ask, clock
        self._known: dict[str, Range] = {}
        self._documents: dict[str, Any] = {}
        self._due = dict.fromkeys(names, -KEPT)
        self._lock = threading.Lock()

    @property
    def known(self) -> Mapping[str, Range]:
        """The ranges that are known, by cell."""
        return dict(self._known)

    def forget(self, names: Iterable[str]) -> None:
        """Ask these anew: they have answered 406."""
        with self._lock:
            self._due.update(dict.fromkeys(names, -KEPT))

    def document(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        """The version document of the first cell, with what all have.

        :raises Unavailable: as of :meth:`common`
        """
        known = self.common(environ)
        first = next(name for name in self._due if name in self._documents)
        shown: dict[str, Any] = self._documents[first]["version"]
        return shown | {
            "version": str(known.most),
            "min_version": str(known.least),
        }

    def common(self, environ: Mapping[str, Any]) -> Range:
        """What all cells have.

        :param environ: of the request for which cells may be asked
        :raises Unavailable: none has answered
        """
        self._refresh(environ)
        if not self._known:
            raise exceptions.Unavailable(
                "No cell has answered which microversions it has."
            )
        first, *others = [n for n in self._due if n in self._known]
        found = self._known[first]
        for name in others:
            both = common([found, self._known[name]])
            if both is None:
                LOG.warning(
                    "Cell %s has no microversion in common with %s and others",
                    name,
                    first,
                )
            found = both or found
        return found

    def _refresh(self, environ: Mapping[str, Any]) -> None:
        """Ask the cells that are due; one thread does, others go on."""
        now = self._clock()
        due = [name for name, at in self._due.items() if at <= now]
        if not due or not self._lock.acquire(blocking=not self._known):
            return
        try:
            due = [name for name, at in self._due.items() if at <= now]
            found = self._ask(due, environ) if due else {}
            for name in due:
                known = of_document(found.get(name))
                if known:
                    self._known[name] = known
                    self._documents[name] = found[name]
                self._due[name] = now + (KEPT if known else AGAIN)
        finally:
            self._lock.release()
