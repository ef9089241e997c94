"""``waffles recovery release | pause | resume | retry | abandon | return``.

Each writes down what is wanted, with who wanted it; an engine does it.
"""

import abc
import argparse
import re
from collections.abc import Sequence
from typing import Any

from waffles import exceptions
from waffles.cli import listing, recovery
from waffles.cli.recovery_look import fields
from waffles.recovery import views
from waffles.recovery.model import Recovery
from waffles.recovery.store.store import Store

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


class Act(recovery.Command, listing.Showing):
    """Something that is done to one recovery, which is shown then."""

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 it is written down; 1 the recovery is not in a"
            " state for it; 2 it could not be done"
        )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        recovery.takes_recovery(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        store = self.store(parsed_args)
        one = recovery.found(store, parsed_args.recovery)
        return fields(store, self.act(store, one, parsed_args))

    @abc.abstractmethod
    def act(
        self, store: Store, one: Recovery, parsed_args: argparse.Namespace
    ) -> Recovery:
        """Write it down.

        :raises Conflict: the recovery is not in a state for it
        """


class Release(Act):
    """Let a recovery go that gates hold.

    All gates that hold it are let go, or those that --gate names; others
    that close later hold it again. "cell" cannot be let go: what Nova does
    not see it does not evacuate.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--reason", default="", help="Why, for the log.")
        parser.add_argument(
            "--gate",
            action="append",
            metavar="NAME",
            help="This gate only; can be repeated.",
        )
        return parser

    def act(
        self, store: Store, one: Recovery, parsed_args: argparse.Namespace
    ) -> Recovery:
        by, reason = recovery.operator(), parsed_args.reason
        return store.release(one.id, by, reason, parsed_args.gate)


class Retry(Act):
    """Have failed and stuck servers of a recovery tried again.

    All of them, or those that --server names. A recovery that has ended is
    opened again, and its gates are judged anew. Nothing is tried again while
    the host is on its way back: declare it dead again if it is off.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--server",
            action="append",
            metavar="ID",
            help="This server only; can be repeated.",
        )
        return parser

    def act(
        self, store: Store, one: Recovery, parsed_args: argparse.Namespace
    ) -> Recovery:
        return store.retry(one.id, recovery.operator(), parsed_args.server)


class Abandon(Act):
    """End a recovery as it is, or give up what is stuck of one that ended.

    Servers that nothing was done about are left; of those that Nova may be
    moving, or that are stuck, nobody looks after what becomes of them, and
    another recovery may evacuate them.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--reason", required=True, help="Why, for the log."
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        settings = self.setup(parsed_args).settings
        parsed_args.settle_time = settings.settle_time
        return super().take_action(parsed_args)

    def act(
        self, store: Store, one: Recovery, parsed_args: argparse.Namespace
    ) -> Recovery:
        by, reason = recovery.operator(), parsed_args.reason
        return store.abandon(one.id, by, reason, parsed_args.settle_time)


class Return(Act):
    """Take a host back into service, once that does no harm.

    It waits until no evacuation from the host is under way and its
    nova-compute has started again and reports; then it is un-forced, and
    enabled if the recovery disabled it. May nova-compute be started? Ask
    "waffles recovery may-start".
    """

    def act(
        self, store: Store, one: Recovery, parsed_args: argparse.Namespace
    ) -> Recovery:
        return store.ask_return(one.id, recovery.operator())


class OneOrAll(Act):
    """Something that is done to one recovery, or to all of the cloud."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        (named,) = (
            action for action in parser._actions if action.dest == "recovery"
        )
        named.nargs, named.required = "?", False
        parser.add_argument(
            "--all",
            action="store_true",
            dest="whole_cloud",
            help="All recoveries, and those that are still to come.",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        if parsed_args.whole_cloud == bool(parsed_args.recovery):
            raise exceptions.WafflesError("Name a recovery, or say --all.")
        if parsed_args.whole_cloud:
            return self.act_on_all(self.store(parsed_args), parsed_args)
        return super().take_action(parsed_args)

    @abc.abstractmethod
    def act_on_all(
        self, store: Store, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        """Write it down for the cloud; what is to be shown."""


class Pause(OneOrAll):
    """Have a recovery begin nothing new, or all of them.

    Evacuations that Nova has been asked for go on.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--reason", required=True, help="Why, for all to read."
        )
        parser.add_argument(
            "--for",
            dest="length",
            type=seconds,
            metavar="TIME",
            help="With --all: how long, as 30m, 2h or 1d12h; else until"
            ' "waffles recovery resume --all".',
        )
        return parser

    def act(
        self, store: Store, one: Recovery, parsed_args: argparse.Namespace
    ) -> Recovery:
        if parsed_args.length:
            raise exceptions.WafflesError("--for needs --all.")
        return store.pause(one.id, recovery.operator(), parsed_args.reason)

    def act_on_all(
        self, store: Store, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        length, by = parsed_args.length, recovery.operator()
        until = store.now() + length if length else None
        store.set_pause(by, parsed_args.reason, until)
        found = store.pause_of_all()
        if found is None:
            raise exceptions.WafflesError("Somebody has lifted it already.")
        shown = views.pause(found.reason, found.by, found.since, found.until)
        return tuple(shown), recovery.cells(shown.values())


class Resume(OneOrAll):
    """Have a paused recovery go on, or lift the pause of all."""

    def act(
        self, store: Store, one: Recovery, parsed_args: argparse.Namespace
    ) -> Recovery:
        return store.resume(one.id, recovery.operator())

    def act_on_all(
        self, store: Store, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        store.lift_pause(recovery.operator())
        self.say("All recoveries go on.")
        return (), ()


def seconds(text: str) -> int:
    """A stretch of time.

    :raises ArgumentTypeError: it is none

    >>> seconds("1d12h"), seconds("90m")
    (129600, 5400)
    """
    parts = re.findall("([0-9]{1,6})([dhms])", text)
    if not parts or "".join(map("".join, parts)) != text:
        why = f"{text!r} is no time, as 30m, 2h or 1d12h"
        raise argparse.ArgumentTypeError(why)
    return sum(int(many) * _UNITS[unit] for many, unit in parts)
