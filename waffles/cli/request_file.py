"""A request in a JSON file, to be tried on waffles.

::

    {"method": "POST", "path": "/v2.1/servers",
     "headers": {"OpenStack-API-Version": "compute 2.90"},
     "body": {"server": {"name": "web"}},
     "user": "alice", "project": "7f0c", "roles": ["member"],
     "answers": {"/servers/ID/metadata": {"metadata": {"owner": "alice"}}}}
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib import parse

import webob

from waffles import exceptions
from waffles.caller import Caller

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

#: Marks the request itself; what a waffle reads does not have it.
TRIED = "waffles.cli.tried"

#: What there may be in a request file besides fields of the caller.
KEYS = {"method", "path", "query", "headers", "body", "answers"}

#: Other names for fields of the caller.
_ALIASES = {"user": "user_id", "project": "project_id"}


class Context(Caller):
    """The caller in the place of a ``nova.context``."""

    def elevated(self) -> "Context":
        return self


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A request of a file.

    :param prefix: "/v2.1" or "/v2"
    :param path: behind it
    :param body: bytes as they are sent
    :param answers: path, with or without a query -> JSON of Nova's answer
    """

    method: str
    prefix: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    caller: Context
    answers: Mapping[str, Any]

    def environ(self) -> "WSGIEnvironment":
        """As a waffle gets it from the filters above it."""
        made = webob.Request.blank(
            self.path,
            method=self.method,
            headers=dict(self.headers),
            body=self.body,
        ).environ
        if self.body:
            made.setdefault("CONTENT_TYPE", "application/json")
        if self.prefix == "/v2":
            made["openstack.legacy_v2"] = True
        made["SCRIPT_NAME"] = self.prefix
        made["QUERY_STRING"] = self.query
        made["nova.context"] = self.caller
        made[TRIED] = True
        return made


def load(file: str) -> Request:
    """The request that a file describes.

    :raises WafflesError: it cannot be read, or is none
    """
    try:
        with open(file, "rb") as stream:
            return of_json(json.load(stream))
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        why = f"it is no request: {error}"
    raise exceptions.WafflesError(f"{file}: {why}.")


def of_json(given: Any) -> Request:
    """The request that a JSON object describes.

    :raises ValueError: with the reason, when it does not
    """
    if not isinstance(given, dict):
        raise ValueError("it must be a JSON object")
    fields: dict[str, Any] = {
        _ALIASES.get(str(key), str(key)): value for key, value in given.items()
    }
    for key in sorted(fields.keys() - KEYS - set(Caller.__slots__)):
        raise ValueError(f"there is no key {key!r}")
    path, _, query = _typed(fields, "path", str, "").partition("?")
    if not path.startswith("/"):
        raise ValueError("path must begin with /")
    query = query or _query(fields.get("query", ""))
    for what, text in (("path", path), ("query", query)):
        if not text.isascii():
            raise ValueError(
                f"{what} is not all ASCII: write it percent-encoded"
            )
    prefix, path = _split(path)
    return Request(
        method=_typed(fields, "method", str, "GET").upper(),
        prefix=prefix,
        path=path,
        query=query,
        headers=_headers(_typed(fields, "headers", dict, {})),
        body=_body(fields.get("body")),
        caller=_caller(fields),
        answers=_typed(fields, "answers", dict, {}),
    )


def _split(path: str) -> tuple[str, str]:
    for prefix in ("/v2.1", "/v2"):
        if path.startswith(prefix + "/"):
            return prefix, path.removeprefix(prefix)
    return "/v2.1", path


def _typed(fields: Mapping[str, Any], key: str, kind: type, none: Any) -> Any:
    value = fields.get(key, none)
    if not isinstance(value, kind):
        raise ValueError(f"{key} must be a JSON {_JSON[kind]}")
    return value


_JSON: Mapping[type, str] = {str: "string", dict: "object", list: "array"}


def _headers(headers: Mapping[str, Any]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not isinstance(value, str):
            raise ValueError(f"header {name} must be a JSON string")
    return headers


def _query(query: Any) -> str:
    if isinstance(query, dict):
        return parse.urlencode(query, doseq=True)
    return str(query)


def _body(body: Any) -> bytes:
    """A text is sent as it is, so that it can be what is not JSON."""
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body)
    return text.encode()


def _caller(fields: Mapping[str, Any]) -> Context:
    given = {key: fields[key] for key in Caller.__slots__ if key in fields}
    for key in ("roles", "service_roles"):
        given[key] = tuple(_typed(fields, key, list, []))
    return Context(**given)
