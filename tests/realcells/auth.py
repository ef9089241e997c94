"""A stand-in for keystonemiddleware's ``auth_token``, as a paste filter.

Tokens are ``admin:<project>`` and ``user:<project>``.  It sets the headers
that ``auth_token`` sets, and answers 401 as it does.  It stands in a cell's
own pipeline, and in front of a proxy.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import webob

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

#: The roles of the users.
ROLES = {"admin": "admin,member,reader", "user": "member,reader"}

#: Where one logs in; it is there for who looks at the header only.
WHERE = 'Keystone uri="http://127.0.0.1/identity"'

REFUSAL = {
    "error": {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }
}


class Auth:
    """The filter.

    :param delay: let who has no token pass, as nobody
    """

    def __init__(self, app: "WSGIApplication", delay: bool) -> None:
        self.app, self.delay = app, delay

    def __call__(
        self, environ: dict[str, Any], start: "StartResponse"
    ) -> Iterable[bytes]:
        request = webob.Request(environ)
        identity = identified(request.headers.get("X-Auth-Token", ""))
        if identity or self.delay:
            request.headers["X-Identity-Status"] = "Invalid"
            request.headers.update(identity)
            response = request.get_response(self.app)
        else:
            response = webob.Response(json.dumps(REFUSAL), 401)
            response.content_type = "application/json"
        if response.status_int == 401:
            response.headers["WWW-Authenticate"] = WHERE
        return response(environ, start)


def identified(token: str) -> dict[str, str]:
    """What ``auth_token`` says of who has a token; nothing for nobody."""
    user, _, project = token.partition(":")
    if user not in ROLES or not project:
        return {}
    return {
        "X-Identity-Status": "Confirmed",
        "X-User-Id": user,
        "X-User-Name": user,
        "X-Project-Id": project,
        "X-Project-Name": project,
        "X-Roles": ROLES[user],
    }


def filter_factory(
    global_conf: Mapping[str, str], **paste: str
) -> "Callable[[WSGIApplication], WSGIApplication]":
    """For api-paste.ini, in the place of ``auth_token``."""
    delay = paste.get("delay_auth_decision") == "true"
    return lambda app: Auth(app, delay)
