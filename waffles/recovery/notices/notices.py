"""What is told, of which event, and to whom; sending it is another's.

=====================  ======================================================
event                  when
=====================  ======================================================
``recovery.held``      a gate keeps servers from being started
``recovery.alive``     the host reports to Nova although it was declared dead
``recovery.finished``  a recovery has ended ``partial`` or ``failed``
``server.custom``      a server of which somebody else takes care
``server.failed``      a server was not brought back
``server.stuck``       nobody knows where a server's evacuation stands
=====================  ======================================================

A server that is ``custom`` counts as ``notified`` once one target has the
notice: the webhook where one is configured, else the bus.  Where there are
both, what the bus gets is a copy that decides nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from waffles.recovery import views
from waffles.recovery.model import Gate, Notice, Phase, Recovery, Server, State
from waffles.recovery.options import Settings

WEBHOOK, BUS = "webhook", "bus"

#: The event of a notice whose delivery is the handling of its server.
CUSTOM = "server.custom"

#: The event in the outbox, not on the wire, of a second notice of CUSTOM.
COPY = "server.custom.copy"

#: Why a custom server has failed where :func:`reachable` says no.
NOBODY = "nobody can be told: set webhook_url"

_RELEASE = "`waffles recovery release {0}` lets it go on"
_ABANDON = "`waffles recovery abandon {0}` ends it"
_RETRY = "`waffles recovery retry {0}` tries again"
_LOOK = "`waffles recovery retry {0}` looks again"
_GIVE_UP = "`waffles recovery abandon {0}` gives it up"
_SHOW = "`waffles recovery show {0}` says what came of each server"

NEXT = {
    "recovery.held": (
        "No server is started. A threshold stays closed until somebody acts;"
        f" other gates open when all is well again. {_RELEASE}; {_ABANDON}."
    ),
    "recovery.alive": (
        "No server is started any more: cut the power of the host, as servers"
        f" must not run twice. Then {_RELEASE}; {_ABANDON}."
    ),
    "recovery.finished": f"Nothing more is done. {_SHOW}, {_RETRY}.",
    CUSTOM: "Nothing is done for it: that is for who gets this notice.",
    "server.failed": f"Nothing more is done for it. {_RETRY}.",
    "server.stuck": (
        "Nothing more is done for it, and its host must stay off: look at its"
        f" evacuation in Nova. When that has ended, {_LOOK}; when it never"
        f" will, {_GIVE_UP}, and another recovery may evacuate it."
    ),
}

#: Instead of "recovery.held", where nobody can let the gate go.
UNSEEN = (
    "No server is started until Nova sees the host, and all that is on it:"
    f" then the recovery goes on by itself. {_ABANDON}."
)

#: What a notice says of a server, under the names that the API has.
_OF_SERVER = (
    "server_id", "name", "project_id", "user_id", "decision", "state",
    "reason", "priority", "group", "server_group", "tags", "vm_state",
    "destination", "attempt", "migration_id", "migration_status",
    "request_id",
)  # fmt: skip

_OF_STATE = {
    State.NOTIFYING: CUSTOM,
    State.FAILED: "server.failed",
    State.STUCK: "server.stuck",
}


def targets(settings: Settings) -> tuple[str, ...]:
    """Where notices go; what decides of a custom server comes first."""
    return (WEBHOOK,) * bool(settings.webhook_url) + (BUS,) * settings.bus


def reachable(settings: Settings) -> bool:
    """Whether anybody can be told; :data:`NOBODY` says it in words."""
    return bool(targets(settings))


def held(
    recovery: Recovery, closed: Iterable[Gate], settings: Settings
) -> list[Notice]:
    """A recovery waits.

    :param closed: the gates that keep it; where ``alive`` is one of them the
        notice says that
    """
    gates = [{"name": gate.name, "reason": gate.reason} for gate in closed]
    names = {gate["name"] for gate in gates}
    return _made(
        "recovery.alive" if "alive" in names else "recovery.held",
        recovery,
        settings,
        state=Phase.HELD.value,
        gates=gates,
        reason="; ".join(gate["reason"] for gate in gates),
        following=UNSEEN if names == {"cell"} else "",
    )


def finished(
    recovery: Recovery,
    phase: Phase,
    settings: Settings,
    counts: Mapping[State, int] | None = None,
) -> list[Notice]:
    """A recovery has ended; nobody is told where all went well.

    :param phase: how it has
    :param counts: how many servers ended in each state
    """
    if phase not in (Phase.PARTIAL, Phase.FAILED):
        return []
    servers = {state.value: many for state, many in (counts or {}).items()}
    sums = ", ".join(f"{many} {state}" for state, many in servers.items())
    return _made(
        "recovery.finished",
        recovery,
        settings,
        state=phase.value,
        servers=servers,
        reason=": ".join(filter(None, ("not all came back", sums))),
    )


def of_servers(
    rows: Iterable[Server], recovery: Recovery, settings: Settings
) -> list[Notice]:
    """Of those of some servers that people must know of, as they are now."""
    return [
        notice
        for row in rows
        if (event := _OF_STATE.get(row.state))
        for notice in _of_server(event, row, recovery, settings)
    ]


def _of_server(
    event: str, row: Server, recovery: Recovery, settings: Settings
) -> list[Notice]:
    shown = views.server(row)
    return _made(
        event,
        recovery,
        settings,
        row.key,
        **{name: shown[name] for name in _OF_SERVER},
    )


def _made(
    event: str,
    recovery: Recovery,
    settings: Settings,
    server_key: int = 0,
    following: str = "",
    **more: Any,
) -> list[Notice]:
    """One notice for each target.

    :param following: what is next, where it is not as :data:`NEXT` says
    """
    said = recovery.assertion
    path = f"/os-waffles/recoveries/{recovery.id}"
    payload = {
        "event": event,
        "recovery_id": recovery.id,
        "host": recovery.host,
        "availability_zone": recovery.zone,
        "asserted_by": recovery.asserted_by,
        "fenced": said.fenced,
        "fenced_by": said.fenced_by,
        "fenced_at": views.time(said.fenced_at),
        **more,
        "next": (following or NEXT[event]).format(recovery.id),
        "links": [{"rel": "recovery", "href": path}],
        "help_url": settings.help_url,
    }
    names = [event] * 2 if event != CUSTOM else [CUSTOM, COPY]
    return [
        Notice(name, target, payload, server_key)
        for name, target in zip(names, targets(settings), strict=False)
    ]


def delivery(notice: Notice) -> str:
    """What tells a notice from all others, however often it is sent."""
    return f"{notice.recovery_id}-{notice.key}"


def message(notice: Notice) -> dict[str, Any]:
    """What is sent: the same each time."""
    made = {
        "id": delivery(notice),
        "created_at": views.time(notice.created_at),
    }
    return {**made, **notice.payload}
