import contextlib
import datetime
import ipaddress
import os
import re
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
import types

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from keystoneauth1 import exceptions as keystone
from keystoneauth1 import session as keystone_session
from urllib3 import connection

from tests.unit.clients import peers
from waffles import config, exceptions
from waffles.clients import deadline, errors, session

#: Seconds that a block may have, and that it may take on a busy machine.
TIME, LONG = 0.3, 10

HEAD = b"HTTP/1.1 200 OK\r\n"
FAULTS = {
    "accepts and hangs": peers.silent,
    "drips before the request": peers.deaf,
    "drips a status line": peers.dripping(),
    "drips a header": peers.dripping(HEAD + b"X-Long: "),
    "drips a body": peers.dripping(HEAD + b"Content-Length: 999999\r\n\r\n"),
    "drips a last body": peers.dripping(
        HEAD + b"Content-Length: 999999\r\nConnection: close\r\n\r\n"
    ),
    "drips a body without an end": peers.dripping(HEAD + b"\r\n"),
    "drips a body of HTTP 1.0": peers.dripping(b"HTTP/1.0 200 OK\r\n\r\n"),
    "drips chunks": peers.chunking,
    "drips an error": peers.dripping(
        b"HTTP/1.1 503 No\r\nContent-Length: 999999\r\n\r\n"
    ),
    "hangs in its second answer": peers.then(peers.OK, peers.silent),
    "drips its second answer": peers.then(peers.OK, peers.dripping(HEAD)),
    "answers slowly again and again": peers.answering((TIME / 3, peers.OK)),
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The file of a certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")]
    )
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "peer.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(
        made.public_bytes(pem)
        + key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(file)


@pytest.fixture
def http(tmp_path):
    """A session as the configuration makes it, for one that needs no token."""
    http = _session(tmp_path, "auth_type = none\nendpoint = http://x\n")
    yield http
    http.session.close()


def _session(tmp_path, options):
    file = tmp_path / "waffles.conf"
    file.write_text(f"[waffles]\ntimeout = 60\n{options}")
    return session.load(config.read([str(file)])).session


def _late(call, seconds=TIME):
    """Call something until the deadline; how long that took."""

    def calls():
        with deadline.within(seconds), errors.mapped("Nova was asked"):
            while True:
                call()

    start = time.monotonic()
    with pytest.raises(exceptions.Unavailable) as caught:
        calls()
    assert re.fullmatch(
        rf"Nova was asked: no answer within {seconds:g} s from [a-z0-9.]+:\d+",
        str(caught.value),
    )
    return time.monotonic() - start


