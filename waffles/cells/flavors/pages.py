"""All flavors of all cells, asked for page by page.

A marker is sent to the cell only that gave it: elsewhere the same flavor has
another place.  The next page of each cell is asked for at the same time.

Home is asked in the order that the client wants, the others by id.  Of a list
of several pages Nova leaves flavors out where it sorts by what may be null
(``description``, ``updated_at``, …), so that such a list of home is read once
more, by id.
"""

from typing import Any

from waffles.cells.asking import partial, reading
from waffles.cells.asking.call import Call
from waffles.cells.asking.merge import is_flavor
from waffles.cells.flavors.lists import Listing
from waffles.cells.model import Cell, Reply
from waffles.clients.cell import Outcome

PATH = "/flavors/detail"
KEY = "flavors"

#: The most pages of one cell; with Nova's default, 100,000 flavors.
MOST_PAGES = 100


class Book:
    """The list of one cell, page after page.

    :param query: for its pages, but for marker and order
    :param sort_key: of its order; its own key of a flavor is the id
    """

    def __init__(
        self, cell: Cell, query: dict[str, str], sort_key: str
    ) -> None:
        self.cell = cell
        self.records: dict[str, dict[str, Any]] = {}
        self.outcome: Outcome | None = None
        #: What is to be asked next; None at the end.
        self.next: dict[str, str] | None = query
        self._by_id, self._is_sorted = query, sort_key != "flavorid"
        if self._is_sorted:
            self.next = {**query, "sort_key": sort_key}
        self._seen: set[str] = set()
        self._pages, self._seconds = 0, 0.0

    def take(self, outcome: Outcome) -> None:
        """Take the page that was asked for."""
        asked, self.next = self.next or {}, None
        first = self.outcome is None
        self.outcome = outcome = partial.listed(outcome, KEY)
        if not partial.is_good(outcome):
            if not first:
                self._break(outcome, "has not given the rest of its list")
            return
        page = partial.records(outcome, KEY) or []
        new = {one["id"]: one for one in page if self._is_new(one)}
        for flavor_id, record in new.items():
            self.records.setdefault(flavor_id, record)
        self._seen |= new.keys()
        self._pages += 1
        self._seconds += outcome.seconds
        if page and outcome.json.get(f"{KEY}_links"):
            self._go_on(outcome, asked, page[-1].get("id"), bool(new))
        elif self._is_sorted and self._pages > 1:
            self.next, self._is_sorted = self._by_id, False
            self._seen.clear()

    def _is_new(self, record: dict[str, Any]) -> bool:
        return is_flavor(record) and record["id"] not in self._seen

    def _go_on(
        self, outcome: Outcome, asked: dict[str, str], last: Any, is_new: bool
    ) -> None:
        if not is_new or not isinstance(last, str):
            self._break(outcome, "gives a page again and again")
        elif self._pages >= MOST_PAGES:
            self._break(outcome, f"has more than {MOST_PAGES} pages")
        elif self._seconds > self.cell.timeout:
            self._break(outcome, "takes too long for its list")
        else:
            self.next = {**asked, "marker": last}

    def _break(self, outcome: Outcome, why: str) -> None:
        self.outcome = partial.broken(outcome, why)


def everything(
    call: Call, listing: Listing
) -> dict[str, list[dict[str, Any]]] | Reply:
    """The flavors of each cell, by its name; or the answer to the client.

    Those of home are as it sorts them, ascending.

    :raises Unavailable: too much is missing
    """
    home, *others = call.cells()
    books = [
        Book(home, listing.asked, listing.key),
        *(Book(cell, listing.asked, "flavorid") for cell in others),
    ]
    while questions := {
        book.cell.name: call.question(
            "GET", PATH, tuple(book.next.items()), None
        )
        for book in books
        if book.next is not None
    }:
        asked = call.put(questions)
        for book in books:
            if book.cell.name in asked:
                book.take(asked[book.cell.name])
    known = {book.cell.name: book for book in books}
    outcomes = {
        name: one.outcome for name, one in known.items() if one.outcome
    }
    found = reading.settled(call, outcomes)
    if isinstance(found, Reply):
        return found
    return {one.cell: list(known[one.cell].records.values()) for one in found}
