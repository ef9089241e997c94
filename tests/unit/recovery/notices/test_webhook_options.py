import ssl

import pytest

from tests.unit.clients import peers
from tests.unit.recovery import certificates
from tests.unit.recovery.receiver import Receiver
from tests.unit.recovery.settings import settings
from waffles import exceptions
from waffles.recovery.notices import webhook, webhook_options

NOTICE = ("one-17", "server.custom", {"host": "c1"})

URLS = {
    "https://hooks.example.com": "",
    "https://hooks.example.com:8443/a?b=c": "",
    "https://10.0.0.9/": "",
    "http://127.0.0.1:9/": "",
    "http://127.1.2.3/": "",
    "http://[::1]:9/": "",
    "http://localhost/": "",
    "http://hooks.example.com/": "use https://",
    "http://10.0.0.9/": "use https://",
    "http://localhost.example.com/": "use https://",
    "http://127.0.0.1@hooks.example.com/": "use https://",
    "ftp://hooks.example.com/": "no https:// URL",
    "hooks.example.com": "no https:// URL",
    "https:///hidden": "no https:// URL",
    "https://[::1/hidden": "no URL",
    "https://hooks.example.com:hidden/": "no URL",
}


@pytest.mark.parametrize(("url", "part"), URLS.items(), ids=URLS.keys())
def test_a_url_is_https_or_of_this_node(url, part):
    found = webhook_options.wrong(url)

    assert part in found
    assert bool(found) is bool(part)
    assert "hidden" not in found


HTTPS = "https://hooks.example.com/hidden"


def test_without_a_url_there_is_no_webhook(tmp_path):
    assert webhook_options.load(settings(tmp_path)) is None


def _secret_file(tmp_path, content="from a file\n", mode=0o640):
    file = tmp_path / "secret"
    file.write_text(content)
    file.chmod(mode)
    return str(file)


def test_a_secret_may_stand_in_a_file(tmp_path):
    with Receiver() as receiver:
        hook = webhook_options.load(
            settings(
                tmp_path,
                webhook_url=receiver.url,
                webhook_secret_file=_secret_file(tmp_path),
            )
        )
        hook(*NOTICE)

    (post,) = receiver.posts
    at = post.headers["X-Waffles-Signature"].split(",")[0]
    expected = webhook.signature(b"from a file", int(at[2:]), post.body)
    assert post.headers["X-Waffles-Signature"] == expected


def test_the_time_of_the_options_counts(tmp_path):
    with Receiver(-2) as receiver:
        hook = webhook_options.load(
            settings(
                tmp_path,
                webhook_url=receiver.url,
                webhook_secret="abc",  # noqa: S106
                webhook_timeout="1",
            )
        )
        with pytest.raises(exceptions.Unavailable, match="within 1 s"):
            hook(*NOTICE)


def test_a_file_of_certificates_reaches_the_webhook(tmp_path):
    trusted = certificates.made(tmp_path, "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(trusted)
    with peers.Peer(peers.answering(peers.OK), tls) as peer:
        webhook_options.load(
            settings(
                tmp_path,
                webhook_url=peer.url,
                webhook_secret="abc",  # noqa: S106
                webhook_cafile=str(trusted),
            )
        )(*NOTICE)


WRONG = {
    "no secret": ({}, "webhook_secret", "is required"),
    "two secrets": (
        {"webhook_secret": "abc", "webhook_secret_file": "/nosuch"},
        "webhook_secret_file",
        "only one",
    ),
    "a file that is not there": (
        {"webhook_secret_file": "/nosuch"},
        "webhook_secret_file",
        "/nosuch cannot be read: No such file",
    ),
    "no file of certificates": (
        {"webhook_secret": "abc", "webhook_cafile": "/nosuch"},
        "webhook_cafile",
        "/nosuch cannot be read",
    ),
    "http": (
        {
            "webhook_secret": "abc",
            "webhook_url": "http://a.example.com/hidden",
        },
        "webhook_url",
        "use https://",
    ),
}


@pytest.mark.parametrize(
    ("options", "option", "part"), WRONG.values(), ids=WRONG.keys()
)
def test_a_wrong_option_is_named(tmp_path, options, option, part):
    with pytest.raises(exceptions.ConfigError) as caught:
        webhook_options.load(
            settings(tmp_path, **{"webhook_url": HTTPS} | options)
        )
    assert caught.value.option == option
    assert part in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o666])
def test_a_file_that_is_open_to_everybody_is_refused(tmp_path, mode):
    file = _secret_file(tmp_path, mode=mode)
    made = settings(tmp_path, webhook_url=HTTPS, webhook_secret_file=file)
    with pytest.raises(exceptions.ConfigError, match="chmod o-rwx"):
        webhook_options.load(made)


@pytest.mark.parametrize("content", ["", "\n", " \n"])
def test_an_empty_file_is_refused(tmp_path, content):
    file = _secret_file(tmp_path, content)
    made = settings(tmp_path, webhook_url=HTTPS, webhook_secret_file=file)
    with pytest.raises(exceptions.ConfigError, match="is empty"):
        webhook_options.load(made)
