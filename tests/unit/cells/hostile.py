"""A cell on a real socket, which goes wrong when it is told to.

::

    with hostile.Cell(answer) as cell:
        cell.fails("reset", hostile.Point.DONE)
        ...
        cell.works()

``python -m tests.unit.cells.hostile 0.02 10`` is one in a process of its own,
which answers after so many seconds with so many flavors, until its input ends.
It says its port.
"""

import contextlib
import enum
import gzip
import json
import math
import socket
import struct
import sys
import threading
import time
from email import message_from_bytes
from typing import NamedTuple

#: Seconds between the bytes of an answer that drips.
DRIP = 0.05

#: Of a header: the id that Nova gives to a request.
ID = "x-compute-request-id"


class Point(enum.Enum):
    """When a cell goes wrong."""

    BEFORE = "before it has read the request"
    SENT = "when it has read the request, and before it does anything"
    DONE = "when it has done what it was asked"


class Heard(NamedTuple):
    """A request; names of headers are in lower case."""

    method: str
    target: str
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body) if self.body else None


def answered(status, data=None, **headers):
    """The bytes of an answer of Nova's.

    :param data: for JSON; None for no body
    """
    body = b"" if data is None else json.dumps(data).encode()
    return _bytes(status, body, **headers)


def _bytes(status, body, **headers):
    given = {
        ID.replace("-", "_"): "req-1",
        "content_type": "application/json",
        "content_length": len(body),
        **headers,
    }
    lines = [
        f"HTTP/1.1 {status} As It Is",
        *(
            f"{name.replace('_', '-')}: {v}"
            for name, v in given.items()
            if v != ""
        ),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def empty(heard):
    """The answer of a cell that has no flavors."""
    return answered(200, {"flavors": []})


def of_wsgi(app):
    """The answers of a WSGI application, such as a fake Nova."""
    # Only now: a process of its own is to begin at once.
    import webob

    def answer(heard):
        request = webob.Request.blank(
            heard.target,
            method=heard.method,
            headers=heard.headers,
            body=heard.body,
        )
        found = request.get_response(app)
        headers = {
            name.replace("-", "_"): value
            for name, value in found.headerlist
            if name.lower() != "content-length"
        }
        return _bytes(found.status_int, found.body, **headers)

    return answer


def fault(status, name):
    """The bytes of a fault of Nova's."""
    return answered(status, {name: {"code": status, "message": "no"}})


def reset(connection, stop, right):
    """Tears the connection down."""
    connection.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    connection.close()


def closed(connection, stop, right):
    """Hangs up without a word."""


def hanging(connection, stop, right):
    """Says nothing."""
    stop.wait()


def dripping(connection, stop, right):
    """Says what is right, a byte from time to time."""
    for byte in right:
        if stop.wait(DRIP):
            return
        connection.sendall(bytes([byte]))


def saying(answer):
    """Says something, and hangs up."""

    def strike(connection, stop, right):
        connection.sendall(answer)

    return strike


def repeating(first, again, times=math.inf):
    """Says something, and then something else again and again."""

    def strike(connection, stop, right):
        connection.sendall(first)
        left = times
        while left > 0 and not stop.is_set():
            connection.sendall(again)
            left -= 1

    return strike


def cut(connection, stop, right):
    """Hangs up in the middle of what is right."""
    connection.sendall(right[:-2])


def truncated(connection, stop, right):
    """Says the half of what is right, as if it were the whole."""
    body = right.partition(b"\r\n\r\n")[2]
    connection.sendall(_bytes(200, body[: len(body) // 2]))


def _text(status, body, **headers):
    return saying(_bytes(status, body, **headers))


def redirecting(url, status=307):
    """Sends the client somewhere else."""
    return _text(status, b"", location=url)


HTML = b"<html><body>Bad Gateway</body></html>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MEBI = b"x" * 2**20

#: What may go wrong, beside "refused".
FAULTS = {
    "reset": reset,
    "closed": closed,
    "hang": hanging,
    "drip": dripping,
    "cut": cut,
    "truncated": truncated,
    "500": saying(fault(500, "computeFault")),
    "503": saying(fault(503, "serviceUnavailable")),
    "401": _text(
        401,
        b"Authentication required",
        content_type="text/html",
        x_compute_request_id="",
        www_authenticate="Keystone uri='http://keystone'",
    ),
    "406": saying(fault(406, "computeFault")),
    "HTML": _text(200, HTML, content_type="text/html"),
    "HTML 502": _text(502, HTML, content_type="text/html"),
    "HTML 404": _text(404, HTML, content_type="text/html"),
    "another's 404": _text(
        404, b'{"message": "no Route"}', x_compute_request_id=""
    ),
    "wrong type": _text(200, b'{"flavors": []}', content_type="text/plain"),
    "no type": _text(200, b'{"flavors": []}', content_type=""),
    "gzip": _text(200, gzip.compress(b"{}"), content_encoding="gzip"),
    "nothing": _text(200, b""),
    "a list": _text(200, b"[]"),
    "NaN": _text(200, b'{"flavors": [NaN]}'),
    "a long number": _text(200, b'{"flavors": [%s]}' % (b"9" * 5000)),
    "no UTF-8": _text(200, b'{"flavors": ["\xff"]}'),
    "deep": _text(200, b'{"a":' * 100_000),
    "deep lists": _text(200, b'{"a":' + b"[" * 99 + b"]" * 99 + b"}"),
    "a long body": _text(200, b'{"a": "%s"}' % (MEBI * 20)),
    "a promised body": _text(200, b"{", content_length=10**15),
    "a short body": _text(200, b'{"flavors": []}', content_length=99),
    "endless body": repeating(HEAD + b"\r\n", MEBI),
    "endless chunks": repeating(CHUNKED, b"100000\r\n" + MEBI + b"\r\n"),
    "endless chunk size": repeating(CHUNKED + b"1;", MEBI),
    "endless trailer": repeating(CHUNKED + b"0\r\n", b"a: b\r\n" * 9999),
    "no chunk": saying(CHUNKED + b"zz\r\n{}"),
    "10 MB header": repeating(HEAD + b"X-Long: ", MEBI, 10),
    "endless headers": repeating(HEAD, b"a: b\r\n" * 9999),
    "endless 100": repeating(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 999),
    "101": saying(b"HTTP/1.1 101 Upgrade\r\n\r\n"),
    "no HTTP": saying(b"220 mail.example.com ESMTP\r\n"),
    "no status": saying(b"HTTP/1.1 two OK\r\n\r\n{}"),
}


class Cell:
    """A compute API on a free port of 127.0.0.1.

    :param answer: gives the bytes for a request, and does what it asks for
    """

    def __init__(self, answer=empty):
        self._answer = answer
        #: Requests that were read, and those that were done.
        self.heard, self.done = [], []
        #: Connections that there have been.
        self.connections = 0
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._plan, self._open, self._threads = None, set(), []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._accepting = self._started(self._accept)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._down()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def fails(self, fault, point=Point.SENT, times=math.inf, when=None):
        """Go wrong from now on, on connections that there are too.

        :param fault: "refused", of :data:`FAULTS`, or called with the
            connection, the event of the end, and the right answer
        :param times: how often; not for "refused"
        :param when: whether a request meets it; not for "refused", nor BEFORE
        """
        if fault == "refused":
            self._down()
        else:
            self._up()
            strike = FAULTS.get(fault, fault)
            self._plan = [strike, point, times, when or (lambda heard: True)]

    def works(self):
        """Be well from now on; connections that there are end."""
        self._plan = None
        self._end_connections()
        self._up()

    def _up(self):
        if not self._accepting.is_alive():
            self._listener.listen(128)
            self._accepting = self._started(self._accept)

    def _down(self):
        """Refuse connections; the port stays ours."""
        self._plan = None
        if not self._accepting.is_alive():
            return
        # Who is accepting does not see that another closes the socket.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self._end_connections()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))

    def _end_connections(self):
        with self._lock:
            self._stop.set()
            self._stop = threading.Event()
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _started(self, call, *args):
        thread = threading.Thread(target=call, args=args)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
                stop = self._stop
            self._started(self._serve, connection, stop)

    def _serve(self, connection, stop):
        with contextlib.suppress(OSError), connection:
            while self._one(connection, stop):
                pass
        with self._lock:
            self._open.discard(connection)

    def _one(self, connection, stop):
        """Answer one request; whether there may be another."""
        connection.recv(1, socket.MSG_PEEK)
        if strike := self._strike(Point.BEFORE):
            strike(connection, stop, b"")
            return False
        heard = _heard(connection)
        if heard is None:
            return False
        self.heard.append(heard)
        if strike := self._strike(Point.SENT, heard):
            strike(connection, stop, empty(heard))
            return False
        answer = self._answer(heard)
        self.done.append(heard)
        if strike := self._strike(Point.DONE, heard):
            strike(connection, stop, answer)
            return False
        connection.sendall(answer)
        return b"connection: close" not in answer.lower()

    def _strike(self, point, heard=None):
        with self._lock:
            plan = self._plan
            if not plan or plan[1] is not point or plan[2] <= 0:
                return None
            if heard and not plan[3](heard):
                return None
            plan[2] -= 1
            return plan[0]


def _heard(connection):
    """The next request of a connection; None at its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, _, lines = head.partition(b"\r\n")
    method, target, _ = first.decode("latin-1").split(" ")
    headers = {
        name.lower(): value
        for name, value in message_from_bytes(lines + b"\r\n\r\n").items()
    }
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Heard(method, target, headers, body)


def main(seconds, many):
    flavors = [
        {"id": str(number), "name": f"m1.{number}", "ram": 512}
        for number in range(many)
    ]
    answer = answered(200, {"flavors": flavors})

    def slow(heard):
        time.sleep(seconds)
        return answer

    with Cell(slow) as cell:
        print(cell.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":  # pragma: no cover
    main(float(sys.argv[1]), int(sys.argv[2]))
