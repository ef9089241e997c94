"""What a recovery is: its values and its states.

A *recovery* is one host that somebody declared dead, and what is done about
it.  Each server that Nova has on the host is a row of it, whatever is decided
for that server.  Times are seconds since 1970, by the store's clock.

::

    received → forcing → planning → running → settling → done
                  ↘         ↕ ↘        ↕          ↘       partial
                    held ←──────────────┘                 failed

    queued → issuing → watching → restoring → recovered
      ↖ ↓______↓__________↓                   failed
       (after an error)                       stuck
    notifying → notified | failed
    skipped
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any


class Phase(enum.StrEnum):
    """The state of a recovery."""

    RECEIVED = "received"
    FORCING = "forcing"
    PLANNING = "planning"
    HELD = "held"
    RUNNING = "running"
    SETTLING = "settling"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """Whether nothing more is done about servers."""
        return self in FINAL


FINAL = frozenset({Phase.DONE, Phase.PARTIAL, Phase.FAILED})


class State(enum.StrEnum):
    """The state of a server of a recovery.

    In ISSUING the intent to evacuate is on record, and Nova may or may not
    know of it yet; in WATCHING Nova has shown its migration.
    """

    QUEUED = "queued"
    ISSUING = "issuing"
    WATCHING = "watching"
    RESTORING = "restoring"
    NOTIFYING = "notifying"
    RECOVERED = "recovered"
    NOTIFIED = "notified"
    SKIPPED = "skipped"
    FAILED = "failed"
    STUCK = "stuck"

    @property
    def final(self) -> bool:
        """Whether it is one of those that a server ends in."""
        return self in ENDS


ENDS = frozenset(
    {
        State.RECOVERED,
        State.NOTIFIED,
        State.SKIPPED,
        State.FAILED,
        State.STUCK,
    }
)

#: Those that count against the limits of evacuations in flight.
IN_FLIGHT = frozenset({State.ISSUING, State.WATCHING})


class Decision(enum.StrEnum):
    """Who brings a server back."""

    AUTOMATIC = "automatic"
    CUSTOM = "custom"
    NONE = "none"


class Return(enum.StrEnum):
    """Where a host stands on its way back."""

    DOWN = "down"
    WAITING = "waiting"
    RETURNED = "returned"


@dataclasses.dataclass(frozen=True, slots=True)
class Assertion:
    """What somebody says of a host.

    :param fenced_at: when its power was cut; None where nobody says
    :param kdump: the host may still be writing a dump of its memory
    """

    host: str
    fenced: bool = False
    fenced_by: str = ""
    fenced_at: float | None = None
    evidence: str = ""
    reason: str = ""
    kdump: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Gate:
    """One condition that a recovery must meet before it starts servers.

    :param name: paused, threshold:cloud, threshold:zone, threshold:aggregate,
        scheduler, computes, alive, cell
    :param passed: whether it does
    :param reason: the figures, whether it does or not
    """

    name: str
    passed: bool
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Recovery:
    """One host, and what is done about it.

    :param service_id: of its nova-compute
    :param gates: as they were judged last
    :param released: names of gates that somebody has let go
    :param released_by: who did
    :param paused: why nothing new is begun; empty while it is not paused
    :param note: what it waits for or has failed by, for people
    :param baseline: ``updated_at`` of nova-compute behind our own force down,
        or what was heard when the gate ``alive`` was let go
        and disable: when it moves again the host is alive
    :param disabled: whether we disabled the compute service
    :param returning: the way back of the host
    :param return_at: since when it is WAITING
    :param epoch: of its lease
    :param owner: of its lease; empty where nobody works on it
    """

    id: str
    host: str
    phase: Phase
    assertion: Assertion
    service_id: str
    zone: str = ""
    asserted_by: str = ""
    project_id: str = ""
    request_id: str = ""
    gates: tuple[Gate, ...] = ()
    released: frozenset[str] = frozenset()
    released_by: str = ""
    paused: str = ""
    note: str = ""
    baseline: str = ""
    disabled: bool = False
    returning: Return = Return.DOWN
    return_at: float | None = None
    epoch: int = 0
    owner: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    finished_at: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """One server of a recovery.

    :param key: of its row; 0 before it has one
    :param reason: of the decision, and then of the state
    :param priority: 1 to 1000, the highest first
    :param group: of ``recovery-group:``; empty for none
    :param server_group: a server group of Nova's whose members are moved one
        after another; empty for none
    :param status: as before the first attempt: vm_state, as Nova shows it
    :param attempt: evacuations asked for, counted from 1; 0 for none yet
    :param floor: the highest migration id known before the last attempt: one
        above it, from the source, is ours
    :param migration: the id of that; 0 where none was seen
    :param migration_status: as Nova showed it last
    :param request_id: Nova's, of the last attempt
    :param issued_at: when the intent of the last attempt was committed
    :param wake_at: not to be touched before
    """

    server_id: str
    name: str = ""
    project_id: str = ""
    user_id: str = ""
    decision: Decision = Decision.NONE
    reason: str = ""
    state: State = State.SKIPPED
    priority: int = 500
    group: str = ""
    server_group: str = ""
    status: str = ""
    tags: tuple[str, ...] = ()
    source: str = ""
    destination: str = ""
    attempt: int = 0
    floor: int = 0
    migration: int = 0
    migration_status: str = ""
    request_id: str = ""
    issued_at: float | None = None
    finished_at: float | None = None
    wake_at: float = 0.0
    updated_at: float = 0.0
    key: int = 0
    recovery_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of a recovery's log.

    :param event: a word to look for: forced-down, held, evacuate, …
    :param server_id: empty where it is about the host
    :param request_id: Nova's, or that of the caller who caused it
    """

    event: str
    message: str
    server_id: str = ""
    request_id: str = ""
    at: float = 0.0
    engine: str = ""
    key: int = 0
    recovery_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """One message that is to reach somebody.

    :param event: recovery.held, recovery.finished, recovery.alive,
        server.custom, server.custom.copy, server.failed, server.stuck
    :param target: webhook or bus
    :param key: of its row; also the id of the delivery
    :param server_key: of the server's row; 0 where it is about the host
    :param delivered_at: None while it is not
    :param gave_up_at: when it was given up; None while it is not
    """

    event: str
    target: str
    payload: Mapping[str, Any]
    server_key: int = 0
    attempts: int = 0
    next_at: float = 0.0
    delivered_at: float | None = None
    gave_up_at: float | None = None
    error: str = ""
    created_at: float = 0.0
    key: int = 0
    recovery_id: str = ""


def outcome(servers: Mapping[State, int]) -> Phase:
    """How a recovery ends whose servers have all ended.

    :param servers: how many ended in each state

    >>> outcome({State.RECOVERED: 2, State.SKIPPED: 1}).value
    'done'
    """
    well = servers.get(State.RECOVERED, 0) + servers.get(State.NOTIFIED, 0)
    badly = servers.get(State.FAILED, 0) + servers.get(State.STUCK, 0)
    if not badly:
        return Phase.DONE
    return Phase.PARTIAL if well else Phase.FAILED
