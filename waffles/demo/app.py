"""The command ``waffles-demo``."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from waffles import exceptions

#: Nova's own.
PORT = 8774

T = TypeVar("T")


class Signals:
    """SIGINT and SIGTERM, as KeyboardInterrupt where that does no harm.

    Libraries swallow exceptions in the middle of an import, and Nova's
    fixtures take one badly while they are set up or cleaned up.
    """

    def __init__(self) -> None:
        self.came, self.wait = False, False
        for number in (signal.SIGINT, signal.SIGTERM):
            # Who starts a job in the background may want it left alone.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stop)

    @contextlib.contextmanager
    def only_within(
        self, manager: contextlib.AbstractContextManager[T]
    ) -> Iterator[T]:
        """Enter and leave a context undisturbed."""
        self.wait = True
        with manager as entered:
            try:
                self.wait = False
                if self.came:
                    raise KeyboardInterrupt
                yield entered
            finally:
                self.wait = True

    def _stop(self, number: int, frame: object) -> None:
        self.came = True
        if not self.wait:
            raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.port is not None and not args.serve:
        parser.error("--port goes with --serve")
    sys.stdout.reconfigure(  # type: ignore[union-attr]
        line_buffering=True, errors="replace"
    )
    signals = Signals()
    try:
        return _serve(args.port, signals) if args.serve else _walk(signals)
    except ModuleNotFoundError as error:
        return _fail(f"{error}: pip install 'waffles[demo]' brings it.")
    except (exceptions.ConfigError, FileNotFoundError) as error:
        return _fail(str(error))
    except BrokenPipeError:
        # Nobody reads on: neither this nor what Python flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        # There is no other end to --serve; of a walk it is not the end.
        return 0 if args.serve else 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="waffles-demo",
        description=(
            "Start a real Nova in this process, with the waffles in front of"
            " it, and show over HTTP what they do."
        ),
    )
    parser.add_argument(
        "--serve",
        action="store_true",
        help="show nothing, but keep Nova up on 127.0.0.1 to be tried",
    )
    parser.add_argument(
        "--port",
        type=int,
        help=f"the port of --serve ({PORT}); 0 is any free one",
    )
    return parser


def _walk(signals: Signals) -> int:
    # Nova takes seconds to import, and --help needs none of it.
    from waffles.demo import api, site, walk

    with signals.only_within(site.started()) as here:
        try:
            walk.walk(here)
        except api.Unexpected as error:
            return _fail(f"{error}\n\nThe end of Nova's log:\n{here.tail()}")
    return 0


def _serve(port: int | None, signals: Signals) -> int:
    from waffles.demo import listen, serve, site

    try:
        sock = listen.bound(PORT if port is None else port)
    except (OSError, OverflowError) as error:
        return _fail(f"{error}. Choose another port with --port.")
    with sock, signals.only_within(site.started()) as here:
        serve.serve(here, sock)
    return 0


def _fail(why: str) -> int:
    print(f"\nwaffles-demo: {why}", file=sys.stderr)
    return 1
