"""An application behind a real socket, in a thread of this process."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import waitress
from waitress import wasyncore

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HOST = "127.0.0.1"


def bound(port: int = 0) -> socket.socket:
    """A socket of this host's own, to listen on; 0 is any free port.

    :raises OSError: the port is in use
    :raises OverflowError: it is no port
    """
    return socket.create_server((HOST, port))


def url(sock: socket.socket) -> str:
    """What is served on a socket of :func:`bound`; without a slash."""
    return f"http://{HOST}:{sock.getsockname()[1]}"


@contextlib.contextmanager
def listening(
    app: "WSGIApplication", sock: socket.socket | None = None
) -> Iterator[str]:
    """Serve an application meanwhile; gives its URL without a slash.

    :param sock: of :func:`bound`; it is closed at the end
    """
    sock = sock or bound()
    sockets: dict[int, Any] = {}
    server = waitress.create_server(app, map=sockets, sockets=[sock])
    thread = threading.Thread(target=server.run, name="waitress")
    thread.start()
    try:
        yield f"http://{HOST}:{server.effective_port}"
    finally:
        # Closed by the thread that listens, which ends without sockets.
        # Where another thread wakes it first, this finds it gone.
        with contextlib.suppress(OSError):
            server.trigger.pull_trigger(lambda: wasyncore.close_all(sockets))
        thread.join()
        server.task_dispatcher.shutdown()
