"""Names of servers follow the rules of the cloud.

*What it does.*  A server whose name breaks a rule is not made, renamed or
rebuilt; the refusal lists every rule that the name breaks.  A name is judged
as Nova will store it, without the white space around it.  A create of several
servers (``max_count``) is judged by every name that Nova may derive:
``web``, ``web-1``, …, ``web-N``.

*Whom it affects.*  Whoever creates, updates or rebuilds a server, or makes an
image of one (createImage, createBackup), by ``/v2.1`` and ``/v2``, but for
those in ``exempt``.  Servers that exist are left alone: ``waffles audit``
lists those that break the rules.

*What a refused client sees.*  ``403 Server name "Web_1" breaks this cloud's
naming policy: /server/name must match [a-z]{3}-[a-z0-9-]+``

*When Nova cannot be asked.*  Only ``unique`` and a ``when`` on the server's
flavor, image or zone ask Nova; without an answer the request is refused with
503 (in mode ``enforce``).  A cell that is down may hide a server of that
name: 503 too.  Two creates at the same moment do not see each other: for a
guarantee set Nova's own ``osapi_compute_unique_server_name_scope`` as well.

*Where it stands.*  Below keystonecontext and legacy_v2_compatible, above
Nova, in any order with other waffles.

*Configuration*::

    [waffles_naming]
    mode = enforce
    when = not '42':%(flavor)s
    exempt = role:admin
    help_url = https://wiki.example.com/servers
    pattern = [a-z]{3}-(prd|dev)-[a-z0-9-]+
    deny_pattern = .*-(test|tmp)
    min_length = 8
    max_length = 40
    hostname_pattern = [a-z][a-z0-9-]+
    image_pattern = [a-z0-9][a-z0-9._-]+
    unique = project
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from oslo_config import cfg

from waffles import (
    config,
    creates,
    exceptions,
    patterns,
    policy,
    servers,
    texts,
)
from waffles.policy import Finding, Violation
from waffles.request import ComputeRequest
from waffles.waffle import Waffle

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

OPTS = (
    *policy.OPTS,
    cfg.MultiStrOpt(
        "pattern",
        default=[],
        sample_default=["[a-z]{3}-(prd|dev)-[a-z0-9-]+"],
        help=(
            "A regular expression for names of servers. A name must match "
            "one of them from its first to its last character. Give one a "
            "line."
        ),
    ),
    cfg.MultiStrOpt(
        "deny_pattern",
        default=[],
        sample_default=[".*-(test|tmp)"],
        help=(
            "A regular expression that no name of a server may match from "
            "its first to its last character. Give one a line."
        ),
    ),
    cfg.IntOpt(
        "min_length",
        min=1,
        max=255,
        sample_default=8,
        help="The fewest characters of a server's name.",
    ),
    cfg.IntOpt(
        "max_length",
        min=1,
        max=255,
        sample_default=40,
        help="The most characters of a server's name.",
    ),
    cfg.MultiStrOpt(
        "hostname_pattern",
        default=[],
        sample_default=["[a-z][a-z0-9-]+"],
        help=(
            "A regular expression for the field 'hostname' of a server "
            "(microversion 2.90 on), where a client sends it. It must match "
            "one of them in full. The audit does not look at it: Nova does "
            "not tell a hostname that was sent from one that it has made of "
            "the name."
        ),
    ),
    cfg.MultiStrOpt(
        "image_pattern",
        default=[],
        sample_default=["[a-z0-9][a-z0-9._-]+"],
        help=(
            "A regular expression for names of images that are made of a "
            "server (createImage, createBackup). A name must match one of "
            "them in full."
        ),
    ),
    cfg.StrOpt(
        "unique",
        choices=[
            ("off", "a name may be used again"),
            ("project", "no two servers of a project have one name"),
            ("cloud", "no two servers of the cloud have one name"),
        ],
        default="off",
        sample_default="project",
        help="Where a server's name must be unique, without regard to case.",
    ),
)

#: What is judged, and the key of the object in the body that holds the name.
JUDGED = {
    "servers:create": "server",
    "servers:update": "server",
    "servers:rebuild": "rebuild",
    "servers:createImage": "createImage",
    "servers:createBackup": "createBackup",
}
IMAGES = {"servers:createImage", "servers:createBackup"}
NAMED = IMAGES | {"servers:create"}

#: The most servers of one create whose names are judged one by one.
MOST_NAMES = 1000

#: What gives the names of other servers that match a :func:`name_filter`.
Others = Callable[[str], Iterable[str]]
Patterns = tuple[patterns.Pattern, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """The rules for names; an empty tuple or None is no rule."""

    patterns: Patterns = ()
    denied: Patterns = ()
    min_length: int | None = None
    max_length: int | None = None
    hostnames: Patterns = ()
    images: Patterns = ()
    unique: str = "off"


def violations(
    pointer: str, possible: list[str], rule: Rule, others: Others
) -> list[Violation]:
    """What is wrong with the names that a server may get.

    Each reason is given once, for the first name that it is true of.

    :param possible: of :func:`names`: the bare name comes first
    :param others: the names of other servers, by :func:`name_filter`
    """
    first: dict[str, str] = {}
    for name in possible:
        for reason in reasons(name, rule):
            first.setdefault(reason, name)
    if rule.unique != "off":
        wanted = {folded(name): name for name in reversed(possible)}
        for other in others(name_filter(possible[0])):
            if taken := wanted.get(folded(other)):
                reason = f"is the name of another server of this {rule.unique}"
                first.setdefault(reason, taken)
    return [
        Violation(pointer, _derived(name, possible[0]) + reason)
        for reason, name in first.items()
    ]


def reasons(name: str, rule: Rule) -> Iterator[str]:
    """Why a server may not have a name: a part of a sentence for each."""
    yield from mismatch(name, rule.patterns)
    for pattern in rule.denied:
        if pattern.fullmatch(name):
            yield f"must not match {pattern.pattern}"
    if rule.min_length and len(name) < rule.min_length:
        yield f"must have at least {rule.min_length} characters"
    if rule.max_length and len(name) > rule.max_length:
        yield f"must have at most {rule.max_length} characters"


def mismatch(name: str, allowed: Patterns) -> Iterator[str]:
    """The reason, if a text matches none of the patterns there are."""
    if allowed and not any(pattern.fullmatch(name) for pattern in allowed):
        texts = " or ".join(pattern.pattern for pattern in allowed)
        yield f"must match {texts}"


def names(name: str, many: int) -> list[str]:
    """All the names that Nova may give to the servers of one create.

    How many it makes depends on quotas; a single one keeps the bare name
    (``nova/compute/api.py``, ``_apply_instance_name_template``).

    :param many: the value of ``max_count``
    :raises Malformed: more than can be judged
    """
    if many > MOST_NAMES:
        raise exceptions.Malformed(
            f"Names of more than {MOST_NAMES} servers at once (min_count,"
            f" max_count) are not judged."
        )
    numbered = range(1, many + 1) if many > 1 else ()
    return [name, *(f"{name}-{number}" for number in numbered)]


def _derived(name: str, bare: str) -> str:
    return "" if name == bare else f"becomes {texts.quoted(name)}, which "


def folded(name: str) -> str:
    """A name without regard to case."""
    return name.lower()


def name_filter(name: str) -> str:
    """A regular expression for Nova's ``name`` filter: any case, any ``-N``.

    It finds more rather than less, as databases differ in what they take a
    letter for; what it finds is compared again.  Each part of it matches one
    character, so that no name makes it slow.
    """

    def one(char: str) -> str:
        if not (char.isascii() and char.isalpha()):
            return char if char in "0123456789" else "."
        # The Kelvin sign is the one other character that folds to a letter.
        kelvin = "\u212a" if char in "kK" else ""
        return f"[{char.lower()}{char.upper()}{kelvin}]"

    return f"^{''.join(map(one, name))}(-[0-9]+)?$"


def text(holder: Mapping[str, Any], key: str) -> str | None:
    """A text in an object of the body; None where there is none.

    :raises Malformed: something else is there, or more than Nova would store
    """
    if key not in holder:
        return None
    value = holder[key]
    if not isinstance(value, str) or len(value) > patterns.LONGEST:
        raise exceptions.Malformed(
            f"The {key} must be a string of up to {patterns.LONGEST}"
            f" characters."
        )
    return value


def subject(operation: str | None, name: str | None) -> str:
    """How the refusal begins."""
    if name is None:
        return "This server"
    kind = "Image" if operation in IMAGES else "Server"
    return f"{kind} name {texts.quoted(name)}"


class Naming(Waffle):
    """The waffle; the manual is the docstring of the module."""

    operations = frozenset(JUDGED)

    def __init__(
        self, app: "WSGIApplication", rule: Rule, policy: policy.Policy
    ) -> None:
        super().__init__(app)
        self.rule, self.policy = rule, policy

    def handle(self, request: ComputeRequest) -> "WSGIApplication | None":
        return self.policy.answer(request, self.app, self.find)

    def find(self, request: ComputeRequest) -> Finding:
        """What the rules have against the names in a request."""
        key = JUDGED[str(request.operation)]
        holder = request.object_at(key)
        name = text(holder, "name")
        if name is None and request.operation in NAMED:
            raise exceptions.Malformed(f"/{key}/name is required.")
        found = []
        if request.operation in IMAGES:
            found += [
                Violation(f"/{key}/name", reason)
                for reason in mismatch(str(name).strip(), self.rule.images)
            ]
        elif name is not None:
            many = creates.count(holder) if request.operation in NAMED else 1
            found += violations(
                f"/{key}/name",
                names(name.strip(), many),
                self.rule,
                lambda regex: self._others(request, regex),
            )
        hostname = None if request.legacy else text(holder, "hostname")
        if hostname is not None:
            found += [
                Violation(f"/{key}/hostname", reason)
                for reason in mismatch(hostname, self.rule.hostnames)
            ]
        return Finding(subject(request.operation, name), found)

    def audit(self, server: Mapping[str, Any], others: Others) -> Finding:
        """What the rules have against a server that exists.

        :param server: as Nova shows it in a list with details
        :param others: the names of other servers of its project or cloud
        """
        found = violations("/name", [server["name"]], self.rule, others)
        return Finding(f"Server name {texts.quoted(server['name'])}", found)

    def _others(self, request: ComputeRequest, regex: str) -> Iterator[str]:
        """The names of other servers, where names must be the only ones."""
        project = str(request.caller.project_id)
        if request.operation != "servers:create":
            # Who does not see the server is told that, and no more.
            project = servers.present(request, self.app)["tenant_id"]
        filters = {"name": regex}
        if self.rule.unique == "project":
            filters["project_id"] = project
        for server in servers.matching(request, self.app, filters):
            if server["id"] != request.ids.get("server_id"):
                yield server["name"]


def filter_factory(
    global_conf: Mapping[str, str], **paste: str
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """For api-paste.ini: ``use = egg:waffles#naming``."""
    ini = global_conf.get("__file__", "api-paste.ini")
    return configured(config.load("naming", OPTS, paste, ini))


def configured(
    section: config.Section,
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """What puts the waffle above an application; in mode off, nothing.

    :raises ConfigError: an option is wrong
    """
    rule, common = rule_of(section), policy.of_section("naming", section)
    if common.mode is policy.Mode.OFF:
        return lambda app: app
    return lambda app: Naming(app, rule, common)


def rule_of(section: config.Section) -> Rule:
    """The rules that a section of the configuration describes.

    :raises ConfigError: a pattern is none, or a request could make it slow
    """

    def compiled(option: str) -> Patterns:
        return tuple(section.pattern(option, text) for text in section[option])

    least, most = section["min_length"], section["max_length"]
    if least and most and least > most:
        raise section.error("min_length", f"it is above max_length ({most})")
    return Rule(
        patterns=compiled("pattern"),
        denied=compiled("deny_pattern"),
        min_length=least,
        max_length=most,
        hostnames=compiled("hostname_pattern"),
        images=compiled("image_pattern"),
        unique=section["unique"],
    )
