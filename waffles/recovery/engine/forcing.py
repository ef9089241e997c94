"""From the word of somebody to a plan: force down, disable, look, judge.

Each step can be done again, so an engine goes on where another was killed.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from waffles import exceptions
from waffles.recovery.engine.work import Work
from waffles.recovery.model import Gate, Notice, Phase, Recovery, Server, State
from waffles.recovery.notices import notices
from waffles.recovery.planning import plan, survey

#: Gates that open by themselves when what they look at is well again; the
#: others are opened by ``release`` only.
SOFT = frozenset({"paused", "scheduler", "computes", "cell"})

#: Seconds between two looks of a recovery that is held by these.
LOOK = 30.0


#: How each ``disabled_reason`` of ours begins.
MARK = "waffles: recovery "


def ours(service: Mapping[str, Any]) -> bool:
    """Whether a compute service was disabled by a recovery."""
    return str(service["disabled_reason"] or "").startswith(MARK)


def received(work: Work, recovery: Recovery) -> float:
    """Take it up."""
    line = work.line(recovery, "begun", "the engine has taken it up")
    work.save(recovery, line, phase=Phase.FORCING)
    return 0.0


def forcing(work: Work, recovery: Recovery) -> float:
    """Force the compute service down, then disable it, and verify both."""
    service = work.service(recovery.host)
    if service is None or service["status"] == "UNKNOWN":
        return _unseen(work, recovery, service is None)
    lines, service_id = [], service["id"]
    if not service["forced_down"]:
        work.compute.force_down(service_id, True)
        lines.append(work.line(recovery, "forced-down", "Nova has been told"))
    if service["status"] == "enabled":
        # Ours is known by its reason, should this process end here.
        reason = MARK + recovery.id
        work.compute.disable(service_id, reason)
        lines.append(work.line(recovery, "disabled", f"reason: {reason}"))
    if lines:
        recovery = work.save(recovery, *lines)
    found = work.service(recovery.host)
    if found is None or not _is_down(found):
        raise exceptions.Unavailable(
            f"Nova does not show {recovery.host} forced down and disabled."
        )
    work.save(
        recovery,
        phase=Phase.PLANNING,
        service_id=str(service_id),
        zone=found["zone"],
        baseline=found["updated_at"] or "",
        disabled=ours(found),
        note="",
    )
    return 0.0


def planning(work: Work, recovery: Recovery) -> float:
    """List every server of the host, decide, and judge the gates."""
    try:
        made = survey.plan(
            work.compute,
            work.glance,
            recovery.host,
            work.settings.rules,
            work.store.pause_of_all(),
            baseline=recovery.baseline,
            progress=work.renew,
        )
    except survey.Unseen as error:
        return _hold(work, recovery, (Gate("cell", False, str(error)),))
    work.renew()
    known = work.lease.servers()
    planned = work.line(recovery, "planned", made.summary)
    work.lease.add(made.servers, lines=[] if known else [planned])
    work.lease.inherit()
    if plan.closed(made.gates, recovery.released):
        return _hold(work, recovery, made.gates)
    _tell(work, recovery)
    line = work.line(recovery, "running", "every gate is open")
    work.save(recovery, line, phase=Phase.RUNNING, gates=made.gates, note="")
    return 0.0


def held(work: Work, recovery: Recovery) -> float:
    """Look again, where that may help; else wait for ``release``."""
    closed = plan.closed(recovery.gates, recovery.released)
    names = {gate.name for gate in closed}
    is_due = work.store.now() >= recovery.updated_at + LOOK
    if not closed or (is_due and names <= SOFT):
        # Without a baseline it was never forced down: it could not be seen.
        phase = Phase.PLANNING if recovery.baseline else Phase.FORCING
        work.save(recovery, phase=phase)
        return 0.0
    return 2.0


def _hold(work: Work, recovery: Recovery, gates: tuple[Gate, ...]) -> float:
    """Wait, and say why, once for the same reason."""
    closed = plan.closed(gates, recovery.released)
    before = {g.name for g in recovery.gates if not g.passed}
    note = "; ".join(gate.reason for gate in closed)
    lines, told = [], []
    if {gate.name for gate in closed} != before or not recovery.note:
        lines = [work.line(recovery, "held", note)]
        told = notices.held(recovery, closed, work.settings)
        work.counted.closed(closed)
    work.lease.save(
        phase=Phase.HELD, gates=gates, note=note, lines=lines, notices=told
    )
    return 2.0


def _tell(work: Work, recovery: Recovery) -> None:
    """Tell of the servers that are not ours to bring back, once.

    Not before every gate is open: who is told starts them elsewhere.
    """
    told, pending = set(), set()
    for notice in work.lease.notices():
        told.add(notice.server_key)
        if notice.event == notices.CUSTOM and not _has_ended(notice):
            pending.add(notice.server_key)
    left = [
        _reached(work, row)
        for row in work.lease.servers()
        if row.key not in (pending if row.state is State.NOTIFYING else told)
    ]
    news = notices.of_servers(left, recovery, work.settings)
    failed = [row for row in left if row.reason == notices.NOBODY]
    if news or failed:
        work.lease.update(failed, notices=news)
        work.counted.settled(failed)


def _has_ended(notice: Notice) -> bool:
    return bool(notice.delivered_at or notice.gave_up_at)


def _reached(work: Work, row: Server) -> Server:
    """A row, which has failed where nobody can be told of it."""
    if row.state is not State.NOTIFYING or notices.reachable(work.settings):
        return row
    return dataclasses.replace(row, state=State.FAILED, reason=notices.NOBODY)


def _unseen(work: Work, recovery: Recovery, missing: bool) -> float:
    why = "has no nova-compute of this name" if missing else "cannot see it"
    gate = Gate("cell", False, f"{recovery.host}: Nova {why}")
    return _hold(work, recovery, (gate,))


def _is_down(service: Mapping[str, Any]) -> bool:
    return bool(
        service["forced_down"]
        and service["state"] == "down"
        and service["status"] == "disabled"
    )
