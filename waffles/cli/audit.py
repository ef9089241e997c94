"""``waffles audit``: which servers that exist break which rules?"""

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tqdm

from waffles import config, exceptions
from waffles.cli import configuration, listing, owners, paste, places, walk
from waffles.clients import nova, session


class Audit(listing.Listing):
    """List the servers that exist and break the rules of waffles.

    Every server of the cloud, or of a project, is judged by the rules that
    requests are judged by, whatever the mode; waffles in mode off are left
    out, and so are those that judge requests only (networks,
    network_policy). Nova is asked with the rights of an administrator: see
    [waffles].

    Who made a server is known by the ids of its user and project only. What
    "when" says of roles and names is taken to hold if it would for anybody
    with these ids. "exempt" is about who sends a request, so it exempts no
    server.

    Servers are read by pages of Nova's own limit, and none is kept: twice,
    where names have to be unique, with their names in a temporary file in
    between. The formats csv and value write each row as it is found; table,
    json and yaml hold the rows, but not the servers, until the end.

    A server of a cell that is down cannot be seen. Nova's compute services
    are asked for before and after, and any page, service or server that
    cannot be had makes the exit code 2, with a sentence on standard error;
    the rows that were found are written all the same.

    With --api-paste the waffles that stand in the pipelines of that file
    are asked, as for "waffles check", instead of each with its own group.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 every server keeps the rules; 1 some do not;"
            " 2 not everything could be looked at"
        )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--project", metavar="ID", help="Look at this project only."
        )
        parser.add_argument(
            "--api-paste", metavar="FILE", help="Nova's api-paste.ini."
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterator[walk.Row]]:
        files = listing.readable(listing.files(self.named(parsed_args)))
        auditors = auditors_of(self._uses(parsed_args, files))
        if not auditors:
            raise exceptions.WafflesError(
                f"There is nothing to audit by: no waffle has a group in"
                f" {', '.join(files)}, or mode is off."
            )
        cloud = nova.Nova(session.load(config.read(files)))
        self._walk = walk.Walk(cloud, parsed_args.project, self._bar)
        return walk.Row._fields, self._walk.rows(auditors)

    def conclude(self) -> int:
        for gap in self._walk.gaps:
            self.say(gap)
        self.say(
            f"Servers looked at: {self._walk.judged}."
            f" Violations found: {self._walk.found}."
        )
        if self._walk.gaps or self._is_nowhere():
            return listing.COULD_NOT_LOOK
        return listing.FOUND if self._walk.found else listing.CLEAN

    def _is_nowhere(self) -> bool:
        """Say so, where --project may be wrong: Nova knows no projects."""
        project_id = self._walk.project_id
        if project_id is None or self._walk.judged:
            return False
        self.say(
            f"Nova shows no server of project {project_id}: is that its id?"
        )
        return True

    def _uses(
        self, args: argparse.Namespace, files: list[str]
    ) -> list[configuration.Use]:
        if not args.api_paste:
            return configuration.default_uses(files)
        process_files = self.named(args) or listing.nova_files()
        return places.uses(
            paste.Paste(os.path.abspath(args.api_paste)), process_files
        )

    def _bar(self, servers: walk.Servers, title: str) -> walk.Servers:
        """Count on standard error; only where that is a terminal."""
        bar: walk.Servers = tqdm.tqdm(
            servers,
            title,
            unit=" servers",
            disable=None,
            leave=False,
            file=self.app.stderr,
        )
        return bar


def auditors_of(uses: Iterable[configuration.Use]) -> list[walk.Auditor]:
    """The waffles that have rules for servers that exist.

    :raises ConfigError: an option is wrong
    """
    found = []
    for use in uses:
        built: Any = configuration.build(use)(_nothing)
        # Some judge what is asked for, and not what is there.
        if use.configured and hasattr(built, "audit"):
            found.append(
                walk.Auditor(
                    use.label,
                    getattr(built.rule, "unique", "off"),
                    owners.Judge(built.policy),
                    built.audit,
                )
            )
    return found


def _nothing(environ: object, start_response: object) -> list[bytes]:
    """What stands below waffles that get no request."""
    return []
