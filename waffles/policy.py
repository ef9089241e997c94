"""What all policy waffles share: violations, modes, who is judged.

A policy waffle finds violations with pure functions of its own; what comes
of them is decided here, the same way for all of them:

========= ===================================================================
mode      a request that breaks the policy, or that nobody can judge
========= ===================================================================
enforce   is refused: 403 with every violation, or 400 or 503 with the reason
warn      passes, its answer with a ``Warning`` header
audit     passes unchanged; nothing else is filled in either
off       is not looked at
========= ===================================================================

Each but ``off`` also leaves a line in the log and sends the notification
``waffles.violation`` (where ``[oslo_messaging_notifications]`` has a driver).
"""

import dataclasses
import enum
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from oslo_config import cfg

from waffles import checks, config, exceptions, faults, targets, texts
from waffles.caller import Caller
from waffles.clients import notifications
from waffles.request import ComputeRequest

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

LOG = logging.getLogger(__name__)


class Mode(enum.StrEnum):
    """What comes of a violation."""

    ENFORCE = "enforce"
    WARN = "warn"
    AUDIT = "audit"
    OFF = "off"


OPTS = (
    cfg.StrOpt(
        "mode",
        choices=[
            ("enforce", "refuse what breaks the policy"),
            ("warn", "let it pass with a Warning header, a log line and a"
             " notification"),
            ("audit", "let it pass with a log line and a notification"),
            ("off", "judge nothing"),
        ],
        default="enforce",
        help="What comes of a request that breaks this policy.",
    ),
    cfg.StrOpt(
        "when",
        sample_default="not '42':%(flavor)s",
        help=(
            "Which requests are judged: an oslo.policy check string. On the "
            "left of a colon stands role, a field of the caller (user_id, "
            "user_name, user_domain_id, project_id, project_name, "
            "project_domain_id, domain_id, system_scope, is_admin) or a "
            "quoted word; on the right a word or %(flavor)s, %(image)s or "
            "%(availability_zone)s: ids of what the server is to have or "
            "has. A server that boots from a volume has the image '', and "
            "one for which no zone was asked has the zone ''. Unset, all "
            "requests are judged."
        ),
    ),
    cfg.StrOpt(
        "exempt",
        sample_default="role:admin",
        help=(
            "Who is let through without being judged: an oslo.policy check "
            "string, as for 'when'. Unset, nobody is."
        ),
    ),
    cfg.StrOpt(
        "help_url",
        sample_default="https://wiki.example.com/servers",
        help="Where the policy is explained: the end of each refusal.",
    ),
)  # fmt: skip


#: How many violations are told; a request of 100 KB can have thousands.
MOST_SHOWN = 50

#: What the log says of a breach, or of what could not be judged.
_LINE = (
    "{policy} {outcome} {operation} (mode {mode}, {request_id}, project"
    " {project_id}, user {user_id}, server {server_id}): {message}"
)


class Violation(NamedTuple):
    """One breach of one rule.

    :param pointer: the field as a JSON pointer into the request
    :param reason: what is allowed and what was given: "must match a+"
    """

    pointer: str
    reason: str

    def __str__(self) -> str:
        return f"{self.pointer} {self.reason}"


class Finding(NamedTuple):
    """All that a policy has against a request.

    :param subject: what was judged, to begin a sentence: 'Server name "a"'
    """

    subject: str
    violations: list[Violation]


