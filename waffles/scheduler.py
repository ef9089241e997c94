"""Servers stay on the hosts that have their network.

*What it does.*  :class:`AggregateNetworkFilter` is a filter of Nova's
scheduler.  The waffle ``networks`` has given a server the scheduler hint
``waffles:network`` when it was made (:mod:`waffles.pins`).  Nova keeps hints
with the server, so the filter is asked wherever the server goes: when it is
made, alone or with others, and when it is evacuated, migrated (live or not),
resized, or unshelved after it had left its host.  A host passes when the
metadata of one of its host aggregates names the network.

*How to enable it.*  Install waffles where ``nova-scheduler`` runs, and add it
to both lists in its nova.conf.  The first line is Nova's default, which goes
when there is another; the filters before it are Nova's defaults, too::

    [filter_scheduler]
    available_filters = nova.scheduler.filters.all_filters
    available_filters = waffles.scheduler.AggregateNetworkFilter
    enabled_filters = ComputeFilter, ComputeCapabilitiesFilter,
        ImagePropertiesFilter, ServerGroupAntiAffinityFilter,
        ServerGroupAffinityFilter, AggregateNetworkFilter

Then say which networks the hosts of an aggregate have, by ids or names::

    openstack aggregate set --property networks="<id>,<id>" pod-1

Nova takes up to 255 characters, which is six ids; a host may be in further
host aggregates.

*Whom it affects.*  Servers with the hint only: a server without it, as those
made before the waffle, goes to any host.  A hint that cannot be understood
passes no host, and a warning in the log says so.  Nova gives a client's own
hints to its scheduler: that nobody sends this one is for the waffle to see
to.

*What goes around it.*  Nova asks no filter where an administrator forces a
host: by ``availability_zone`` of a create, with a host in it; by evacuate to a
host, with ``force`` (microversions 2.29 to 2.67) or below 2.29; by a live
migration to a host, with ``force`` (2.30 to 2.67) or below 2.30.  A host that
is asked for otherwise must pass.  A rebuild stays on its host, and is not held
up.

*When something is renamed.*  A hint keeps the id and the name that the
network had when the server was made.  Where host aggregates name networks by
ids, nothing changes.  Where they use names, leave the old name beside the new
one, else the old servers cannot be moved any more.

*Cells.*  Each scheduler must have the filter.  Host aggregates span the cells
of one Nova, so a network may be in several of them.

*Large clouds.*  Placement gives the scheduler up to ``[scheduler]
max_placement_results`` hosts (1000) before a filter is asked.  With more hosts
than that, those of a network may not be among them: raise it.
"""

import logging
from collections.abc import Iterable
from typing import Any

from nova.scheduler import filters

from waffles import pins

LOG = logging.getLogger(__name__)


class AggregateNetworkFilter(filters.BaseHostFilter):  # type: ignore[misc]
    """Passes the hosts that have the network of a server."""

    # Neither hints nor host aggregates change within a request.
    run_filter_once_per_request = True
    RUN_ON_REBUILD = False

    def filter_all(
        self, filter_obj_list: Iterable[Any], spec_obj: Any
    ) -> Iterable[Any]:
        """The hosts that pass; says once for all if the hint is none."""
        given = spec_obj.get_scheduler_hint(pins.HINT)
        if given is not None and _pin(given) is None:
            LOG.warning(
                "No host for server %s: its scheduler hint %s=%r is not a key"
                " and the names of a network",
                spec_obj.instance_uuid,
                pins.HINT,
                given,
            )
        hosts: Iterable[Any] = super().filter_all(filter_obj_list, spec_obj)
        return hosts

    def host_passes(self, host_state: Any, spec_obj: Any) -> bool:
        """Whether a host has the network that a server is pinned to."""
        given = spec_obj.get_scheduler_hint(pins.HINT)
        if given is None:
            return True
        pin = _pin(given)
        return pin is not None and any(
            pin.holds(aggregate.metadata.get(pin.key, ""))
            for aggregate in host_state.aggregates
        )


def _pin(given: object) -> pins.Pin | None:
    try:
        return pins.pin(given)
    except ValueError:
        return None
