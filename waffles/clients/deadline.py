"""A time after which HTTP is over, whatever the peer does.

::

    with deadline.within(10):
        ...  # any number of requests

A time-out of requests starts anew with each byte, so a peer that sends one a
minute holds a thread for ever.  Here a timer shuts the sockets that the block
has in use: it ends whether the peer accepts nothing, says nothing, or drips
(TLS handshakes, status lines, headers, bodies).  All requests of a block share
its time, with those for a token and the wait for another thread's token.

It counts in the thread (or green thread) that enters the block, and for
sessions that :func:`mount` has seen.  Not ended are the resolver of names,
which has time-outs of its own, a SOCKS proxy, and keystoneauth's sleep before
it repeats a request (``connect_retries``, ``status_code_retries``).
"""

import contextlib
import contextvars
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests
from keystoneauth1 import exceptions as keystone
from keystoneauth1 import session
from urllib3 import connection, connectionpool, exceptions
from urllib3.util import connection as util


class Late(keystone.ClientException):
    """There was no answer in time.

    keystoneauth repeats requests that requests has lost, but not after this.
    """


class _Deadline:
    """The sockets of a block, and when they are shut.

    It has them by descriptors of its own: a connection forgets its socket
    while TLS begins, and while a last answer is read.
    """

    def __init__(self, seconds: float) -> None:
        self._text, self._peer = f"no answer within {seconds:.3g} s", ""
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._sockets: dict[connection.HTTPConnection, socket.socket] = {}
        self._shut = False

    def left(self) -> float:
        """Seconds until the end.

        :raises Late: there are none
        """
        left = self._end - time.monotonic()
        if self._shut or left <= 0:
            raise Late(self._text + self._peer)
        return left

    def asks(self, owner: connection.HTTPConnection) -> None:
        """Who does not answer, if there is no time left."""
        self._peer = f" from {owner.host}:{owner.port}"

    def watch(self, owner: connection.HTTPConnection, fileno: int) -> None:
        """Shut a socket at the end, unless it is forgotten before."""
        self.forget(owner)
        with self._lock:
            self.left()
            self._sockets[owner] = socket.socket(fileno=os.dup(fileno))

    def forget(self, owner: connection.HTTPConnection) -> None:
        """Leave the socket of a connection alone from now on."""
        with self._lock:
            if known := self._sockets.pop(owner, None):
                known.close()

    def shut(self) -> None:
        """Shut every socket: who reads or writes on one is told so."""
        with self._lock:
            self._shut = True
            for known in self._sockets.values():
                with contextlib.suppress(OSError):
                    known.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Leave every socket alone."""
        for owner in list(self._sockets):
            self.forget(owner)


_ACTIVE = contextvars.ContextVar[_Deadline | None]("deadline", default=None)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """End what the block asks for over HTTP after some seconds.

    A block in a block ends no later than the outer one.

    :raises Late: the time is over
    """
    outer = _ACTIVE.get()
    deadline = _Deadline(min(seconds, outer.left()) if outer else seconds)
    timer = threading.Timer(deadline.left(), deadline.shut)
    timer.daemon = True
    timer.start()
    before = _ACTIVE.set(deadline)
    try:
        yield
    finally:
        _ACTIVE.reset(before)
        timer.cancel()
        deadline.close()


class Lock:
    """A lock of which each process has its own, and no block waits too long.

    With keystoneauth's own lock around the request for a token, a process
    that is forked during that request would never get one, and a Keystone
    that wants a token before it shows its versions would stop all threads.
    """

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}
        self._owner: tuple[int, int] | None = None

    def __enter__(self) -> None:
        lock = self._locks.setdefault(os.getpid(), threading.Lock())
        me, deadline = (os.getpid(), threading.get_ident()), _ACTIVE.get()
        if self._owner == me:
            raise keystone.Unauthorized("Keystone wants a token for a token")
        while not lock.acquire(timeout=deadline.left() if deadline else -1):
            pass
        self._owner = me

    def __exit__(self, *error: object) -> None:
        self._owner = None
        self._locks[os.getpid()].release()


class _Connection(connection.HTTPConnection):
    """A connection that its thread's deadline watches during a request."""

    watched_by: _Deadline | None = None

    def request(self, *args: Any, **how: Any) -> None:
        if self.sock is not None:
            self._watch(self.sock)
        super().request(*args, **how)

    def _new_conn(self) -> socket.socket:
        made = self._made()
        try:
            self._watch(made)
        except Late:
            made.close()
            raise
        return made

    def _tunnel(self) -> None:
        super()._tunnel()
        # A proxy's answer that is cut off is taken for a whole one.
        if self.watched_by:
            self.watched_by.left()

    def _made(self) -> socket.socket:
        """A new socket; the addresses of a name share the time."""
        deadline, host, timeout = _ACTIVE.get(), self._dns_host, self.timeout
        if deadline is None:
            return super()._new_conn()
        deadline.asks(self)
        *first, last = _addresses(host, self.port)
        try:
            for self._dns_host in first:
                self.timeout = min(timeout or deadline.left(), deadline.left())
                with contextlib.suppress(exceptions.HTTPError):
                    return super()._new_conn()
            self._dns_host = last
            self.timeout = min(timeout or deadline.left(), deadline.left())
            return super()._new_conn()
        finally:
            self._dns_host, self.timeout = host, timeout

    def _watch(self, sock: socket.socket) -> None:
        self.watched_by = _ACTIVE.get()
        if self.watched_by:
            self.watched_by.asks(self)
            self.watched_by.watch(self, sock.fileno())


