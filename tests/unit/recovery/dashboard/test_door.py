import logging

import pytest
import webob

from waffles import config, exceptions
from waffles.caller import Caller
from waffles.clients.login import Credentials, Denied, Visit
from waffles.recovery import rules
from waffles.recovery.dashboard import door
from waffles.recovery.dashboard.attempts import FAILURES, Attempts
from waffles.recovery.dashboard.door import Keystone, Loopback, Turned
from waffles.recovery.dashboard.sessions import Sessions

ADMIN = Caller(
    user_name="ann", project_id="red-id", project_name="red", roles=("admin",)
)
MEMBER = Caller(
    user_name="bob", project_id="red-id", project_name="red", roles=("member",)
)
GIVEN = Credentials("ann", "s3cret", "Default", "red")


class FakeKeystone:
    """Lets in whom it is told; records who came."""

    def __init__(self, caller=ADMIN, until=2000.0):
        self.caller, self.until, self.came = caller, until, []
        self.error = None

    def __call__(self, given):
        self.came.append(given.user)
        if self.error:
            raise self.error
        return Visit(self.caller, self.until)


@pytest.fixture
def keystone():
    return FakeKeystone()


@pytest.fixture
def made(keystone, tmp_path):
    """Make a door; overrides of rules are lines of YAML."""

    def made(*overrides):
        file, policy = tmp_path / "waffles.conf", tmp_path / "policy.yaml"
        policy.write_text("\n".join(overrides) or "{}")
        file.write_text(f"[oslo_policy]\npolicy_file = {policy}\n")
        return Keystone(
            keystone,
            Sessions(b"s" * 32),
            Attempts(),
            rules.guard(config.read([str(file)])),
            clock=lambda: 1000.0,
        )

    return made


def ask(cookie="", **headers):
    request = webob.Request.blank("/", remote_addr="192.0.2.1")
    request.headers.update(headers)
    if cookie:
        request.headers["Cookie"] = f"{door.COOKIE}={cookie}"
    return request


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1", "127.0.0.1:8790"),
        ("127.0.0.1", "localhost"),
        ("127.8.8.8", "LOCALHOST:8790"),
        ("::1", "[::1]:8790"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
    ],
)
def test_who_is_on_this_machine_comes_in_without_a_log_in(address, host):
    request = webob.Request.blank("/", remote_addr=address)
    request.host = host

    Loopback().guard(request)
    assert Loopback().visitor(request) == Caller()


@pytest.mark.parametrize(
    ("address", "host", "headers"),
    [
        ("192.0.2.1", "localhost", {}),
        ("::ffff:192.0.2.1", "localhost", {}),
        ("", "localhost", {}),
        ("/run/socket", "localhost", {}),
        ("127.0.0.1", "evil.example.com", {}),
        ("127.0.0.1", "127.0.0.1.evil.example.com:8790", {}),
        ("127.0.0.1", "localhost@evil.example.com", {}),
        ("127.0.0.1", "evil.example.com@localhost", {}),
        ("127.0.0.1", "localhost.", {}),
        ("127.0.0.1", "[::", {}),
        ("127.0.0.1", "", {}),
        ("127.0.0.1", "localhost", {"X-Forwarded-For": "192.0.2.1"}),
        ("127.0.0.1", "localhost", {"Forwarded": "for=192.0.2.1"}),
        ("127.0.0.1", "localhost", {"X-Real-IP": "192.0.2.1"}),
        ("127.0.0.1", "localhost", {"Via": "1.1 proxy"}),
    ],
    ids=[
        "another machine",
        "another by IPv6",
        "nowhere",
        "a socket",
        "rebinding",
        "an address as a name",
        "a name as a user",
        "a user",
        "a dot",
        "no name",
        "empty name",
        "proxy",
        "proxy by standard",
        "nginx",
        "any proxy",
    ],
)
def test_without_a_log_in_nobody_else_comes_in(address, host, headers):
    request = webob.Request.blank("/", remote_addr=address)
    request.host = host
    request.headers.update(headers)

    with pytest.raises(Turned, match="There is no log-in here") as caught:
        Loopback().guard(request)
    assert caught.value.status == 403


def test_on_loopback_nobody_logs_in():
    with pytest.raises(Turned) as caught:
        Loopback().enter(GIVEN, "127.0.0.1")
    assert caught.value.status == 404


def test_who_has_logged_in_is_known_by_the_cookie(made):
    entry = made().enter(GIVEN, "192.0.2.1")

    assert entry.seconds == 1000
    assert made().visitor(ask(entry.cookie)) == ADMIN


