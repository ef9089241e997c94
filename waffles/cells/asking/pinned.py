"""What is in one cell only, and what that cell says of it."""

from waffles import exceptions
from waffles.cells.asking.call import Call, passed_on
from waffles.cells.model import Reply
from waffles.clients.cell import End, Outcome


def told(call: Call, outcome: Outcome) -> Reply:
    """A cell's answer to the call, as it is.

    :raises Unavailable: there is none; the text says so where nobody knows
        whether the cell has done what it was asked
    """
    unknown = outcome.end is not End.ANSWERED and outcome.sent
    if unknown and call.method != "GET":
        raise exceptions.Unavailable(
            f"Cell {outcome.cell} may have done it or not: look before you"
            f" try again. {outcome.why}"
        )
    return passed_on(outcome)
