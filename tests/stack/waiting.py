"""How to know that something has happened: it is asked until it has."""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable

#: Seconds that a service has to answer, or a command to end, at the most.
PATIENCE = 300.0


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Ask until something is true; whether it has become so in time."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def listens(port: int) -> bool:
    """Whether something takes connections."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """Whether a web service answers, with anything but an error of its own."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
