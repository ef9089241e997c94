"""What the fake Nova has: services, servers, evacuations."""

import dataclasses
import datetime
import random
import uuid

from tests.evacuations import Plan

TAG = "automatic-recovery"


class Refusal(Exception):
    """Nova's answer to what it does not do."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(slots=True)
class Service:
    """One service; only those of nova-compute change."""

    id: str
    host: str
    binary: str
    zone: str
    disabled: bool = False
    reason: str | None = None
    forced_down: bool = False
    updated_at: str | None = None


@dataclasses.dataclass(slots=True)
class Server:
    """One server, and what was done to it.

    :param was: its vm_state before everything
    :param accepted: evacuations that were
    :param overlaps: those of them that began while another was under way
    :param refused: evacuations that were, from a host that is not down
    :param ended_badly: those that did
    :param guests: the hosts on which it was started by evacuations
    """

    id: str
    name: str
    host: str
    was: str
    tags: list[str]
    vm_state: str
    task_state: str | None = None
    fault: str = ""
    accepted: int = 0
    overlaps: int = 0
    refused: int = 0
    in_flight: int = 0
    ended_badly: int = 0
    guests: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Migration:
    """One evacuation, and who asked for it."""

    id: int
    uuid: str
    server: Server
    source: str
    request_id: str
    created_at: str
    vm_state: str
    dest: str | None = None
    status: str = "accepted"
    updated_at: str | None = None


def services(plan: Plan, dice: random.Random) -> list[Service]:
    """Those of a new cloud."""
    wanted = [
        ("nova-conductor", "control", "internal"),
        ("nova-scheduler", "control", "internal"),
    ]
    for kind, many in (("dead", plan.dead), ("host", plan.hosts)):
        hosts = [f"{kind}-{at + 1}" for at in range(many)]
        wanted += [("nova-compute", host, "nova") for host in hosts]
    return [
        Service(new_id(dice), host, binary, zone, updated_at=now())
        for binary, host, zone in wanted
    ]


def servers(plan: Plan, dice: random.Random) -> list[Server]:
    """Those of a new cloud: all on dead hosts."""
    return [
        _server(
            f"server-{at + 1}", f"dead-{at // plan.servers + 1}", plan, dice
        )
        for at in range(plan.dead * plan.servers)
    ]


def _server(name: str, host: str, plan: Plan, dice: random.Random) -> Server:
    state = "stopped" if dice.random() < plan.stopped else "active"
    tags = [] if dice.random() < plan.untagged else [TAG]
    return Server(new_id(dice), name, host, state, tags, state)


def new_id(dice: random.Random) -> str:
    """A UUID."""
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def now() -> str:
    """The time as Nova shows it in most places."""
    found = datetime.datetime.now(datetime.UTC)
    return found.replace(tzinfo=None).isoformat(timespec="microseconds")
