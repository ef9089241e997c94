import pytest
from keystoneauth1 import session as keystone

from waffles import config, exceptions
from waffles.clients import deadline, session

LOGIN = """\
[waffles]
auth_type = password
auth_url = http://keystone.example.com/v3
username = waffles
password = secret
"""


@pytest.fixture
def load(tmp_path):
    file = tmp_path / "waffles.conf"

    def load(text):
        file.write_text(text)
        return session.load(config.read([str(file)]))

    return load


def test_nothing_is_asked_when_it_is_loaded(load):
    access = load(LOGIN + "region_name = west\n")

    assert access.options["region_name"] == "west"
    assert access.session.auth.auth_url == "http://keystone.example.com/v3"


@pytest.mark.parametrize(
    ("lines", "timeout", "interfaces"),
    [
        ("", 60.0, ["public"]),
        ("timeout = 5\nvalid_interfaces = internal,public\n", 5.0,
         ["internal", "public"]),
    ],
    ids=["defaults", "set"],
)  # fmt: skip
def test_a_request_does_not_wait_for_ever(load, lines, timeout, interfaces):
    access = load(LOGIN + lines)

    assert access.session.timeout == timeout
    assert access.options["valid_interfaces"] == interfaces


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"\[waffles\] auth_type: is required to reach the cloud"),
        ("[waffles]\nauth_url = x", r"\[waffles\] auth_type: is required"),
        ("[waffles]\nauth_type = passwort", "auth_type: The plugin passwort"),
        ("[waffles]\nauth_type = password", r"auth_url: is required"),
        (LOGIN + "usrname = x", r"\[waffles\] usrname: there is no such"),
        (LOGIN + "timeout = soon", r"\[waffles\] timeout: .*soon"),
        (LOGIN + "valid_interfaces = inner", "valid_interfaces: 'inner'"),
        ("[waffles]\nauth_section = nova", r"\[nova\] auth_type: is required"),
        (
            "[waffles]\nauth_section = nova\n[nova]\nauth_type = password",
            r"\[nova\] auth_url: is required",
        ),
        (
            LOGIN.replace("password = ", "#"),
            r"\[waffles\] password: is required",
        ),
        (
            LOGIN.replace("password = ", "#").replace("waffles]", "nova]")
            + "[waffles]\nauth_section = nova\n",
            r"\[nova\] password: is required",
        ),
    ],
    ids=[
        "nothing",
        "no type",
        "no such type",
        "no url",
        "typo",
        "no number",
        "no interface",
        "empty section",
        "no url in another section",
        "no password",
        "no password in another section",
    ],
)
def test_a_wrong_option_is_named(load, tmp_path, text, reason):
    with pytest.raises(exceptions.ConfigError, match=reason) as caught:
        load(text)

    assert str(tmp_path / "waffles.conf") in str(caught.value)


def test_the_options_of_another_group_may_serve(load):
    access = load(
        LOGIN.replace("[waffles]", "[nova]")
        + "[waffles]\nauth_section = nova\n"
    )

    assert access.session.auth.auth_url == "http://keystone.example.com/v3"


@pytest.mark.parametrize(
    ("lines", "tls"),
    [
        ("", None),
        ("tls_min_version = 1.3\ntls_ciphers = HIGH\n", ("1.3", "HIGH")),
    ],
    ids=["defaults", "set"],
)
def test_a_session_has_deadlines_and_is_else_as_it_was(load, lines, tls):
    http = load(LOGIN + lines).session
    plain = keystone.Session()

    assert list(http.adapters) == list(plain.adapters)
    for scheme, adapter in http.adapters.items():
        before = plain.adapters[scheme]
        assert isinstance(adapter, deadline.Adapter)
        assert isinstance(adapter, type(before))
        assert (
            adapter.poolmanager.connection_pool_kw["socket_options"]
            == (before.poolmanager.connection_pool_kw["socket_options"])
        )
        if tls:
            assert (adapter.tls_min_version, adapter.tls_ciphers) == tls
    assert isinstance(http.auth._lock, deadline.Lock)


def test_a_session_without_a_lock_has_deadlines(load):
    http = load("[waffles]\nauth_type = none\nendpoint = http://x\n").session

    assert isinstance(http.adapters["https://"], deadline.Adapter)


@pytest.mark.parametrize(
    ("changes", "alike"),
    [
        ({}, True),
        ({"password = secret": "password = other"}, True),
        ({"keystone.example.com": "keystone.example.org"}, False),
        ({"region_name = one": "region_name = two"}, False),
    ],
    ids=["same", "password", "keystone", "region"],
)
def test_clouds_are_told_apart(tmp_path, changes, alike):
    before = LOGIN + "region_name = one\n"
    text = before
    for old, new in changes.items():
        text = text.replace(old, new)
    found = []
    for one in (before, text):
        file = tmp_path / "waffles.conf"
        file.write_text(one)
        conf = config.read([str(file)])
        session.load(conf)
        found.append(session.cloud(conf))

    assert (found[0] == found[1]) is alike
    assert "secret" not in found[0]


def test_what_must_be_in_time_is_not_repeated(load):
    access = load(LOGIN + "connect_retries = 3\nstatus_code_retries = 4\n")
    assert access.options["connect_retries"] == 3

    hurried = access.at_once()
    assert hurried.options["connect_retries"] == 0
    assert hurried.options["status_code_retries"] == 0
    assert hurried.session is access.session


def test_the_sample_shows_how_to_log_in():
    names = {opt.dest for opt in session.sample_opts()}

    assert {"auth_type", "auth_url", "username", "region_name"} <= names
    assert all(opt.help for opt in session.sample_opts())
