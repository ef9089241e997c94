"""What must be true before servers are started elsewhere.

Each gate is judged and shown with its figures, whether it lets pass or not:

=======================  ===================================================
``paused``               nobody has paused all recoveries
``threshold:cloud``      no more hosts of the cloud are down than
                         ``threshold_cloud`` percent
``threshold:zone``       the same of the host's availability zone
``threshold:aggregate``  the same of each host aggregate that it is in
``scheduler``            a nova-scheduler is up
``computes``             another host is up and enabled
``alive``                its nova-compute is silent since the host was forced
                         down, or since its power was cut: one that reports
                         still runs servers
``cell``                 Nova sees the cell of the host
=======================  ===================================================

A host is down that Nova takes for down, that was forced down, or whose cell
Nova does not see; the host in question is one of them.  A single host that is
down is never too many.  Who lets ``alive`` go does so for what was heard until
then; ``cell`` nobody can let go.
"""

from collections.abc import Sequence
from typing import Protocol

from waffles.recovery.model import Gate
from waffles.recovery.planning import sites
from waffles.recovery.planning.sites import Service, Site
from waffles.recovery.planning.wishes import Rules

#: How many hosts a reason names.
NAMED = 5

#: Of a host whose cell is not seen; gate "cell" keeps it as long as that is.
_UNSEEN = "that is not seen now"


class Pause(Protocol):
    """A pause of all recoveries."""

    @property
    def by(self) -> str: ...

    @property
    def reason(self) -> str: ...


def judge(
    site: Site,
    host: str,
    rules: Rules,
    pause: Pause | None = None,
    baseline: str = "",
) -> tuple[Gate, ...]:
    """All gates of a host.

    :param baseline: ``updated_at`` of its nova-compute once it was forced
        down and disabled; empty before
    """
    here = site.compute(host)
    down = frozenset(
        one.host for one in site.computes if one.host == host or one.is_down
    )
    return (
        _paused(pause),
        _cloud(site, down, rules.threshold_cloud),
        _zone(site, here, down, rules.threshold_zone),
        _aggregates(site, host, down, rules.threshold_aggregate),
        _scheduler(site),
        _computes(site, host, here),
        _alive(here, baseline),
        _cell(host, here),
    )


def _paused(pause: Pause | None) -> Gate:
    if pause is None:
        return Gate("paused", True, "recoveries are not paused")
    why = f"{pause.by} has paused all recoveries: {pause.reason}"
    return Gate("paused", False, why)


def _cloud(site: Site, down: frozenset[str], allowed: int) -> Gate:
    hosts = frozenset(one.host for one in site.computes)
    judged = _share("of the cloud", hosts, down, allowed)
    return Gate("threshold:cloud", *judged)


def _zone(
    site: Site, here: Service | None, down: frozenset[str], allowed: int
) -> Gate:
    if here is None or not here.is_seen:
        return Gate("threshold:zone", True, f"its zone: {_UNSEEN}")
    # One of which nobody tells the zone may be of this one.
    hosts = frozenset(
        one.host for one in site.computes if site.zone(one) in (here.zone, "")
    )
    judged = _share(f"of zone {here.zone}", hosts, down, allowed)
    return Gate("threshold:zone", *judged)


def _aggregates(
    site: Site, host: str, down: frozenset[str], allowed: int
) -> Gate:
    known = frozenset(one.host for one in site.computes)
    judged = [
        _share(
            f"of host aggregate {one.name}", one.hosts & known, down, allowed
        )
        for one in site.around(host)
    ]
    passed = all(passed for passed, _ in judged)
    reasons = "; ".join(reason for _, reason in judged)
    return Gate(
        "threshold:aggregate", passed, reasons or "it is in no host aggregate"
    )


def _share(
    where: str, hosts: frozenset[str], down: frozenset[str], allowed: int
) -> tuple[bool, str]:
    """Whether few enough hosts are down, and the figures."""
    found = sorted(hosts & down)
    share = 100 * len(found) / max(1, len(hosts))
    said = f"{len(found)} of {_many(len(hosts), 'host')} {where}"
    figures = f"{share:.3g} %, allowed are {allowed} %"
    if len(found) == 1:
        return True, f"{said} is down: {figures}; one alone never holds"
    return share <= allowed, f"{said} are down ({_named(found)}): {figures}"


def _scheduler(site: Site) -> Gate:
    found = [one for one in site.services if one.binary == sites.SCHEDULER]
    up = [one for one in found if not one.is_down]
    of = _many(len(found), sites.SCHEDULER)
    return Gate("scheduler", bool(up), f"{len(up)} of {of} up")


def _computes(site: Site, host: str, here: Service | None) -> Gate:
    zone = here.zone if here else ""
    free = [
        one
        for one in site.computes
        if one.host != host and one.is_enabled and not one.is_down
    ]
    near = [one for one in free if one.zone == zone]
    reason = (
        f"{_many(len(near), 'other host')} of its zone up and enabled,"
        f" {len(free) - len(near)} of others"
    )
    return Gate("computes", bool(free), reason)


def _alive(here: Service | None, baseline: str) -> Gate:
    if here is None or not here.is_seen:
        return Gate("alive", True, f"its nova-compute: {_UNSEEN}")
    last = here.updated_at or "never"
    if not baseline:
        return Gate("alive", True, f"its nova-compute has reported: {last}")
    if here.updated_at == baseline:
        return Gate("alive", True, f"nothing was heard of it since {last}")
    why = (
        f"its nova-compute has reported at {last}, after it was declared dead"
        f" ({baseline}): the host still runs"
    )
    return Gate("alive", False, why)


def _cell(host: str, here: Service | None) -> Gate:
    if here is None:
        return Gate("cell", False, f"Nova shows no nova-compute of {host}")
    if not here.is_seen:
        return Gate("cell", False, f"Nova does not see the cell of {host}")
    return Gate("cell", True, f"Nova sees the cell of {host}")


def _many(many: int, what: str) -> str:
    return f"{many} {what}" if many == 1 else f"{many} {what}s"


def _named(hosts: Sequence[str]) -> str:
    more = ", …" if len(hosts) > NAMED else ""
    return ", ".join(hosts[:NAMED]) + more
