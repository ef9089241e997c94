"""Metadata of servers follows the rules of the cloud.

*What it does.*  It judges what a server's metadata *will be* once a request
is carried out: which keys are there, what they hold, what has changed.  Keys
that a create leaves out are filled in from ``defaults`` first.  A server whose
metadata breaks the rules already can only be changed so that it keeps them
all: ``PUT …/metadata`` replaces the whole set in one request.

*Whom it affects.*  Whoever creates or rebuilds a server or writes its
metadata, by ``/v2.1`` and ``/v2``, but for those in ``exempt``.  Servers that
exist are left alone: ``waffles audit`` lists those that break the rules.

*Spelling.*  MySQL and MariaDB take ``OWNER`` and ``owner␠`` for ``owner``.  A
key that is named in the configuration or in the schema is *guarded*: another
spelling of it, or a key of other characters than Nova's API has
(``a-z A-Z 0-9 - _ : .`` and space), is refused, and to delete a key is to
delete all its spellings.

*What a refused client sees.*  ``403 Server metadata breaks this cloud's
metadata policy: /server/metadata/owner is required``

*When Nova cannot be asked.*  A request that changes a part of the metadata,
or what is immutable or protected, is judged with the present metadata, read
as the caller through the pipeline below.  Without an answer it is refused
with 503; where Nova does not show the server, with Nova's own answer (in mode
``enforce``).  Two requests at the same moment may both be judged by the
metadata before them.

*Where it stands.*  Below keystonecontext and legacy_v2_compatible, above
Nova, in any order with other waffles.

*Configuration*::

    [waffles_metadata]
    mode = enforce
    when = not '42':%(flavor)s
    exempt = role:admin
    help_url = https://wiki.example.com/servers
    required_keys = owner,cost-center
    allowed_keys = team,ticket
    schema_file = /etc/waffles/metadata.schema.json
    defaults = owner={user_name}
    defaults = cost-center={project_name}
    immutable_keys = owner
    protected_keys = cost-center
    protected_rule = role:admin
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from oslo_config import cfg

from waffles import (
    checks,
    config,
    exceptions,
    keys,
    policy,
    schemas,
    servers,
    templates,
    texts,
)
from waffles.policy import Finding, Violation
from waffles.request import ComputeRequest
from waffles.waffle import Waffle

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

OPTS = (
    *policy.OPTS,
    cfg.ListOpt(
        "required_keys",
        default=[],
        sample_default=["owner", "cost-center"],
        help="Keys that every server must have.",
    ),
    cfg.ListOpt(
        "allowed_keys",
        default=[],
        sample_default=["team", "ticket"],
        help=(
            "Keys that a server may have, besides those that other options "
            "name. Unset, any."
        ),
    ),
    cfg.StrOpt(
        "schema_file",
        sample_default="/etc/waffles/metadata.schema.json",
        help=(
            "A file with a JSON Schema (2020-12, or what its $schema says) "
            "of the whole metadata object. A pattern in it is looked for "
            "anywhere in a value, as JSON Schema has it: begin it with ^ "
            "and end it with $. All values are strings; formats are not "
            "checked."
        ),
    ),
    cfg.MultiStrOpt(
        "defaults",
        default=[],
        sample_default=["owner={user_name}", "cost-center={project_name}"],
        help=(
            "key=value, one a line: what a create gets where the client has "
            "left out the key. {project_id}, {project_name}, {user_id}, "
            "{user_name} and {request_id} are filled in."
        ),
    ),
    cfg.ListOpt(
        "immutable_keys",
        default=[],
        sample_default=["owner"],
        help="Keys that cannot be changed or removed once a server has them.",
    ),
    cfg.ListOpt(
        "protected_keys",
        default=[],
        sample_default=["cost-center"],
        help="Keys that only callers of protected_rule set, change or remove.",
    ),
    cfg.StrOpt(
        "protected_rule",
        default="role:admin",
        help=(
            "Who may write protected_keys: an oslo.policy check string on "
            "the caller."
        ),
    ),
)

#: What is judged, and where the body has the metadata; a delete has none.
JUDGED = {
    "servers:create": ("server", "metadata"),
    "servers:rebuild": ("rebuild", "metadata"),
    "server-metadata:create": ("metadata",),
    "server-metadata:update_all": ("metadata",),
    "server-metadata:update": ("meta",),
    "server-metadata:delete": (),
}
REPLACES = {"servers:rebuild", "server-metadata:update_all"}

SUBJECT = "Server metadata"

NOBODY = checks.Check("!")


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """The rules for metadata; what is empty or None is no rule.

    :param guarded: the loose spelling of every key that is named anywhere ->
        the key
    """

    required: tuple[str, ...] = ()
    allowed: frozenset[str] | None = None
    schema: Any = None
    defaults: Mapping[str, templates.Template] = dataclasses.field(
        default_factory=dict
    )
    immutable: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    guarded: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def compares(self) -> bool:
        """Whether the metadata before a request matters, whatever it is."""
        return bool(self.immutable or self.protected)


def after(
    operation: str, before: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """The metadata that a server has once an operation is done.

    :param before: what it has now; of a create: the defaults
    :param given: what the body says
    """
    return dict(given) if operation in REPLACES else {**before, **given}


def without(before: Mapping[str, str], key: str) -> dict[str, str]:
    """The metadata that a server has once a key, however spelled, is gone."""
    gone = keys.loose(key)
    return {
        name: text for name, text in before.items() if keys.loose(name) != gone
    }


def violations(
    pointer: str,
    before: Mapping[str, str],
    after: Mapping[str, str],
    rule: Rule,
    protects: bool = True,
) -> list[Violation]:
    """What is wrong with metadata, and with its change.

    :param pointer: where the request has the metadata
    :param protects: whether the caller is none of ``protected_rule``
    """
    fixed = tuple(key for key in rule.immutable if key in before)
    kept = rule.protected if protects else ()
    found = (
        *state(after, rule),
        *changes(before, after, fixed, "is immutable"),
        *changes(before, after, kept, "is protected"),
    )
    return [Violation(pointer + at, reason) for at, reason in found]


def state(
    metadata: Mapping[str, str], rule: Rule
) -> Iterator[tuple[str, str]]:
    """What is wrong with metadata as it stands: pointers and reasons."""
    for key in rule.required:
        if key not in metadata:
            yield texts.token(key), "is required"
    for key in metadata:
        if why := spelling(key, rule):
            yield texts.token(key), why
    if rule.schema is not None:
        for error in rule.schema.iter_errors(dict(metadata)):
            at = "".join(
                texts.token(str(part)) for part in error.absolute_path
            )
            yield at, f"breaks its schema: {error.message[:300]}"


def spelling(key: str, rule: Rule) -> str | None:
    """What is wrong with a key, whatever it holds."""
    named = rule.guarded.get(keys.loose(key))
    judged = rule.guarded or rule.schema is not None
    if judged and not keys.KEY.fullmatch(key):
        return "has other characters than a-z A-Z 0-9 - _ : . and space"
    if named is not None and named != key:
        return f"must be spelled {named}: databases take both for one key"
    if rule.allowed is not None and key not in rule.allowed:
        return f"is not one of {', '.join(sorted(rule.allowed))}"
    return None


def changes(
    before: Mapping[str, str],
    after: Mapping[str, str],
    kept: tuple[str, ...],
    why: str,
) -> Iterator[tuple[str, str]]:
    """Which keys do not hold what they held."""
    for key in kept:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if new is None:
            yield texts.token(key), f"{why} and may not be removed"
        elif old is None:
            yield texts.token(key), f"{why} and may not be set"
        else:
            yield (
                texts.token(key),
                f"{why} and may not be changed from {texts.quoted(old)} to"
                f" {texts.quoted(new)}",
            )


def given(request: ComputeRequest) -> dict[str, str] | None:
    """The metadata in the body; None where the request leaves it alone.

    :raises Malformed: it is not what Nova would store
    """
    path = JUDGED[str(request.operation)]
    if not path:
        return {}
    if len(path) == 2 and path[1] not in request.object_at(path[0]):
        return {} if request.operation == "servers:create" else None
    found = request.object_at(*path)
    for key, value in found.items():
        if not isinstance(value, str) or len(key) > 255 or len(value) > 255:
            raise exceptions.Malformed(
                f"Metadata {texts.quoted(key)} must be a string of up to"
                f" 255 characters."
            )
    return found


def missing(
    request: ComputeRequest, given: Mapping[str, str], rule: Rule
) -> dict[str, str]:
    """The defaults for what a create has left out.

    :raises Malformed: the caller's token lacks what a default holds
    """
    left_out = rule.defaults.keys() - given.keys()
    if not left_out:
        return {}
    fields = templates.fields(request)
    return {key: rule.defaults[key].filled(fields) for key in left_out}


class Metadata(Waffle):
    """The waffle; the manual is the docstring of the module."""

    operations = frozenset(JUDGED)

    def __init__(
        self,
        app: "WSGIApplication",
        rule: Rule,
        protected_rule: checks.Check,
        policy: policy.Policy,
    ) -> None:
        super().__init__(app)
        self.rule, self.protected_rule = rule, protected_rule
        self.policy = policy

    def handle(self, request: ComputeRequest) -> "WSGIApplication | None":
        return self.policy.answer(request, self.app, self.find)

    def find(self, request: ComputeRequest) -> Finding:
        """What the rules have against the metadata after a request.

        The defaults of a create are put in its body, unless the mode is to
        change nothing.
        """
        found = given(request)
        if found is None:
            return Finding(SUBJECT, [])
        operation = str(request.operation)
        before = self._before(request, found)
        if operation == "server-metadata:delete":
            will_be = without(before, request.ids["key"])
        else:
            will_be = after(operation, before, found)
        if operation == "servers:create" and before and self.policy.writes:
            request.write(JUDGED[operation], will_be)
        return Finding(
            SUBJECT,
            violations(
                "".join(map(texts.token, JUDGED[operation])) or "/metadata",
                before,
                will_be,
                self.rule,
                protects=self._protects(request),
            ),
        )

    def audit(self, server: Mapping[str, Any], others: object) -> Finding:
        """What the rules have against a server that exists.

        :param server: as Nova shows it in a list with details
        :param others: for waffles that compare servers
        """
        found = server["metadata"]
        return Finding(
            SUBJECT, violations("/metadata", found, found, self.rule)
        )

    def _protects(self, request: ComputeRequest) -> bool:
        """Whether the caller may not write what is protected."""
        return bool(self.rule.protected) and not self.protected_rule(
            request.caller, {}
        )

    def _before(
        self, request: ComputeRequest, given: Mapping[str, str]
    ) -> dict[str, str]:
        """The metadata before the request; of a create: its defaults."""
        if request.operation == "servers:create":
            return missing(request, given, self.rule)
        if request.operation in REPLACES and not self.rule.compares:
            return {}
        return servers.metadata(request, self.app)


def filter_factory(
    global_conf: Mapping[str, str], **paste: str
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """For api-paste.ini: ``use = egg:waffles#metadata``."""
    ini = global_conf.get("__file__", "api-paste.ini")
    return configured(config.load("metadata", OPTS, paste, ini))


