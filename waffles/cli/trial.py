"""What a waffle would answer to a request, without a cloud.

The waffle is the real one.  Below it stands an application that answers reads
from a table and takes note of what comes down to it.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import webob

from waffles import operations
from waffles.cli import request_file
from waffles.cli.configuration import Build

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


#: The outcome that is none.
NEEDS = "needs an answer"

#: Another: every waffle lets such requests pass.
NOT_JUDGED = "not judged"


class Answer(NamedTuple):
    """What a waffle does with a request.

    :param outcome: "passes", "passes changed", "warns", "refuses", "not
        judged", or "needs an answer", where it cannot be said
    :param status: of a refusal
    :param body: of a request that passes changed
    """

    outcome: str
    status: int | None = None
    message: str = ""
    body: bytes | None = None

    @property
    def passes(self) -> bool:
        return self.outcome not in {"refuses", NEEDS}


def ask(build: Build, request: request_file.Request, body: bytes) -> Answer:
    """What a waffle would answer.

    :param body: of the request, as what stands above leaves it
    """
    below, records = _Below(request.answers), list[str]()
    waffle = build(below)
    if waffle is below:
        return Answer("passes", message="the waffle is off")
    policy = getattr(waffle, "policy", None)
    if policy is not None:  # nobody is to be notified of a trial
        waffle.policy = dataclasses.replace(  # type: ignore[attr-defined]
            policy,
            notify=lambda event, record: records.append(record["message"]),
        )
    environ = dataclasses.replace(request, body=body).environ()
    if operations.classify(environ) is None:
        return Answer(NOT_JUDGED, message="no waffle judges this request")
    response = webob.Request(environ).get_response(waffle)
    if below.needed:
        paths = " and ".join(f"GET {path}" for path in below.needed)
        return Answer(NEEDS, message=f"to {paths}")
    if below.got is None and response.status_int == 503:
        return Answer(NEEDS, message=_message(response))
    if below.got is None:
        return Answer("refuses", response.status_int, _message(response))
    changed = None if below.got == body else below.got
    message = "; ".join(records)
    if "Warning" in response.headers:
        return Answer("warns", message=message, body=changed)
    outcome = "passes" if changed is None else "passes changed"
    return Answer(outcome, message=message, body=changed)


class _Below:
    """What stands below a waffle: it answers, and takes note."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.needed: list[str] = []
        self.got: bytes | None = None

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        answer = self._write if request_file.TRIED in environ else self._read
        app: WSGIApplication = answer(webob.Request(environ))
        return app(environ, start_response)

    def _write(self, request: webob.Request) -> webob.Response:
        self.got = request.body
        return webob.Response(status=202, json_body={})

    def _read(self, request: webob.Request) -> webob.Response:
        path = request.path_info
        full = f"{path}?{request.query_string}".rstrip("?")
        if full in self.answers:
            return webob.Response(json_body=self.answers[full])
        # One answer for any query; but not for each page, without end.
        if path in self.answers and "marker" not in request.GET:
            return webob.Response(json_body=self.answers[path])
        if path == "/":  # asked for what "latest" is, in headers only
            return webob.Response(status=503)
        self.needed.append(full)
        return webob.Response(status=503)


def _message(response: webob.Response) -> str:
    """The text of a fault."""
    try:
        (inner,) = response.json_body.values()
        return str(inner["message"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return str(response.text)
