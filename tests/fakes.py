"""Stand-ins that behave and record.

What they claim of Nova is checked against the real one in
tests/functional/test_fakes.py.
"""

import copy
import dataclasses
import json
from typing import Any

import webob

from waffles import config

SERVER = "11111111-2222-4333-8444-555555555555"


@dataclasses.dataclass
class FakeContext:
    """A nova.context: the fields that waffles read."""

    user_id: str | None = "ann-id"
    user_name: str | None = "ann"
    project_id: str | None = "red-id"
    project_name: str | None = "red"
    roles: list[str] = dataclasses.field(default_factory=lambda: ["member"])
    service_roles: list[str] = dataclasses.field(default_factory=list)
    is_admin: bool = False

    def elevated(self) -> "FakeContext":
        return dataclasses.replace(
            self, is_admin=True, roles=[*self.roles, "admin"]
        )


class FakeNova:
    """A compute API of a few answers.

    :param answers: path (with query string, if any) of a GET -> JSON body,
        status code, or exception to be raised
    """

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.answers = answers or {}
        self.requests: list[webob.Request] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = webob.Request(environ)
        kept = webob.Request(copy.copy(environ))
        kept.environ["nova.context"] = environ.get("nova.context")
        kept.body_copy = request.body
        self.requests.append(kept)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: webob.Request) -> webob.Response:
        if request.method != "GET":
            return webob.Response(status=202, json_body={})
        found = self.answers.get(request.path_qs)
        if found is None:
            found = self.answers.get(request.path_info, 404)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, int):
            body = {"itemNotFound": {"code": found, "message": "Not seen."}}
            return webob.Response(status=found, json_body=body)
        return webob.Response(json_body=found)

    @property
    def reads(self) -> list[str]:
        return [r.path_qs for r in self.requests if r.method == "GET"]

    @property
    def writes(self) -> list[Any]:
        """The bodies that came with anything but a GET."""
        return [
            json.loads(r.body_copy) if r.body_copy else None
            for r in self.requests
            if r.method != "GET"
        ]


def section(group: str, text: str, tmp_path: Any, opts: Any) -> Any:
    """A section of a configuration file of one group."""
    file = tmp_path / "waffles.conf"
    file.write_text(f"[{group}]\n{text}\n")
    return config.section(config.read([str(file)]), group, opts)


def environ(
    method: str = "POST",
    path: str = "/servers",
    body: Any = None,
    context: FakeContext | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What a waffle gets below keystonecontext."""
    request = webob.Request.blank(path, method=method)
    if body is not None:
        request.body = (
            body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        request.content_type = "application/json"
    request.environ["nova.context"] = context or FakeContext()
    request.environ["openstack.request_id"] = "req-1"
    request.headers["X-Auth-Token"] = "ann"
    request.environ.update(more)
    made: dict[str, Any] = request.environ
    return made


def send(app: Any, *args: Any, **how: Any) -> webob.Response:
    """Send a request of :func:`environ` to an application."""
    return webob.Request(environ(*args, **how)).get_response(app)
