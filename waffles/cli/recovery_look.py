"""``waffles recovery list | show | servers | log``."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from waffles.cli import listing, recovery, recovery_live
from waffles.recovery import views
from waffles.recovery.dashboard import pages
from waffles.recovery.model import Phase, Recovery, State
from waffles.recovery.planning import plan
from waffles.recovery.store import orders
from waffles.recovery.store.store import Store

_LIST = ("id", "host", "state", "servers", "asserted_by", "created_at", "note")
_SERVERS = (
    "server_id", "name", "decision", "state", "reason", "destination",
)  # fmt: skip
_LOG = ("at", "event", "server_id", "message", "request_id", "engine")


class List(recovery.Command, listing.Listing):
    """List recoveries, the newest first.

    A pause of all recoveries is told on standard error.
    """

    def get_epilog(self) -> str:
        return "exit codes: 0 they are listed; 2 they could not be looked at"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--host", default="", help="Those of this host.")
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--open",
            dest="is_open",
            action="store_true",
            default=None,
            help="Those that have not ended.",
        )
        which.add_argument(
            "--ended",
            dest="is_open",
            action="store_false",
            help="Those that have ended.",
        )
        parser.add_argument(
            "--limit",
            type=int,
            default=100,
            metavar="N",
            help="So many at the most (100); 0 is all.",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterator[tuple[Any, ...]]]:
        store = self.store(parsed_args)
        if pause := store.pause_of_all():
            until = views.time(pause.until) or "somebody lifts it"
            self.say(
                f"All recoveries are paused by {pause.by} until {until}:"
                f" {pause.reason}"
            )
        listed = recovery.everything(
            store,
            parsed_args.limit or None,
            host=parsed_args.host,
            open=parsed_args.is_open,
        )
        return _LIST, (_row(store, one) for one in listed)


class Show(recovery.Command, listing.Showing):
    """Show a recovery, or watch it until it ends.

    With --watch a terminal shows how far the servers are, once a second, and
    what is not a terminal gets each line of the log as it is written. That
    ends when the recovery has ended, or when a gate holds it. With a format
    other than table this goes to standard error, and what the recovery has
    come to is written at the end.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 it is shown, or (--watch) done; 1 (--watch) it is"
            " partial, failed or held; 2 it could not be looked at"
        )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        recovery.takes_recovery(parser)
        parser.add_argument(
            "--watch", action="store_true", help="Follow it until it ends."
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        store = self.store(parsed_args)
        one = recovery.found(store, parsed_args.recovery)
        if parsed_args.watch:
            one = self._watched(store, one, parsed_args.formatter)
            if parsed_args.formatter == "table":
                return (), ()
        return fields(store, one)

    def _watched(
        self, store: Store, one: Recovery, formatter: str
    ) -> Recovery:
        is_table = formatter == "table"
        stream = self.app.stdout if is_table else self.app.stderr
        one = recovery_live.watch(store, one.id, recovery_live.screen(stream))
        if one.phase is not Phase.DONE:
            self.exit_code = listing.FOUND
        closed = {gate.name for gate in plan.closed(one.gates, one.released)}
        if one.phase is Phase.HELD and closed - {orders.UNSEEN}:
            self.say(f"To let it go: waffles recovery release {one.id}")
        return one


class Servers(recovery.Command, listing.Listing):
    """List the servers of a recovery, in the order of its plan."""

    def get_epilog(self) -> str:
        return "exit codes: 0 they are listed; 2 they could not be looked at"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        recovery.takes_recovery(parser)
        parser.add_argument(
            "--state",
            action="append",
            choices=[state.value for state in State],
            metavar="STATE",
            help="Those in this state; can be repeated.",
        )
        parser.add_argument(
            "--long", action="store_true", help="All that is known of each."
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterator[tuple[Any, ...]]]:
        store = self.store(parsed_args)
        one = recovery.found(store, parsed_args.recovery)
        rows = [
            views.server(server)
            for server in store.servers(one.id)
            if server.state in (parsed_args.state or State)
        ]
        every = tuple(rows[0]) if rows else _SERVERS
        names = every if parsed_args.long else _SERVERS
        return names, (
            recovery.cells(row[name] for name in names) for row in rows
        )


class Log(recovery.Command, listing.Listing):
    """List the log of a recovery, the oldest line first.

    Without a recovery: what is about the whole cloud, such as its pauses.
    """

    def get_epilog(self) -> str:
        return "exit codes: 0 it is listed; 2 it could not be looked at"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "recovery",
            metavar="ID|HOST",
            nargs="?",
            help="The recovery's id, the beginning of it, or its host.",
        )
        parser.add_argument(
            "--server", default="", metavar="ID", help="Of this server only."
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterator[tuple[Any, ...]]]:
        store = self.store(parsed_args)
        name = parsed_args.recovery
        recovery_id = recovery.found(store, name).id if name else ""
        lines = store.lines(recovery_id, server_id=parsed_args.server)
        return _LOG, (
            recovery.cells(views.line(line)[name] for name in _LOG)
            for line in lines
        )


def fields(store: Store, one: Recovery) -> tuple[Sequence[str], Sequence[Any]]:
    """All fields of a recovery, as the API names them."""
    counts = store.counts(one.id)
    by_trouble = {state: counts.get(state, 0) for state in pages.ORDER}
    shown = views.recovery(one, by_trouble)
    del shown["links"]
    shown["servers"] = recovery.Counts(shown["servers"])
    shown["gates"] = recovery.Gates(shown["gates"])
    return tuple(shown), recovery.cells(shown.values())


def _row(store: Store, one: Recovery) -> tuple[Any, ...]:
    names, values = fields(store, one)
    found = dict(zip(names, values, strict=True))
    return tuple(found[name] for name in _LIST)
