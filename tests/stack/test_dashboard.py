"""The dashboard in a real browser.

Its pictures in the manual are made here, in the folder that ``SCREENSHOTS``
names::

    SCREENSHOTS=docs/_static tox -e stack -- -k dashboard
"""

import contextlib
import os
import threading
from pathlib import Path
from urllib import parse
from wsgiref import simple_server

import pytest

from tests.stack import browser, keystone, mariadb, ports, site
from tests.stack.processes import Processes
from tests.stack.site import BIN, USERS
from tests.stack.waiting import listens
from tests.unit.recovery import history
from waffles.recovery.model import Phase, State

PHONE = (360, 780)
DESK = (1100, 800)

EVIL = '<script>document.title = "evil"</script><img src=x onerror=alert(1)>'

NO_LOG_IN = "dashboard_auth = none"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser.running(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def window(chromium):
    """A window on a desk; no page of another test has left anything."""
    chromium.driver.delete_all_cookies()
    chromium.open("about:blank")
    chromium.resize(*DESK)
    chromium.prefer("light")
    assert chromium.complaints is not None
    return chromium


@pytest.fixture
def rows(tmp_path):
    found = history.opened(tmp_path / "recovery.db")
    yield found
    found.close()


@pytest.fixture
def serve(tmp_path, rows):
    """Start ``waffles dashboard`` on the store; gives its address."""
    port = ports.free(["dashboard"])["dashboard"]
    conf, url = tmp_path / "waffles.conf", f"http://127.0.0.1:{port}"
    processes = Processes(tmp_path, os.environ)

    def serve(*options, access=""):
        conf.write_text(
            "[waffles_recovery]\n"
            f"connection = sqlite:///{tmp_path}/recovery.db\n"
            f"dashboard_address = 127.0.0.1:{port}\n"
            + "\n".join(options)
            + f"\n[waffles]\n{access}"
        )
        command = [BIN / "waffles", "dashboard", "--config-file", conf]
        processes.serve("dashboard", command, lambda: listens(port))
        return url

    yield serve
    processes.close()


def test_a_page_loads_without_a_complaint(window, serve, rows):
    history.night(rows)
    url = serve(NO_LOG_IN)
    window.open(url)
    assert window.driver.title == (
        "2 to look at, 1 under way · waffles recovery"
    )
    assert "threshold:cloud: holds" in window.text
    window.click("compute-7")
    assert window.shows("24 servers: 4 watching")
    window.click("skipped 6")
    assert window.shows("Servers 1 to 6 of 6")

    assert window.complaints == []


def test_the_style_is_applied(window, serve):
    window.open(serve(NO_LOG_IN))
    colour = "getComputedStyle(document.body).backgroundColor"
    light = window.asks(colour)
    window.prefer("dark")
    dark = window.asks(colour)

    assert light == "rgb(246, 245, 242)"
    assert dark == "rgb(22, 21, 19)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_all_without_moving_sideways(
    window, serve, rows, scheme
):
    history.night(rows)
    long = "a-name-without-any-end" * 9
    history.recovery(
        rows,
        long,
        history.server(long, State.FAILED, reason=long, destination=long),
        phase=Phase.FAILED,
        note=long,
    )
    window.resize(*PHONE)
    window.prefer(scheme)
    url = serve(NO_LOG_IN)
    one = rows.latest(long)
    for path in ("/", f"/recoveries/{one.id}", "/none"):
        window.open(url + path)
        width = window.asks("document.documentElement.scrollWidth")

        assert width == window.asks("innerWidth") == PHONE[0]


def test_a_change_is_seen_without_a_hand(window, serve, rows):
    window.open(serve(NO_LOG_IN, "dashboard_refresh = 1"))
    assert "compute-1" not in window.text
    history.recovery(rows, "compute-1", phase=Phase.RUNNING)

    assert window.shows("compute-1")
    assert "1 under way" in window.driver.title


def test_who_reads_stays_where_he_is(window, serve, rows):
    """The page comes anew, and neither its place nor its filter is lost."""
    history.night(rows)
    one = rows.latest("compute-7")
    url = serve(NO_LOG_IN, "dashboard_refresh = 1")
    window.open(f"{url}/recoveries/{one.id}?state=recovered")
    window.driver.execute_script("scrollTo(0, 300); window.seen = true")
    rows.pause(one.id, "ann", "wait for me")

    assert window.shows("wait for me")
    assert window.asks("window.seen") is None
    assert window.asks("scrollY") == 300
    assert "Servers 1 to 8 of 8" in window.text


def test_a_page_can_be_told_to_stay_as_it_is(window, serve, rows):
    window.open(serve(NO_LOG_IN, "dashboard_refresh = 1"))
    window.click("stop refreshing")
    assert window.shows("keep it fresh")
    before = window.asks("document.querySelector('time').dateTime")
    window.driver.execute_script("window.seen = true")
    history.declared(rows, "compute-1")
    # Longer than the page would have stayed.
    threading.Event().wait(2.5)

    assert window.asks("window.seen") is True
    assert window.asks("document.querySelector('time').dateTime") == before
    window.click("keep it fresh")
    assert window.shows("compute-1")


