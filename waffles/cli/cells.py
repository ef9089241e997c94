"""``waffles cells list | audit | heal | pending | run``."""

import argparse
import logging
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from cliff import command

from waffles import config, exceptions
from waffles.cells import options
from waffles.cells.drift import audit, replay
from waffles.cells.drift.audit import Seen
from waffles.cells.flavors.writing import State
from waffles.cells.proxy import assembling, health
from waffles.cells.proxy.ourselves import Ourselves
from waffles.cli import listing
from waffles.clients import session

LOG = logging.getLogger(__name__)

#: Seconds between two looks for writes that are due.
PAUSE = 1.0

Rows = tuple[Sequence[str], Iterator[Sequence[Any]]]

_CELLS = (
    "name", "number", "home", "endpoint", "state", "min_version", "version",
    "seconds", "reason",
)  # fmt: skip
_DRIFT = ("flavor_id", "cell", "kind", "fields", "clash")
_HEALED = ("flavor_id", "cell", "kind", "state", "reason")
_PENDING = ("flavor_id", "kind", "cells", "attempts", "next_at", "error")


class _OfCells(listing.Listing):
    """A command for the cells that the configuration names."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _takes_config_group(parser)
        return parser

    def section(self, parsed_args: argparse.Namespace) -> config.Section:
        """The options of the group."""
        files = listing.readable(listing.files(self.named(parsed_args)))
        group = parsed_args.config_group
        return config.section(config.read(files), group, options.OPTS)

    def ourselves(self, parsed_args: argparse.Namespace) -> Ourselves:
        """What asks the cells with the rights of [waffles]."""
        return _ourselves(self.section(parsed_args))


def _takes_config_group(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config-group",
        default=options.GROUP,
        metavar="GROUP",
        help="The group that names the cells.",
    )


def _with_journal(section: config.Section) -> config.Section:
    """The options, if they name a journal.

    :raises ConfigError: they do not
    """
    if not section["connection"]:
        raise section.error("connection", "is required: there is no journal")
    return section


def _ourselves(section: config.Section) -> Ourselves:
    return assembling.ourselves(section, session.load(section.conf))


class List(_OfCells):
    """List the cells, and ask each how it is.

    The Nova below the proxy (endpoint = local) cannot be asked from here.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 all cells answer; 1 one does not; 2 nothing could"
            " be looked at"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> Rows:
        registry = options.registry(self.section(parsed_args))
        found = health.of_outcomes(*assembling.asked(registry))
        if not all(one.is_well for one in found):
            self.exit_code = listing.FOUND
        rows = (tuple(getattr(one, name) for name in _CELLS) for one in found)
        return _CELLS, rows


class _Looks(_OfCells):
    """A command that looks twice how cells differ."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--wait",
            type=float,
            default=2.0,
            metavar="SECONDS",
            help="Between the two looks; a write may be under way (2).",
        )
        return parser

    def seen(self, ours: Ourselves, parsed_args: argparse.Namespace) -> Seen:
        """What both looks have found; cells that are unseen are told of."""
        seconds = max(0.0, parsed_args.wait)
        found = audit.seen(ours.call, lambda: time.sleep(seconds))
        for name, state in found.unseen.items():
            self.say(f"Cell {name} was not seen: {state}.")
            self.exit_code = listing.COULD_NOT_LOOK
        return found

    def fails(self, failed: bool) -> None:
        """Remember that something was found; not to have looked is worse."""
        if failed and self.exit_code == listing.CLEAN:
            self.exit_code = listing.FOUND


class Audit(_Looks):
    """List how cells differ from home in their flavors.

    missing: home has the flavor; clash is the id that its name has there.
    extra: home has it not. differs: in these fields.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 nothing differs; 1 something does; 2 not all cells"
            " were seen"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> Rows:
        found = self.seen(self.ourselves(parsed_args), parsed_args)
        self.fails(bool(found.drifts))
        rows = (
            (
                one.flavor_id,
                one.cell,
                one.kind.value,
                ", ".join(one.fields),
                one.clash,
            )
            for one in found.drifts
        )
        return _DRIFT, rows


class Heal(_Looks):
    """Make what cells lack, and mend extra specs and access, as home has them.

    Nothing is deleted, and no flavor made anew: other values are for you.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 all is as home has it; 1 something is left; 2 not"
            " all cells were seen"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> Rows:
        ours = self.ourselves(parsed_args)
        found = self.seen(ours, parsed_args)
        return _HEALED, self._rows(ours, found)

    def _rows(self, ours: Ourselves, found: Seen) -> Iterator[Sequence[Any]]:
        for one, result in audit.healed(ours.call, ours.journal, found):
            self.fails(result.state not in (State.OK, State.ALREADY))
            kind, state = one.kind.value, result.state.value
            yield one.flavor_id, one.cell, kind, state, result.why


class Pending(_OfCells):
    """List writes of flavors that are not finished in all cells."""

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 there is none; 1 there are some; 2 nobody could"
            " look"
        )

    def take_action(self, parsed_args: argparse.Namespace) -> Rows:
        section = _with_journal(self.section(parsed_args))
        found = _ourselves(section).journal.entries()
        self.exit_code = listing.FOUND if found else listing.CLEAN
        rows = (
            tuple(
                dict(one.cells) if name == "cells" else getattr(one, name)
                for name in _PENDING
            )
            for one in found
        )
        return _PENDING, rows


class Run(command.Command):
    """Finish writes of flavors that were left unfinished, until told to end.

    Any number of them may run, on any nodes. SIGTERM and SIGINT end it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        listing.takes_config_files(parser)
        _takes_config_group(parser)
        parser.add_argument(
            "--once",
            action="store_true",
            help="End when nothing is due any more.",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        try:
            self._run(parsed_args)
        except exceptions.WafflesError as error:
            print(str(error), file=self.app.stderr)
            return listing.COULD_NOT_LOOK
        return listing.CLEAN

    def _run(self, parsed_args: argparse.Namespace) -> None:
        above = getattr(self.app.options, "config_file", [])
        files = listing.files([*above, *parsed_args.config_file])
        conf = config.read(listing.readable(files))
        section = config.section(conf, parsed_args.config_group, options.OPTS)
        ours = _ourselves(_with_journal(section))
        stop = threading.Event()
        if parsed_args.once:
            replay.run(ours.journal, ours.call())
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        finishing(ours, stop)


def finishing(ours: Ourselves, stop: threading.Event) -> None:
    """Finish what is due, until the end."""
    while not stop.wait(PAUSE):
        try:
            journal = ours.journal
            if journal.entries(limit=1):
                replay.run(journal, ours.call())
        except exceptions.Unjudged as error:
            LOG.error("Unfinished writes of flavors wait: %s", error)
