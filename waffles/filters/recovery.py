"""A host that somebody declares dead is recovered: an endpoint for that.

*What it does.*  Below ``/os-waffles/`` of the compute API, with and without a
project id, fence agents, monitors and people declare hosts dead, look at what
becomes of their servers, and steer it::

    POST   /os-waffles/force-down               declare a host dead
    GET    /os-waffles/recoveries               all, the newest first
    GET    /os-waffles/recoveries/ID            one, with its servers
    GET    /os-waffles/recoveries/ID/servers    its servers, by pages
    GET    /os-waffles/recoveries/ID/log        what was done, by pages
    POST   /os-waffles/recoveries/ID/release    let go what gates hold
    POST   /os-waffles/recoveries/ID/pause      begin nothing new
    POST   /os-waffles/recoveries/ID/resume     go on
    POST   /os-waffles/recoveries/ID/retry      failed and stuck servers again
    POST   /os-waffles/recoveries/ID/abandon    end it as it is
    GET    /os-waffles/hosts/HOST/may-start     may nova-compute start there?
                                                (?first_start=true: it is new)
    POST   /os-waffles/hosts/HOST/return        take the host back
    GET    /os-waffles/hosts/HOST/protection    what if it were dead?
    GET    /os-waffles/pause                    of all recoveries; also PUT
                                                and DELETE

    {"force_down": {"host": "compute-1", "fenced": true, "fenced_by": "ipmi",
                    "fenced_at": "2026-11-20T10:00:00Z",
                    "evidence": "Chassis Power is off", "reason": "no ping",
                    "kdump": false, "dry_run": false}}

Only the host must be there, by the exact name of its compute service, and
``fenced``, unless ``require_fencing`` is off.  The answer is 202 with the
recovery and its Location; engines (``waffles recovery run``) carry out what is
written down, the waffle itself evacuates nothing.  With ``dry_run`` it is 200
with the whole plan: every gate, every server, what would become of it and why,
in order; nothing is written.  A host that has an open recovery gets no second
one: 409, with the address of the first.  A request with the header
``Idempotency-Key`` can be sent again: the same one gives the same recovery, to
the same caller.  The other bodies are ``{"pause": {"reason": ...}}`` and the
like, or empty: ``release`` takes ``gates`` and ``reason``, ``retry``
``servers`` (ids), ``pause`` and ``abandon`` a ``reason``, the pause of all a
``reason`` and ``until``.  Microversions change nothing here.

*Nova's own force-down.*  With ``native_force_down = recover`` a compute
service that Nova has forced down for somebody (``PUT /os-services/...``) opens
a recovery as well, so fence agents work as they are; whoever may force down in
Nova is then taken to have fenced.  It opens none for a service that is forced
down already and whose host has had its recovery: whoever brings servers back
himself would be told of them twice.  Where a recovery cannot be opened, Nova's
answer stays, and the log has an error.  In either setting a host is not forced
up again while ``may-start`` is false: Nova would let it, and the nova-compute
that starts then destroys servers that are being evacuated.

*Whom it affects.*  Whom the rules ``waffles:recovery:...`` of oslo.policy let;
policy.yaml.sample has all of them.  They are for administrators, but that
members and readers of a project see recoveries in which it has servers: the
rows of these, and nothing of hosts.  All other requests pass.

*What a refused client sees.*  Nova's faults: ``403 Policy doesn't allow
waffles:recovery:create to be performed.``, 400 for what the schema does not
allow, 404 for a host that there is not, with those that may be meant, 409 for
what cannot be done in the state that it is in, 413 for a body of more than
64 KiB.

*When Nova or the database cannot be asked.*  The calls above answer 503 with
Retry-After, and so does a compute service that is to be forced up; that it may
is never guessed.  A database that is away does not keep Nova from starting.

*What is needed.*  An option in the group ``[waffles_recovery]``, such as its
connection: without one the waffle does nothing.  A database that all API nodes
share (with SQLite, there is one node).  An administrator in the group
``[waffles]``; as Nova is asked over HTTP, its API needs more than one worker
or thread.

*Where it stands.*  Above all other waffles, below keystonecontext and
legacy_v2_compatible: its own paths are for nobody below it, and it must see
what Nova answers to a force-down.

*Configuration*::

    [waffles_recovery]
    connection = sqlite:////var/lib/waffles/recovery.db
    require_fencing = true
    native_force_down = ignore
    automatic_tag = automatic-recovery
    custom_tag = custom-recovery
    no_tag = no-recovery
    priority_tag = recovery-priority
    group_tag = recovery-group
    flavor_key = waffles:recovery
    image_property = waffles_recovery
    aggregate_key = waffles:recovery
    local_disk = refuse
    config_drive = custom
    nonevacuable = report
    threshold_cloud = 30
    threshold_zone = 50
    threshold_aggregate = 50
    in_flight_per_recovery = 20
    in_flight = 100
    stagger = 0
    max_attempts = 3
    retry_delay = 30
    retry_delay_max = 300
    evacuation_timeout = 1800
    settle_time = 120
    poll_interval = 2
    timeout = 10
    lease_time = 30
    heartbeat_interval = 10
    healthy_delay = 30
    kdump_time = 0
    webhook_url = https://events.example.com/waffles
    webhook_secret_file = /etc/waffles/webhook.secret
    webhook_cafile = /etc/ssl/certs/ca-certificates.crt
    webhook_timeout = 10
    bus = false
    notice_retry = 10
    notice_give_up = 3600
    help_url = https://wiki.example.com/recovery
    metrics_address = 127.0.0.1:9790
    dashboard_address = 127.0.0.1:8790
    dashboard_auth = keystone
    dashboard_secret_file = /etc/waffles/dashboard.secret
    dashboard_refresh = 5
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import webob

from waffles import config, exceptions, faults
from waffles.recovery import options, rules
from waffles.recovery.endpoint import (
    dispatch,
    may_start,
    means,
    native,
    opening,
)
from waffles.recovery.endpoint.means import Means
from waffles.recovery.endpoint.native import Forcing
from waffles.recovery.model import Assertion, Return
from waffles.recovery.store.errors import AlreadyOpen
from waffles.request import ComputeRequest
from waffles.waffle import Waffle

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOG = logging.getLogger(__name__)

OPTS = options.OPTS

RULES = rules.RULES

#: Nova's rule for who may force services down and up.
UPDATE = "os_compute_api:os-services:update"


class Recovery(Waffle):
    """The waffle; the manual is the docstring of the module."""

    operations = frozenset({"os-services:update"})

    def __init__(self, app: "WSGIApplication", means: Means) -> None:
        super().__init__(app)
        self.means = means

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if dispatch.is_ours(environ):
            found = dispatch.answer(self.means, environ)
            return found(environ, start_response)
        return super().__call__(environ, start_response)

    def handle(self, request: ComputeRequest) -> "WSGIApplication | None":
        forcing = _forcing(request)
        if forcing is None or not _may_update(request):
            return None
        if not forcing.forced:
            return self._unforcing(request, forcing)
        if self.means.settings.native_force_down == "recover":
            return self._recovering(request, forcing)
        return None

    def _unforcing(
        self, request: ComputeRequest, forcing: Forcing
    ) -> "WSGIApplication | None":
        """What refuses to take back a force down; None where it may be."""
        for service in self._services(forcing):
            found = may_start.verdict(
                service["host"], self.means.store(), self.means.compute
            )
            if not found.may_start:
                text = f"{service['host']} must stay forced down:"
                version = request.version_header(self.app)
                return faults.fault(409, f"{text} {found.reason}", version)
        return None

    def _recovering(
        self, request: ComputeRequest, forcing: Forcing
    ) -> "WSGIApplication":
        """Nova's own answer; where it has forced down, a recovery as well."""

        def answer(
            environ: "WSGIEnvironment", start_response: "StartResponse"
        ) -> Iterable[bytes]:
            settled = self._settled(forcing)
            found = webob.Request(environ).get_response(self.app)
            if 200 <= found.status_int < 300:
                self._open(request, forcing, settled)
            return found(environ, start_response)

        return answer

    def _settled(self, forcing: Forcing) -> dict[str, str]:
        """Hosts that are forced down, and the recoveries that they had since.

        Where that cannot be found out there are none.
        """
        try:
            return {
                found.host: found.id
                for service in self._services(forcing)
                if service["forced_down"]
                and (found := self.means.store().latest(service["host"]))
                and found.phase.final
                and found.returning is Return.DOWN
            }
        except Exception as error:
            LOG.warning("What was forced down before is not known: %s", error)
            return {}

    def _open(
        self,
        request: ComputeRequest,
        forcing: Forcing,
        settled: Mapping[str, str],
    ) -> None:
        """Open a recovery; what goes wrong is for the operator to know."""
        said = forcing.host or forcing.service_id
        try:
            found = self._services(forcing)
            if not found:
                raise exceptions.Unavailable("Nova does not show it")
            for service in found:
                said = service["host"]
                if said in settled:
                    LOG.info(
                        "%s was forced down before, and recovery %s of it has"
                        " ended: none is opened [%s]",
                        said,
                        settled[said],
                        request.request_id,
                    )
                    continue
                opening.opened(
                    self.means.store(),
                    service,
                    _assertion(request, said),
                    request.caller,
                    request.request_id or "",
                )
        except AlreadyOpen as error:
            LOG.info("Forced down, and %s [%s]", error, request.request_id)
        except Exception as error:
            LOG.error(
                "Nova has forced %s down, and NO RECOVERY of it could be"
                " opened: %s. Open one by POST /os-waffles/force-down. [%s]",
                said,
                error,
                request.request_id,
                exc_info=error,
            )

    def _services(self, forcing: Forcing) -> list[Mapping[str, Any]]:
        """The compute services that a call may be about.

        :raises Unavailable: nobody can say
        """
        with may_start.sure():
            services = self.means.compute.services(binary="nova-compute")
        found = forcing.among(services)
        if not found and any(one["status"] == "UNKNOWN" for one in services):
            raise exceptions.Unavailable(
                "Nova cannot see all cells, so nobody can say which host this"
                " is about."
            )
        return found


