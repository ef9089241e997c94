"""Whether nova-compute may start on a host again, and be un-forced.

When it starts it destroys the local guests of every evacuation from its host
that it finds, and calls those done that have only been accepted; and Nova
lets its service be un-forced in the middle of them.  So it may not while a
recovery of the host is open, nor while Nova shows an evacuation from it that
has not ended: those of servers that are gone, or are on another host and left
alone there, have, whatever their migration says.  What cannot be asked is no
yes: Nova leaves out, without a word, what is in a cell that is down.

Nor is a name that Nova does not know: it may be that of a machine whose
nova.conf has another ``host``, of which a recovery is open.  Where a host is
to start for the first time somebody has to say so.
"""

import contextlib
import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from waffles import exceptions
from waffles.clients.compute import Compute
from waffles.recovery import watch
from waffles.recovery.model import Recovery
from waffles.recovery.planning import survey
from waffles.recovery.store.store import Store


class Verdict(NamedTuple):
    """Whether it may.

    :param reason: for people, whether it may or not
    :param recovery: the open one that stands in the way, if one does
    """

    may_start: bool
    reason: str
    recovery: Recovery | None = None


def verdict(
    host: str, store: Store, compute: Compute, first_start: bool = False
) -> Verdict:
    """Whether nova-compute may start on a host.

    :param first_start: whether Nova need not know the host
    :raises Hidden: Nova does not know the host, or by another name (404)
    :raises Unavailable: somebody who must be asked gives no answer
    """
    if (found := store.open_of(host)) is not None:
        return of_open(found)
    is_known = _seen(host, compute, first_start)
    with sure():
        left = _left(host, compute)
    _seen(host, compute, first_start)
    if left:
        return of_migrations(left)
    if (found := store.open_of(host)) is not None:
        return of_open(found)
    if not is_known:
        return Verdict(True, "Nova has no compute service of this name yet.")
    return Verdict(True, "No recovery of it is open, nothing is under way.")


def of_open(recovery: Recovery) -> Verdict:
    """The verdict where a recovery of the host is open."""
    why = f"Recovery {recovery.id} of it is {recovery.phase}."
    return Verdict(False, why, recovery)


def of_migrations(left: Collection[Mapping[str, Any]]) -> Verdict:
    """The verdict where evacuations have not ended."""
    named = [f"{one['id']} ({one['status']})" for one in left]
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return Verdict(
        False,
        f"Evacuations from it have not ended: migrations"
        f" {', '.join(named[:5])}{more}.",
    )


def alike(host: str, others: Collection[str]) -> list[str]:
    """Hosts that somebody may mean who says another name.

    >>> alike("c1", ["C1", "c1.example.com", "c10"])
    ['C1', 'c1.example.com']
    """
    return sorted(one for one in others if _short(one) == _short(host))


@contextlib.contextmanager
def sure() -> Iterator[None]:
    """Take no refusal of Nova's for an answer: it is us whom it refuses.

    :raises NoHost: there is no such host
    :raises Unavailable: for anything else
    """
    try:
        yield
    except survey.NoHost:
        raise
    except (exceptions.Hidden, exceptions.ConfigError) as error:
        raise exceptions.Unavailable(str(error)) from error


def _left(host: str, compute: Compute) -> list[Any]:
    """The evacuations that have not ended, from the first that counts on."""
    found = watch.under_way(compute.migrations(host))
    return list(
        itertools.dropwhile(
            lambda one: _is_past(one["instance_uuid"], host, compute), found
        )
    )


def _is_past(server_id: str, host: str, compute: Compute) -> bool:
    try:
        return watch.is_past(compute.server(server_id), host)
    except exceptions.Hidden as error:
        if error.code == 404:
            return True
        raise


def _seen(host: str, compute: Compute, first_start: bool) -> bool:
    """Whether Nova knows the host; what it says of it counts then."""
    with sure():
        services = compute.services(binary="nova-compute")
    by_host = {one["host"]: one["status"] for one in services}
    if by_host.get(host) == "UNKNOWN":
        raise exceptions.Unavailable(f"Nova cannot see the cell of {host}.")
    if host in by_host:
        return True
    if near := alike(host, by_host):
        raise _no_host(host, near)
    if not first_start:
        raise _no_host(host, survey.near(host, by_host))
    return False


def _no_host(host: str, near: Collection[str]) -> exceptions.Hidden:
    why = (
        f": do you mean {' or '.join(near)}?"
        if near
        else ". Its name is that of `host` in its nova.conf."
    )
    return exceptions.Hidden(
        404,
        f"There is no compute service on {host}{why} Where it starts for the"
        f" first time, say so (first_start).",
    )


def _short(host: str) -> str:
    return host.partition(".")[0].lower()
