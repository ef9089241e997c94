"""What the signals do that ask a run to end."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def handled(handler: Any) -> Iterator[None]:
    """Have another handler for all of them; in the main thread only."""
    before = {sign: signal.signal(sign, handler) for sign in ENDING}
    try:
        yield
    finally:
        for sign, former in before.items():
            signal.signal(sign, former)