def _forcing(request: ComputeRequest) -> Forcing | None:
    if request.unjudged:
        return None
    try:
        body = request.body
    except exceptions.Malformed:
        return None  # for Nova to say
    version, service_id = request.microversion, request.ids["service_id"]
    return native.forcing(version, service_id, body)


def _may_update(request: ComputeRequest) -> bool:
    """Whether Nova would do it for the caller; it says so itself if not."""
    can = getattr(request.environ.get("nova.context"), "can", None)
    return can is None or bool(can(UPDATE, target={}, fatal=False))


def _assertion(request: ComputeRequest, host: str) -> Assertion:
    return Assertion(
        host=host,
        fenced=True,
        fenced_by=opening.name(request.caller),
        evidence=f"Nova's own call: PUT {request.environ['PATH_INFO']}",
    )


def filter_factory(
    global_conf: Mapping[str, str], **paste: str
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """For api-paste.ini: ``use = egg:waffles#recovery``."""
    ini = global_conf.get("__file__", "api-paste.ini")
    return configured(config.load("recovery", OPTS, paste, ini))


def configured(
    section: config.Section,
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """What puts the waffle above an application; nothing where no option is
    set.

    :raises ConfigError: an option is wrong, or there is no way into the cloud
    """
    if not section.given:
        return lambda app: app
    found = means.of_section(section)
    return lambda app: Recovery(app, found)
