"""Servers have the networks that they must have, and no others.

*What it does.*  Networks can be required, banned, or the only ones allowed,
and the number of a server's networks can be limited.  A server is judged by
the networks that it *would have*: a port stands for its network, the same
network twice counts twice, and who names no network is judged by the one that
Nova would take.  An ``optional`` network is allowed as well and does not
count.  A server that breaks the rules already can be changed in ways that
make nothing worse.

*Whom it affects.*  Whoever creates servers, attaches or detaches interfaces,
or adds or removes fixed IPs, by ``/v2.1`` and ``/v2``, but for those in
``exempt``.  Servers that exist are left alone.

*Ids and names.*  Any project can give its network any name.  So a name is a
rule for well-meaning users, unless an administrator has shared the network
with all projects; :mod:`waffles.fabric.networks` says what a name means for
whom.  An id is a rule for all.

*What a refused client sees.*  ``403 This server breaks this cloud's network
policy: /server/networks/0/uuid is a banned network``.  The networks of
``required`` and ``allowed`` are told as they are written here.

*When Nova or Neutron cannot be asked.*  With ids here and in the request
nobody is asked about a create.  A port, or no network, is looked up in
Neutron, with the token of the caller; a name here in what is known of all
networks (refreshed behind the requests, and used until it is ``stale_after``
seconds old); a change of a server by its interfaces, read as the caller
through the pipeline below.  Without an answer within ``timeout`` the request
is refused with 503, and with Neutron's own answer where it does not show the
caller a port (in mode ``enforce``).

*What is needed.*  For names an administrator in the group ``[waffles]``.  For
ports, and where no network is named, that group says where Neutron is:
without it such requests are refused.

*What is not seen.*  Neutron's own API: whoever may write ports there can give
one to a server or take it away, and owners of networks can rename and share
them.  Events that Neutron sends to Nova.  Two requests at the same moment do
not see each other: each may be the last that ``max_networks`` allows.

*Where it stands.*  Below keystonecontext and legacy_v2_compatible, above
Nova, and below what chooses networks (networks).

*Configuration*::

    [waffles_network_policy]
    mode = enforce
    when = not '42':%(flavor)s
    exempt = role:admin
    help_url = https://wiki.example.com/servers
    required = management
    banned = 3cb9bc59-5699-4588-a4b1-b87f96708bc6
    allowed = frontend,backend
    optional = backup
    min_networks = 1
    max_networks = 3
    count_optional = false
    refresh_interval = 30
    stale_after = 300
    timeout = 10
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from oslo_config import cfg

from waffles import (
    config,
    exceptions,
    ids,
    network_rules,
    nics,
    policy,
    servers,
)
from waffles.clients import deadline, session
from waffles.clients.neutron import Neutron
from waffles.fabric import options, survey
from waffles.fabric.networks import Networks
from waffles.network_rules import Rule, Wording
from waffles.nics import Asked, Nic
from waffles.policy import Finding, Violation
from waffles.request import ComputeRequest
from waffles.waffle import Waffle

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

LOG = logging.getLogger(__name__)

OPTS = (
    *policy.OPTS,
    cfg.ListOpt(
        "required",
        default=[],
        sample_default=["management"],
        help=(
            "Networks that every server must have: ids, or names. Give names "
            "of networks only that are shared with all projects: any project "
            "can give its own network any name."
        ),
    ),
    cfg.ListOpt(
        "banned",
        default=[],
        sample_default=["3cb9bc59-5699-4588-a4b1-b87f96708bc6"],
        help=(
            "Networks that no server may have: ids, or names. A name bans "
            "every network that is called so."
        ),
    ),
    cfg.ListOpt(
        "allowed",
        default=[],
        sample_default=["frontend", "backend"],
        help=(
            "The only networks that servers may have, besides those of "
            "'required' and 'optional': ids, or names, as for 'required'. "
            "Unset, any."
        ),
    ),
    cfg.ListOpt(
        "optional",
        default=[],
        sample_default=["backup"],
        help=(
            "Networks that servers may have besides those that are counted: "
            "ids, or names, as for 'required'."
        ),
    ),
    cfg.IntOpt(
        "min_networks",
        min=0,
        sample_default=1,
        help="How many networks a server must have at least.",
    ),
    cfg.IntOpt(
        "max_networks",
        min=0,
        sample_default=3,
        help="How many networks a server may have at most.",
    ),
    cfg.BoolOpt(
        "count_optional",
        default=False,
        help=(
            "Whether 'optional' networks count for min_networks and "
            "max_networks."
        ),
    ),
    *options.OPTS,
)

#: How refusals go on: "This server breaks this cloud's network policy".
SUBJECT, NAME = "This server", "network"

#: Options that contradict each other where both name a network.
APART = (
    ("banned", "required"),
    ("banned", "allowed"),
    ("banned", "optional"),
    ("optional", "required"),
)


class Case(NamedTuple):
    """What is judged.

    :param project_id: that of the server
    :param until: when all look-ups must be over, by the monotonic clock
    """

    request: ComputeRequest
    rule: Rule
    project_id: str | None
    until: float


class NetworkPolicy(Waffle):
    """The waffle; the manual is the docstring of the module.

    :param rule_of: gives the rule for the servers of a project
    :param neutron: None where nothing says how to reach it
    :param timeout: seconds that it has for all look-ups of a request
    """

    operations = frozenset(
        {
            "servers:create",
            "servers:addFixedIp",
            "servers:removeFixedIp",
            "os-interface:create",
            "os-interface:delete",
        }
    )

    def __init__(
        self,
        app: "WSGIApplication",
        rule_of: Callable[[str | None], Rule],
        policy: policy.Policy,
        neutron: Neutron | None,
        timeout: float,
    ) -> None:
        super().__init__(app)
        self.rule_of, self.policy = rule_of, policy
        self.neutron, self.timeout = neutron, timeout

    def handle(self, request: ComputeRequest) -> "WSGIApplication | None":
        return self.policy.answer(request, self.app, self.find)

    def find(self, request: ComputeRequest) -> Finding:
        """What the rules have against the networks after a request."""
        until = time.monotonic() + self.timeout
        if request.operation == "servers:create":
            project_id = request.caller.project_id
        else:
            # Who does not see the server is told that, and no more.
            project_id = servers.present(request, self.app)["tenant_id"]
        case = Case(request, self.rule_of(project_id), project_id, until)
        found = self._judges[str(request.operation)](self, case)
        return Finding(SUBJECT, list(found))

    def _created(self, case: Case) -> Iterator[Violation]:
        asked = nics.of_create(case.request.object_at("server"))
        found = self._known(case, asked)
        return network_rules.of_new("/server/networks", found, case.rule)

    def _attached(self, case: Case) -> Iterator[Violation]:
        asked = nics.of_attach(case.request.object_at())
        for nic in self._known(case, [asked]):
            judged = case.rule.most is not None
            present = self._present(case.request) if judged else []
            yield from network_rules.of_more(nic, present, case.rule)

    def _address_added(self, case: Case) -> Iterator[Violation]:
        asked = nics.of_added_address(case.request.object_at("addFixedIp"))
        nic = Nic(asked.network, asked.pointer)
        return network_rules.of_network(nic, case.rule)

    def _detached(self, case: Case) -> Iterator[Violation]:
        port_id = ids.canonical(case.request.ids["port_id"])
        if case.rule.required or case.rule.least:
            for gone, kept in _each(self._present(case.request)):
                if gone.port == port_id:
                    yield from network_rules.of_less(gone, kept, case.rule)

    def _address_removed(self, case: Case) -> Iterator[Violation]:
        action = case.request.object_at("removeFixedIp")
        address = nics.removed_address(action)
        if case.rule.required:
            for gone, kept in _each(self._present(case.request)):
                if gone.addresses == {address}:
                    at = gone._replace(pointer="/removeFixedIp/address")
                    yield from network_rules.of_lost(at, kept, case.rule)

    _judges: ClassVar[Mapping[str, Callable[..., Iterator[Violation]]]] = {
        "servers:create": _created,
        "servers:addFixedIp": _address_added,
        "servers:removeFixedIp": _address_removed,
        "os-interface:create": _attached,
        "os-interface:delete": _detached,
    }

    def _present(self, request: ComputeRequest) -> list[Nic]:
        """The NICs that a server has."""
        found = servers.interfaces(request, self.app)
        return [nics.of_interface(interface) for interface in found]

    def _known(self, case: Case, asked: Sequence[Asked]) -> list[Nic]:
        """What is asked for, with its networks, as far as they matter."""
        counts = case.rule.only_counts
        if all(one.network or (one.port and counts) for one in asked):
            return [Nic(one.network, one.pointer) for one in asked]
        token = case.request.environ.get("HTTP_X_AUTH_TOKEN")
        left = case.until - time.monotonic()
        if self.neutron is None or not token or left <= 0:
            raise _unavailable()
        try:
            with deadline.within(left):
                return [
                    nic
                    for one in asked
                    for nic in nics.looked_up(
                        one, self.neutron, case.project_id, token
                    )
                ]
        except exceptions.Unavailable as error:
            LOG.warning("%s (%s)", error, case.request.request_id)
            raise _unavailable() from error


def _each(present: Sequence[Nic]) -> Iterator[tuple[Nic, list[Nic]]]:
    """Each NIC, and the others."""
    for at, nic in enumerate(present):
        yield nic, [*present[:at], *present[at + 1 :]]


def _unavailable() -> exceptions.Unavailable:
    """What a caller is told; where Neutron is, is nothing to him."""
    return exceptions.Unavailable(
        "The networks of this request cannot be looked up now."
    )


def filter_factory(
    global_conf: Mapping[str, str], **paste: str
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """For api-paste.ini: ``use = egg:waffles#network_policy``."""
    ini = global_conf.get("__file__", "api-paste.ini")
    return configured(config.load("network_policy", OPTS, paste, ini))