_NOTHING = Finding("", [])


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """What is common to the policies of all waffles, as configured."""

    name: str
    mode: Mode
    when: checks.Check | None
    exempt: checks.Check | None
    help_url: str | None
    notify: notifications.Notify

    def answer(
        self,
        request: ComputeRequest,
        app: "WSGIApplication",
        find: Callable[[ComputeRequest], Finding],
    ) -> "WSGIApplication | None":
        """What is to answer a request; None for what stands below.

        :param find: the waffle's own judgement
        """
        problem, finding = None, _NOTHING
        try:
            if self._judges(request, app):
                finding = find(request)
        except Exception as error:
            # Dealt with below: within this block oslo.log would add it to
            # every line.
            problem = error
        if problem:
            return self._unjudged(request, app, problem)
        if not finding.violations:
            return None
        return self._breached(request, app, finding)

    def _judges(self, request: ComputeRequest, app: "WSGIApplication") -> bool:
        """Whether a request is judged at all.

        :raises Unjudged: nobody can say, nor what it would do
        """
        if self.exempt and self.exempt(request.caller, {}):
            return False
        if request.unjudged:
            raise request.unjudged
        if not self.when:
            return True
        return self.when(request.caller, self._target(request, app))

    @property
    def writes(self) -> bool:
        """Whether a waffle may change a request: audit changes nothing."""
        return self.mode is not Mode.AUDIT

    def applies(self, server: Mapping[str, Any], caller: Caller) -> bool:
        """Whether ``when`` covers a server that exists already.

        :param server: as Nova shows it at microversion 2.46 or below
        """
        target = targets.of_server(server)._asdict()
        return not self.when or self.when(caller, target)

    def message(self, finding: Finding) -> str:
        """The sentence for the caller: all violations, up to MOST_SHOWN."""
        found = "; ".join(map(str, finding.violations[:MOST_SHOWN]))
        if len(finding.violations) > MOST_SHOWN:
            found += f"; and {len(finding.violations) - MOST_SHOWN} more"
        more = f" . See {self.help_url}" if self.help_url else ""
        return (
            f"{finding.subject} breaks this cloud's {self.name} policy:"
            f" {found}{more}"
        )

    def _target(
        self, request: ComputeRequest, app: "WSGIApplication"
    ) -> dict[str, str]:
        if not self.when or not self.when.targets:
            return {}
        return targets.of_request(request, app)._asdict()

    def _breached(
        self,
        request: ComputeRequest,
        app: "WSGIApplication",
        finding: Finding,
    ) -> "WSGIApplication | None":
        text = self.message(finding)
        self._record(request, text, finding.violations)
        if self.mode is Mode.WARN:
            return faults.warned(app, text)
        if self.mode is Mode.AUDIT:
            return None
        return faults.fault(403, text, request.version_header(app))

    def _unjudged(
        self,
        request: ComputeRequest,
        app: "WSGIApplication",
        error: Exception,
    ) -> "WSGIApplication | None":
        if not isinstance(error, exceptions.Unjudged):
            LOG.error("%s could not judge", self.name, exc_info=error)
        self._record(request, str(error), [])
        if self.mode is Mode.WARN:
            return faults.warned(app, f"{self.name}: not judged: {error}")
        if self.mode is Mode.AUDIT:
            return None
        return faults.of_exception(error, request.version_header(app))

    def passes(self, request: ComputeRequest, why: Exception) -> None:
        """Record a request that passes, though nobody can judge it."""
        passing = dataclasses.replace(self, mode=Mode.WARN)
        passing._record(request, str(why), [])

    def _record(
        self, request: ComputeRequest, text: str, found: list[Violation]
    ) -> None:
        refused = self.mode is Mode.ENFORCE
        caller = request.caller
        record = {
            "policy": self.name,
            "mode": str(self.mode),
            "outcome": "refused" if refused else "passed",
            "operation": request.operation,
            "server_id": request.ids.get("server_id"),
            "project_id": caller.project_id,
            "user_id": caller.user_id,
            "request_id": request.request_id,
            "message": text,
            "violations": [
                violation._asdict() for violation in found[:MOST_SHOWN]
            ],
        }
        LOG.warning("%s", texts.one_line(_LINE.format_map(record)))
        self.notify("waffles.violation", record)


def of_section(name: str, section: config.Section) -> Policy:
    """The policy that a section of the configuration describes.

    :raises ConfigError: a check string is none
    """
    return Policy(
        name=name,
        mode=Mode(section["mode"]),
        when=check(section, "when", targets.Target._fields),
        exempt=check(section, "exempt"),
        help_url=section["help_url"],
        notify=notifications.notifier(section.conf),
    )


def check(
    section: config.Section, option: str, target: tuple[str, ...] = ()
) -> checks.Check | None:
    """The check string of an option; None where it is not set.

    :raises ConfigError: it is none
    """
    if not section[option]:
        return None
    try:
        return checks.Check(section[option], target)
    except ValueError as error:
        raise section.error(option, error) from None
