"""The pages of the dashboard, made of what the store has.

Everything that comes from outside (names of servers, evidence, errors of
webhooks) is text in them, never markup: Jinja2 escapes it.  No state is shown
by its colour alone.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

import jinja2

from waffles.recovery.dashboard import pages
from waffles.recovery.model import Recovery, Server
from waffles.recovery.store.store import Store

#: Recoveries on one page: those that are open, and those that are not.
OPEN, ENDED = 100, 30

#: Servers in the card of a recovery, and on its own page.
FEW, MANY = 25, 200

#: Lines of the log that are shown, and those that are when all are asked for.
LINES, MOST_LINES = 100, 20_000

#: What is served as it is.
FILES = {"/style.css": "text/css", "/icon.svg": "image/svg+xml"}

Query = Mapping[str, str]


class Page(NamedTuple):
    """What all pages have.

    :param root: the path at which the application is mounted
    :param refresh: seconds; 0 for never
    :param still: this page, and not refreshed
    :param moving: this page, and refreshed
    :param user: who is logged in
    :param now: as of when it is, by the store's clock
    """

    root: str
    refresh: int = 0
    still: str = ""
    moving: str = ""
    user: str = ""
    now: float | None = None


class Rows(NamedTuple):
    """The servers on one page; all is counted from 1."""

    shown: Sequence[Server]
    total: int
    page: int
    pages: int
    first: int
    last: int


class Screens:
    """Makes pages.

    :param silence: seconds after which an engine counts as silent
    """

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self.files = {path: _file(path[1:]) for path in FILES}
        self._templates = _templates(self.files["/style.css"])

    def home(self, page: Page, query: Query, store: Store) -> str:
        """All recoveries, what could not be told, and the engines."""
        show, host = query.get("show", ""), query.get("host", "")
        before = query.get("before", "")
        found: list[Recovery] = []
        ended: list[Recovery] = []
        if show != "ended":
            found = store.recoveries(limit=OPEN + 1, host=host, open=True)
        if show != "open":
            ended = store.recoveries(
                limit=ENDED, host=host, open=False, marker=before
            )
        cards = [
            pages.card(one, store.servers(one.id), FEW)
            for one in (*found[:OPEN], *ended)
        ]
        notices = store.undelivered(FEW + 1)
        engines = store.engines()
        since = (page.now or 0) - self._silence
        return self.made(
            "home.html",
            page=page,
            show=show,
            host=host,
            groups=pages.grouped(cards),
            older=ended[-1].id if len(ended) == ENDED else "",
            pause=store.pause_of_all(),
            engines=engines,
            alive={one.name for one in engines if one.seen_at > since},
            notices=notices[:FEW],
            left_out={
                "open recoveries": OPEN if len(found) > OPEN else 0,
                "notices": FEW if len(notices) > FEW else 0,
            },
        )

    def recovery(
        self, page: Page, query: Query, store: Store, recovery: Recovery
    ) -> str:
        """One recovery, with its servers and its log."""
        servers = store.servers(recovery.id)
        newest = store.lines(recovery.id)[::-1]
        most = MOST_LINES if query.get("log") == "all" else LINES
        return self.made(
            "recovery.html",
            page=page,
            recovery=recovery,
            counts=pages.counted(servers),
            state=query.get("state", ""),
            rows=rows(servers, query.get("state", ""), query.get("page", "")),
            lines=newest[:most],
            older=len(newest) - most,
        )

    def made(self, template: str, **values: Any) -> str:
        """A page of a template."""
        return self._templates.get_template(template).render(values)


def rows(servers: Sequence[Server], state: str, page: str) -> Rows:
    """The servers that one page shows.

    :param state: of those that are shown; empty for all
    :param page: its number; what is none is 1
    """
    found = [one for one in servers if state in ("", one.state)]
    found = pages.by_trouble(found)
    count = max(1, math.ceil(len(found) / MANY))
    number = min(max(1, _number(page)), count)
    first = MANY * (number - 1)
    shown = found[first : first + MANY]
    last = first + len(shown)
    return Rows(shown, len(found), number, count, first + 1, last)


def _number(text: str) -> int:
    # Of more digits Python makes no number.
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if is_number else 1


def _templates(style: bytes) -> jinja2.Environment:
    """All templates, compiled now; what they lack is an error."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("waffles.recovery.dashboard"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "bar": pages.bar,
        "clock": pages.clock,
        "iso": pages.iso,
        "kind": pages.kind,
        "length_of": pages.length,
        "mark": pages.mark,
        "number": pages.number,
        "summary": pages.summary,
        "why": pages.why,
    }
    made.globals["style"] = hashlib.sha256(style).hexdigest()[:12]
    for name in made.list_templates(["html"]):
        made.get_template(name)
    return made


def _file(name: str) -> bytes:
    folder = resources.files("waffles.recovery.dashboard") / "templates"
    return (folder / name).read_bytes()
