"""``waffles recovery run``: the process that brings servers back."""

import argparse
import logging
import signal
import threading

from cliff import command

from waffles import config, exceptions
from waffles.cli import listing
from waffles.clients import compute, glance, session
from waffles.recovery import options
from waffles.recovery.engine import engine, metrics
from waffles.recovery.notices import notify
from waffles.recovery.store import store

#: What a line of the engine's log begins with.
FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s %(message)s"


class Run(command.Command):
    """Carry out recoveries, until it is told to end.

    It takes up what was written by POST /os-waffles/force-down, evacuates
    the servers that are to be recovered, and tells people of the others. Any
    number of these may run, on any number of nodes, as long as they share
    the database of [waffles_recovery] connection. On SIGTERM or SIGINT it
    lets go of its work at once, and another goes on; when it is killed,
    another goes on after lease_time.

    Log lines go to standard error, or where --log-file says.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        listing.takes_config_files(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        _log_everything()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            self._run(parsed_args, stop)
        except exceptions.WafflesError as error:
            print(str(error), file=self.app.stderr)
            return listing.COULD_NOT_LOOK
        return 0

    def _run(self, args: argparse.Namespace, stop: threading.Event) -> None:
        above = getattr(self.app.options, "config_file", [])
        files = listing.readable(listing.files([*above, *args.config_file]))
        conf = config.read(files)
        settings = options.Settings.of(
            config.section(conf, options.GROUP, options.OPTS)
        )
        access = session.load(conf)
        rows = store.open(settings.connection)
        nova = compute.Compute(access, settings.timeout)
        images = glance.Glance(access, settings.timeout)
        made = engine.Engine(rows, nova, images, settings, stop)
        teller = notify.of_settings(
            rows, settings, conf, made.name, made.counted.told
        )
        with metrics.served(
            settings.metrics_address,
            rows,
            made.counted,
            lambda: nova.calls,
        ):
            thread = threading.Thread(target=teller.run, args=(stop,))
            thread.start()
            made.run()
            thread.join()


def _log_everything() -> None:
    """Log what a service logs, whatever the command's verbosity."""
    logging.getLogger("waffles").setLevel(logging.INFO)
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.INFO)
        handler.setFormatter(logging.Formatter(FORMAT))
