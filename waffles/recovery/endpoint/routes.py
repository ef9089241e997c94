"""The calls under ``/os-waffles/``: they validate, write a row, and answer.

What they write down an engine carries out; nothing is evacuated here.  Each
call asks for its rule (:mod:`waffles.recovery.rules`) before it shows or
changes anything; bodies are as in :mod:`waffles.recovery.endpoint.schemas`,
answers as in :mod:`waffles.recovery.views`.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import webob

from waffles import exceptions
from waffles.recovery import views
from waffles.recovery.endpoint import may_start, opening, reading, schemas
from waffles.recovery.endpoint.call import Call
from waffles.recovery.model import Recovery
from waffles.recovery.planning import survey

Json = dict[str, Any]


def force_down(call: Call) -> webob.Response:
    """Declare a host dead; with dry_run, say what would be done then."""
    said = call.body("force_down", optional=False)
    if said.get("dry_run"):
        call.require("plan")
        return webob.Response(json_body={"plan": _plan(call, said["host"])})
    call.require("create")
    recovery = _opened(call, said)
    answer = _begun(call, recovery)
    answer.location = call.link("recoveries", recovery.id)
    return answer


def release(call: Call) -> webob.Response:
    """Let go of a recovery that gates hold."""
    said = _asked(call, "release")
    reason, gates = said.get("reason", ""), said.get("gates")
    found = call.store.release(call.recovery_id, call.by, reason, gates)
    return _begun(call, found)


def pause(call: Call) -> webob.Response:
    """Have a recovery begin nothing new."""
    reason = _asked(call, "pause").get("reason", "")
    return _begun(call, call.store.pause(call.recovery_id, call.by, reason))


def resume(call: Call) -> webob.Response:
    """Have a paused recovery go on."""
    _asked(call, "resume")
    return _begun(call, call.store.resume(call.recovery_id, call.by))


def retry(call: Call) -> webob.Response:
    """Have failed and stuck servers tried again: all, or some."""
    ids = _asked(call, "retry").get("servers")
    return _begun(call, call.store.retry(call.recovery_id, call.by, ids))


def abandon(call: Call) -> webob.Response:
    """End a recovery as it is."""
    reason = _asked(call, "abandon").get("reason", "")
    settle_time = call.means.settings.settle_time
    found = call.store.abandon(call.recovery_id, call.by, reason, settle_time)
    return _begun(call, found)


def ask_may_start(call: Call) -> webob.Response:
    """Say whether nova-compute may be started on a host."""
    call.require("may_start")
    found = may_start.verdict(
        call.host,
        call.store,
        call.means.compute,
        bool(reading.flag(call, "first_start")),
    )
    body = {"may_start": found.may_start, "reason": found.reason}
    return webob.Response(json_body=body)


def ask_return(call: Call) -> webob.Response:
    """Have a host taken back, once that does no harm."""
    call.require("return")
    call.body("return")
    found = call.store.latest(call.host)
    if found is None:
        raise exceptions.Hidden(404, f"{call.host} was never declared dead.")
    return _begun(call, call.store.ask_return(found.id, call.by))


def protection(call: Call) -> webob.Response:
    """Say what would become of each server if its host were dead."""
    call.require("protection")
    return webob.Response(json_body={"protection": _plan(call, call.host)})


def show_pause(call: Call) -> webob.Response:
    """Show the pause of all recoveries; null where there is none."""
    call.require("pause_all")
    found = call.store.pause_of_all()
    shown = found and views.pause(
        found.reason, found.by, found.since, found.until
    )
    return webob.Response(json_body={"pause": shown})


def set_pause(call: Call) -> webob.Response:
    """Have all recoveries begin nothing new, for good or until some time."""
    call.require("pause_all")
    said = call.body("pause_all")
    reason = said.get("reason") or "no reason given"
    call.store.set_pause(call.by, reason, _until(call, said))
    return show_pause(call)


def lift_pause(call: Call) -> webob.Response:
    """Have all recoveries go on."""
    call.require("pause_all")
    call.store.lift_pause(call.by)
    return webob.Response(status=204)


class Route(NamedTuple):
    """A path below ``/os-waffles``, and what is called there.

    :param query: the parameters that it takes
    """

    method: str
    path: str
    call: Callable[[Call], webob.Response]
    query: Collection[str] = ()


_ONE = "/recoveries/{recovery_id}"
_LIST = (*reading.LIMITS, "host", "open")
_LOG = (*reading.LIMITS, "server_id")

ROUTES = (
    Route("POST", "/force-down", force_down),
    Route("GET", "/recoveries", reading.index, _LIST),
    Route("GET", _ONE, reading.show),
    Route("GET", f"{_ONE}/servers", reading.servers, reading.LIMITS),
    Route("GET", f"{_ONE}/log", reading.log, _LOG),
    Route("POST", f"{_ONE}/release", release),
    Route("POST", f"{_ONE}/pause", pause),
    Route("POST", f"{_ONE}/resume", resume),
    Route("POST", f"{_ONE}/retry", retry),
    Route("POST", f"{_ONE}/abandon", abandon),
    Route("GET", "/hosts/{host}/may-start", ask_may_start, ("first_start",)),
    Route("POST", "/hosts/{host}/return", ask_return),
    Route("GET", "/hosts/{host}/protection", protection),
    Route("GET", "/pause", show_pause),
    Route("PUT", "/pause", set_pause),
    Route("DELETE", "/pause", lift_pause),
)


def _opened(call: Call, said: Json) -> Recovery:
    """The recovery of a host that is said to be gone."""
    assertion = schemas.assertion(said, call.store.now())
    if call.means.settings.require_fencing and not assertion.fenced:
        raise exceptions.Malformed(
            "Invalid input for /force_down/fenced: it must be true here. A"
            " host that is not surely off may go on writing to the disks of"
            " servers that run elsewhere by then."
        )
    key, by = call.key, call.caller.user_id or ""
    digest = schemas.digest(said) if key else ""
    # What is there already is there when Nova cannot be asked, too.
    found = call.store.repeated(assertion.host, key, digest, by)
    if found:
        return found
    with may_start.sure():
        service = survey.host(call.means.compute, assertion.host)
    return opening.opened(
        call.store,
        service,
        assertion,
        call.caller,
        call.request_id,
        key,
        digest,
    )


def _plan(call: Call, host: str) -> Json:
    """What would be done if a host were dead; nothing is written."""
    means, pause = call.means, call.store.pause_of_all()
    with may_start.sure():
        survey.host(means.compute, host)
        rules = means.settings.rules
        made = survey.plan(means.compute, means.glance, host, rules, pause)
    return made.as_dict()


def _asked(call: Call, name: str) -> Json:
    """What is asked of a recovery, by one who may."""
    call.require(name)
    return call.body(name)


def _begun(call: Call, found: Recovery) -> webob.Response:
    """The answer to what an engine is to carry out."""
    body = {"recovery": reading.viewed(call, found)}
    return webob.Response(status=202, json_body=body)


def _until(call: Call, said: Json) -> float | None:
    if "until" not in said:
        return None
    until = schemas.time("/pause/until", said["until"])
    if until <= call.store.now():
        raise exceptions.Malformed(
            "Invalid input for /pause/until: it is in the past"
        )
    return until
