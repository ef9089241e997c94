import html
import re

import pytest

from tests.unit.recovery import history
from waffles.recovery.dashboard import pages
from waffles.recovery.dashboard.screens import (
    FEW,
    LINES,
    MANY,
    Page,
    Screens,
    rows,
)
from waffles.recovery.model import (
    Gate,
    Line,
    Notice,
    Phase,
    Return,
    Server,
    State,
)

EVIL = "<script>alert('x')</script>\"'&"


@pytest.fixture(scope="module")
def screens():
    return Screens(30.0)


@pytest.fixture
def store(tmp_path):
    found = history.opened(tmp_path / "recovery.db")
    yield found
    found.close()


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Some of everything; to be looked at, not touched."""
    found = history.opened(tmp_path_factory.mktemp("night") / "recovery.db")
    history.night(found)
    yield found
    found.close()


@pytest.fixture
def home(screens):
    """The home page of a store: its text, or its markup."""

    def home(store, markup=False, **query):
        page = Page("", now=store.now())
        found = screens.home(page, query, store)
        return found if markup else _text(found)

    return home


@pytest.fixture
def shown(screens):
    """The page of the newest recovery of a host."""

    def shown(store, host, markup=False, **query):
        page = Page("", now=store.now())
        found = screens.recovery(page, query, store, store.latest(host))
        return found if markup else _text(found)

    return shown


def _text(markup):
    text = " ".join(html.unescape(re.sub("<[^>]*>", " ", markup)).split())
    return text.replace(" ,", ",")


def test_what_waits_for_somebody_comes_first(home, night):
    found = home(night)

    order = [found.index(f"{host} ") for host in
             ("compute-3", "compute-1", "compute-7", "compute-2")]  # fmt: skip
    assert order == sorted(order)
    assert "Waiting for somebody 2" in found
    assert "Under way 1" in found
    assert "Earlier 1" in found


@pytest.mark.parametrize(
    "told",
    [
        "compute-3 ! held",
        "held by threshold:cloud",
        "✗ threshold:cloud: holds 4 of 9 hosts of the cloud are down",
        "✓ scheduler: passed 2 of 2 nova-schedulers up",
        "declared dead by pacemaker,",
        "fenced yes, by ipmi, 20",
        "evidence IPMI: chassis power is off",
        "reason kernel panic",
        "13 servers: 1 stuck, 1 failed, 1 notifying, 7 recovered, 3 skipped",
        "✗ stuck automatic priority 500 migration 7 is accepted since 1800 s",
        "✗ failed automatic priority 500 No valid host was found; attempt 3;",
        "– skipped none nobody asks for it",
        "✓ recovered automatic priority 900 compute-9",
        "Notices not delivered 1",
        "server.custom webhook",
        "https://hooks.example.com answers 502",
        "engine-a controller-1 4711",
    ],
)
def test_the_home_page_tells(home, night, told):
    assert told in home(night)


def test_an_empty_store_is_shown(home, store):
    found = home(store)

    assert "Waiting for somebody 0 nothing" in found
    assert "No engine is at work." in found
    assert "none has been seen" in found


@pytest.mark.parametrize(
    ("show", "there", "absent"),
    [
        ("", {"compute-1", "compute-3", "compute-7"}, set()),
        ("open", {"compute-3", "compute-7"}, {"compute-1", "compute-2"}),
        ("ended", {"compute-1", "compute-2"}, {"compute-3", "compute-7"}),
    ],
)
def test_open_and_ended_ones_are_shown_alone(home, night, show, there, absent):
    found = home(night, markup=True, show=show)

    hosts = set(re.findall("<bdi>(compute-[0-9])</bdi></a>", found))
    assert hosts >= there
    assert not hosts & absent


def test_those_of_one_host_are_shown_alone(home, night):
    found = home(night, markup=True, host="compute-2")

    assert re.findall("<bdi>(compute-[0-9])</bdi></a>", found) == ["compute-2"]


def test_a_pause_of_all_is_told(home, store):
    store.set_pause("ann", "a firmware update", store.now() + 3600)
    assert "All recoveries are paused by ann since" in (found := home(store))
    assert "a firmware update" in found
    store.set_pause("ann", "for good", None)
    assert "until somebody lifts it: for good" in home(store)
    store.lift_pause("ann")
    assert "paused" not in home(store)


def test_an_engine_that_is_silent_is_told(screens, store):
    store.beat("engine-a", "controller-1", 4711)
    now = store.now()
    fresh = screens.home(Page("", now=now), {}, store)
    later = screens.home(Page("", now=now + 31), {}, store)

    assert "silent" not in fresh
    assert "No engine is at work" not in fresh
    assert "silent" in later
    assert "No engine is at work" in later


def test_a_gate_that_was_let_go_says_by_whom(home, store):
    history.recovery(store, "compute-1", phase=Phase.HELD,
                     gates=(history.SHUT,))  # fmt: skip
    store.release(store.latest("compute-1").id, "ann")

    assert "! threshold:cloud: let go" in (found := home(store))
    assert "(let go by ann )" in found


def test_what_nobody_vouches_for_is_told(home, store):
    history.declared(store, "compute-1", fenced=False)

    assert "fenced nobody says so" in home(store)


def test_a_dump_and_a_pause_are_told(home, store):
    made = history.declared(store, "compute-1", kdump=True)
    store.pause(made.id, "ann", "wait for me")

    assert "it may still be writing its memory" in (found := home(store))
    assert "Paused: Paused by ann: wait for me" in found


def test_a_host_on_its_way_back_is_told(home, store):
    history.recovery(store, "compute-1", phase=Phase.DONE,
                     returning=Return.WAITING)  # fmt: skip

    assert "host waiting" in home(store)


def test_of_many_servers_a_few_are_shown_and_the_way_to_all(home, store):
    history.recovery(
        store,
        "compute-1",
        *(history.server(f"web-{n}", State.QUEUED) for n in range(FEW)),
        history.server("last", State.FAILED),
    )
    found = home(store)

    assert "26 servers and the log" in found
    assert "last" in found
    assert f"web-{FEW - 1} " not in found


@pytest.mark.parametrize("many", [1, 2])
def test_that_some_are_left_out_is_told(home, store, monkeypatch, many):
    for name in ("OPEN", "FEW"):
        monkeypatch.setattr(f"waffles.recovery.dashboard.screens.{name}", 1)
    for n in range(many):
        history.declared(store, f"compute-{n}")
        notice = Notice("recovery.held", "webhook", {})
        history.worked(store, phase=Phase.HELD, notices=[notice])
    found = home(store)

    for what in ("open recoveries", "notices"):
        said = f"Only the newest 1 {what} are shown." in found
        assert said is (many > 1)
    assert "Waiting for somebody 1" in found
    assert "Notices not delivered 1" in found


def test_older_ones_are_on_pages_of_their_own(home, store, monkeypatch):
    monkeypatch.setattr("waffles.recovery.dashboard.screens.ENDED", 2)
    for host in ("compute-1", "compute-2", "compute-3"):
        history.recovery(store, host, phase=Phase.DONE)
    found = home(store, markup=True)
    (before,) = re.findall(r'href="/\?show=ended&amp;before=([^"]+)"', found)

    assert before == store.latest("compute-2").id
    older = home(store, show="ended", before=before)
    assert "compute-1" in older
    assert "compute-2" not in older


@pytest.mark.parametrize(
    "told",
    [
        "compute-7 ▸ running",
        "compute service 11111111-2222-4333-8444-555555555555, zone nova,"
        " disabled by us",
        "its way back down",
        "carried out by engine-a",
        "request req-1",
        "Servers 24",
        "Servers 1 to 24 of 24",
        "evacuate web-0 is on compute-9",
        "forced-down Nova has forced compute-7 down req-2",
    ],
)
def test_the_page_of_a_recovery_tells(shown, night, told):
    assert told in shown(night, "compute-7")


def test_the_end_of_a_recovery_is_told(shown, store):
    history.recovery(store, "compute-1", phase=Phase.DONE,
                     returning=Return.RETURNED, return_at=0.0)  # fmt: skip
    found = shown(store, "compute-1")

    assert re.search("ended [-0-9]+ [:0-9]+, after 0 s", found)
    assert "its way back returned since 1970-01-01 00:00:00" in found
    assert "not judged yet" in found


def test_servers_of_one_state_are_shown_alone(shown, night):
    found = shown(night, "compute-7", state="skipped")

    assert "lab-0" in found
    assert "web-0 " not in found.partition("Log")[0]
    assert "Servers 1 to 6 of 6" in found
    assert "recovered 8" in found
    assert "none" in shown(night, "compute-7", state="stuck")


def test_the_log_begins_with_the_newest_line(shown, store):
    history.declared(store, "compute-1")
    history.worked(
        store, lines=[Line("note", f"line {n} of many") for n in range(LINES)]
    )
    found = shown(store, "compute-1")

    assert found.index("line 99 of many") < found.index("line 98 of many")
    assert "1 older line" in found
    assert "pacemaker says that" not in found
    assert "pacemaker says that" in shown(store, "compute-1", log="all")


@pytest.mark.parametrize("page", ["home", "recovery"])
def test_what_strangers_say_is_text(screens, store, page):
    """Names, evidence, reasons, errors: nothing of it is markup."""
    made = history.declared(
        store, "compute-1", fenced_by=EVIL, evidence=EVIL, reason=EVIL
    )
    bad = history.server(EVIL, State.FAILED, reason=EVIL, destination=EVIL)
    history.worked(
        store,
        bad,
        gates=(Gate(EVIL, False, EVIL),),
        note=EVIL,
        zone=EVIL,
        phase=Phase.HELD,
        lines=[Line(EVIL, EVIL, EVIL[:36], EVIL)],
        notices=[Notice(EVIL, EVIL, {})],
    )
    (notice,) = store.due("engine-a", 1, 1.0)
    store.failed(notice.key, EVIL, None)
    store.release(made.id, EVIL)
    store.pause(made.id, EVIL, EVIL)
    store.set_pause(EVIL, EVIL, None)
    store.beat(EVIL, EVIL, 1)
    seen = Page("", now=store.now(), user=EVIL)
    made = store.recovery(made.id)
    found = {
        "home": lambda: screens.home(seen, {"host": "", "show": EVIL}, store),
        "recovery": lambda: screens.recovery(
            seen, {"state": EVIL, "page": EVIL, "log": EVIL}, store, made
        ),
    }[page]()

    assert "<script" not in found
    assert found.count("&lt;script&gt;") > 8
    # Neither does it end an attribute that it stands in.
    assert "alert('x')" not in found


def test_a_form_keeps_what_was_typed_but_the_password(screens):
    from waffles.clients.login import Credentials

    found = screens.made(
        "login.html",
        page=Page("/ops"),
        message=EVIL,
        given=Credentials(EVIL, "s3cret", EVIL, EVIL),
        next=f"/?{EVIL}",
    )

    assert "<script" not in found
    assert "s3cret" not in found
    assert found.count("&lt;script&gt;") == 4
    assert 'action="/ops/login?next=/%3F%3Cscript%3E' in found


def test_no_page_has_a_script_or_a_style_of_its_own(home, shown, night):
    """The content security policy would not let them run."""
    for found in (
        home(night, markup=True),
        shown(night, "compute-7", markup=True),
    ):
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=", found)


def test_what_looks_like_a_table_is_one(home, shown, night):
    """On a phone rows are cards; the roles keep what they are."""
    for found in (
        home(night, markup=True),
        shown(night, "compute-1", markup=True),
    ):
        assert found.count('<table role="table"') == found.count("<caption>")
        for tag, role in (("tr", "row"), ("td", "cell")):
            opened = re.findall(rf"<{tag}\b[^>]*>", found)
            assert all(f'role="{role}"' in one for one in opened)
        assert '<th role="columnheader" scope="col">' in found
        labels = re.findall('aria-labelledby="([^"]+)"', found)
        assert all(f'id="{label}"' in found for label in labels)


def test_links_lead_below_the_path_where_it_is_mounted(screens, night):
    page = Page("/ops", still="/ops/?refresh=off", now=night.now(), user="ann")
    one = night.latest("compute-7")
    for found in (
        screens.home(page, {}, night),
        screens.recovery(page, {}, night, one),
    ):
        links = re.findall('(?:href|action)="([^"]+)"', found)
        assert len(links) > 6
        assert all(link.startswith("/ops/") for link in links)


def _servers(many):
    return [Server(str(n), state=State.RECOVERED) for n in range(many)]


@pytest.mark.parametrize(
    ("many", "page", "number", "first", "last"),
    [
        (0, "", 1, 1, 0),
        (1, "1", 1, 1, 1),
        (MANY, "2", 1, 1, MANY),
        (MANY + 1, "", 1, 1, MANY),
        (MANY + 1, "2", 2, MANY + 1, MANY + 1),
        (MANY + 1, "99", 2, MANY + 1, MANY + 1),
        (1, "0", 1, 1, 1),
        (1, "-1", 1, 1, 1),
        (1, "²", 1, 1, 1),
        (1, "9" * 5000, 1, 1, 1),
        (1, "x", 1, 1, 1),
    ],
)
def test_servers_are_shown_by_pages(many, page, number, first, last):
    found = rows(_servers(many), "", page)

    assert (found.page, found.first, found.last) == (number, first, last)
    assert found.total == many
    assert len(found.shown) == last - first + 1


def test_pages_of_servers_lead_to_each_other(shown, store):
    history.recovery(
        store,
        "compute-1",
        *(history.server(f"web-{n}") for n in range(MANY + 1)),
    )
    first, second = (
        shown(store, "compute-1", markup=True, page=page) for page in "12"
    )

    assert "page=2#servers" in first
    assert 'rel="prev"' not in first
    assert "page=1#servers" in second
    assert 'rel="next"' not in second


def test_the_address_of_the_style_changes_with_it(screens):
    """Browsers keep it for a day."""
    found = screens.made("again.html", here="/")
    assert "style.css" not in found
    style = screens.files["/style.css"].decode()
    for kind in pages.MARKS:
        assert f".chip.{kind}" in style


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", sorted(pages.MARKS))
def test_words_can_be_told_from_what_is_behind_them(screens, scheme, kind):
    """The contrast that WCAG 2 asks for at level AA."""
    light, dark = re.findall(r":root \{(.*?)\}", screens.files[
        "/style.css"].decode(), re.DOTALL)  # fmt: skip
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", {
        "light": light, "dark": dark}[scheme]))  # fmt: skip
    front = colours["faint" if kind == "left" else kind]

    assert _contrast(front, colours[f"{kind}-soft"]) >= 4.5
    for plain in ("text", "faint", "link"):
        for back in ("page", "card"):
            assert _contrast(colours[plain], colours[back]) >= 4.5


def _contrast(one, other):
    def luminance(colour):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [
            part / 12.92
            if part <= 0.04045
            else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        ]
        return sum(
            part * weight
            for part, weight in zip(
                linear, (0.2126, 0.7152, 0.0722), strict=True
            )
        )

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)
