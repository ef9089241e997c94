"""Steps taken one by one, told to a reader, and held against the plan."""

import json
import re
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from waffles.demo.api import Api, Unexpected
from waffles.demo.shown import worth_reading
from waffles.demo.steps import Step

#: What is not worth reading in a request.
_DULL = re.compile(r'(, "(imageRef|flavorRef)": "[^"]*")+')

#: What is made -> what stands for its id in a path.
_MADE = {"server": "id", "aggregate": "aggregate", "recovery": "recovery"}


class Talk:
    """A conversation with the compute API, in numbered steps.

    :param before: the number of steps that were taken already
    :param say: takes the lines
    """

    def __init__(
        self,
        api: Api,
        before: int = 0,
        say: Callable[[str], object] = print,
    ) -> None:
        self.api, self.number, self.say = api, before, say
        #: What was made last, and its id.
        self.made = dict.fromkeys(_MADE.values(), "")

    def take(self, steps: Iterable[Step]) -> None:
        """Take steps one after the other.

        :raises Unexpected: with what was expected, and what came
        """
        for step in steps:
            if step.sentence:
                self.begin(step.sentence)
            answer = self._ask(step)
            for kind in _MADE.keys() & answer.keys():
                self.made[_MADE[kind]] = answer[kind]["id"]
            if step.status == 202 and "server" in answer:
                self.api.wait()

    def begin(self, sentence: str) -> None:
        """Say what a step shows."""
        self.number += 1
        self.say("")
        self._tell(f"{self.number:2}. ", sentence)

    def _ask(self, step: Step) -> Any:
        path = step.path.format(**self.made)
        self.say(f"    {step.user:6} {step.method} {path}")
        if step.body is not None:
            self._tell(" " * 11, _DULL.sub(", ...", json.dumps(step.body)))
        response = self.api.send(step.method, path, step.body, step.user)
        answer = response.json() if response.content else {}
        shown = worth_reading(answer)
        self._tell("    ", f"{response.status_code:<6} {shown}")
        if response.status_code != step.status or step.says not in shown:
            raise Unexpected(
                f"step {self.number} is not as expected.\n"
                f"expected: {step.status} {step.says}\n"
                f"came:     {response.status_code} {shown}"
            )
        return answer

    def _tell(self, begin: str, text: str) -> None:
        """Say a text in lines that fit on a screen."""
        for line in text.splitlines():
            wrapped = textwrap.wrap(
                line,
                width=79,
                initial_indent=begin,
                subsequent_indent=" " * 11,
                break_long_words=False,
                break_on_hyphens=False,
            )
            for part in wrapped:
                self.say(part)
            begin = " " * 11
