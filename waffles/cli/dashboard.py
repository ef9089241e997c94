"""``waffles dashboard``: what recoveries do, in a browser.

It is served by waitress: pure Python, well kept, with threads enough for the
few who look, limits for requests that are too long or too slow, and already
what the demo listens with.  Behind Apache or uWSGI the application is
``egg:waffles#dashboard``.
"""

import argparse
import signal
import socket
from types import FrameType
from typing import NamedTuple
from urllib import parse

import waitress
from cliff import command

from waffles import config, exceptions
from waffles.cli import listing
from waffles.recovery import options
from waffles.recovery.dashboard import app as dashboard
from waffles.recovery.dashboard import door

#: Requests that are answered at once; each log-in waits for Keystone.
THREADS = 8

#: Seconds after which somebody who sends nothing more is cut off.
SILENCE = 30

#: Bytes of a request; forms are short.
LONGEST = 16_384


class Address(NamedTuple):
    """Where it listens."""

    host: str
    port: int

    @property
    def netloc(self) -> str:
        """As a URL has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Dashboard(command.Command):
    """Serve the dashboard of recoveries until Ctrl-C or SIGTERM.

    It listens where [waffles_recovery] dashboard_address says, or --listen.
    With dashboard_auth = none it does so on loopback only. Where passwords
    would come over a network, put a web server with TLS before it.
    """

    def get_epilog(self) -> str:
        return "exit codes: 0 it was told to end; 2 it could not be served"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        listing.takes_config_files(parser)
        parser.add_argument(
            "--listen", metavar="ADDRESS:PORT", help="Where to listen."
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        try:
            self._serve(parsed_args)
        except exceptions.WafflesError as error:
            print(str(error), file=self.app.stderr)
            return listing.COULD_NOT_LOOK
        return listing.CLEAN

    def _serve(self, args: argparse.Namespace) -> None:
        above = getattr(self.app.options, "config_file", [])
        files = listing.readable(listing.files([*above, *args.config_file]))
        conf = config.read(files)
        section = config.section(conf, options.GROUP, options.OPTS)
        settings = options.Settings.of(section)
        where = address(args.listen or settings.dashboard_address)
        is_local = door.is_loopback(where.host)
        if settings.dashboard_auth == "none" and not is_local:
            raise section.error(
                "dashboard_auth",
                f"none is for loopback only, and {where.netloc} is not",
            )
        server = listening(dashboard.configured(section), where)
        if not is_local:
            print(
                "Passwords come over the network: put TLS before it.",
                file=self.app.stderr,
            )
        print(f"The dashboard listens on http://{where.netloc}/", flush=True)
        signal.signal(signal.SIGTERM, _end)
        server.run()


def address(text: str) -> Address:
    """Where to listen.

    :raises WafflesError: that is no place

    >>> address("[::1]:8775")
    Address(host='::1', port=8775)
    """
    try:
        found = parse.urlsplit(f"//{text}")
        if found.hostname and found.port and not found.path:
            return Address(found.hostname, found.port)
    except ValueError:
        pass
    raise exceptions.WafflesError(f"{text} is no ADDRESS:PORT.")


def listening(
    app: dashboard.Dashboard, where: Address
) -> "waitress.server.BaseWSGIServer":
    """A server with a socket that listens; it is still to be run.

    :raises WafflesError: it cannot listen there
    """
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    try:
        sock = socket.create_server((where.host, where.port), family=family)
    except OSError as error:
        why = error.strerror or error
        raise exceptions.WafflesError(
            f"It cannot listen on {where.netloc}: {why}."
        ) from None
    return waitress.create_server(
        app,
        sockets=[sock],
        threads=THREADS,
        channel_timeout=SILENCE,
        max_request_body_size=LONGEST,
        ident=None,
        # What a proxy says is looked at: waffles.recovery.dashboard.door.
        clear_untrusted_proxy_headers=False,
    )


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
