"""Who may come in to the dashboard: two doors.

:class:`Keystone` asks for a password, and then a rule of oslo.policy.
:class:`Loopback` asks for nothing, so it is only for those who are on this
machine: neither an address of another one, nor a proxy that says so, nor a
page of another site that has its name point here (DNS rebinding: the name
stays in the header Host) is let through.  A proxy on this machine that does
not say for whom it asks cannot be told from somebody on it: put none before a
dashboard without log-in.
"""

import ipaddress
import logging
import re
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol
from urllib import parse

import webob

from waffles import exceptions, texts
from waffles.caller import Caller
from waffles.clients.login import Credentials, Denied, Login, Visit
from waffles.guards import Guard
from waffles.recovery.dashboard.attempts import Attempts
from waffles.recovery.dashboard.sessions import LONGEST, Sessions

LOG = logging.getLogger(__name__)

COOKIE = "waffles_recovery"

#: Bytes of a form, at the most.
FORM = 8192

#: The rules that must show somebody all, and not his project's part of it.
SCOPED = ("list", "show", "servers")

#: Headers by which proxies say that they ask for others.
_PROXIED = (
    "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip",
)  # fmt: skip

#: What browsers send in the header Host.
_HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?")


class Turned(Exception):
    """Somebody is not let in.

    :param wait: seconds until it may be tried again; 0 where that is no use
    """

    def __init__(self, status: int, message: str, wait: int = 0) -> None:
        super().__init__(message)
        self.status, self.wait = status, wait


class Entry(NamedTuple):
    """What somebody gets who is let in.

    :param seconds: for which the cookie is good
    """

    cookie: str
    seconds: int


class Door(Protocol):
    """What decides about each request."""

    #: Whether there is a log-in.
    locked: bool

    def guard(self, request: webob.Request) -> None:
        """Look at a request before anything is done.

        :raises Turned: it is none for us
        """

    def visitor(self, request: webob.Request) -> Caller | None:
        """Who asks; None where they have to log in first.

        :raises Turned: they may not see recoveries
        """

    def enter(self, given: Credentials, address: str) -> Entry:
        """Log somebody in.

        :param address: where they are

        :raises Turned: they may not see recoveries, or not try again yet
        :raises Denied: Keystone does not let them in
        :raises Unavailable: Keystone does not answer
        """


class Loopback:
    """For those who are on this machine."""

    locked = False

    def guard(self, request: webob.Request) -> None:
        named = _HOST.fullmatch(request.host.lower())
        hosts = (request.remote_addr or "", named[1] if named else "")
        if not all(is_loopback(host.strip("[]")) for host in hosts):
            raise Turned(403, "There is no log-in here: only for localhost.")
        if any(name in request.headers for name in _PROXIED):
            raise Turned(403, "There is no log-in here: not through a proxy.")

    def visitor(self, request: webob.Request) -> Caller | None:
        return Caller()

    def enter(self, given: Credentials, address: str) -> Entry:
        raise Turned(404, "There is no log-in here.")


class Keystone:
    """For those whom Keystone knows, and the rules let see all recoveries."""

    locked = True

    def __init__(
        self,
        login: Login,
        sessions: Sessions,
        attempts: Attempts,
        guard: Guard,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._login, self._rules, self._clock = login, guard, clock
        self._sessions, self._attempts = sessions, attempts

    def guard(self, request: webob.Request) -> None:
        if request.method == "POST" and not same_origin(request):
            raise Turned(403, "That form is not from this site.")

    def visitor(self, request: webob.Request) -> Caller | None:
        cookie = request.cookies.get(COOKIE, "")
        caller = self._sessions.opened(cookie, self._clock())
        if caller is not None:
            self._check(caller)
        return caller

    def enter(self, given: Credentials, address: str) -> Entry:
        who = (address, given.domain.lower(), given.user.lower())
        if wait := self._attempts.wait(who):
            why = f"That was wrong too often: try again in {wait} s."
            raise Turned(429, why, wait)
        name = texts.quoted(f"{given.user}@{given.domain}")
        try:
            visit = self._login(given)
        except Denied:
            self._attempts.failed(who)
            LOG.warning("%s could not log in from %s", name, address)
            raise
        self._check(visit.caller)
        LOG.info("%s has logged in from %s", name, address)
        return self._entry(visit)

    def _check(self, caller: Caller) -> None:
        """Turn away those who may not see everything."""
        try:
            is_partly = any(self._rules.scope(one, caller) for one in SCOPED)
            self._rules.require("log", caller)
        except exceptions.Hidden:
            is_partly = True
        if is_partly:
            raise Turned(
                403,
                f"{caller.user_name} in project {caller.project_name} may not"
                f" see all recoveries (waffles:recovery:list and others).",
            )

    def _entry(self, visit: Visit) -> Entry:
        cookie = self._sessions.sealed(visit.caller, visit.until)
        if len(cookie) > LONGEST:
            raise Turned(403, "You have more roles than a cookie can hold.")
        return Entry(cookie, max(0, int(visit.until - self._clock())))


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is this machine and no other."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def same_origin(request: webob.Request) -> bool:
    """Whether a form was sent by a page of ours.

    Browsers say so in Sec-Fetch-Site where they trust the address (HTTPS,
    localhost), and else in Origin.  What has neither is no browser, and has
    no cookies of others.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    if origin := request.headers.get("Origin"):
        return parse.urlsplit(origin).netloc == request.host
    return True


def credentials(request: webob.Request) -> Credentials:
    """What somebody has typed.

    :raises Turned: that is no form of ours
    """
    if (request.content_length or 0) > FORM:
        raise Turned(413, "That is too long.")
    try:
        text = request.body_file.read(FORM).decode()
        form = parse.parse_qs(text, errors="strict", max_num_fields=20)
    except ValueError:
        raise Turned(400, "That is no form.") from None

    def field(name: str) -> str:
        return form.get(name, [""])[-1]

    return Credentials(
        user=field("user"),
        password=field("password"),
        domain=field("domain"),
        project=field("project"),
    )
