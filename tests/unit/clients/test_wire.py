import http.client
import socket
import ssl
import time

import pytest

from tests.unit.clients import peers
from waffles.clients import wire

#: Seconds that there may be, and that it may take on a busy machine.
TIME, LONG = 0.3, 10


def made(port, seconds=LONG, host="127.0.0.1", connect_timeout=LONG):
    line = wire.Connection(host, port, connect_timeout)
    line.until(time.monotonic() + seconds)
    return line


def test_nothing_connects_by_itself():
    with peers.Peer(peers.silent) as peer:
        line = made(peer.port)
        with pytest.raises(http.client.NotConnected):
            line.request("GET", "/")
        assert not peer.connections


def test_each_answer_of_a_connection_has_its_own_time():
    with peers.Peer(peers.answering((TIME, peers.OK))) as peer:
        line = made(peer.port)
        line.connect()
        for _ in range(2):
            line.until(time.monotonic() + LONG)
            line.request("GET", "/")
            assert line.getresponse().read() == b"{}"
        line.until(time.monotonic() + TIME / 3)
        line.request("GET", "/")
        with pytest.raises(TimeoutError):
            line.getresponse()
        line.close()


@pytest.mark.parametrize(
    "serve",
    [
        peers.silent,
        peers.dripping(),
        peers.dripping(b"HTTP/1.1 200 OK\r\nX-Long: "),
        peers.dripping(b"HTTP/1.1 200 OK\r\n\r\n"),
        peers.chunking,
    ],
    ids=["silent", "status", "header", "body", "chunks"],
)
def test_an_answer_ends_in_time_whatever_the_peer_does(serve):
    with peers.Peer(serve) as peer:
        line = made(peer.port, TIME)
        line.connect()
        began = time.monotonic()
        line.request("GET", "/")
        with pytest.raises(TimeoutError):
            line.getresponse().read()
        assert time.monotonic() - began < LONG
        line.close()


def test_a_request_that_is_not_taken_ends_in_time():
    with peers.Peer(peers.silent) as peer:
        line = made(peer.port)
        line.connect()
        began = time.monotonic()
        line.until(began + TIME)
        with pytest.raises(TimeoutError):
            line.request("POST", "/", b"x" * 2**25)
        assert time.monotonic() - began < LONG / 2
        line.close()


def test_tls_that_drips_ends_in_time():
    """What looks like a long record of a handshake, byte by byte."""
    with peers.Peer(peers.dripping(b"\x16\x03\x03\x40\x00")) as peer:
        line = wire.Connection(
            "127.0.0.1", peer.port, LONG, ssl.create_default_context()
        )
        line.until(time.monotonic() + TIME)
        with pytest.raises(TimeoutError):
            line.connect()


def resolved(monkeypatch, *addresses):
    def found(host, port, **how):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in addresses
        ]

    # Addresses themselves are resolved again, to what they are.
    plain = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **how: (
            found(host, *args, **how)
            if host == "c1.example.com"
            else plain(host, *args, **how)
        ),
    )


def test_the_next_address_is_tried(monkeypatch):
    resolved(monkeypatch, "127.0.0.2", "127.0.0.1")
    with peers.Peer(peers.answering(peers.OK)) as peer:
        line = made(peer.port, host="c1.example.com")
        line.connect()
        line.request("GET", "/")
        assert line.getresponse().read() == b"{}"
        line.close()


def test_the_first_address_does_not_take_the_time_of_the_next(monkeypatch):
    resolved(monkeypatch, "127.0.0.2", "127.0.0.1")
    with (
        peers.Peer(peers.silent) as peer,
        peers.full("127.0.0.2", peer.port),
    ):
        line = made(peer.port, host="c1.example.com", connect_timeout=TIME)
        line.connect()
        line.close()


def test_addresses_share_the_time(monkeypatch):
    resolved(monkeypatch, "127.0.0.2", "127.0.0.3")
    with (
        peers.full("127.0.0.2") as port,
        peers.full("127.0.0.3", port),
    ):
        line = made(port, TIME, host="c1.example.com")
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            line.connect()
        assert time.monotonic() - began < LONG


def test_what_a_peer_says_unasked_is_seen():
    with peers.Peer(peers.silent) as quiet, peers.Peer(peers.deaf) as loud:
        lines = [made(quiet.port), made(loud.port)]
        for line in lines:
            line.connect()
        while lines[1].is_idle():
            time.sleep(0.01)
        assert [line.is_idle() for line in lines] == [True, False]
        for line in lines:
            line.close()


@pytest.mark.parametrize(("tls", "port"), [(False, 80), (True, 443)])
def test_the_port_is_that_of_the_scheme(tls, port):
    context = ssl.create_default_context() if tls else None
    assert wire.Connection("c1", None, 1, context).port == port
