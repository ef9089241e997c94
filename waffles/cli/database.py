"""``waffles db upgrade`` and ``waffles db version``: the tables there are."""

import argparse
from collections.abc import Sequence
from typing import Any

from cliff import command, show

from waffles import config, exceptions
from waffles.cli import listing
from waffles.recovery import options
from waffles.recovery.store import store

#: Exit codes: an upgrade is due, and the database could not be looked at.
CURRENT, OLD, COULD_NOT_LOOK = 0, 1, 2


class _OfDatabase(command.Command):
    """A command for the database that the configuration names."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        listing.takes_config_files(parser)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            return super().run(parsed_args)
        except exceptions.WafflesError as error:
            print(str(error), file=self.app.stderr)
            return COULD_NOT_LOOK

    def url(self, parsed_args: argparse.Namespace) -> str:
        """The option ``connection``."""
        above = getattr(self.app.options, "config_file", [])
        named = [*above, *parsed_args.config_file]
        conf = config.read(listing.readable(listing.files(named)))
        section = config.section(conf, options.GROUP, options.OPTS)
        return str(section["connection"])


class Upgrade(_OfDatabase):
    """Make the tables of recoveries, or bring them up to date.

    The database is that of [waffles_recovery] connection. Run it once, when
    waffles is installed or upgraded, before the services are started; on as
    many nodes as you like. Where there is nothing to do, nothing is done.

    For SQLite there is no need to: whoever uses the file first does the same,
    and owns it.
    """

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        before, after = store.upgrade(self.url(parsed_args))
        said = f"from {before}" if before else "made"
        if before == after:
            said = "nothing to do"
        print(f"Schema {after}: {said}.", file=self.app.stdout)
        return CURRENT


class Version(_OfDatabase, show.ShowOne):
    """Show the revision of the tables of recoveries.

    "needed" is the one that this waffles works with.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 it is the one that is needed; 1 it is another: run"
            " waffles db upgrade; 2 it could not be looked at"
        )

    def run(self, parsed_args: argparse.Namespace) -> int:
        self._code = CURRENT
        return super().run(parsed_args) or self._code

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        found, needed = store.version(self.url(parsed_args))
        self._code = CURRENT if found == needed else OLD
        return ("revision", "needed"), (found, needed)
