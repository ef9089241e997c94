import re
import time
from urllib import parse

import pytest

from tests.unit.recovery import history
from tests.unit.recovery.dashboard.test_door import MEMBER, FakeKeystone
from tests.unit.recovery.dashboards import FORM, locked, log_in
from waffles import exceptions
from waffles.clients.login import Denied
from waffles.recovery.dashboard import door
from waffles.recovery.dashboard.attempts import FAILURES


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Some of everything; to be looked at, not touched."""
    found = history.opened(tmp_path_factory.mktemp("store") / "recovery.db")
    history.night(found)
    yield found
    found.close()


@pytest.fixture
def keystone():
    return FakeKeystone(until=time.time() + 600)


@pytest.fixture
def app(store, keystone):
    """The dashboard with a log-in."""
    return locked(store, keystone)


@pytest.mark.parametrize("path", ["/", "/?show=open", "/recoveries/1", "/x"])
def test_who_has_not_logged_in_is_sent_to_the_log_in(app, path):
    response = app.get(path, status=303)

    assert "compute-" not in response
    assert response.location.startswith("/login?next=")


def test_behind_the_log_in_is_what_was_asked_for(app, store, keystone):
    one = store.latest("compute-7")
    form = app.get(f"/recoveries/{one.id}?state=skipped").follow().form
    for name, value in FORM.items():
        form[name] = value
    page = form.submit(status=303).follow()

    assert page.request.path_qs == f"/recoveries/{one.id}?state=skipped"
    assert "compute-7" in page
    assert "ann" in page
    assert keystone.came == ["ann"]


def test_the_cookie_is_for_this_site_only_and_ends(app):
    cookie = log_in(app, status=303).headers["Set-Cookie"]

    name, *parts = cookie.split("; ")
    assert name.startswith("waffles_recovery=ey")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(parts)
    assert "secure" not in cookie.lower()
    assert 590 <= int(re.search("Max-Age=([0-9]+)", cookie)[1]) <= 600


@pytest.mark.parametrize(
    "environ",
    [{"wsgi.url_scheme": "https"}, {"HTTP_X_FORWARDED_PROTO": "HTTPS"}],
    ids=["itself", "a proxy"],
)
def test_behind_tls_the_cookie_is_not_sent_without(app, environ):
    cookie = log_in(app, extra_environ=environ).headers["Set-Cookie"]

    assert "; secure" in cookie


def test_who_logs_out_is_out(app):
    log_in(app)
    assert "Waiting for somebody" in app.get("/")
    app.get("/").form.submit(status=303)

    app.get("/", status=303)


def test_a_get_logs_nobody_out(app):
    log_in(app)
    app.get("/logout", status=404)

    app.get("/", status=200)


def test_a_session_ends_when_keystones_token_would(app, keystone):
    keystone.until = time.time() - 1
    log_in(app)

    app.get("/", status=303)


def test_a_wrong_password_shows_the_form_again_without_it(app, keystone):
    keystone.error = Denied()
    response = log_in(app, status=403)

    assert "Keystone does not let you in" in response
    assert response.form["user"].value == "ann"
    assert response.form["password"].value == ""
    assert "s3cret" not in response
    assert "Set-Cookie" not in response.headers


def test_the_form_leads_on_after_a_failure(app, keystone, store):
    one = store.latest("compute-7")
    keystone.error = Denied()
    form = app.get(f"/recoveries/{one.id}").follow().form
    form = form.submit(status=403).form
    keystone.error = None

    assert form.submit(status=303).location.endswith(f"/recoveries/{one.id}")


def test_who_guesses_has_to_wait(app, keystone):
    keystone.error = Denied()
    for _ in range(FAILURES):
        log_in(app, status=403)
    response = log_in(app, status=429)

    assert int(response.headers["Retry-After"]) > 50
    assert "try again in" in response


def test_that_keystone_is_away_is_told(app, keystone):
    keystone.error = exceptions.Unavailable("Keystone could not be asked")

    assert "could not be asked" in log_in(app, status=503)


def test_who_may_not_see_recoveries_gets_no_cookie(app, keystone):
    keystone.caller = MEMBER
    response = log_in(app, status=403)

    assert "bob in project red may not see all recoveries" in response
    assert "Set-Cookie" not in response.headers


def test_a_form_of_another_site_logs_nobody_in(app, keystone):
    app.post(
        "/login", FORM, {"Origin": "https://evil.example.com"}, status=403
    )

    assert not keystone.came


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/?show=open", "/?show=open"),
        ("//evil.example.com", "/"),
        ("/?a=b\r\nSet-Cookie: x", "/"),
    ],
)
def test_the_log_in_leads_to_pages_of_ours_only(app, asked, page):
    path = f"/login?next={parse.quote(asked, safe='')}"

    assert app.post(path, FORM, status=303).location == page


def test_a_link_from_elsewhere_finds_who_is_logged_in(app):
    """The browser sends no cookie with it, but with what follows."""
    abroad = {"Sec-Fetch-Site": "cross-site"}
    first = app.get("/?show=open", headers=abroad, status=200)
    assert "compute-" not in first
    (there,) = re.findall('content="0; url=([^"]+)"', first.text)
    assert there == "/?show=open&amp;again=1"

    app.get("/?show=open&again=1", headers=abroad, status=303)
    log_in(app)
    assert "compute-3" in app.get("/?show=open&again=1")


def test_it_may_be_mounted_below_a_path(app):
    below = {"SCRIPT_NAME": "/ops"}
    to_login = app.get("/", extra_environ=below, status=303)
    assert to_login.location == "/ops/login?next=%2F"
    entered = app.post("/login", FORM, extra_environ=below, status=303)

    assert entered.location == "/ops/"
    assert "Path=/ops;" in entered.headers["Set-Cookie"]


@pytest.mark.parametrize("cookie", ["x", "x.y", "é", '"', "a" * 9000])
def test_a_cookie_of_anybody_else_is_nobodys(app, cookie):
    app.get("/", headers={"Cookie": f"{door.COOKIE}={cookie}"}, status=303)
