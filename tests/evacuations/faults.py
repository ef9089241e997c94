"""What goes wrong in the fake Nova, by chance."""

import dataclasses
import random
import re
from typing import Any, NamedTuple


class Course(NamedTuple):
    """How a call goes.

    :param acts: whether what was asked for is done
    :param ends: answer, error (500), busy (429), reset, or never
    :param waits: for ``wait`` seconds, before it acts or after
    """

    acts: bool = True
    ends: str = "answer"
    waits: str = ""


WELL = Course()

#: Each with a field of the same name in Faults.
COURSES = {
    "error_before": Course(acts=False, ends="error"),
    "error_after": Course(ends="error"),
    "silent": Course(ends="never"),
    "slow": Course(waits="after"),
    "late": Course(waits="before"),
    "reset_before": Course(acts=False, ends="reset"),
    "reset_after": Course(ends="reset"),
    "busy": Course(acts=False, ends="busy"),
}


@dataclasses.dataclass(slots=True)
class Faults:
    """Probabilities of faults.

    :param only: an expression for the operations that they befall
    :param error_before: 500, nothing is done
    :param error_after: 500, though it is done
    :param silent: it is done, and there is never an answer
    :param slow: it is done at once, and answered after ``wait``
    :param late: it is done and answered after ``wait``
    :param reset_before: the connection is reset, nothing is done
    :param reset_after: the connection is reset, though it is done
    :param busy: 429, nothing is done
    :param retry_after: seconds, in answers 429
    :param failing: part of the servers whose evacuation fails at first
    :param failures: so many times: no valid host, then a late claim, …
    :param beats: hosts whose nova-compute reports, forced down or not
    """

    only: str = ""
    error_before: float = 0.0
    error_after: float = 0.0
    silent: float = 0.0
    slow: float = 0.0
    late: float = 0.0
    reset_before: float = 0.0
    reset_after: float = 0.0
    busy: float = 0.0
    wait: float = 3.0
    retry_after: int = 1
    failing: float = 0.0
    failures: int = 0
    beats: list[str] = dataclasses.field(default_factory=list)

    def change(self, **fields: Any) -> None:
        """Set some fields."""
        for name, value in dataclasses.asdict(
            dataclasses.replace(self, **fields)
        ).items():
            setattr(self, name, value)

    def course(self, operation: str, dice: random.Random) -> Course:
        """How a call is to go."""
        if not re.fullmatch(self.only or ".*", operation):
            return WELL
        drawn = dice.random()
        for name, course in COURSES.items():
            drawn -= getattr(self, name)
            if drawn < 0:
                return course
        return WELL
