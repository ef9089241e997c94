import logging
import os
import time

import pytest
import webtest
from paste import deploy

from tests.unit.recovery import dashboards, history
from tests.unit.recovery.dashboard.test_door import ADMIN, MEMBER, FakeKeystone
from waffles import exceptions
from waffles.recovery import options
from waffles.recovery.dashboard import door
from waffles.recovery.dashboard.app import HEADERS, SILENT
from waffles.recovery.dashboard.sessions import Sessions
from waffles.recovery.model import Phase
from waffles.recovery.store import presence


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Some of everything; to be looked at, not touched."""
    found = history.opened(tmp_path_factory.mktemp("store") / "recovery.db")
    history.night(found)
    yield found
    found.close()


@pytest.fixture
def open_app(store):
    """The dashboard for whoever is on this machine."""
    return dashboards.unlocked(store)


def raising(error):
    def raising():
        raise error

    return raising


def away(error):
    """One without a store."""
    return dashboards.of(raising(error))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/?show=open", 200),
        ("/style.css", 200),
        ("/icon.svg", 200),
        ("/login", 404),
        ("/logout", 404),
        ("/recoveries/none", 404),
        ("/recoveries/", 404),
        ("/recoveries/..%2f..%2fetc", 404),
        ("/favicon.ico", 404),
        ("/templates/base.html", 404),
        ("/%ff", 404),
        ("/?show=%ff&before=%00", 400),
        ("/?before=none", 400),
        ("/?host=%ff%00", 200),
    ],
)
def test_what_there_is_is_shown_and_nothing_else(open_app, path, status):
    response = open_app.get(path, expect_errors=True)

    assert response.status_int == status
    for name, value in HEADERS.items():
        if name != "Cache-Control":
            assert response.headers[name] == value


def test_nothing_may_run_or_be_framed():
    policy = HEADERS["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("path", "kept"), [("/", "no-store"), ("/style.css", "public")]
)
def test_only_what_is_everybodys_is_kept(open_app, path, kept):
    assert kept in open_app.get(path).headers["Cache-Control"]


def test_each_recovery_has_a_page(open_app, store):
    one = store.latest("compute-7")

    assert "kernel panic" in open_app.get("/").click(linkid=None, href=one.id)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/style.css", "/recoveries/1"])
def test_nothing_can_be_changed(open_app, method, path):
    response = open_app.request(path, method=method, expect_errors=True)

    assert response.status_int == 405
    assert response.allow == ("GET", "HEAD")


def test_a_head_is_a_get_without_a_body(open_app):
    response = open_app.head("/")

    assert response.status_int == 200
    assert response.body == b""


def test_pages_refresh_themselves_until_they_are_told_not_to(open_app):
    first = open_app.get("/?show=open")
    assert '<meta http-equiv="refresh" content="5">' in first
    still = first.click("stop refreshing")
    assert still.request.query_string == "show=open&refresh=off"
    assert "http-equiv" not in still
    moving = still.click("keep it fresh")
    assert moving.request.query_string == "show=open"
    assert "http-equiv" in moving


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"REMOTE_ADDR": "192.0.2.1"}, "only for localhost"),
        ({"HTTP_HOST": "evil.example.com"}, "only for localhost"),
        ({"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, "not through a proxy"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/style.css"])
def test_without_a_log_in_others_see_nothing(open_app, environ, why, path):
    response = open_app.get(path, extra_environ=environ, status=403)

    assert why in response
    assert "compute-" not in response


@pytest.mark.parametrize(
    "error",
    [
        exceptions.Unavailable("The database of recoveries gives no answer."),
        exceptions.ConfigError("run: waffles db upgrade"),
    ],
    ids=["away", "old"],
)
def test_without_the_database_it_says_so_and_tries_again(error):
    response = away(error).get("/", status=503)

    assert str(error) in response
    assert '<meta http-equiv="refresh" content="5">' in response


def test_a_page_that_does_not_refresh_does_not_begin_to():
    error = exceptions.Unavailable("away")
    response = away(error).get("/?refresh=off", status=503)

    assert "http-equiv" not in response


def test_a_bug_is_not_shown_to_strangers(caplog):
    response = away(KeyError("secret")).get("/", status=500)

    assert "secret" not in response
    assert "The log of the dashboard has the reason." in response
    assert "KeyError: 'secret'" in caplog.text


def test_who_may_no_more_is_told_so(store):
    app = dashboards.locked(store, FakeKeystone())
    cookie = Sessions(dashboards.SECRET).sealed(MEMBER, time.time() + 60)
    app.set_cookie(door.COOKIE, cookie)

    response = app.get("/", status=403)
    assert "may not see all recoveries" in response
    assert "compute-" not in response


SETTINGS = """\
[waffles_recovery]
connection = {connection}
{lines}
[waffles]
auth_type = password
auth_url = http://127.0.0.1:1/v3
username = waffles
password = other
"""


@pytest.fixture
def loaded(tmp_path):
    """The application that PasteDeploy makes of options."""

    def loaded(*lines, connection="sqlite:///{}/recovery.db"):
        conf, ini = tmp_path / "waffles.conf", tmp_path / "paste.ini"
        url, text = connection.format(tmp_path), "\n".join(lines)
        conf.write_text(SETTINGS.format(connection=url, lines=text))
        ini.write_text(
            f"[app:main]\nuse = egg:waffles#dashboard\nconfig_file = {conf}\n"
        )
        made = deploy.loadapp(f"config:{ini}")
        return webtest.TestApp(made, extra_environ=dashboards.HERE)

    return loaded


def test_it_is_an_application_of_pastedeploys(loaded):
    app = loaded("dashboard_auth = none", "dashboard_refresh = 7.4")
    response = app.get("/")

    assert "No engine is at work" in response
    assert 'content="7"' in response


def test_by_default_there_is_a_log_in(loaded):
    app = loaded()

    assert "Log in with Keystone" in app.get("/").follow()
    assert "could not be asked" in dashboards.log_in(app, status=503)


def test_processes_with_one_secret_know_each_others_sessions(loaded, tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(b"s" * 32)
    os.chmod(file, 0o600)
    cookie = Sessions(b"s" * 32).sealed(ADMIN, time.time() + 60)
    app = loaded(f"dashboard_secret_file = {file}")
    app.set_cookie(door.COOKIE, cookie)

    assert "Waiting for somebody" in app.get("/")


def test_a_secret_that_is_none_stops_the_start(loaded, tmp_path):
    why = r"\[waffles_recovery\] dashboard_secret_file: .*No such file"
    with pytest.raises(exceptions.ConfigError, match=why):
        loaded(f"dashboard_secret_file = {tmp_path}/none")


def test_a_database_that_is_none_stops_the_start(loaded):
    why = r"\[waffles_recovery\] connection: .*oracle"
    with pytest.raises(exceptions.ConfigError, match=why):
        loaded(connection="oracle://x")


def test_an_option_that_is_not_there_stops_the_start(loaded):
    with pytest.raises(exceptions.ConfigError, match="no such option"):
        loaded("dashbord_auth = none")


def test_a_change_of_the_store_is_on_the_next_page(tmp_path):
    rows = history.opened(tmp_path / "recovery.db")
    app = dashboards.unlocked(rows)
    assert "compute-1" not in app.get("/")
    history.recovery(rows, "compute-1", phase=Phase.DONE)

    assert "compute-1" in app.get("/")
    rows.close()


def test_what_cannot_be_shown_is_logged(caplog):
    caplog.set_level(logging.WARNING)
    away(exceptions.Unavailable("It is away.")).get("/", status=503)

    assert "It is away." in caplog.text


def test_the_options_are_those_of_the_group():
    names = {opt.dest for opt in options.OPTS}

    assert names > {"dashboard_auth", "dashboard_refresh"}
    assert presence.BEAT * 2 < SILENT
