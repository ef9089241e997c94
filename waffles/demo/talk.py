"""Steps taken one by one, told to a reader, and held against the plan."""

import json
import re
import textwrap
from collections.abc import Iterable
from typing import Any

from waffles.demo.api import Api, Unexpected
from waffles.demo.steps import Step

#: What is worth reading of a server in an answer, and not in a request.
_SHOWN = ("id", "name", "status", "metadata")
_DULL = re.compile(r'(, "(imageRef|flavorRef|networks)": "[^"]*")+')


class Talk:
    """A conversation with the compute API, in numbered steps.

    :param before: the number of steps that were taken already
    """

    def __init__(self, api: Api, before: int = 0) -> None:
        self.api, self.number, self.server_id = api, before, ""

    def take(self, steps: Iterable[Step]) -> None:
        """Take steps one after the other.

        :raises Unexpected: with what was expected, and what came
        """
        for step in steps:
            self.begin(step.sentence)
            answer = self._ask(step)
            if step.status == 202:
                self.server_id = answer["server"]["id"]
                self.api.wait(self.server_id)

    def begin(self, sentence: str) -> None:
        """Say what a step shows."""
        self.number += 1
        print()
        _say(f"{self.number:2}. ", sentence)

    def _ask(self, step: Step) -> Any:
        path = step.path.format(id=self.server_id)
        print(f"    {step.user:6} {step.method} {path}")
        if step.body is not None:
            _say(" " * 11, _DULL.sub(", ...", json.dumps(step.body)))
        response = self.api.send(step.method, path, step.body, step.user)
        answer = response.json() if response.content else {}
        shown = worth_reading(answer)
        _say("    ", f"{response.status_code:<6} {shown}")
        if response.status_code != step.status or step.says not in shown:
            raise Unexpected(
                f"step {self.number} is not as expected.\n"
                f"expected: {step.status} {step.says}\n"
                f"came:     {response.status_code} {shown}"
            )
        return answer


def _say(begin: str, text: str) -> None:
    """Print a text in lines that fit on a screen."""
    for line in textwrap.wrap(
        text,
        width=79,
        initial_indent=begin,
        subsequent_indent=" " * 11,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        print(line)


def worth_reading(answer: dict[str, Any]) -> str:
    """The message of a fault, the state of a server, or all."""
    inner: dict[str, Any] = next(iter(answer.values()), {})
    if "message" in inner:
        return str(inner["message"])
    if "server" in answer:
        inner = {key: inner[key] for key in _SHOWN if key in inner}
        return json.dumps({"server": inner}, sort_keys=True)
    return json.dumps(answer, sort_keys=True) if answer else ""
