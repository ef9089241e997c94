"""What all subcommands that show something have in common.

Exit codes: 0 nothing found, 1 something found, 2 could not look.  Errors that
are to be expected are one sentence on standard error.
"""

import abc
import argparse
import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cliff import display, lister, show
from oslo_config import cfg

from waffles import exceptions

CLEAN, FOUND, COULD_NOT_LOOK = 0, 1, 2

#: Where options are looked for first.
OWN_FILE = "/etc/waffles/waffles.conf"


def takes_config_files(parser: argparse.ArgumentParser) -> None:
    """Add ``--config-file``, before and behind the subcommand alike."""
    parser.add_argument(
        "--config-file",
        action="append",
        default=[],
        metavar="FILE",
        help="Read this file of options; can be repeated.",
    )


class Subcommand(display.DisplayCommandBase[Any], abc.ABC):
    """A subcommand that writes something, and has an exit code."""

    exit_code = CLEAN

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        takes_config_files(parser)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        try:
            super().run(parsed_args)
        except BrokenPipeError:
            raise
        except exceptions.WafflesError as error:
            self.say(str(error))
            return self.refused(error)
        except Exception as error:
            self.app.LOG.debug("Unexpected", exc_info=error)
            self.say(f"{type(error).__name__}: {error}")
            if self.app.options.debug:
                raise
            return COULD_NOT_LOOK
        return self.conclude()

    def refused(self, error: exceptions.WafflesError) -> int:
        """The exit code for an error that is to be expected."""
        return COULD_NOT_LOOK

    def conclude(self) -> int:
        """Called when all is written; returns the exit code."""
        return self.exit_code

    def say(self, sentence: str) -> None:
        """Tell the person, not the program that reads what is written."""
        print(sentence, file=self.app.stderr)

    def named(self, parsed_args: argparse.Namespace) -> list[str]:
        """The files that the command line names."""
        # Another command, such as openstack, may have no such option itself.
        above = getattr(self.app.options, "config_file", [])
        return [*above, *parsed_args.config_file]


class Listing(Subcommand, lister.Lister):
    """A subcommand that writes rows."""

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        """Write the rows as they come, where the format allows it."""
        rows = iter(data)
        first = list(itertools.islice(rows, 1))
        if not first and parsed_args.formatter == "table":
            return CLEAN  # cliff would print an empty line
        return super().produce_output(
            parsed_args, column_names, itertools.chain(first, rows)
        )


class Showing(Subcommand, show.ShowOne):
    """A subcommand that writes the fields of one thing."""

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Sequence[Any],
    ) -> int:
        """Write the fields; without any, nothing."""
        if not column_names:
            return CLEAN
        return super().produce_output(parsed_args, column_names, data)


def files(named: list[str], own: str = OWN_FILE) -> list[str]:
    """The files to read options from.

    :param named: on the command line
    :raises ConfigError: there are none
    """
    found = named or ([own] if os.path.exists(own) else nova_files())
    if not found:
        raise exceptions.ConfigError(
            f"There is no {own} and no nova.conf: say --config-file."
        )
    return found


def readable(files: list[str]) -> list[str]:
    """The files' full names, once it is sure that they can be read.

    :raises WafflesError: one cannot
    """
    for file in files:
        try:
            open(file, "rb").close()
        except OSError as error:
            raise exceptions.WafflesError(
                f"{file}: cannot be read: {error.strerror}."
            ) from None
    return [os.path.abspath(file) for file in files]


def nova_files() -> list[str]:
    """The files that Nova's API reads without being told."""
    names = ("nova", "nova-api")
    folders = cfg.find_config_dirs(*names)
    return [*cfg.find_config_files(*names), *_within(folders)]


def _within(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        yield from sorted(glob.glob(os.path.join(folder, "*.conf")))
