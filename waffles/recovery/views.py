"""What others see of a recovery: the JSON of the API, the command and all.

Times are ISO 8601 in UTC, to the second; what there is not is null, and what
is a text is empty.

What a project sees of a recovery of its servers is listed by name, so that
what is added to the model later does not become known to it.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from waffles.recovery.model import (
    Decision,
    Gate,
    Line,
    Recovery,
    Server,
    State,
)

#: What a project may know of a recovery, and of its servers in it.
_OWN_RECOVERY = (
    "id", "state", "servers", "created_at", "updated_at", "finished_at",
    "links",
)  # fmt: skip
_OWN_SERVER = (
    "server_id", "name", "project_id", "user_id", "decision", "reason",
    "state", "priority", "group", "server_group", "vm_state", "tags",
    "attempt", "issued_at", "finished_at", "updated_at",
)  # fmt: skip

#: What a project reads of what has come of a server: the reasons that are on
#: record have hosts in them, addresses, and words of operators.
OWN_REASONS: Mapping[State, str] = {
    State.QUEUED: "it waits for its turn",
    State.ISSUING: "it is being brought back",
    State.WATCHING: "it is being brought back",
    State.RESTORING: "it is being brought back",
    State.NOTIFYING: "who brings it back is being told",
    State.RECOVERED: "it has been brought back",
    State.NOTIFIED: "who brings it back has been told",
    State.SKIPPED: "nothing is done for it",
    State.FAILED: "it was not brought back: ask your operators",
    State.STUCK: "your operators have to look at it",
}

#: Behind this stands what another service has said.
_NOT_ASKED = "could not be asked"


def time(seconds: float | None) -> str | None:
    """A time of the store.

    >>> time(0)
    '1970-01-01T00:00:00Z'
    """
    if seconds is None:
        return None
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def recovery(
    found: Recovery, servers: Mapping[State, int], link: str = ""
) -> dict[str, Any]:
    """A recovery.

    :param servers: how many of its servers are in each state
    :param link: where it is
    """
    said = found.assertion
    return {
        "id": found.id,
        "host": found.host,
        "state": str(found.phase),
        "return_state": str(found.returning),
        "service_id": found.service_id,
        "availability_zone": found.zone,
        "fenced": said.fenced,
        "fenced_by": said.fenced_by,
        "fenced_at": time(said.fenced_at),
        "evidence": said.evidence,
        "reason": said.reason,
        "kdump": said.kdump,
        "asserted_by": found.asserted_by,
        "project_id": found.project_id,
        "request_id": found.request_id,
        "gates": [gate(one, found.released) for one in found.gates],
        "paused": found.paused,
        "note": found.note,
        "disabled": found.disabled,
        "engine": found.owner,
        "servers": {str(state): n for state, n in servers.items() if n},
        "created_at": time(found.created_at),
        "updated_at": time(found.updated_at),
        "finished_at": time(found.finished_at),
        "links": [{"rel": "self", "href": link}] if link else [],
    }


def gate(found: Gate, released: Iterable[str] = ()) -> dict[str, Any]:
    """A gate, and whether somebody has let it go."""
    return {
        "name": found.name,
        "passed": found.passed,
        "reason": found.reason,
        "released": found.name in released,
    }


def server(found: Server) -> dict[str, Any]:
    """A server of a recovery."""
    return {
        "server_id": found.server_id,
        "name": found.name,
        "project_id": found.project_id,
        "user_id": found.user_id,
        "decision": str(found.decision),
        "reason": found.reason,
        "state": str(found.state),
        "priority": found.priority,
        "group": found.group,
        "server_group": found.server_group,
        "vm_state": found.status,
        "tags": list(found.tags),
        "source": found.source,
        "destination": found.destination,
        "attempt": found.attempt,
        "migration_id": found.migration or None,
        "migration_status": found.migration_status,
        "request_id": found.request_id,
        "issued_at": time(found.issued_at),
        "finished_at": time(found.finished_at),
        "updated_at": time(found.updated_at),
    }


def line(found: Line) -> dict[str, Any]:
    """A line of the log; its id is what a page begins behind."""
    return {
        "id": found.key,
        "at": time(found.at),
        "event": found.event,
        "message": found.message,
        "server_id": found.server_id,
        "request_id": found.request_id,
        "engine": found.engine,
    }


def pause(
    reason: str, by: str, since: float, until: float | None
) -> dict[str, Any]:
    """The pause of all recoveries."""
    return {
        "reason": reason,
        "by": by,
        "since": time(since),
        "until": time(until),
    }


def own_recovery(
    found: Recovery, servers: Mapping[State, int], link: str = ""
) -> dict[str, Any]:
    """A recovery, as a project sees it that has servers in it.

    :param servers: how many of the project's are in each state
    """
    whole = recovery(found, servers, link)
    return {name: whole[name] for name in _OWN_RECOVERY}


def own_server(found: Server) -> dict[str, Any]:
    """A server of a recovery, as its project sees it."""
    whole = server(found)
    if not _is_of_decision(found):
        whole["reason"] = OWN_REASONS[found.state]
    return {name: whole[name] for name in _OWN_SERVER}


def _is_of_decision(found: Server) -> bool:
    """Whether the reason is that of the decision, which names no host."""
    if found.issued_at is not None or _NOT_ASKED in found.reason:
        return False
    if found.decision is Decision.AUTOMATIC:
        return found.state in (State.QUEUED, State.FAILED, State.STUCK)
    return found.decision is Decision.NONE