def test_what_a_stranger_has_named_does_nothing(window, serve, rows):
    history.declared(rows, "compute-1", evidence=EVIL, reason=EVIL)
    bad = history.server(EVIL, State.FAILED, reason=EVIL, destination=EVIL)
    history.worked(rows, bad, phase=Phase.FAILED, note=EVIL, zone=EVIL)
    url = serve(NO_LOG_IN)
    for path in ("/", f"/recoveries/{rows.latest('compute-1').id}"):
        window.open(url + path)
        title, found = window.driver.title, window.text

        assert "evil" not in title
        assert found.count(EVIL) >= 4
        assert window.asks("document.images.length") == 0
        assert window.asks("document.scripts.length") == 0
    assert window.complaints == []


def test_a_database_that_goes_and_comes_back_is_shown(
    window, serve, rows, tmp_path
):
    history.declared(rows, "compute-1")
    rows.close()
    file, aside = tmp_path / "recovery.db", tmp_path / "aside"
    file.rename(aside)
    file.mkdir()
    window.open(serve(NO_LOG_IN, "dashboard_refresh = 1"))
    assert "Nothing to show at the moment" in window.text
    file.rmdir()
    aside.rename(file)

    assert window.shows("compute-1")


def test_a_page_of_another_name_for_this_machine_sees_nothing(window, serve):
    """DNS rebinding: the name is another site's, the address is ours."""
    url = serve(NO_LOG_IN)
    port = parse.urlsplit(url).port
    # What ends with localhost is this machine to the browser.
    window.open(f"http://evil.localhost:{port}/")

    assert "only for localhost" in window.text


@pytest.fixture(scope="module")
def people():
    """A Keystone with the users of the cloud, and nothing else of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        with site.prepared() as place:
            mariadb.start(place)
            keystone.start(place)
            yield place


def enter(window, user, password):
    window.fill(User=user, Password=password, Project=USERS[user].project)
    window.press("Log in")


def test_operators_log_in_with_keystone(window, serve, rows, people):
    history.night(rows)
    url = serve(access=people.auth("waffles"))
    one = rows.latest("compute-7")
    window.open(f"{url}/recoveries/{one.id}?state=skipped")
    assert window.asks("location.pathname") == "/login"
    assert "compute-7" not in window.text
    assert window.complaints == []

    enter(window, "admin", "guess")
    assert window.shows("Keystone does not let you in with these.")
    assert window.labelled("User").get_attribute("value") == "admin"
    assert window.labelled("Password").get_attribute("value") == ""

    enter(window, "demo", USERS["demo"].password)
    why = "demo in project demo may not see all recoveries"
    assert window.shows(why)

    window.driver.get_log("browser")  # it tells of both refusals
    enter(window, "admin", USERS["admin"].password)
    assert window.shows("Servers 1 to 6 of 6")
    assert window.asks("location.search") == "?state=skipped"
    assert window.asks("document.cookie") == ""
    assert window.complaints == []

    window.press("Log out")
    assert window.shows("Log in with Keystone")
    window.open(url)
    assert window.asks("location.pathname") == "/login"
    window.driver.back()
    window.driver.refresh()
    assert "compute-7" not in window.text


@contextlib.contextmanager
def other_site(page):
    """A page of somebody else."""

    class Handler(simple_server.WSGIRequestHandler):
        def log_message(self, *args):
            pass

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html")])
        return [page.encode()]

    with simple_server.make_server(
        "127.0.0.1", 0, app, handler_class=Handler
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        # To a browser a site of its own, though the address is the same.
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_who_is_logged_in_stays_so_behind_a_link_of_a_chat(
    window, serve, rows, people
):
    history.night(rows)
    url = serve(access=people.auth("waffles"))
    window.open(url)
    enter(window, "admin", USERS["admin"].password)
    assert window.shows("Waiting for somebody")
    with other_site(f"<a href='{url}/?show=open'>look</a>") as elsewhere:
        window.open(elsewhere)
        window.click("look")

        assert window.shows("compute-7")


def test_a_form_of_another_site_logs_nobody_in(window, serve, rows, people):
    history.night(rows)
    url = serve(access=people.auth("waffles"))
    admin = USERS["admin"]
    form = (
        f"<form method=post action={url}/login>"
        f"<input name=user value=admin>"
        f"<input name=password value={admin.password}>"
        f"<input name=domain value=Default>"
        f"<input name=project value={admin.project}>"
        f"<button>Win</button></form>"
    )
    with other_site(form) as elsewhere:
        window.open(elsewhere)
        window.press("Win")
        assert window.shows("That form is not from this site.")
    window.open(url)

    assert window.asks("location.pathname") == "/login"


@pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="they are kept")
def test_the_manual_has_pictures(window, serve, rows):
    history.night(rows)
    folder = Path(os.environ["SCREENSHOTS"])
    url = serve(NO_LOG_IN)
    window.resize(1150, 880)
    window.open(f"{url}/?refresh=off")
    window.picture(folder / "dashboard.png")
    window.resize(*PHONE)
    window.open(f"{url}/?refresh=off")
    window.picture(folder / "dashboard-phone.png")
    for file in folder.glob("dashboard*.png"):
        assert file.stat().st_size < 150_000
