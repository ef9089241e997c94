"""The log-in of the dashboard: its form, and the cookie that comes of it."""

from urllib import parse

import webob

from waffles import exceptions
from waffles.clients.login import Credentials, Denied
from waffles.recovery.dashboard import answers, door
from waffles.recovery.dashboard.door import Door, Turned
from waffles.recovery.dashboard.screens import Page, Screens


class Entrance:
    """Shows the form, and does what it asks for.

    :param keeper: decides who comes in
    """

    def __init__(self, keeper: Door, screens: Screens) -> None:
        self._door, self._screens = keeper, screens

    def send(self, request: webob.Request) -> webob.Response:
        """Send somebody to the log-in, and back here behind it.

        A browser keeps the cookie back when a link of another site leads
        here, but not when a page of ours does.
        """
        abroad = request.headers.get("Sec-Fetch-Site") == "cross-site"
        if abroad and "again" not in answers.query(request):
            here = answers.here(request, again="1")
            return answers.html(self._screens.made("again.html", here=here))
        here = answers.here(request).removeprefix(request.script_name)
        to = parse.urlencode({"next": answers.next_page(here)})
        return answers.redirect(f"{request.script_name}/login?{to}")

    def form(
        self,
        request: webob.Request,
        status: int = 200,
        message: str = "",
        given: Credentials | None = None,
    ) -> webob.Response:
        """The form; what was typed is in it, but for the password."""
        page = self._screens.made(
            "login.html",
            page=Page(request.script_name),
            message=message,
            given=given or Credentials("", ""),
            next=answers.next_page(answers.query(request).get("next", "")),
        )
        return answers.html(page, status)

    def log_in(self, request: webob.Request) -> webob.Response:
        """Let somebody in, or show the form again with the reason.

        :raises Turned: that is no form
        """
        given = door.credentials(request)
        try:
            entry = self._door.enter(given, request.remote_addr or "")
        except Denied as error:
            return self.form(request, 403, str(error), given)
        except exceptions.Unavailable as error:
            return self.form(request, 503, str(error), given)
        except Turned as turned:
            answer = self.form(request, turned.status, str(turned), given)
            answer.retry_after = turned.wait or None
            return answer
        to = answers.next_page(answers.query(request).get("next", ""))
        answer = answers.redirect(f"{request.script_name}{to}")
        _set_cookie(request, answer, entry.cookie, entry.seconds)
        return answer

    def log_out(self, request: webob.Request) -> webob.Response:
        """Have the browser forget who it was."""
        answer = answers.redirect(f"{request.script_name}/login")
        _set_cookie(request, answer, "", 0)
        return answer


def _set_cookie(
    request: webob.Request, answer: webob.Response, value: str, seconds: int
) -> None:
    proxied = request.headers.get("X-Forwarded-Proto", "")
    answer.set_cookie(
        door.COOKIE,
        value,
        max_age=seconds,
        path=request.script_name or "/",
        secure="https" in (request.scheme, proxied.lower()),
        httponly=True,
        samesite="strict",
    )
