"""A connection on which all that is waited for ends at one time.

A time-out of a socket starts anew with each byte, so a peer that sends one a
minute holds a thread for ever.  Here each wait has what is left of the time:
for an address, for TLS, for room to send, for bytes to read.  No thread is
needed for it, unlike in :mod:`waffles.clients.deadline`, which can only shut
the sockets of others' sessions.  Not ended is the resolver of names; but what
it finds too late is not used.
"""

import http.client
import io
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Connection(http.client.HTTPConnection):
    """One connection, used by one thread at a time.

    It connects when it is told to, and never by itself: what fails later may
    have been heard.

    :param connect_timeout: seconds for each address of the host
    :param tls: None for plain HTTP
    """

    #: http.client's switch for connections that are made when needed.
    auto_open = 0

    def __init__(
        self,
        host: str,
        port: int | None,
        connect_timeout: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.default_port = 443 if tls else 80
        super().__init__(host, port or self.default_port)
        self._connect_timeout, self._tls = connect_timeout, tls
        self._end = 0.0

    def until(self, end: float) -> None:
        """Wait no longer than that, by :func:`time.monotonic`."""
        self._end = end

    def left(self) -> float:
        """Seconds until the end.

        :raises TimeoutError: there are none
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def connect(self) -> None:
        """Connect; nothing is sent of what the peer is to be asked."""
        sock = self._reached()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                sock = self._secured(sock, self._tls)
        except BaseException:
            sock.close()
            raise
        wire: Any = _Wire(sock, self.left)
        self.sock = wire

    def is_idle(self) -> bool:
        """Whether the peer has neither hung up nor spoken unasked."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            return not selector.select(0)

    def _reached(self) -> socket.socket:
        *first, last = _addresses(self.host, self.port)
        for address in first:
            try:
                return self._made(address)
            except OSError:
                self.left()
        return self._made(last)

    def _made(self, address: str) -> socket.socket:
        timeout = min(self._connect_timeout, self.left())
        return socket.create_connection((address, self.port), timeout)

    def _secured(
        self, sock: socket.socket, tls: ssl.SSLContext
    ) -> socket.socket:
        made = tls.wrap_socket(
            sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        try:
            made.settimeout(self.left())
            made.do_handshake()
        except BaseException:
            made.close()
            raise
        return made


class _Wire:
    """What http.client uses of a socket.

    :param left: gives the seconds that there are, or raises
    """

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock, self._left = sock, left
        self.fileno, self.close = sock.fileno, sock.close

    def sendall(self, data: bytes) -> None:
        """Send; each part of it has the time that is left."""
        view = memoryview(data)
        while view:
            self._sock.settimeout(self._left())
            view = view[self._sock.send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """What an answer is read from."""
        return io.BufferedReader(_Reader(self._sock, self._left))


class _Reader(io.RawIOBase):
    """Reads from a socket, which stays open as long as this does."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock, self._left = sock, left
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        self._sock.settimeout(self._left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