class _TlsConnection(_Connection, connection.HTTPSConnection):
    pass


def _addresses(host: str, port: int) -> list[str]:
    family = util.allowed_gai_family()
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return [host]  # for urllib3 to say what is wrong
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Pool(connectionpool.HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        # From here on another thread may have it.
        if conn is not None and conn.watched_by:
            conn.watched_by.forget(conn)
        super()._put_conn(conn)


class _TlsPool(_Pool, connectionpool.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Adapter(session.TCPKeepAliveAdapter):
    """keystoneauth's own, with deadlines, and connections for each process."""

    def init_poolmanager(self, *args: Any, **how: Any) -> None:
        super().init_poolmanager(*args, **how)
        self._pid, self._size = os.getpid(), (args, how)
        _use_pools(self.poolmanager)

    def widen(self, connections: int) -> None:
        """Keep up to so many connections to a peer, if not more already."""
        (peers, known), how = self._size
        if connections > known:
            self.proxy_manager = {}
            self.init_poolmanager(peers, connections, **how)

    def proxy_manager_for(self, proxy: str, **how: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **how)
        if not proxy.lower().startswith("socks"):
            _use_pools(manager)
        return manager

    def send(
        self, request: Any, stream: bool = False, *args: Any, **how: Any
    ) -> requests.Response:
        if self._pid != os.getpid():
            # Two processes on one connection would get each other's answers.
            self.proxy_manager = {}
            self.init_poolmanager(*self._size[0], **self._size[1])
        deadline = _ACTIVE.get()
        if deadline is None:
            return super().send(request, stream, *args, **how)
        deadline.left()
        try:
            response = super().send(request, stream, *args, **how)
            _ = stream or response.content
        except Exception:
            deadline.left()
            raise
        # An answer that has no other end ends where its socket is shut.
        deadline.left()
        return response


def _use_pools(manager: Any) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def mount(http: session.Session) -> None:
    """Make the blocks of :func:`within` count for a session."""
    before = http.adapters["https://"]
    kept = {
        name: vars(before)[name]
        for name in ("tls_ciphers", "tls_min_version")
        if name in vars(before)
    }
    adapter = Adapter(**kept)
    for scheme in list(http.adapters):
        http.mount(scheme, adapter)
    auth: Any = http.auth
    if hasattr(auth, "_lock"):
        auth._lock = Lock()


def widen(http: session.Session, threads: int) -> None:
    """Let so many threads use a session that :func:`mount` has seen.

    More than requests keeps by default would each make a connection for each
    request, which is then thrown away.
    """
    for adapter in http.adapters.values():
        if isinstance(adapter, Adapter):
            adapter.widen(threads)
