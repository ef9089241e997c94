"""Each new server gets the network of the hosts that it can be placed on.

*What it does.*  Host aggregates name the networks that their hosts reach, in
their metadata: ``networks = <ids or names>``.  A create that names no network
gets one: of those that reach a host that can take the server (up and enabled;
in the zone, or the host, that is asked for; with what the flavor asks of host
aggregates; not kept for other projects), that its project may use, and that
have enough addresses left, the one with the most.  The server is pinned to
the hosts that reach it, for good: evacuate, migrate, resize and unshelve keep
to them.  With ``pin = availability_zone`` it gets their zone instead, so all
hosts of a zone should reach the same networks then; where a zone or a host is
asked for, that is left as it is.  Where creates name networks,
``user_networks`` decides.

*Whom it affects.*  Whoever creates servers, by ``/v2.1`` and ``/v2``, but for
those in ``exempt``.  Servers that exist are left alone.

*What a refused client sees.*  ``409 There is no network for this server: no
network of its hosts has a free address.``, or what else is missing; networks
are never named.  With ``user_networks = refuse``: ``403 This server breaks
this cloud's networks policy: /server/networks must be left out``.  The
scheduler hint that pins a server is ours: who sends it is refused (403),
exempt or not, in any mode but ``off``.

*When Nova or Neutron cannot be asked.*  What is known is used until it is
``stale_after`` seconds old.  Then ``on_unavailable`` decides: the create is
refused with 503 (in mode ``enforce``), or passes as it is, and Nova does what
it does by itself.  No request waits longer than ``timeout``.

*What is needed.*  An option in the group ``[waffles_networks]``, such as its
mode: without one the waffle does nothing.  An administrator in the group
``[waffles]``.  In the scheduler's nova.conf, for ``pin = scheduler_hint``, the
filter that keeps servers where their network is; :mod:`waffles.scheduler` has
more on it, and on clouds of more than 1000 hosts::

    [filter_scheduler]
    available_filters = nova.scheduler.filters.all_filters
    available_filters = waffles.scheduler.AggregateNetworkFilter
    enabled_filters = …, AggregateNetworkFilter

*What is not known.*  Workers know of each other's choices by the next look
at Neutron only; :mod:`waffles.fabric.spread` says how they spread.  A server
group's affinity is not looked at, nor is the zone of a volume where Nova has
``cross_az_attach = false``: Nova then finds no host where these are with
another network.

*Names of networks.*  Any project can give its network any name, and share it
with any other.  :mod:`waffles.fabric.networks` says what a name means for
whom; an id means its network.  Prefer ids.

*Where it stands.*  Below keystonecontext and legacy_v2_compatible, above
Nova and above what judges networks (network_policy).

*Configuration*::

    [waffles_networks]
    mode = enforce
    when = not '42':%(flavor)s
    exempt = role:admin
    help_url = https://wiki.example.com/servers
    aggregate_key = networks
    pin = scheduler_hint
    user_networks = keep
    on_unavailable = refuse
    refresh_interval = 30
    stale_after = 300
    timeout = 10
"""

import dataclasses
import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib import parse

from oslo_config import cfg

from waffles import config, creates, exceptions, pins, policy, targets
from waffles.clients import neutron, nova, session
from waffles.fabric import options, specs, survey
from waffles.fabric.chooser import Chooser, Place, of_facts
from waffles.fabric.keeper import Keeper
from waffles.fabric.pods import Wanted
from waffles.fabric.spread import Spread
from waffles.policy import Finding, Mode, Violation
from waffles.request import ComputeRequest
from waffles.waffle import Waffle

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOG = logging.getLogger(__name__)

OPTS = (
    *policy.OPTS,
    cfg.StrOpt(
        "aggregate_key",
        default="networks",
        help=(
            "The key of the metadata in which host aggregates name their "
            "networks: ids or names, separated by commas or spaces."
        ),
    ),
    cfg.StrOpt(
        "pin",
        choices=[
            ("scheduler_hint", "by a hint that AggregateNetworkFilter reads"),
            (
                "availability_zone",
                "by the zone of the host aggregate that names the network",
            ),
            ("off", "not at all"),
        ],
        default="scheduler_hint",
        help="How a server is tied to the hosts that reach its network.",
    ),
    cfg.StrOpt(
        "user_networks",
        choices=[
            ("keep", "they are left as they are"),
            ("refuse", "the create is refused"),
            ("replace", "they are replaced"),
        ],
        default="keep",
        help=(
            "What comes of networks that a create names, 'none' and ports "
            "among them."
        ),
    ),
    cfg.StrOpt(
        "on_unavailable",
        choices=[
            ("refuse", "the create is refused with 503"),
            ("pass", "it passes as it is"),
        ],
        default="refuse",
        help=(
            "What comes of a create when Nova and Neutron have not answered "
            "for stale_after seconds."
        ),
    ),
    *options.OPTS,
)

