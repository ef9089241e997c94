"""From the word of somebody to a plan: force down, disable, look, judge.

Each step can be done again, so an engine goes on where another was killed.
"""

from collections.abc import Mapping
from typing import Any

from waffles import exceptions
from waffles.recovery import views, watch
from waffles.recovery.engine import anew, telling
from waffles.recovery.engine.work import Work
from waffles.recovery.model import Gate, Phase, Recovery
from waffles.recovery.notices import notices
from waffles.recovery.planning import plan, survey

#: Gates that open by themselves when what they look at is well again; the
#: others are opened by ``release`` only.
SOFT = frozenset({"paused", "scheduler", "computes", "cell"})

#: A gate that is let go only for what was heard of the host until then.
ALIVE = "alive"

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
    """Force the compute service down, then disable it, and verify both.

    Where Nova has shown it up, there is time for one more report.
    """
    before = work.service(recovery.host)
    if before is None or before["status"] == "UNKNOWN":
        return _unseen(work, recovery, before is None)
    recovery = _told(work, recovery, before)
    found = work.seen(recovery.host)
    if not _is_down(found):
        raise exceptions.Unavailable(
            f"Nova does not show {recovery.host} forced down and disabled."
        )
    work.save(
        recovery,
        phase=Phase.PLANNING,
        service_id=str(before["id"]),
        zone=found["zone"],
        baseline=_baseline(recovery, before, found),
        disabled=ours(found),
        note="",
    )
    # Who had it before us may have seen it up, and have been killed.
    was_up = before["state"] == "up" or recovery.epoch > 1
    return float(work.settings.heartbeat_interval) if was_up else 0.0


def planning(work: Work, recovery: Recovery) -> float:
    """List every server of the host, decide, and judge the gates."""
    recovery = _taken_for_dead(work, recovery)
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
    if known:
        anew.judge(work, recovery, made.servers)
    work.lease.inherit()
    if plan.closed(made.gates, recovery.released):
        return _hold(work, recovery, made.gates)
    telling.tell(work, recovery)
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
    before = {g.name for g in plan.closed(recovery.gates, recovery.released)}
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


def _told(
    work: Work, recovery: Recovery, service: Mapping[str, Any]
) -> Recovery:
    """Tell Nova what it does not know yet; each only while it is ours."""
    lines = []
    if not service["forced_down"]:
        work.fence()
        work.compute.force_down(service["id"], True)
        lines.append(work.line(recovery, "forced-down", "Nova has been told"))
    if service["status"] == "enabled":
        # Ours is known by its reason, should this process end here.
        reason = MARK + recovery.id
        work.fence()
        work.compute.disable(service["id"], reason)
        lines.append(work.line(recovery, "disabled", f"reason: {reason}"))
    return work.save(recovery, *lines)


def _baseline(
    recovery: Recovery, before: Mapping[str, Any], after: Mapping[str, Any]
) -> str:
    """What Nova shows of a host as long as nothing is heard of it.

    If it has reported after its power was cut, it is alive: then the moment
    of that, which is never shown again.
    """
    fenced_at = recovery.assertion.fenced_at
    if fenced_at is None or not _reports(before):
        return after["updated_at"] or ""
    if watch.at(before["updated_at"]) > fenced_at + watch.SKEW:
        return str(views.time(fenced_at))
    return after["updated_at"] or ""


def _reports(service: Mapping[str, Any]) -> bool:
    """Whether what Nova shows last of a service is a report of its own."""
    return bool(
        service["state"] == "up"
        and service["status"] == "enabled"
        and service["updated_at"]
    )


def _taken_for_dead(work: Work, recovery: Recovery) -> Recovery:
    """Where somebody has let ``alive`` go: what was heard by now is known.

    It is let go for that only, not for what may be heard later.
    """
    if ALIVE not in recovery.released:
        return recovery
    service = work.service(recovery.host)
    if service is None or service["status"] == "UNKNOWN":
        return recovery
    last = service["updated_at"] or ""
    text = f"what was heard of it until {last} does not count any more"
    return work.save(
        recovery,
        work.line(recovery, "taken-for-dead", text),
        baseline=last,
        released=recovery.released - {ALIVE},
        note="",
    )


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
