"""Connections to one peer, some of them kept for the next request.

Two processes on one connection would get each other's answers, so a forked
process has connections of its own.
"""

import os
import ssl
from urllib import parse

from waffles.clients import wire


class Unreached(Exception):
    """There is no connection to the peer; the text says why."""


class Lines:
    """Connections to a peer, for many threads.

    :param url: of the peer
    :param connect_timeout: seconds for each of its addresses
    :param most: how many are kept
    :param cafile: certificates that are trusted; None for the system's
    """

    def __init__(
        self, url: str, connect_timeout: float, most: int, cafile: str | None
    ) -> None:
        self._url = parse.urlsplit(url)
        self._connect_timeout, self._most = connect_timeout, most
        self._tls: ssl.SSLContext | None = None
        if self._url.scheme == "https":
            self._tls = ssl.create_default_context(cafile=cafile)
        self._kept: dict[int, list[wire.Connection]] = {}

    def new(self, end: float) -> wire.Connection:
        """A connection that is made now.

        :param end: when it must be there, by :func:`time.monotonic`
        :raises Unreached: there is none
        """
        line = wire.Connection(
            str(self._url.hostname),
            self._url.port,
            self._connect_timeout,
            self._tls,
        )
        line.until(end)
        try:
            line.connect()
        except TimeoutError:
            raise Unreached("no connection in time") from None
        except Exception as error:  # of the resolver, the network, or TLS
            raise Unreached(text(error)) from error
        return line

    def kept(self) -> wire.Connection | None:
        """A connection that was kept, unless the peer has closed all."""
        kept = self._kept.get(os.getpid(), [])
        while True:
            try:
                line = kept.pop()
            except IndexError:
                return None
            if line.is_idle():
                return line
            line.close()

    def keep(self, line: wire.Connection) -> None:
        """Keep a connection, or close it if there are enough."""
        kept = self._kept.setdefault(os.getpid(), [])
        if len(kept) < self._most:
            kept.append(line)
        else:
            line.close()

    def close(self) -> None:
        """Close what this process has kept."""
        for line in self._kept.pop(os.getpid(), ()):
            line.close()


def text(error: Exception) -> str:
    """What an error says, but for what the peer has put into it."""
    said = getattr(error, "strerror", None)
    return str(said or type(error).__name__).rstrip(".")