def configured(
    section: config.Section,
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """What puts the waffle above an application; in mode off, nothing.

    :raises ConfigError: an option is wrong
    """
    rule, common = rule_of(section), policy.of_section("metadata", section)
    protected_rule = policy.check(section, "protected_rule") or NOBODY
    if common.mode is policy.Mode.OFF:
        return lambda app: app
    return lambda app: Metadata(app, rule, protected_rule, common)


def rule_of(section: config.Section) -> Rule:
    """The rules that a section of the configuration describes.

    :raises ConfigError: what is there cannot be a rule
    """
    schema = _schema(section)
    filled: dict[str, templates.Template] = {}
    for text in section["defaults"]:
        key, template = _default(section, text)
        if key in filled:
            raise section.error("defaults", f"{key} is given twice")
        filled[key] = template
    guarded: dict[str, str] = {}
    for option, named in {
        "required_keys": section["required_keys"],
        "immutable_keys": section["immutable_keys"],
        "protected_keys": section["protected_keys"],
        "defaults": filled,
        "schema_file": schemas.names(schema) if schema else (),
    }.items():
        for key in named:
            guarded[keys.loose(key)] = _guarded(section, option, key, guarded)
    allowed = frozenset(
        _guarded(section, "allowed_keys", key, {})
        for key in section["allowed_keys"]
    )
    return Rule(
        required=tuple(section["required_keys"]),
        allowed=allowed.union(guarded.values()) if allowed else None,
        schema=schema,
        defaults=filled,
        immutable=tuple(section["immutable_keys"]),
        protected=tuple(section["protected_keys"]),
        guarded=guarded,
    )


def _guarded(
    section: config.Section, option: str, key: str, others: Mapping[str, str]
) -> str:
    if not keys.KEY.fullmatch(key):
        raise section.error(option, f"{key!r} cannot be a key of metadata")
    other = others.get(keys.loose(key), key)
    if other != key:
        raise section.error(
            option, f"{key} and {other} are one key to a database"
        )
    return key


def _schema(section: config.Section) -> Any:
    if not section["schema_file"]:
        return None
    try:
        return schemas.load(section["schema_file"])
    except ValueError as error:
        raise section.error("schema_file", error) from None


def _default(
    section: config.Section, text: str
) -> tuple[str, templates.Template]:
    key, found, value = text.partition("=")
    if not found:
        raise section.error("defaults", f"{text!r} is not key=value")
    try:
        return key.strip(), templates.Template(value.strip())
    except ValueError as error:
        raise section.error("defaults", f"{text}: {error}") from None
