"""Ports of 127.0.0.1 that nobody listens on."""

import random
import socket
from collections.abc import Sequence
from pathlib import Path

LOWEST = 10000

#: The ports that the system gives to outgoing connections: from, to.
OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free(names: Sequence[str]) -> dict[str, int]:
    """A port for each name.

    None of those for outgoing connections: one of them could be taken before
    its service starts, or while it starts again.
    """
    highest = int(OUTGOING.read_text().split()[0])
    tried = random.sample(range(LOWEST, highest), 1000)
    return dict(zip(names, filter(_is_free, tried), strict=False))


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
