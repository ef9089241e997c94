"""A write at home, where it begins, and its place in the journal."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

from waffles import exceptions
from waffles.cells.asking import partial
from waffles.cells.asking.call import Call, passed_on
from waffles.cells.flavors import single, writing
from waffles.cells.flavors.writing import Plan, State
from waffles.cells.journal.entries import Entry, Kind
from waffles.cells.model import Cell, Reply
from waffles.clients.cell import End

#: The longest id of a flavor that Nova has.
LONGEST = 255

#: Names the cells that have a write yet to come.
PENDING = "X-Waffles-Pending"

#: The methods whose requests say something.
WITH_BODY = frozenset({"POST", "PUT"})

#: Seconds in which what was sent and not answered may yet be done.
SETTLES = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Led:
    """What became of a write at home.

    :param maybe: it is not done, as far as is known, and may be, or may
        yet be
    """

    reply: Reply
    done: bool
    maybe: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """What is answered, and what is left in the journal.

    :param wait: seconds until a replay, at the least
    """

    reply: Reply
    entry: Entry
    error: str = ""
    wait: float = 0.0


class Begun(Exception):
    """Something was in the way of a write that had been sent to a cell."""


@contextlib.contextmanager
def behind_it() -> Iterator[None]:
    """What comes behind the first request that may change something.

    :raises Begun: an Unjudged that was raised there
    """
    try:
        yield
    except exceptions.Unjudged as error:
        raise Begun(str(error)) from error


def kept(call: Call, entry: Entry, work: Callable[[Entry], Ending]) -> Reply:
    """Do what needs a flavor in hand, with its write in the journal.

    :param work: raises Unjudged where it has changed nothing
    :raises Unavailable: another write of the flavor is in the way
    """
    begun = call.journal.begin(entry)
    try:
        ending = work(begun)
    except exceptions.Unjudged:
        call.journal.end(dataclasses.replace(begun, cells={}))
        raise
    except Begun as error:
        call.journal.leave(begun)
        return failed(f"{error} The write had begun, and is not finished.")
    except BaseException:
        call.journal.leave(begun)
        raise
    call.journal.end(ending.entry, ending.error, ending.wait)
    return ending.reply


def lead(call: Call, plan: Plan, home: Cell) -> Led:
    """Have home do it, or find out that it has.

    :raises Unavailable: home was not reached
    """
    outcome = writing.send(call, plan, [home])[home.name]
    if partial.is_settled(outcome):
        reply = passed_on(outcome)
        return Led(ours(call, reply), partial.is_good(outcome))
    if not outcome.sent:
        raise exceptions.Unavailable(f"{outcome.why} Nothing was changed.")
    with behind_it():
        look = call.one(home, plan.look)
    shown, why = plan.shows(look), writing.said(outcome)
    if shown:
        reply = Reply(plan.status, plan.answer(look))
        return Led(ours(call, reply), True)
    if shown is False and outcome.end is End.ANSWERED:
        return Led(passed_on(outcome), False)
    known = "has not done it yet" if shown is False else "may have done it"
    text = f"{why} It {known}; no other cell was asked."
    return Led(failed(text), False, True)


def passed(call: Call, plan: Plan, home: Cell) -> Led:
    """Have home say itself what it has against a write; nothing is looked at.

    :raises Unavailable: home was not reached
    """
    outcome = writing.send(call, plan, [home])[home.name]
    if partial.is_settled(outcome):
        reply = ours(call, passed_on(outcome))
        return Led(reply, partial.is_good(outcome))
    if not outcome.sent:
        raise exceptions.Unavailable(f"{outcome.why} Nothing was changed.")
    text = f"{writing.said(outcome)} No other cell was asked."
    return Led(failed(text), False, True)


def alone(call: Call, cell: Cell, path: str) -> Reply:
    """Have one cell answer, as it will, to the client's own words."""
    data = call.data if call.method in WITH_BODY else None
    outcome = call.one(cell, path, method=call.method, data=data)
    return ours(call, passed_on(outcome))


def ours(call: Call, reply: Reply) -> Reply:
    """An answer with our addresses in it."""
    shown = single.record(reply.data)
    if shown is None:
        return reply
    data = {**reply.data, "flavor": single.relinked(call, shown)}
    return dataclasses.replace(reply, data=data)


def pending(reply: Reply, cells: Iterable[str]) -> Reply:
    """An answer that says in which cells it is done later."""
    headers = {**reply.headers, PENDING: ", ".join(cells)}
    return dataclasses.replace(reply, headers=headers)


def failed(text: str) -> Reply:
    """The answer where cells have failed that should have done it."""
    return Reply(502, {"computeFault": {"code": 502, "message": text}})


def entry(
    call: Call, kind: Kind, flavor_id: str, cells: Iterable[Cell]
) -> Entry:
    """What is to be kept of a write while it is under way.

    :param cells: those that are to follow home; none of a call for chosen
        cells, as home is no example for them
    """
    names = [] if call.targets else [cell.name for cell in cells]
    request_id = str(call.environ.get("openstack.request_id") or "")
    left: Mapping[str, str] = dict.fromkeys(names, State.PENDING)
    return Entry(flavor_id, kind, left, request_id=request_id)