@pytest.mark.parametrize("fault", FAULTS)
def test_a_block_ends_whatever_the_peer_does(http, fault):
    with peers.Peer(FAULTS[fault]) as peer:
        assert _late(lambda: http.get(peer.url)) < LONG
        assert peer.connections == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_block_ends_behind_tls(http, fault, certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    http.verify = certificate
    with peers.Peer(FAULTS[fault], tls) as peer:
        assert _late(lambda: http.get(peer.url)) < LONG
        assert peer.connections == 1


@pytest.mark.parametrize("serve", [peers.silent, peers.dripping(b"\x16\x03")])
def test_a_block_ends_while_tls_begins(http, serve):
    with peers.Peer(serve) as peer:
        url = peer.url.replace("http:", "https:")
        if serve is peers.silent:
            assert _late(lambda: http.get(url)) < LONG
        else:
            with pytest.raises(keystone.SSLError), deadline.within(LONG):
                http.get(url)


def test_a_block_ends_if_nobody_accepts(http):
    with peers.full() as port:
        url = f"http://127.0.0.1:{port}"
        assert _late(lambda: http.get(url)) < LONG


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_block_ends_if_a_proxy_drips(http, scheme, monkeypatch):
    with peers.Peer(peers.dripping(HEAD + b"X-Long: ")) as peer:
        monkeypatch.setenv(f"{scheme}_proxy", peer.url)
        url = f"{scheme}://nova.example.com"
        assert _late(lambda: http.get(url)) < LONG
        assert peer.connections == 1


def test_a_proxy_for_socks_stays_as_it_is(http, monkeypatch):
    # As requests has it, where the library for it is installed.
    pools = {"http": object, "https": object}
    made = types.SimpleNamespace(pool_classes_by_scheme=pools)
    monkeypatch.setattr(
        requests.adapters.HTTPAdapter,
        "proxy_manager_for",
        lambda self, proxy, **how: made,
    )
    http.adapters["http://"].proxy_manager_for("socks5://127.0.0.1:1")

    assert made.pool_classes_by_scheme is pools


def test_the_addresses_of_a_name_share_the_time(http, monkeypatch):
    many = [f"127.0.0.{number}" for number in range(2, 42)]
    with peers.full() as port, contextlib.ExitStack() as stack:
        for host in many:
            stack.enter_context(peers.full(host, port))
        _resolve(monkeypatch, *many)
        url = f"http://nova.example.com:{port}"
        assert _late(lambda: http.get(url)) < len(many) * TIME / 2


def test_the_next_address_of_a_name_is_tried(http, monkeypatch):
    with peers.Peer(peers.answering(peers.OK)) as peer:
        _resolve(monkeypatch, "127.0.0.2", "127.0.0.1")
        url = f"http://nova.example.com:{peer.port}"
        with deadline.within(LONG):
            assert http.get(url).json() == {}


def test_a_name_that_is_unknown_is_said_to_be(http, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failure = pytest.raises(keystone.ConnectFailure, match="not known")
    with failure, deadline.within(LONG):
        http.get("http://nova.example.com")


def _resolve(monkeypatch, *hosts):
    real = socket.getaddrinfo

    def found(host, *args, **kwargs):
        if host != "nova.example.com":
            return real(host, *args, **kwargs)
        return [one for ip in hosts for one in real(ip, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize("fault", ["accepts and hangs", "drips a header"])
def test_the_time_includes_that_for_a_token(tmp_path, fault):
    with peers.Peer(FAULTS[fault]) as peer:
        login = (
            f"auth_type = password\nauth_url = {peer.url}/v3\n"
            "username = waffles\npassword = secret\n"
        )
        http = _session(tmp_path, login)
        assert _late(lambda: http.get("http://nova.example.com")) < LONG
        http.session.close()


def test_nothing_is_repeated_when_the_time_is_over(http):
    with peers.Peer(peers.silent) as peer:
        again = {"connect_retries": 5, "connect_retry_delay": 3600}
        assert _late(lambda: http.get(peer.url, **again)) < LONG


def test_a_block_in_a_block_ends_with_it(http):
    with peers.Peer(peers.silent) as peer:

        def inner():
            with deadline.within(3600):
                http.get(peer.url)

        start = time.monotonic()
        with pytest.raises(deadline.Late), deadline.within(TIME):
            inner()
        assert time.monotonic() - start < LONG


def test_nothing_begins_when_the_time_is_over(http):
    with peers.Peer(peers.answering(peers.OK)) as peer:

        def late():
            with deadline.within(TIME):
                time.sleep(TIME)
                http.get(peer.url)

        with pytest.raises(deadline.Late):
            late()
        assert peer.connections == 0


def test_a_block_that_is_over_lets_the_next_request_be(http):
    slow = (2 * TIME, peers.OK)
    with peers.Peer(peers.answering(peers.OK, slow)) as peer:
        with deadline.within(TIME):
            assert http.get(peer.url).json() == {}
        assert http.get(peer.url).json() == {}
        assert peer.connections == 1


def test_an_error_in_time_is_itself(http):
    with peers.Peer(lambda connection, stop: None) as peer:
        failure = pytest.raises(keystone.ConnectFailure, match="aborted")
        with failure, deadline.within(LONG):
            http.get(peer.url)


def test_a_connection_that_comes_too_late_is_closed(http, monkeypatch):
    real = connection.HTTPConnection._new_conn

    def slow(self):
        made = real(self)
        time.sleep(TIME)
        return made

    monkeypatch.setattr(connection.HTTPConnection, "_new_conn", slow)
    with peers.Peer(peers.answering(peers.OK)) as peer:
        assert _late(lambda: http.get(peer.url)) < LONG


def test_without_a_block_requests_are_as_ever(http, monkeypatch):
    tunnel = b"HTTP/1.1 200 OK\r\n\r\n"
    with peers.Peer(peers.answering((TIME, peers.OK))) as peer:
        assert http.get(peer.url).json() == {}
    with peers.Peer(peers.answering(tunnel, b"no TLS")) as peer:
        monkeypatch.setenv("https_proxy", peer.url)
        with pytest.raises(keystone.SSLError):
            http.get("https://nova.example.com")


def test_a_process_does_not_use_connections_of_its_parent(http, monkeypatch):
    with peers.Peer(peers.answering(peers.OK)) as peer:
        http.get(peer.url)
        http.get(peer.url)
        assert peer.connections == 1
        parents = http.adapters["http://"].poolmanager
        monkeypatch.setattr(deadline.os, "getpid", lambda: -1)
        assert http.get(peer.url).json() == {}
        assert peer.connections == 2
        parents.clear()


def test_a_body_may_be_read_later(http):
    with peers.Peer(peers.answering(peers.OK)) as peer:
        with deadline.within(LONG):
            response = http.get(peer.url, stream=True)
        assert response.json() == {}


class Late(threading.Thread):
    """A thread whose requests end with a deadline."""

    def __init__(self, call, before=lambda: None):
        super().__init__()
        self._call, self._before = call, before
        self.begun = threading.Event()
        self.ended = False

    def run(self):
        try:
            with deadline.within(TIME):
                self._before()
                self.begun.set()
                self._call()
        except deadline.Late:
            self.ended = True


def test_threads_do_not_end_each_others_blocks(http):
    slow = peers.answering((4 * TIME, peers.OK))
    with peers.Peer(peers.silent) as hangs, peers.Peer(slow) as peer:
        late = Late(lambda: http.get(hangs.url))
        late.start()
        with deadline.within(LONG):
            assert http.get(peer.url).json() == {}
        late.join()
        assert late.ended


def _used(http, url, threads):
    """Have some threads ask at once, twice each."""
    gate = threading.Barrier(threads)

    def ask():
        for _ in range(2):
            gate.wait()
            http.get(url)

    asking = [threading.Thread(target=ask) for _ in range(threads)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()


@pytest.mark.parametrize(("wide", "kept"), [(12, True), (None, False)])
def test_a_session_that_is_widened_keeps_more_connections(
    http, wide, kept, caplog
):
    if wide:
        deadline.widen(http, wide)
        deadline.widen(http, 3)  # which is less
    with peers.Peer(peers.answering((0.05, peers.OK))) as peer:
        _used(http, peer.url, 12)

        assert ("pool is full" not in caplog.text) is kept
        assert (peer.connections <= 12) is kept


def test_what_others_have_mounted_is_not_widened():
    http = keystone_session.Session()
    before = http.adapters["https://"].poolmanager
    deadline.widen(http, 64)

    assert http.adapters["https://"].poolmanager is before


def test_a_connection_that_is_given_back_is_left_alone(http):
    slow = peers.answering(peers.OK, (4 * TIME, peers.OK))
    with peers.Peer(peers.silent) as hangs, peers.Peer(slow) as peer:
        late = Late(
            lambda: http.get(hangs.url), before=lambda: http.get(peer.url)
        )
        late.start()
        late.begun.wait()
        assert http.get(peer.url).json() == {}
        late.join()
        assert late.ended
        assert peer.connections == 1


def test_waiting_for_the_token_of_another_thread_ends():
    lock = deadline.Lock()
    held = threading.Event()
    done = threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with pytest.raises(deadline.Late), deadline.within(TIME), lock:
        pytest.fail("two have the lock")
    done.set()
    thread.join()
    with lock:
        pass


def test_who_did_not_answer_is_said(http):
    with (
        peers.Peer(peers.silent) as hangs,
        peers.Peer(peers.answering(peers.OK)) as works,
    ):

        def late():
            with deadline.within(TIME):
                http.get(works.url)
                http.get(hangs.url)

        with pytest.raises(deadline.Late) as caught:
            late()
    assert str(caught.value).endswith(f" from 127.0.0.1:{hangs.port}")


def test_a_keystone_that_wants_a_token_for_a_token_is_an_error(tmp_path):
    """With keystoneauth's own lock this waits for ever."""
    no = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
    with peers.Peer(peers.answering(no)) as peer:
        login = (
            f"auth_type = password\nauth_url = {peer.url}/v3\n"
            "username = waffles\npassword = secret\n"
        )
        http = _session(tmp_path, login)
        for _ in range(2):
            with deadline.within(LONG), pytest.raises(keystone.Unauthorized):
                http.get("http://nova.example.com")
        http.session.close()


def test_nothing_is_left_behind(http):
    def held():
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    with peers.Peer(peers.dripping(HEAD + b"\r\n")) as peer:
        _late(lambda: http.get(peer.url))
    before = held()
    for _ in range(3):
        with peers.Peer(peers.dripping(HEAD + b"\r\n")) as peer:
            _late(lambda: http.get(peer.url))
    for _ in range(100):
        if held() <= before:
            return
        time.sleep(0.05)
    pytest.fail(f"{before} became {held()}")


def _run(script, *args):
    """Run a script in a process of its own; its output."""
    done = subprocess.run(  # noqa: S603 (the script is ours)
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script), *args],
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_forked_process_has_connections_and_a_lock_of_its_own():
    slow = peers.answering(peers.OK)
    with peers.Peer(slow) as peer:
        script = """
            import os, sys
            from keystoneauth1 import noauth, session
            from keystoneauth1.identity import v3
            from waffles.clients import deadline
            url = sys.argv[1]
            http = session.Session(auth=v3.Password(url, "secret"))
            deadline.mount(http)
            def get():
                return http.get(url, authenticated=False).json()
            get()
            with http.auth._lock:
                child = os.fork()
                if not child:
                    get()
                    with http.auth._lock:
                        print("child", flush=True)
                    os._exit(0)
                assert os.waitpid(child, 0)[1] == 0
            get()
            print("parent")
        """
        assert _run(script, peer.url) == ["child", "parent"]
        assert peer.connections == 2


@pytest.mark.parametrize("serve", [peers.silent, peers.chunking])
def test_a_block_ends_in_a_green_thread(serve):
    pytest.importorskip("eventlet")
    script = """
        import sys
        from waffles.clients import deadline
        import eventlet
        eventlet.monkey_patch()
        from keystoneauth1 import noauth, session
        http = session.Session(auth=noauth.NoAuth())
        deadline.mount(http)
        def late(seconds):
            try:
                with deadline.within(seconds):
                    http.get(sys.argv[1])
            except deadline.Late as error:
                print(seconds)
        threads = [eventlet.spawn(late, one) for one in (0.9, 0.3, 0.6)]
        for thread in threads:
            thread.wait()
    """
    with peers.Peer(serve) as peer:
        assert _run(script, peer.url) == ["0.3", "0.6", "0.9"]
