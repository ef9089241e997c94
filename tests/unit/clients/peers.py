"""Peers on real sockets, and what they do to those who connect."""

import contextlib
import socket
import threading

#: Seconds between the bytes of one that drips.
DRIP = 0.02

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def silent(connection, stop):
    """Accepts, and says nothing."""
    stop.wait()


def dripping(first=b""):
    """Says something, and then a byte from time to time, for ever."""

    def serve(connection, stop):
        connection.recv(65536)
        connection.sendall(first)
        while not stop.wait(DRIP):
            connection.sendall(b"x")

    return serve


def deaf(connection, stop):
    """Drips before it has heard anything."""
    while not stop.wait(DRIP):
        connection.sendall(b"x")


def chunking(connection, stop):
    connection.recv(65536)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head)
    while not stop.wait(DRIP):
        connection.sendall(b"1\r\nx\r\n")


def answering(*answers):
    """Gives one answer after another on a connection, the last repeatedly.

    :param answers: bytes, or seconds to wait for first
    """

    def serve(connection, stop):
        left = list(answers)
        while connection.recv(65536):
            answer = left.pop(0) if len(left) > 1 else left[0]
            wait, text = answer if isinstance(answer, tuple) else (0, answer)
            stop.wait(wait)
            connection.sendall(text)

    return serve


def then(answer, serve):
    """Answers the first request, and does something else for the next."""

    def both(connection, stop):
        connection.recv(65536)
        connection.sendall(answer)
        serve(connection, stop)

    return both


class Peer:
    """A server on a free port.

    :param serve: called with each connection, in a thread of its own, and the
        event of the end
    :param tls: a context to wrap connections with
    """

    def __init__(self, serve, tls=None):
        self._serve, self._tls = serve, tls
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._open = []

    @property
    def connections(self):
        """How many there have been."""
        return len(self._open)

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for connection in self._open:
            _end(connection)
        for thread in self._threads:
            thread.join()
        for connection in self._open:
            connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection.dup())
            thread = threading.Thread(target=self._handle, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _handle(self, connection):
        with contextlib.suppress(OSError), connection:
            if self._tls:
                connection = self._tls.wrap_socket(
                    connection, server_side=True
                )
            with connection:
                self._serve(connection, self._stop)
                _end(connection)


def _end(connection):
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def full(host="127.0.0.1", port=0):
    """A port where nobody is accepted any more; gives its number."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
