"""A host on its way back.

Nova lets a host be un-forced while its servers are being evacuated, and a
nova-compute that starts then destroys the local guests of every evacuation
that it finds, finished or not.  So the order is: nothing under way; the
compute service has started, which turns its ``done`` migrations into
``completed``; it reports for ``healthy_delay`` seconds; then un-force, and
enable if it was us who disabled.
"""

from collections.abc import Mapping
from typing import Any

from waffles import exceptions
from waffles.recovery import watch
from waffles.recovery.engine import forcing
from waffles.recovery.engine.work import Work
from waffles.recovery.model import Recovery, Return


def waiting(work: Work, recovery: Recovery) -> float:
    """One look at a host that is to return.

    One that was declared dead again does not return by an earlier word.
    """
    latest = work.store.latest(recovery.host)
    if latest and latest.id != recovery.id:
        text = f"recovery {latest.id} of the same host is newer"
        line = work.line(recovery, "stays-down", text)
        work.save(recovery, line, returning=Return.DOWN, note=text)
        return 0.0
    service = work.service(recovery.host)
    if service is None:
        return _end(work, recovery, "its compute service is gone")
    if service["status"] == "UNKNOWN":
        return _wait(work, recovery, "Nova cannot see its cell")
    if service["forced_down"]:
        return _forced(work, recovery, service)
    if service["state"] != "up":
        return _wait(work, recovery, "its compute service is not up yet")
    if service["status"] == "disabled" and forcing.ours(service):
        work.fence()
        work.compute.enable(service["id"])
        return _end(work, recovery, "un-forced and enabled")
    return _end(work, recovery, "un-forced; it was not us who disabled it")


def _forced(
    work: Work, recovery: Recovery, service: Mapping[str, Any]
) -> float:
    if why := _hindrance(work, recovery):
        return _wait(work, recovery, why)
    recovery, healthy = _reports(work, recovery, service)
    if not healthy:
        delay = work.settings.healthy_delay
        why = f"its compute service has not reported for {delay:.0f} s yet"
        return _wait(work, recovery, why)
    work.fence()
    work.compute.force_down(service["id"], False)
    line = work.line(recovery, "un-forced", "its host is healthy")
    work.save(recovery, line, note="")
    return 0.0


def _hindrance(work: Work, recovery: Recovery) -> str:
    """Why it must not be un-forced yet; empty where it may."""
    found = work.compute.migrations(recovery.host)
    if left := [
        one
        for one in watch.under_way(found)
        if not _is_past(work, one["instance_uuid"], recovery.host)
    ]:
        return f"{len(left)} evacuations from it are under way"
    said = recovery.assertion
    since = said.fenced_at or recovery.created_at
    if said.kdump and work.store.now() < since + work.settings.kdump_time:
        return "it may still be writing a dump of its memory"
    done = sum(one["status"] == "done" for one in found)
    if done:
        return (
            f"nova-compute has not cleaned up after {done} evacuations: has"
            f" it been started anew?"
        )
    return ""


def _is_past(work: Work, server_id: str, host: str) -> bool:
    """Whether a migration is what is left of a server that is elsewhere."""
    try:
        return watch.is_past(work.compute.server(server_id), host)
    except exceptions.Hidden as error:
        if error.code == 404:
            return True
        raise


def _reports(
    work: Work, recovery: Recovery, service: Mapping[str, Any]
) -> tuple[Recovery, bool]:
    """Whether it has reported at each look for a while.

    What was seen last, and since when, is kept in the recovery.
    """
    now, at = work.store.now(), service["updated_at"] or ""
    since = recovery.return_at or now
    if at == recovery.baseline:
        return work.save(recovery, return_at=now), False
    recovery = work.save(recovery, baseline=at)
    return recovery, now >= since + work.settings.healthy_delay


def _wait(work: Work, recovery: Recovery, why: str) -> float:
    if recovery.note != why:
        line = work.line(recovery, "waits", why)
        work.save(recovery, line, note=why)
    # It reports once in heartbeat_interval.
    return 2 * float(work.settings.heartbeat_interval)


def _end(work: Work, recovery: Recovery, how: str) -> float:
    line = work.line(recovery, "returned", how)
    work.save(
        recovery, line, returning=Return.RETURNED, note="", disabled=False
    )
    return 0.0
