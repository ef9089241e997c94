"""``waffles check``: is everything as it should be, before Nova starts?"""

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from waffles import exceptions
from waffles.cli import (
    configuration,
    listing,
    paste,
    places,
    request_file,
    trial,
)
from waffles.cli.configuration import Use

Row = tuple[Any, ...]


class Check(listing.Listing):
    """Say what is wrong with the configuration of waffles.

    Each waffle is built as Nova's pipeline would build it. A waffle stops at
    the first option that it cannot use: mend it and check again. The group
    [waffles] is looked at where it is there. That no waffle has a group is
    wrong as well; so is, with --api-paste, each without one that stands there.

    With --api-paste, whether each waffle stands where it works is checked as
    well: in every pipeline of the compute API, below keystonecontext and
    legacy_v2_compatible, with a section that has known keys only. A waffle
    whose section has no config_file is then checked with what --config-file
    names, or else with Nova's own files, as Nova's process reads no other.

    With --request, what the waffles would answer to one request is listed
    instead, without Nova. The file is a JSON object::

      method, path, query, headers, body    the request; the path begins with
                          /v2.1 or /v2; without either, /v2.1 is meant; a
                          body that is a string is sent as it is
      user, project, roles, user_name, ...  who sends it
      answers             what Nova would answer to what a waffle reads: the
                          path (/servers/ID/metadata), with its query or
                          without, and the JSON body of the answer

    Where a waffle reads something that "answers" lacks, its outcome is
    "needs an answer". The waffles that look up networks do so in the cloud
    that [waffles] names; where that cannot be asked, it is the same. Where no
    waffle judges such requests at all, as at a path that Nova does not have,
    it is "not judged". Without --api-paste each waffle is asked alone, in mode
    off too. With it, those of the pipeline that the path leads to are asked
    from top to bottom, each with the body that the one above it passes on,
    until one refuses.
    """

    def get_epilog(self) -> str:
        return (
            "exit codes: 0 nothing is wrong, or the request passes; 1"
            " something is wrong, or the request is refused; 2 it could not be"
            " told"
        )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--api-paste", metavar="FILE", help="Nova's api-paste.ini."
        )
        parser.add_argument(
            "--request", metavar="FILE", help="A request, as JSON."
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], list[Row]]:
        if parsed_args.request:
            return self._try(parsed_args)
        found = self._problems(parsed_args)
        if found:
            self.exit_code = listing.FOUND
        else:
            self.say("Nothing is wrong.")
        return configuration.Problem._fields, found

    def _problems(self, args: argparse.Namespace) -> list[Row]:
        files = self._files(args)
        if args.api_paste:
            return [
                *places.problems(
                    paste.Paste(os.path.abspath(args.api_paste)), files
                )
            ]
        uses = configuration.default_uses(files)
        return [*configuration.problems(uses, files)]

    def _files(self, args: argparse.Namespace) -> list[str]:
        named = self.named(args)
        if args.api_paste:
            return listing.readable(named or listing.nova_files())
        return listing.readable(listing.files(named))

    def _try(
        self, args: argparse.Namespace
    ) -> tuple[Sequence[str], list[Row]]:
        request = request_file.load(args.request)
        asked = tried(self._uses(args, request), request, args.api_paste)
        answers = [(use.label, answer) for use, answer in asked]
        self.exit_code = max(exit_code(answer) for _, answer in answers)
        columns = ("waffle", *trial.Answer._fields)
        return columns, [(name, *_shown(answer)) for name, answer in answers]

    def _uses(
        self, args: argparse.Namespace, request: request_file.Request
    ) -> list[Use]:
        files = self._files(args)
        if not args.api_paste:
            return configuration.default_uses(files)
        pipelines = paste.Paste(os.path.abspath(args.api_paste)).pipelines()
        for pipeline in places.compute(pipelines):
            if pipeline.prefix == request.prefix and pipeline.waffles:
                return [
                    places.use_of(part, files) for part in pipeline.waffles
                ]
        raise exceptions.WafflesError(
            f"{args.api_paste}: no waffle stands in a pipeline of the compute"
            f" API that takes {request.prefix}."
        )


def tried(
    uses: Iterable[Use], request: request_file.Request, stacked: bool
) -> Iterator[tuple[Use, trial.Answer]]:
    """Ask waffles for their answers to a request.

    :param stacked: each gets what the one before it passes on
    :raises ConfigError: an option is wrong
    """
    body = request.body
    for use in uses:
        answer = trial.ask(configuration.build(use), request, body)
        yield use, answer
        if stacked and not answer.passes:
            return
        if stacked and answer.body is not None:
            body = answer.body


def exit_code(answer: trial.Answer) -> int:
    """What one answer makes of the exit code of them all."""
    if answer.outcome == trial.NEEDS:
        return listing.COULD_NOT_LOOK
    return listing.CLEAN if answer.passes else listing.FOUND


def _shown(answer: trial.Answer) -> Row:
    body = answer.body.decode() if answer.body is not None else ""
    return (answer.outcome, answer.status or "", answer.message, body)