#: From here on a create may say "auto" for any network.
AUTO = (2, 37)

#: From here on it may say "host" and "hypervisor_hostname".
HOSTS = (2, 74)

#: Nova's rules for who may say where a server is to be.
FORCED = "os_compute_api:servers:create:forced_host"
REQUESTED = "compute:servers:create:requested_destination"

#: From here on flavors have extra specs, and hypervisors their service.
SHOWS_SPECS = "2.61"

#: In the environ of a request that a waffle has given a network.
GIVEN = "waffles.networks.given"

SUBJECT = "This server"
NAMED = Violation(
    "/server/networks", "must be left out: this cloud chooses the network"
)

Undo = Callable[[], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What is done with a create.

    :param zone: that Nova gives servers for which no zone is asked
    """

    aggregate_key: str = "networks"
    pin: str = "scheduler_hint"
    user_networks: str = "keep"
    on_unavailable: str = "refuse"
    zone: str | None = None


def leaves_open(server: Mapping[str, Any], auto: bool) -> bool:
    """Whether a create leaves it to the cloud which network it gets.

    :param auto: whether "auto" is a word that Nova knows here
    """
    networks = server.get("networks", [])
    return networks == [] or (auto and networks == "auto")


def forged(request: ComputeRequest) -> list[Violation]:
    """What is wrong with the hints that a client sends: ours is there."""
    try:
        body = request.object_at()
    except exceptions.Malformed:
        return []  # for others to say
    if GIVEN in request.environ:
        return []
    return [
        Violation(f"/{key}/{pins.HINT}", "is set by this cloud only")
        for key in creates.HINTS
        if isinstance(body.get(key), dict) and pins.HINT in body[key]
    ]


def reads(request: ComputeRequest, since: tuple[int, int]) -> bool:
    """Whether Nova reads what a microversion has brought.

    Where it cannot read the microversion it refuses the request.
    """
    return not request.legacy and (request.microversion or since) >= since


class Networks(Waffle):
    """The waffle; the manual is the docstring of the module.

    :param chooser: gives what is known of the cloud
    """

    operations = frozenset({"servers:create"})

    def __init__(
        self,
        app: "WSGIApplication",
        rule: Rule,
        policy: policy.Policy,
        chooser: Callable[[], Chooser],
    ) -> None:
        super().__init__(app)
        self.rule, self.policy, self.chooser = rule, policy, chooser

    def handle(self, request: ComputeRequest) -> "WSGIApplication | None":
        if found := forged(request):  # for which there is no exemption
            strict = dataclasses.replace(
                self.policy, mode=Mode.ENFORCE, when=None, exempt=None
            )
            return strict.answer(
                request, self.app, lambda request: Finding(SUBJECT, found)
            )
        undo: list[Undo] = []
        answer = self.policy.answer(
            request, self.app, lambda request: self.find(request, undo)
        )
        return answer or (watched(self.app, *undo) if undo else None)

    def find(self, request: ComputeRequest, undo: list[Undo]) -> Finding:
        """Give servers a network, or say why they get none.

        :param undo: gets what is to be done when no server is made
        """
        server = request.object_at("server")
        if GIVEN in request.environ:
            return Finding(SUBJECT, [])
        if not leaves_open(server, reads(request, AUTO)):
            if self.rule.user_networks == "keep":
                return Finding(SUBJECT, [])
            if self.rule.user_networks == "refuse":
                return Finding(SUBJECT, [NAMED])
        try:
            undo += self._give(request, server)
        except exceptions.Unavailable as error:
            if self.rule.on_unavailable == "refuse":
                raise
            self.policy.passes(request, error)
        return Finding(SUBJECT, [])

    def _give(
        self, request: ComputeRequest, server: Mapping[str, Any]
    ) -> Iterator[Undo]:
        creates.hints(request.body)  # nothing is taken for what is malformed
        chooser = self.chooser()
        wanted = self._wanted(request, server, chooser)
        place = self._chosen(request, chooser, wanted)
        LOG.info(
            "networks %s network %s for %d servers (%s, project %s)",
            "chose" if place.choice else "would choose",
            place.network.id,
            wanted.servers,
            request.request_id,
            wanted.project_id,
        )
        if place.choice:
            self._write(request, chooser, place)
            yield functools.partial(chooser.spread.release, place.choice)

    def _chosen(
        self, request: ComputeRequest, chooser: Chooser, wanted: Wanted
    ) -> Place:
        try:
            return chooser.choose(wanted, take=self.policy.writes)
        except exceptions.Conflict:
            if not wanted.host or request.caller.is_admin:
                raise
            # Which hosts there are is not for everybody to know: this is
            # what Nova says of those that are there.
            given = request.object_at("server").get("availability_zone")
            rule = FORCED if ":" in str(given) else REQUESTED
            raise exceptions.Hidden(
                403, f"Policy doesn't allow {rule} to be performed."
            ) from None

    def _write(
        self, request: ComputeRequest, chooser: Chooser, place: Place
    ) -> None:
        network = place.network
        request.write(("server", "networks"), [{"uuid": network.id}])
        if self.rule.pin == "scheduler_hint":
            # For this project its name may mean another one.
            project_id = request.caller.project_id
            meant = chooser.networks.meant(network.name, project_id)
            name = network.name if network in meant else ""
            key, hints = creates.hints(request.body)
            pin = pins.hint(self.rule.aggregate_key, network.id, name)
            request.write((key,), {**hints, pins.HINT: pin})
        if place.zone:
            request.write(("server", "availability_zone"), place.zone)
        request.environ[GIVEN] = True

    def _wanted(
        self,
        request: ComputeRequest,
        server: Mapping[str, Any],
        chooser: Chooser,
    ) -> Wanted:
        place = creates.location(server, reads(request, HOSTS))
        zone, host = place.zone or self.rule.zone, place.host
        if place.node and not host:
            host = self._host(request, place.node)
        by_zone = self.rule.pin == "availability_zone"
        return Wanted(
            project_id=request.caller.project_id,
            zone=zone,
            zoned=by_zone and not (zone or host),
            host=host,
            needs=self._needs(request, server, chooser),
            servers=creates.count(server),
        )

    def _needs(
        self,
        request: ComputeRequest,
        server: Mapping[str, Any],
        chooser: Chooser,
    ) -> specs.Requirements:
        """What the flavor asks; Nova is asked for one that is new."""
        flavor_id = targets.flavor_id(server)
        known = chooser.flavors.get(flavor_id)
        if known is not None:
            return known
        found = targets.flavor(request, self.app, flavor_id, SHOWS_SPECS)
        return specs.requirements(found.get("extra_specs", {}))

    def _host(self, request: ComputeRequest, node: str) -> str:
        """The host of a hypervisor, as far as the caller may see it."""
        found = request.get(
            self.app,
            "/os-hypervisors/detail",
            parse.urlencode({"hypervisor_hostname_pattern": node}),
            microversion=SHOWS_SPECS,
        )
        hosts = {
            one["hypervisor_hostname"]: one["service"]["host"]
            for one in found["hypervisors"]
        }
        # Nova has a pattern there, so others can be among them.
        return str(hosts.get(node, node))


def watched(app: "WSGIApplication", undo: Undo) -> "WSGIApplication":
    """An application, and what is to be done where it makes no server."""

    def answer(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        def start(status, headers, *args):  # type: ignore[no-untyped-def]
            if not status.startswith("2"):
                undo()
            return start_response(status, headers, *args)

        return app(environ, start)

    return answer


def filter_factory(
    global_conf: Mapping[str, str], **paste: str
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """For api-paste.ini: ``use = egg:waffles#networks``."""
    ini = global_conf.get("__file__", "api-paste.ini")
    return configured(config.load("networks", OPTS, paste, ini))


def configured(
    section: config.Section,
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """What puts the waffle above an application; in mode off, or where no
    option is set, nothing.

    :raises ConfigError: an option is wrong
    """
    common = policy.of_section("networks", section)
    if common.mode is Mode.OFF or not section.given:
        return lambda app: app
    rule, keeper = rule_of(section), keeper_of(section)
    return lambda app: Networks(app, rule, common, keeper.get)


def rule_of(section: config.Section) -> Rule:
    """What a section of the configuration says.

    :raises ConfigError: a key that no host aggregate can have
    """
    key = section["aggregate_key"]
    if not 0 < len(key) <= 255:
        raise section.error(
            "aggregate_key", "it must have 1 to 255 characters"
        )
    return Rule(
        aggregate_key=key,
        pin=section["pin"],
        user_networks=section["user_networks"],
        on_unavailable=section["on_unavailable"],
        zone=config.of_process("default_schedule_zone"),
    )


def keeper_of(section: config.Section) -> Keeper[Chooser]:
    """What keeps the cloud known.

    :raises ConfigError: there is no way into the cloud
    """
    access = session.load(section.conf).at_once()
    compute, network = nova.Nova(access), neutron.Neutron(access)
    return options.keeper(
        "networks",
        section,
        lambda: survey.of_cloud(compute, network),
        functools.partial(
            of_facts, key=section["aggregate_key"], spread=Spread()
        ),
    )
