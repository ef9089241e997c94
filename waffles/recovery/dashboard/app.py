"""The dashboard: what recoveries do, for operators, in any browser.

*What it shows.*  Which hosts were declared dead, by whom and with what
evidence; the gates, with their figures; every server with what became of it,
or why not; notices that nobody has received; the engines, and when they were
last seen.  What waits for somebody comes first.  Pages are made here and
fetched anew by the browser every ``dashboard_refresh`` seconds; there is no
script in them.

*Who sees it.*  With ``dashboard_auth = keystone`` those who log in and may
list all recoveries (``waffles:recovery:list``), until their Keystone token
would end.  With ``none`` whoever is on this machine: see
:mod:`waffles.recovery.dashboard.door`.

*What it changes.*  Nothing: ``waffles recovery`` and the endpoint do.

*Where it stands.*  It is an application of its own, ``waffles dashboard``, or
``use = egg:waffles#dashboard`` in a file of PasteDeploy's.  It takes
``config_file`` and ``config_group`` as waffles do.  Where passwords come over
a network, put TLS before it; a proxy that ends TLS has to say
``X-Forwarded-Proto: https``, so that cookies are sent over TLS only.
"""

import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import webob

from waffles import config, exceptions
from waffles.caller import Caller
from waffles.clients.login import login
from waffles.database.access import Database
from waffles.database.opened import Opened
from waffles.recovery import options, rules
from waffles.recovery.dashboard import answers, door, sessions
from waffles.recovery.dashboard.attempts import Attempts
from waffles.recovery.dashboard.door import Turned
from waffles.recovery.dashboard.entrance import Entrance
from waffles.recovery.dashboard.screens import FILES, Page, Screens
from waffles.recovery.options import Settings
from waffles.recovery.store import presence, store
from waffles.recovery.store.store import Store

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOG = logging.getLogger(__name__)

#: Seconds after which an engine that has not signed in counts as silent; it
#: does every :data:`waffles.recovery.store.presence.BEAT` seconds.
SILENT = 6 * presence.BEAT

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer, with which forms come from the origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

TITLES = {
    403: "Not allowed",
    404: "Not found",
    500: "That is a bug",
    503: "Nothing to show at the moment",
}

_RECOVERY = re.compile(r"/recoveries/([\w-]+)")


class Dashboard:
    """The application.

    :param store: gives the store; raises Unavailable
    :param keeper: decides about each request
    :param refresh: seconds
    """

    def __init__(
        self,
        store: Callable[[], Store],
        keeper: door.Door,
        screens: Screens,
        refresh: int,
    ) -> None:
        self._store, self._door = store, keeper
        self._screens, self._refresh = screens, refresh
        self._entrance = Entrance(keeper, screens)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Any:
        response = self._safe(webob.Request(environ))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        # Called as an application it would make addresses absolute, and
        # behind a proxy wrong.
        start_response(response.status, response.headerlist)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else response.app_iter

    def _safe(self, request: webob.Request) -> webob.Response:
        try:
            self._door.guard(request)
            return self._answer(request)
        except Turned as turned:
            return self._message(request, turned.status, str(turned))
        except exceptions.Malformed as error:
            return self._message(request, 400, str(error))
        except exceptions.WafflesError as error:
            LOG.warning("The dashboard has nothing to show: %s", error)
            return self._message(
                request, 503, str(error), self._every(request)
            )
        except Exception:
            LOG.exception("The dashboard could not answer")
            why = "The log of the dashboard has the reason."
            return self._message(request, 500, why)

    def _answer(self, request: webob.Request) -> webob.Response:
        path, writes = answers.path(request), request.method == "POST"
        reads = request.method in ("GET", "HEAD")
        if path in FILES and reads:
            return answers.file(self._screens.files[path], FILES[path])
        if self._door.locked and path == "/login":
            act = self._entrance.log_in if writes else self._entrance.form
            return act(request)
        if self._door.locked and path == "/logout" and writes:
            return self._entrance.log_out(request)
        if not reads:
            raise Turned(405, "Nothing can be changed here.")
        caller = self._door.visitor(request)
        if caller is None:
            return self._entrance.send(request)
        return self._shown(request, caller)

    def _shown(self, request: webob.Request, caller: Caller) -> webob.Response:
        store, query = self._store(), answers.query(request)
        page = Page(
            request.script_name,
            self._every(request),
            still=answers.here(request, refresh="off"),
            moving=answers.here(request),
            user=caller.user_name or "",
            now=store.now(),
        )
        path = answers.path(request)
        if path in ("", "/"):
            return answers.html(self._screens.home(page, query, store))
        found = _RECOVERY.fullmatch(path)
        one = store.recovery(found[1]) if found else None
        if one is None:
            raise Turned(404, "There is no such page.")
        return answers.html(self._screens.recovery(page, query, store, one))

    def _every(self, request: webob.Request) -> int:
        """Seconds after which a page is refreshed; 0 for never."""
        is_off = answers.query(request).get("refresh") == "off"
        return 0 if is_off else self._refresh

    def _message(
        self,
        request: webob.Request,
        status: int,
        message: str,
        refresh: int = 0,
    ) -> webob.Response:
        page = self._screens.made(
            "message.html",
            page=Page(request.script_name, refresh),
            title=TITLES.get(status, "Not possible"),
            message=message,
        )
        answer = answers.html(page, status)
        if status == 405:
            answer.allow = "GET", "HEAD"
        return answer


def configured(section: config.Section) -> Dashboard:
    """The application, of ``[waffles_recovery]``; nothing is asked yet.

    :raises ConfigError: an option is wrong
    """
    settings = Settings.of(section)
    try:
        Database(settings.connection).close()
    except exceptions.ConfigError as error:
        raise section.error("connection", error.why) from None
    return Dashboard(
        Opened(partial(store.open, settings.connection)),
        _door(section, settings),
        Screens(SILENT),
        max(1, round(settings.dashboard_refresh)),
    )


def _door(section: config.Section, settings: Settings) -> door.Door:
    if settings.dashboard_auth == "none":
        return door.Loopback()
    try:
        secret = sessions.secret(settings.dashboard_secret_file)
    except (OSError, ValueError) as error:
        raise section.error("dashboard_secret_file", error) from None
    return door.Keystone(
        login(section.conf, settings.timeout),
        sessions.Sessions(secret),
        Attempts(),
        rules.guard(section.conf),
    )


def app_factory(
    global_conf: Mapping[str, str], **paste: str
) -> "WSGIApplication":
    """For PasteDeploy: ``use = egg:waffles#dashboard``."""
    ini = global_conf.get("__file__", "api-paste.ini")
    return configured(config.load("recovery", options.OPTS, paste, ini))
