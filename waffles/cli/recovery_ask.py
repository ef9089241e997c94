"""``waffles recovery plan | protection | may-start HOST``: Nova is asked."""

import argparse
import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from waffles.cli import listing, recovery
from waffles.clients import session
from waffles.clients.compute import Compute
from waffles.clients.glance import Glance
from waffles.recovery import views
from waffles.recovery.endpoint import may_start
from waffles.recovery.model import Decision, State
from waffles.recovery.planning import plan, survey

_SERVERS = (
    "server_id", "name", "decision", "state", "reason", "priority", "group",
)  # fmt: skip
_GATES = ("name", "passed", "reason")
_PROTECTION = ("decision", "state", "servers", "reason")

Rows = list[tuple[Any, ...]]


class Asking(recovery.Command):
    """A subcommand about a host of Nova's."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "host", metavar="HOST", help="The compute service's host."
        )
        return parser

    def made(self, parsed_args: argparse.Namespace) -> plan.Plan:
        """The plan of the host.

        :raises Hidden: there is no such host, …
        :raises Unavailable: it cannot be seen
        """
        conf, settings = self.setup(parsed_args)
        access = session.load(conf)
        compute = Compute(access, settings.timeout)
        glance = Glance(access, settings.timeout)
        pause = self.store(parsed_args).pause_of_all()
        survey.host(compute, parsed_args.host)
        return survey.plan(
            compute, glance, parsed_args.host, settings.rules, pause
        )


class Plan(Asking, listing.Listing):
    """List what would be done if a host were dead, now.

    Nothing is written, and nothing is called but reads. Each server that
    Nova has on the host is a row, in the order of the recovery: "queued" is
    evacuated, "notifying" is somebody else's to bring back, the others are
    left, with the reason. What holds it is told on standard error; with
    --gates all gates are listed instead of the servers.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 it would begin at once; 1 a gate would hold it;"
            " 2 it could not be looked at"
        )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--gates", action="store_true", help="List the gates instead."
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Rows]:
        made = self.made(parsed_args)
        for gate in plan.closed(made.gates):
            self.say(recovery.gate_line(views.gate(gate)))
            self.exit_code = listing.FOUND
        self.say(made.summary)
        if parsed_args.gates:
            return _GATES, _rows(_GATES, map(views.gate, made.gates))
        return _SERVERS, _rows(_SERVERS, map(views.server, made.servers))


class Protection(Asking, listing.Listing):
    """List how the servers of a host are protected, before it fails.

    Each row is what would become of some of them, and why: "automatic,
    queued" is evacuated, "custom, notifying" is somebody else's to bring
    back, "none, skipped" is left. An automatic one that is failed or stuck
    asks for it, and could not be recovered as it is now.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 whatever asks for it would be recovered; 1 some of"
            " it could not be; 2 it could not be looked at"
        )

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Rows]:
        made = self.made(parsed_args)
        counts = collections.Counter(
            (one.decision, one.state, one.reason) for one in made.servers
        )
        if any(_is_exposed(*kind) for kind in counts):
            self.exit_code = listing.FOUND
        self.say(made.summary)
        return _PROTECTION, [
            recovery.cells((str(decision), str(state), many, reason))
            for (decision, state, reason), many in counts.most_common()
        ]


class MayStart(Asking, listing.Showing):
    """Say whether nova-compute may be started on a host.

    When it starts it destroys what it finds of servers whose evacuation has
    been accepted, so it may not while a recovery of the host is open or an
    evacuation from it has not ended. A host that Nova does not know may not
    either, unless --first-start says that it is new. For ExecStartPre of its
    unit there is etc/waffles-may-start.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 it may be started; 1 not yet; 2 it could not be"
            " found out"
        )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--first-start",
            action="store_true",
            help="The host is new: Nova need not know it.",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        conf, settings = self.setup(parsed_args)
        compute = Compute(session.load(conf), settings.timeout)
        store = self.store(parsed_args)
        found = may_start.verdict(
            parsed_args.host, store, compute, parsed_args.first_start
        )
        if not found.may_start:
            self.exit_code = listing.FOUND
        return ("host", "may_start", "reason"), recovery.cells(
            (parsed_args.host, found.may_start, found.reason)
        )


def _is_exposed(decision: Decision, state: State, reason: str) -> bool:
    return decision is not Decision.NONE and state in (
        State.FAILED,
        State.STUCK,
    )


def _rows(names: Sequence[str], found: Iterable[Mapping[str, Any]]) -> Rows:
    return [recovery.cells(one[name] for name in names) for one in found]
