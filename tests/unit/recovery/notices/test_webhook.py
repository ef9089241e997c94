import hashlib
import hmac
import json
import re
import ssl
import textwrap
import time
from pathlib import Path

import pytest

from tests.unit.clients import peers
from tests.unit.recovery import certificates
from tests.unit.recovery.receiver import Receiver
from waffles import exceptions
from waffles.recovery.notices import webhook

#: Seconds that a notice may have, and that it may take at most.
TIME, LONG = 0.4, 10

SECRET = b"a secret of some length"
NOTICE = ("one-17", "server.custom", {"host": "c1", "name": "wäb"})


def _hook(url, timeout=LONG, **how):
    return webhook.Webhook(url, SECRET, timeout, **how)


def _error(hook):
    begin = time.monotonic()
    with pytest.raises(exceptions.Unavailable) as caught:
        hook(*NOTICE)
    assert time.monotonic() - begin < LONG
    return str(caught.value)


def test_a_notice_is_posted_as_json_with_its_names():
    with Receiver(200) as receiver:
        _hook(receiver.url)(*NOTICE)

    (post,) = receiver.posts
    assert post.path == "/hook"
    assert json.loads(post.body) == {"host": "c1", "name": "wäb"}
    assert post.headers["Content-Type"] == "application/json"
    assert post.headers["User-Agent"] == "waffles"
    assert post.headers["X-Waffles-Event"] == "server.custom"
    assert post.headers["X-Waffles-Delivery"] == "one-17"


def test_the_signature_is_of_the_time_and_the_body():
    with Receiver() as receiver:
        _hook(receiver.url, wall=lambda: 1795168800.9)(*NOTICE)

    (post,) = receiver.posts
    signed = b"1795168800." + post.body
    made = hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    assert post.headers["X-Waffles-Signature"] == f"t=1795168800,v1={made}"


def test_a_repeat_has_the_same_body_and_a_new_time():
    times = iter([100.0, 200.0])
    with Receiver() as receiver:
        hook = _hook(receiver.url, wall=lambda: next(times))
        hook(*NOTICE)
        hook(*NOTICE)

    first, second = receiver.posts
    assert first.body == second.body
    signatures = receiver.header("X-Waffles-Signature")
    assert [text[:6] for text in signatures] == ["t=100,", "t=200,"]


@pytest.fixture
def is_ours():
    """The function of the manual."""
    manual = Path(__file__).parents[4] / "docs/recovery-notices.rst"
    (code,) = re.findall(
        r"code-block:: python\n\n(.+?)\n\n\w", manual.read_text(), re.DOTALL
    )
    code = textwrap.dedent(code)
    assert len(code.splitlines()) <= 10
    names = {}
    exec(code, names)  # noqa: S102 (the code is ours)
    return names["is_ours"]


def test_a_receiver_that_does_as_the_manual_says_knows_us(is_ours):
    with Receiver() as receiver:
        _hook(receiver.url)(*NOTICE)

    (post,) = receiver.posts
    header = post.headers["X-Waffles-Signature"]
    assert is_ours(SECRET, header, post.body)
    assert not is_ours(b"another", header, post.body)
    assert not is_ours(SECRET, header, post.body + b" ")
    assert not is_ours(SECRET, header.replace("t=", "t=1"), post.body)


def test_a_receiver_that_does_as_the_manual_says_takes_nothing_old(is_ours):
    old = webhook.signature(SECRET, int(time.time()) - 400, b"{}")
    assert not is_ours(SECRET, old, b"{}")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_a_delivery(status):
    with Receiver(status) as receiver:
        _hook(receiver.url)(*NOTICE)


@pytest.mark.parametrize("status", [304, 400, 401, 404, 429, 500, 503])
def test_anything_else_is_not(status):
    with Receiver(status) as receiver:
        assert str(status) in _error(_hook(receiver.url))


def test_410_is_not_to_be_repeated():
    with Receiver(410) as receiver, pytest.raises(webhook.Gone):
        _hook(receiver.url)(*NOTICE)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    with (
        Receiver() as other,
        Receiver(status, Location=other.url) as receiver,
    ):
        assert "no redirect is followed" in _error(_hook(receiver.url))
        assert len(receiver.posts) == 1
        assert other.posts == []


HEAD = b"HTTP/1.1 200 OK\r\n"
HANGING = {
    "accepts and hangs": peers.silent,
    "drips before the request": peers.deaf,
    "drips a status line": peers.dripping(),
    "drips a header": peers.dripping(HEAD + b"X-Long: "),
}


