"""HTTP/1.1 on asyncio: as little of it as clients of the compute API need."""

import asyncio
import http.client
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib import parse

BACKLOG = 1024

#: With this a socket that is closed sends a reset.
_RESET = struct.pack("ii", 1, 0)


class Request(NamedTuple):
    """A request; the body is JSON."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def base(self) -> str:
        """The address that it was sent to, without a path."""
        return f"http://{self.headers['host']}"


class Answer(NamedTuple):
    """An answer.

    :param body: for JSON; None for an empty one
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}

    def encoded(self) -> bytes:
        body = b"" if self.body is None else json.dumps(self.body).encode()
        head = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **self.headers,
        }
        reason = http.client.responses[self.status]
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


#: Answers a request; None resets the connection.
Handler = Callable[[Request], Awaitable[Answer | None]]


async def serve(handler: Handler) -> asyncio.Server:
    """Serve on a free port of 127.0.0.1; connections are kept open."""

    async def connected(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while answer := await handler(await _read(reader)):
                writer.write(answer.encoded())
                await writer.drain()
            _reset(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            # They have hung up.
            pass
        finally:
            writer.close()

    return await asyncio.start_server(
        connected, "127.0.0.1", 0, backlog=BACKLOG
    )


async def _read(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").rstrip().split("\r\n")
    method, target, _ = line.split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (one.partition(":") for one in rest)
    }
    length = int(headers.get("content-length", 0))
    body = await reader.readexactly(length)
    url = parse.urlsplit(target)
    query = dict(parse.parse_qsl(url.query, keep_blank_values=True))
    given = json.loads(body) if body else None
    return Request(method, url.path, query, headers, given)


def _reset(writer: asyncio.StreamWriter) -> None:
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
