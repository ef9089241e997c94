"""Server groups whose members are moved one after another.

Members of a group that is affine or anti-affine bind each other: Nova checks
late whether the host that it has chosen for one goes with those of the others,
and where several are moved at once some fail.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from waffles import exceptions
from waffles.clients import errors
from waffles.clients.compute import Compute
from waffles.recovery.model import Server, State

#: Policies of such groups; the soft ones bind nobody.
SERIAL = frozenset({"affinity", "anti-affinity"})

Progress = Callable[[], object]


def grouped(
    compute: Compute, servers: Iterable[Server], progress: Progress
) -> list[Server]:
    """Servers with their groups, as far as they are evacuated.

    :param progress: called between calls
    """
    servers = list(servers)
    queued = [one.server_id for one in servers if one.state is State.QUEUED]
    groups = _groups(compute, queued, progress) if queued else {}
    return [
        dataclasses.replace(one, server_group=groups.get(one.server_id, ""))
        for one in servers
    ]


def _groups(
    compute: Compute, server_ids: Iterable[str], progress: Progress
) -> Mapping[str, str]:
    """The group of each server that is in one.

    Nova lists no group at all while a cell is down that has a member of any.
    Then each server is asked for its own, whatever the group's policy.
    """
    try:
        return {
            member: group["id"]
            for group in compute.server_groups()
            if group["policy"] in SERIAL
            for member in group["members"]
        }
    except (errors.Busy, errors.Refused):
        raise
    except exceptions.Unavailable:
        found = {}
        for server_id in server_ids:
            progress()
            found[server_id] = _own(compute, server_id)
        return found


def _own(compute: Compute, server_id: str) -> str:
    """The group of a server; empty for none, or where it has gone.

    Nova shows it from 2.71 on.
    """
    try:
        groups = compute.server(server_id).get("server_groups", ())
    except exceptions.Hidden:
        return ""
    return str(groups[0]) if groups else ""