def configured(
    section: config.Section,
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """What puts the waffle above an application; in mode off, or where there
    are no rules, nothing.

    :raises ConfigError: an option is wrong
    """
    common, wording = policy.of_section(NAME, section), wording_of(section)
    if common.mode is policy.Mode.OFF or wording == Wording():
        return lambda app: app
    neutron = neutron_of(section, wording)
    rule_of = rules_of(section, wording, neutron)
    timeout = section["timeout"]
    return lambda app: NetworkPolicy(app, rule_of, common, neutron, timeout)


def wording_of(section: config.Section) -> Wording:
    """The rules that a section of the configuration describes.

    :raises ConfigError: they contradict each other
    """
    wording = Wording(
        required=_texts(section, "required"),
        banned=_texts(section, "banned"),
        allowed=_texts(section, "allowed"),
        optional=_texts(section, "optional"),
        least=section["min_networks"] or 0,
        most=section["max_networks"],
        count_optional=section["count_optional"],
    )
    for option, other in APART:
        for text in section[option]:
            if _same(text) in map(_same, section[other]):
                raise section.error(option, f"{text} is in {other} too")
    _refuse_numbers(section, wording)
    _refuse_idle(section, wording)
    return wording


def _texts(section: config.Section, option: str) -> tuple[str, ...]:
    if "" in section[option]:
        raise section.error(option, "one of the networks is empty")
    return tuple(section[option])


def _same(text: str) -> str:
    return ids.canonical(text) or text


def _refuse_numbers(section: config.Section, wording: Wording) -> None:
    most, required = wording.most, set(map(_same, wording.required))
    if most is not None and wording.least > most:
        why = f"it is above max_networks ({most})"
        raise section.error("min_networks", why)
    if most is not None and len(required) > most:
        why = f"it is below the number of required ones ({len(required)})"
        raise section.error("max_networks", why)


def _refuse_idle(section: config.Section, wording: Wording) -> None:
    """Refuse what would do nothing."""
    limited = wording.least or wording.most is not None
    if wording.count_optional and not (wording.optional and limited):
        why = "it does nothing without optional, and min_ or max_networks"
        raise section.error("count_optional", why)
    uncounted = limited and not wording.count_optional
    if wording.optional and not (wording.allowed or uncounted):
        why = "it does nothing without allowed, min_networks or max_networks"
        raise section.error("optional", why)


def neutron_of(section: config.Section, wording: Wording) -> Neutron | None:
    """What is asked for networks; None where nothing says how to reach it.

    :raises ConfigError: what is there cannot be used, or is needed
    """
    files = section.origin
    access = config.Section(section.conf, session.GROUP, files, {})
    if access.present or wording.has_names:
        return Neutron(session.load(section.conf).at_once())
    LOG.warning(
        "network_policy cannot ask Neutron, as there is no group [%s] in %s:"
        " it refuses who names a port or no network",
        session.GROUP,
        files,
    )
    return None


def fetched(neutron: Neutron) -> dict[str, Any]:
    """The facts of all networks.

    :raises Unavailable: they cannot be had; who is shown none at all may be
        no administrator, and nothing would be banned
    """
    facts = survey.of_networks(neutron)
    if not facts["networks"]:
        raise exceptions.Unavailable("Neutron does not show any network.")
    return facts


def rules_of(
    section: config.Section, wording: Wording, neutron: Neutron | None
) -> Callable[[str | None], Rule]:
    """What gives the rule for a project."""
    if neutron is None or not wording.has_names:
        rule = wording.rule(Networks(()), None)
        return lambda project_id: rule
    known = options.keeper(
        "network_policy",
        section,
        lambda: fetched(neutron),
        lambda facts, taken, before: survey.networks(facts),
    )
    return lambda project_id: wording.rule(known.get(), project_id)
