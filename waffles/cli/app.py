"""The command ``waffles``: what is common to all its subcommands."""

import argparse
import importlib.metadata
import logging
import sys
from typing import Any

from cliff import app, commandmanager

from waffles.cli import listing

DESCRIPTION = """\
Look after the waffles in front of a Nova: check their configuration, audit
the servers that exist. Without --config-file it is read from
/etc/waffles/waffles.conf, or else from Nova's own files.
"""


class App(app.App):
    """The command; its subcommands are entry points."""

    NAME = "waffles"
    # Warnings and errors; -v adds information, -vv everything.
    DEFAULT_VERBOSE_LEVEL = 0

    def __init__(self) -> None:
        super().__init__(
            description=DESCRIPTION,
            version=importlib.metadata.version("waffles"),
            command_manager=commandmanager.CommandManager("waffles.commands"),
            deferred_help=True,
        )

    def build_option_parser(
        self,
        description: str | None,
        version: str | None,
        argparse_kwargs: dict[str, Any] | None = None,
    ) -> argparse.ArgumentParser:
        parser = super().build_option_parser(
            description, version, argparse_kwargs
        )
        listing.takes_config_files(parser)
        return parser

    def configure_logging(self) -> None:
        super().configure_logging()
        root = logging.getLogger()
        root.handlers[-1].addFilter(_is_news)  # the console
        if not (self.options.log_file or self.options.verbose_level > 1):
            # cliff says DEBUG, for which clients make texts of all answers.
            root.setLevel(logging.INFO)

    def run(self, argv: list[str]) -> int:
        """Run a subcommand; returns its exit code.

        Logging is left as it was found, as a caller may have its own.
        """
        root = logging.getLogger()
        level, handlers = root.level, list(root.handlers)
        try:
            return super().run(argv)
        finally:
            root.setLevel(level)
            root.handlers[:] = handlers

    def interact(self) -> None:
        """Without a subcommand there is nothing to do but to help."""
        self.run_subcommand(["help"])


def _is_news(record: logging.LogRecord) -> bool:
    """Whether the listing, or the sentence with it, does not say it already.

    That is what a policy logs for each request, and what libraries say of a
    plugin that is not there and of a rule that cannot be parsed.
    """
    if record.name.startswith(("stevedore", "oslo_policy")):
        return False
    return record.name != "waffles.policy" or record.levelno > logging.WARNING


def main(argv: list[str] | None = None) -> int:
    """The entry point of the console script."""
    return App().run(sys.argv[1:] if argv is None else argv)
