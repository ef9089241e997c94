"""What becomes of each server of a host that is gone, and why.

:mod:`waffles.recovery.planning.wishes` says who asks for it.  What is asked
for is not always possible: Nova evacuates servers that are active, stopped or
ERROR and have run before, and an evacuation makes anew what is on no volume
and no shared storage.  A server that is to be evacuated and cannot be is a
failure that people hear of, not one that is left out without a word.

The reasons are for the owner of the server: they name no host.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from waffles.recovery.model import Decision, Server, State
from waffles.recovery.planning import wishes
from waffles.recovery.planning.wishes import Image, Rules, Said

#: States (vm_state) that Nova evacuates (``nova/compute/api.py``).
EVACUATED = frozenset({"active", "stopped", "error"})

#: Those that ``nonevacuable = reset`` sets to ERROR first, and what is lost.
RESET = {
    "paused": "it was paused, and its memory is lost",
    "suspended": "it was suspended, and its memory is lost",
    "rescued": "it was in rescue mode",
}

#: Why others are not evacuated.
OTHERS = {
    "building": "it was still being built: create it anew",
    "resized": "its resize was not confirmed: it may have two disks",
    "shelved": "it was being shelved",
    "shelved_offloaded": "it is shelved: unshelve it",
}

#: Tasks and states of servers that their owner wants to be gone.
GOING = frozenset({"deleting", "soft-deleting", "soft-delete", "deleted"})

_DRIVE = (
    "it has a config drive, which would be made anew without the files that"
    " it was created with ([waffles_recovery] config_drive = custom)"
)
_DISK = (
    "it has a disk that is no volume: it would be made anew, unless that is"
    " on shared storage ([waffles_recovery] local_disk = refuse)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What is looked at of a server.

    :param image: its id; empty where the root disk is a volume
    :param local_disk: whether it has a disk that is not a volume
    :param extra_specs: of its flavor; None where they are not shown
    :param launched: whether it ever ran
    """

    server_id: str
    name: str
    project_id: str
    user_id: str
    host: str
    vm_state: str
    task_state: str
    launched: bool
    tags: tuple[str, ...]
    image: str
    local_disk: bool
    config_drive: bool
    extra_specs: Mapping[str, str] | None


def facts(server: Mapping[str, Any]) -> Facts:
    """What is looked at of a server, as Nova shows it from 2.69 on."""
    image, flavor = server["image"], server["flavor"]
    return Facts(
        server_id=server["id"],
        name=server["name"],
        project_id=server["tenant_id"],
        user_id=server["user_id"],
        host=server["OS-EXT-SRV-ATTR:host"] or "",
        vm_state=server["OS-EXT-STS:vm_state"],
        task_state=server["OS-EXT-STS:task_state"] or "",
        launched=bool(server["OS-SRV-USG:launched_at"]),
        tags=tuple(server["tags"]),
        image=image["id"] if image else "",
        local_disk=bool(image or flavor["ephemeral"] or flavor["swap"]),
        config_drive=bool(server["config_drive"]),
        extra_specs=flavor.get("extra_specs"),
    )


def judge(
    facts: Facts,
    rules: Rules,
    *,
    image: Image = None,
    aggregates: Iterable[str] = (),
) -> Server:
    """What becomes of a server.

    :param image: of its image, where :func:`asks_image`
    :param aggregates: what the metadata of its host's aggregates says
    """
    said = Said(facts.tags, facts.extra_specs, image, aggregates)
    decision, state, reason = _verdict(facts, said, rules)
    priority, odd_priority = wishes.priority(facts.tags, rules.priority_tag)
    group, odd_group = wishes.group(facts.tags, rules.group_tag)
    return Server(
        facts.server_id,
        name=facts.name,
        project_id=facts.project_id,
        user_id=facts.user_id,
        decision=decision,
        reason="; ".join(filter(None, (reason, odd_priority, odd_group))),
        state=state,
        priority=priority,
        group=group,
        status=facts.vm_state,
        tags=facts.tags,
        source=facts.host,
    )


def asks_image(facts: Facts, rules: Rules) -> bool:
    """Whether the properties of a server's image have a say."""
    if not rules.image_property or not facts.image or _is_going(facts):
        return False
    said = Said(facts.tags, facts.extra_specs)
    return wishes.before_image(said, rules) is None


def is_to_reset(vm_state: str, rules: Rules) -> bool:
    """Whether a server is set to ERROR before it is evacuated."""
    return rules.nonevacuable == "reset" and vm_state in RESET


def _verdict(
    facts: Facts, said: Said, rules: Rules
) -> tuple[Decision, State, str]:
    if _is_going(facts):
        return Decision.NONE, State.SKIPPED, "it was being deleted"
    decision, reason, is_known = wishes.wish(said, rules)
    if not is_known:
        return decision, State.FAILED, reason
    if decision is Decision.NONE:
        return decision, State.SKIPPED, reason
    if decision is Decision.CUSTOM:
        return decision, State.NOTIFYING, reason
    if facts.config_drive and rules.config_drive == "custom":
        return Decision.CUSTOM, State.NOTIFYING, f"{reason}, but {_DRIVE}"
    state, but = _evacuation(facts, rules)
    return decision, state, f"{reason}, but {but}" if but else reason


def _evacuation(facts: Facts, rules: Rules) -> tuple[State, str]:
    """Whether a server that is to be evacuated can be, and what is lost."""
    is_reset = is_to_reset(facts.vm_state, rules)
    if moving := _moving(facts.task_state):
        return State.STUCK, moving
    if facts.vm_state not in EVACUATED and not is_reset:
        return State.FAILED, _not_evacuated(facts.vm_state)
    if not facts.launched:
        return State.FAILED, "it has never run: create it anew"
    if facts.local_disk and rules.local_disk == "refuse":
        return State.FAILED, _DISK
    if is_reset:
        return State.QUEUED, f"{RESET[facts.vm_state]}: it is reset to ERROR"
    return State.QUEUED, ""


def _not_evacuated(vm_state: str) -> str:
    why = (RESET | OTHERS).get(vm_state, f"it was {vm_state}")
    return f"{why}; Nova evacuates servers that are active, stopped or ERROR"


def _moving(task: str) -> str:
    if task == "migrating":
        return "a live migration is under way: it may run on its destination"
    if task.startswith("resize_"):
        return "a resize or migration is under way: it may have two disks"
    return ""


def _is_going(facts: Facts) -> bool:
    return bool({facts.vm_state, facts.task_state} & GOING)
