"""Lists by pages, as Nova has them: limit, marker, and a link to the next."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from waffles import exceptions

T = TypeVar("T")


class Page(NamedTuple):
    """A part of a list.

    :param limit: how many there are on it, at the most
    :param marker: the last one of the page before; empty for the first
    """

    limit: int
    marker: str = ""

    @property
    def wanted(self) -> int:
        """How many to look for: one more tells that there is a next page."""
        return self.limit + 1


def page(query: Mapping[str, str], most: int) -> Page:
    """The page that is asked for.

    :param most: what its limit is, unless it is to be lower
    :raises Malformed: the limit is no number
    """
    text = query.get("limit", str(most))
    if not (text.isascii() and text.isdecimal()):
        raise exceptions.Malformed(
            "Invalid input for query parameter limit: it must be a number of"
            " 0 or more."
        )
    # Python does not read numbers of thousands of digits.
    limit = most if len(text) > 9 else min(int(text), most)
    return Page(limit, query.get("marker", ""))


def answer(
    name: str,
    found: Sequence[T],
    page: Page,
    show: Callable[[T], dict[str, Any]],
    after: Callable[[T], str],
) -> dict[str, Any]:
    """A page as JSON, with a link to the next where there is one.

    :param found: what was looked for: up to :attr:`Page.wanted`
    :param after: the address of the page behind an item
    """
    shown = found[: page.limit]
    body: dict[str, Any] = {name: [show(one) for one in shown]}
    if shown and len(found) > len(shown):
        link = {"rel": "next", "href": after(shown[-1])}
        body[f"{name}_links"] = [link]
    return body
