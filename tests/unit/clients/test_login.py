import json

import pytest
import webob

from tests.unit.clients import peers
from tests.unit.clouds import served
from waffles import config, exceptions
from waffles.caller import Caller
from waffles.clients import login
from waffles.clients.login import Credentials

TOKEN = {
    "token": {
        "expires_at": "2026-11-20T11:00:00.000000Z",
        "issued_at": "2026-11-20T10:00:00.000000Z",
        "methods": ["password"],
        "user": {
            "id": "ann-id",
            "name": "ann",
            "domain": {"id": "default", "name": "Default"},
        },
        "project": {
            "id": "red-id",
            "name": "red",
            "domain": {"id": "default", "name": "Default"},
        },
        "roles": [{"id": "1", "name": "admin"}, {"id": "2", "name": "reader"}],
    }
}
ANN = Credentials("ann", "s3cret", "Default", "red")


class FakeKeystone:
    """Knows ann; records what it is asked."""

    def __init__(self):
        self.asked, self.status, self.token = [], 0, TOKEN
        self.headers = {"X-Subject-Token": "t0ken"}

    def __call__(self, environ, start_response):
        request = webob.Request(environ)
        self.asked.append((request.path_qs, request.json_body))
        return self.answer(request)(environ, start_response)

    def answer(self, request):
        if self.status:
            return webob.Response(status=self.status, json_body=self.token)
        user = request.json_body["auth"]["identity"]["password"]["user"]
        if (user["name"], user["password"]) != ("ann", "s3cret"):
            error = {"error": {"code": 401, "message": "Ann is locked."}}
            return webob.Response(status=401, json_body=error)
        return webob.Response(
            json.dumps(self.token).encode(),
            status=201,
            content_type="application/json",
            headers=self.headers.items(),
        )


@pytest.fixture
def keystone():
    return FakeKeystone()


@pytest.fixture
def url(keystone):
    with served(keystone) as url:
        yield f"{url}/v3"


@pytest.fixture
def made(tmp_path):
    """Make a log-in of options of [waffles]."""

    def made(*lines, timeout=10.0):
        file = tmp_path / "waffles.conf"
        file.write_text("\n".join(["[waffles]", *lines]))
        return login.login(config.read([str(file)]), timeout)

    return made


@pytest.fixture
def log_in(made, url):
    return made(
        "auth_type = password",
        f"auth_url = {url}",
        "username = waffles",
        "password = other",
        "connect_retries = 9",
    )


def test_somebody_is_who_keystone_says(log_in):
    visit = log_in(ANN)

    assert visit.caller == Caller(
        user_id="ann-id",
        user_name="ann",
        user_domain_id="default",
        project_id="red-id",
        project_name="red",
        project_domain_id="default",
        roles=("admin", "reader"),
    )
    assert visit.until == 1795172400.0


def test_keystone_is_asked_once_and_as_them(log_in, keystone):
    log_in(ANN)

    ((path, body),) = keystone.asked
    domain = {"name": "Default"}
    assert path == "/v3/auth/tokens?nocatalog"
    assert body["auth"] == {
        "identity": {
            "methods": ["password"],
            "password": {
                "user": {
                    "name": "ann",
                    "password": "s3cret",
                    "domain": domain,
                }
            },
        },
        "scope": {"project": {"name": "red", "domain": domain}},
    }


def test_without_a_project_it_is_their_default_one(log_in, keystone):
    log_in(Credentials("ann", "s3cret", "Default"))

    assert "scope" not in keystone.asked[0][1]["auth"]


def test_without_any_project_they_have_no_roles(log_in, keystone):
    token = {**TOKEN["token"]}
    del token["project"], token["roles"]
    keystone.token = {"token": token}
    caller = log_in(ANN).caller

    assert (caller.project_id, caller.roles) == (None, ())


@pytest.mark.parametrize("status", [400, 401, 403])
def test_whom_keystone_denies_is_told_no_more(log_in, keystone, status):
    keystone.status, keystone.token = status, {"error": {"message": "x"}}

    with pytest.raises(login.Denied) as caught:
        log_in(ANN)
    assert str(caught.value) == "Keystone does not let you in with these."


def test_a_wrong_password_is_denied(log_in):
    with pytest.raises(login.Denied, match="with these"):
        log_in(Credentials("ann", "guess", "Default", "red"))


def test_who_needs_a_second_factor_is_told(log_in, keystone):
    keystone.status = 401
    keystone.token = {
        "receipt": {
            "methods": ["password"],
            "expires_at": "2026-11-20T11:00:00.000000Z",
        },
        "required_auth_methods": [["password", "totp"]],
    }
    keystone.answer = lambda request: webob.Response(
        status=401,
        json_body=keystone.token,
        headers=[("Openstack-Auth-Receipt", "r")],
    )

    with pytest.raises(login.Denied, match="more than a password"):
        log_in(ANN)


@pytest.mark.parametrize("status", [404, 409, 429, 500, 503])
def test_that_keystone_is_ill_is_not_their_fault(log_in, keystone, status):
    keystone.status, keystone.token = status, {"error": {"message": "x"}}

    with pytest.raises(exceptions.Unavailable, match="Keystone could not"):
        log_in(ANN)


@pytest.mark.parametrize(
    "token",
    [
        {},
        [],
        {"token": None},
        {"token": {}},
        {"token": {**TOKEN["token"], "expires_at": "soon"}},
        {"token": {**TOKEN["token"], "roles": None}},
        {"token": {**TOKEN["token"], "user": "ann"}},
    ],
    ids=["empty", "list", "none", "hollow", "time", "roles", "user"],
)
def test_what_is_no_token_lets_nobody_in(log_in, keystone, token):
    keystone.token = token

    with pytest.raises(exceptions.Unavailable, match="Keystone could not"):
        log_in(ANN)


def test_an_answer_without_a_token_lets_nobody_in(log_in, keystone):
    keystone.headers = {}

    with pytest.raises(exceptions.Unavailable, match="that is no token"):
        log_in(ANN)


def test_a_keystone_that_drips_is_given_up(made):
    drip = peers.dripping(b"HTTP/1.1 201 Created\r\n\r\n")
    with peers.Peer(drip) as peer:
        log_in = made(
            "auth_type = password",
            f"auth_url = {peer.url}/v3",
            "password = x",
            "connect_retries = 9",
            timeout=0.2,
        )
        with pytest.raises(exceptions.Unavailable, match="within 0.2 s"):
            log_in(ANN)
        assert peer.connections == 1


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "auth_type: is required"),
        (
            ["auth_type = none", "endpoint = http://nova.example.com"],
            r"\[waffles\] auth_url: is required to log people in",
        ),
    ],
    ids=["nothing", "no keystone"],
)
def test_there_must_be_a_keystone_to_ask(made, lines, why):
    with pytest.raises(exceptions.ConfigError, match=why):
        made(*lines)


def test_the_keystone_of_another_section_is_asked(made, url, keystone):
    log_in = made(
        "auth_section = nova",
        "[nova]",
        "auth_type = password",
        f"auth_url = {url}",
        "password = other",
    )
    log_in(ANN)

    assert keystone.asked


def test_a_password_is_not_shown():
    assert "s3cret" not in repr(ANN)