@pytest.mark.parametrize("cookie", ["", "x", "x.y", "é"])
def test_without_a_cookie_of_ours_nobody_is_known(made, cookie):
    assert made().visitor(ask(cookie)) is None


def test_who_may_not_see_all_does_not_come_in(made, keystone):
    keystone.caller = MEMBER

    with pytest.raises(Turned, match="bob in project red may not see") as got:
        made().enter(GIVEN, "192.0.2.1")
    assert got.value.status == 403


def test_who_may_do_so_no_more_is_turned_away(made):
    cookie = made().enter(GIVEN, "192.0.2.1").cookie
    rule = '"waffles:recovery:log": "role:operator"'

    with pytest.raises(Turned, match="may not see all"):
        made(rule).visitor(ask(cookie))


@pytest.mark.parametrize("rule", ["list", "show", "servers", "log"])
def test_each_rule_counts(made, rule):
    with pytest.raises(Turned, match="may not see all"):
        made(f'"waffles:recovery:{rule}": "!"').enter(GIVEN, "192.0.2.1")


def test_others_may_be_let_in_by_the_rules(made, keystone):
    keystone.caller = MEMBER
    overrides = [
        f'"waffles:recovery:{rule}": "role:member"'
        for rule in ("list", "show", "servers", "log")
    ]

    assert made(*overrides).enter(GIVEN, "192.0.2.1").cookie


def test_who_guesses_has_to_wait(made, keystone):
    entrance, keystone.error = made(), Denied()
    for _ in range(FAILURES):
        with pytest.raises(Denied):
            entrance.enter(GIVEN, "192.0.2.1")
    with pytest.raises(Turned, match="too often: try again in 60 s") as got:
        entrance.enter(Credentials("ANN", "x"), "192.0.2.1")

    assert (got.value.status, got.value.wait) == (429, 60)
    assert len(keystone.came) == FAILURES
    keystone.error = None
    assert entrance.enter(GIVEN, "192.0.2.2")
    assert entrance.enter(Credentials("bob", "x"), "192.0.2.1")


def test_that_keystone_is_away_is_no_guess(made, keystone):
    entrance, keystone.error = made(), exceptions.Unavailable("away")
    for _ in range(FAILURES + 1):
        with pytest.raises(exceptions.Unavailable):
            entrance.enter(GIVEN, "192.0.2.1")


def test_log_ins_are_logged_on_one_line_and_without_the_password(
    made, keystone, caplog
):
    caplog.set_level(logging.INFO)
    entrance = made()
    entrance.enter(GIVEN, "192.0.2.1")
    keystone.error = Denied()
    with pytest.raises(Denied):
        entrance.enter(Credentials("a\nb", "s3cret"), "192.0.2.1")

    assert caplog.messages == [
        '"ann@Default" has logged in from 192.0.2.1',
        '"a\\nb@Default" could not log in from 192.0.2.1',
    ]


def test_a_caller_of_countless_roles_gets_no_broken_cookie(made, keystone):
    roles = ("admin", *(f"role-{n}" for n in range(400)))
    keystone.caller = Caller(user_name="ann", roles=roles)

    with pytest.raises(Turned, match="more roles than a cookie"):
        made().enter(GIVEN, "192.0.2.1")


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://ours:1"}, False),
        ({"Origin": "http://ours:1"}, True),
        ({"Origin": "http://ours:2"}, False),
        ({"Origin": "http://evil.example.com"}, False),
        ({"Origin": "null"}, False),
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_forms_of_other_sites_are_refused(made, headers, ours, method):
    request = webob.Request.blank("/login", method=method)
    request.host = "ours:1"
    request.headers.update(headers)
    if ours or method == "GET":
        made().guard(request)
    else:
        with pytest.raises(Turned, match="not from this site"):
            made().guard(request)


def _form(body, **more):
    return webob.Request.blank("/login", method="POST", body=body, **more)


def test_a_form_is_read():
    body = b"user=%C3%A4nn&password=a%26b+c&domain=D&project=p&next=x"

    assert door.credentials(_form(body)) == Credentials(
        "änn", "a&b c", "D", "p"
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"user=" + b"x" * door.FORM, 413),
        (b"user=\xff", 400),
        (b"user=%FF", 400),
        (b"a=1&" * 30, 400),
    ],
    ids=["long", "bytes", "escaped bytes", "many"],
)
def test_what_is_no_form_is_refused(body, status):
    with pytest.raises(Turned) as caught:
        door.credentials(_form(body))
    assert caught.value.status == status


@pytest.mark.parametrize("body", [b"", b"user", b"=&=&", b"x=y"])
def test_what_is_missing_is_empty(body):
    assert door.credentials(_form(body)) == Credentials("", "", "", "")