@pytest.mark.parametrize("serve", HANGING.values(), ids=HANGING.keys())
def test_a_receiver_that_does_not_answer_ends_in_time(serve):
    with peers.Peer(serve) as peer:
        text = _error(_hook(peer.url, TIME))
    assert text == "the webhook has not answered within 0.4 s"


def test_a_receiver_that_is_too_slow_has_not_got_it():
    with Receiver(-3 * TIME) as receiver:
        assert "within 0.4 s" in _error(_hook(receiver.url, TIME))
        assert len(receiver.posts) == 1


@pytest.mark.parametrize(
    "serve",
    [
        peers.dripping(HEAD + b"Content-Length: 9999999\r\n\r\n"),
        peers.dripping(HEAD + b"\r\n"),
        peers.chunking,
    ],
    ids=["of a length", "without an end", "in chunks"],
)
def test_the_body_of_an_answer_is_not_waited_for(serve):
    with peers.Peer(serve) as peer:
        begin = time.monotonic()
        _hook(peer.url, 60)(*NOTICE)
        assert time.monotonic() - begin < LONG


def test_no_more_is_read_than_the_head_needs():
    def flooding(connection, stop):
        connection.recv(65536)
        connection.sendall(HEAD + b"\r\n")
        while not stop.is_set():
            sent.append(connection.send(b"x" * 65536))

    sent = []
    with peers.Peer(flooding) as peer:
        _hook(peer.url)(*NOTICE)
    # What the sockets hold between the two.
    assert sum(sent) < 30_000_000


def test_a_receiver_that_is_not_there_is_said_so():
    with peers.Peer(peers.silent) as peer:
        port = peer.port
    text = _error(_hook(f"http://127.0.0.1:{port}/hidden"))
    assert text == "the webhook cannot be reached: Connection refused"


def test_an_answer_that_is_no_http_shows_nothing_of_the_url():
    with peers.Peer(peers.answering(b"SSH-2.0-x\r\n\r\n")) as peer:
        text = _error(_hook(f"{peer.url}/hidden?token=hidden"))
    assert "cannot be reached" in text
    assert "hidden" not in text


def test_nothing_secret_is_logged(caplog):
    caplog.set_level("INFO")
    with Receiver(500) as receiver:
        hook = _hook(f"{receiver.url}/hidden")
        text = _error(hook)
    shown = caplog.text + text + repr(hook) + str(vars(type(hook)))
    assert "hidden" not in shown
    assert SECRET.decode() not in shown


@pytest.fixture(scope="module")
def trusted(tmp_path_factory):
    """The file of a certificate for 127.0.0.1, with its key."""
    return certificates.made(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def _tls(file):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(file)
    return made


def test_a_certificate_that_is_trusted_is_taken(trusted):
    with peers.Peer(peers.answering(peers.OK), _tls(trusted)) as peer:
        _hook(peer.url, cafile=str(trusted))(*NOTICE)


def test_a_file_of_certificates_counts_more_than_the_environment(
    trusted, tmp_path, monkeypatch
):
    other = certificates.made(tmp_path, "127.0.0.1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    with peers.Peer(peers.answering(peers.OK), _tls(trusted)) as peer:
        _hook(peer.url, cafile=str(trusted))(*NOTICE)


UNTRUSTED = {
    "of nobody known": ("127.0.0.1", {}, False),
    "of another address": ("127.0.0.2", {}, True),
    "that is over": ("127.0.0.1", {"days": -1}, True),
}


@pytest.mark.parametrize(
    ("address", "how", "is_known"), UNTRUSTED.values(), ids=UNTRUSTED.keys()
)
def test_a_certificate_is_refused(tmp_path, address, how, is_known):
    heard = []

    def serve(connection, stop):
        heard.append(connection.recv(65536))

    file = certificates.made(tmp_path, address, **how)
    with peers.Peer(serve, _tls(file)) as peer:
        text = _error(_hook(peer.url, cafile=str(file) * is_known))
    assert "its certificate is not good" in text
    assert heard == []


def test_a_peer_that_drips_in_its_tls_handshake_ends_in_time():
    with peers.Peer(peers.deaf) as peer:
        url = peer.url.replace("http", "https")
        _error(_hook(url, TIME))


def test_what_must_stay_on_this_node_takes_no_proxy(monkeypatch):
    with Receiver() as proxy, Receiver() as receiver:
        monkeypatch.setenv("http_proxy", proxy.url)
        _hook(receiver.url)(*NOTICE)
    assert len(receiver.posts) == 1
    assert proxy.posts == []


def test_a_proxy_is_used_for_others(monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    no = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
    with peers.Peer(peers.answering(no)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        _error(_hook("https://hooks.example.com/hidden"))
        assert proxy.connections == 1
