"""What the group ``[waffles_recovery]`` says, checked at start."""

import dataclasses
import ipaddress
from collections.abc import Iterator

from waffles import config
from waffles.recovery import opts
from waffles.recovery.planning.wishes import Rules
from waffles.recovery.watch import Limits

GROUP, OPTS = "waffles_recovery", opts.OPTS

#: Seconds that may pass between writing an evacuation down and asking for it.
ISSUING = 5.0

#: What is wrong with an option: its name, and why.
Problem = tuple[str, str]

#: The most characters: Nova takes 60, and behind the last two comes more.
_TAGS = {
    "automatic_tag": 60,
    "custom_tag": 60,
    "no_tag": 60,
    "priority_tag": 55,
    "group_tag": 55,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The options, as :mod:`waffles.recovery.opts` describes each."""

    connection: str = dataclasses.field(repr=False)
    require_fencing: bool
    native_force_down: str
    automatic_tag: str
    custom_tag: str
    no_tag: str
    priority_tag: str
    group_tag: str
    flavor_key: str
    image_property: str
    aggregate_key: str
    local_disk: str
    config_drive: str
    nonevacuable: str
    threshold_cloud: int
    threshold_zone: int
    threshold_aggregate: int
    in_flight_per_recovery: int
    in_flight: int
    stagger: float
    max_attempts: int
    retry_delay: float
    retry_delay_max: float
    evacuation_timeout: float
    settle_time: float
    poll_interval: float
    timeout: float
    lease_time: float
    heartbeat_interval: float
    healthy_delay: float
    kdump_time: float
    webhook_url: str = dataclasses.field(repr=False)
    webhook_secret: str = dataclasses.field(repr=False)
    webhook_secret_file: str
    webhook_cafile: str
    webhook_timeout: float
    bus: bool
    notice_retry: float
    notice_give_up: float
    help_url: str
    metrics_address: str
    dashboard_address: str
    dashboard_auth: str
    dashboard_secret_file: str
    dashboard_refresh: float

    @classmethod
    def of(cls, section: config.Section) -> "Settings":
        """The settings of a section that was read with :data:`OPTS`.

        :raises ConfigError: an option is wrong, or does not go with another
        """
        found = cls(**{opt.dest: section[opt.dest] for opt in OPTS})
        for option, why in problems(found):
            raise section.error(option, why)
        return found

    @property
    def rules(self) -> Rules:
        """Who is recovered, and from when on it is too many."""
        fields = dataclasses.fields(Rules)
        return Rules(**{one.name: getattr(self, one.name) for one in fields})

    @property
    def limits(self) -> Limits:
        """How long is waited for an evacuation, and how often it is tried."""
        return Limits(
            settle=self.settle_time,
            timeout=self.evacuation_timeout,
            attempts=self.max_attempts,
            delay=self.retry_delay,
            delay_max=self.retry_delay_max,
        )


def problems(found: Settings) -> Iterator[Problem]:
    """What is wrong with settings whose types are right."""
    yield from _times(found)
    yield from _tags(found)
    yield from _addresses(found)


def _times(found: Settings) -> Iterator[Problem]:
    least = 2 * found.timeout + ISSUING
    if found.lease_time < least:
        yield "lease_time", f"it is below twice timeout and 5 s ({least:g})"
    least = found.timeout + ISSUING
    if found.settle_time <= least:
        yield "settle_time", f"it is not above timeout and 5 s ({least:g})"
    if found.evacuation_timeout <= found.settle_time:
        why = f"it is not above settle_time ({found.settle_time:g})"
        yield "evacuation_timeout", why
    if found.retry_delay_max < found.retry_delay:
        why = f"it is below retry_delay ({found.retry_delay:g})"
        yield "retry_delay_max", why


def _tags(found: Settings) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for option, most in _TAGS.items():
        tag: str = getattr(found, option)
        if not 0 < len(tag) <= most:
            yield option, f"it must have 1 to {most} characters"
        if set(tag) & set(",/") or tag != tag.strip():
            why = "with a comma or a slash, or with spaces around it"
            yield option, f"Nova takes no tag {why}"
        if tag in seen:
            yield option, f"it is the same as {seen[tag]}"
        seen[tag] = option


def _addresses(found: Settings) -> Iterator[Problem]:
    for option in ("metrics_address", "dashboard_address"):
        text: str = getattr(found, option)
        if text and not _is_address(text):
            yield option, "it is not an address and a port: 127.0.0.1:9790"
    if found.dashboard_auth == "none" and not _is_local(
        found.dashboard_address
    ):
        why = "dashboard_address is for other nodes too, so it needs a log-in"
        yield "dashboard_auth", why


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 65536


def _is_local(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
