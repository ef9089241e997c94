"""Finds what answers a request, and makes an answer of what it gives.

What is of no resource here goes to the application below.  Of a resource
nothing does: a path or a method that no route is for is answered with 404.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from wsgiref import util

import webob

from waffles import caller, exceptions, faults, guards, operations
from waffles.caller import Caller
from waffles.cells import paths, server_groups, zones
from waffles.cells.aggregates import routes as aggregates
from waffles.cells.asking import call
from waffles.cells.asking.call import Call, Cloud
from waffles.cells.drift import audit
from waffles.cells.flavors import routes as flavors
from waffles.cells.flavors import writes as flavor_writes
from waffles.cells.model import Cell, Reply
from waffles.cells.proxy import documents, health
from waffles.cells.versions import OLDEST, Versions, chosen, parsed
from waffles.request import version_text

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

Route = Callable[[Call], Reply]


class Own(NamedTuple):
    """What is no resource of Nova's: its routes, and the rule for them."""

    rule: str
    routes: Mapping[tuple[str, str], Route]


#: What all of waffles' own paths begin with; others may have some of them.
ROOT = "os-waffles"

OWN: Mapping[str, Own] = {
    "cells": Own("list", health.ROUTES),
    "drift": Own("drift", audit.ROUTES),
}

#: Method and path -> what answers.
ROUTES: Mapping[tuple[str, str], Route] = {
    **flavors.ROUTES,
    **flavor_writes.ROUTES,
    **server_groups.ROUTES,
    **aggregates.ROUTES,
    **zones.ROUTES,
    **{key: one for own in OWN.values() for key, one in own.routes.items()},
}

#: What their paths begin with.
COLLECTIONS = frozenset(path.split("/")[1] for _, path in ROUTES)

_OWN = [(name,) for name in OWN]


@dataclasses.dataclass(frozen=True, slots=True)
class Proxy:
    """All that is made at start."""

    cloud: Cloud
    versions: Versions
    guard: guards.Guard

    def is_ours(self, environ: "WSGIEnvironment") -> bool:
        """Whether a request is for a resource of the cells."""
        return documents.is_one(environ) or _path(environ) is not None

    def answer(self, environ: "WSGIEnvironment") -> webob.Response:
        """What answers a request for one; nothing is raised."""
        found = self._found(environ)
        request_id = environ.get("openstack.request_id")
        if request_id and "nova.context" not in environ:
            # There is no Nova above, whose answers have it by this name too.
            found.headers["X-Compute-Request-Id"] = request_id
        return found

    def _found(self, environ: "WSGIEnvironment") -> webob.Response:
        try:
            self._refuse_loop(environ)
            if path := _path(environ):
                return self._answer(environ, path)
            return documents.answer(environ, self.versions)
        except Exception as error:
            return faults.of_exception(error, _asked(environ))

    def _answer(
        self, environ: "WSGIEnvironment", path: paths.Path
    ) -> webob.Response:
        route, ids = _route(operations.method(environ), path)
        who = self._caller(environ, path)
        made = self._call(environ, who, ids)
        if "@" in ids.get("flavor_id", "") and made.method != "GET":
            # c2@id in a path chooses a cell, too.
            self.guard.require("target", who)
        try:
            return _response(route(made), made)
        except exceptions.Unjudged as error:
            found = faults.of_exception(error, str(made.version))
            return _with_cells(found, made)
        finally:
            old = [name for name, at in made.seen.items() if at == "406"]
            self.versions.forget(old)

    def _caller(self, environ: "WSGIEnvironment", path: paths.Path) -> Caller:
        """Who asks.

        :raises Hidden: nobody (401), or somebody who may not (403)
        :raises Malformed: the path is of another project
        """
        who = caller.of_environ(environ)
        if who.user_id is None:
            raise exceptions.Hidden(401, "Authentication required")
        paths.refuse_project(path, who.project_id)
        if path.parts[0] == ROOT:
            self.guard.require(OWN[path.parts[1]].rule, who)
        return who

    def _call(
        self,
        environ: "WSGIEnvironment",
        who: Caller,
        ids: Mapping[str, str],
    ) -> Call:
        version = chosen(_version(environ), self.versions.common(environ))
        targets = self._targets(environ, who)
        base = _base(environ)
        return Call(self.cloud, environ, who, ids, version, base, targets)

    def _targets(
        self, environ: "WSGIEnvironment", who: Caller
    ) -> tuple[Cell, ...] | None:
        """The cells that a header names.

        :raises Hidden: the caller may not choose
        :raises Malformed: there is no such cell
        """
        text = environ.get("HTTP_X_WAFFLES_CELL", "")
        names = [name.strip() for name in text.split(",") if name.strip()]
        if not names:
            return None
        if not self.guard.allows("target", who):
            raise exceptions.Hidden(
                403, f"Policy doesn't allow {call.TARGET} to be said."
            )
        registry = self.cloud.registry
        for name in names:
            if registry.named(name) is None:
                known = ", ".join(registry.names)
                raise exceptions.Malformed(
                    f"{call.TARGET}: there is no cell {name[:99]!r}; there is"
                    f" {known}."
                )
        return tuple(cell for cell in registry if cell.name in names)

    def _refuse_loop(self, environ: "WSGIEnvironment") -> None:
        hops = environ.get("HTTP_X_WAFFLES_HOP", "").split(",")
        if self.cloud.name in {hop.strip() for hop in hops}:
            raise exceptions.Hidden(
                508, "The endpoint of a cell leads back to this proxy."
            )


def _path(environ: "WSGIEnvironment") -> paths.Path | None:
    """The path of a resource of the cells; None for any other."""
    found = paths.of_environ(environ, COLLECTIONS)
    if found and found.parts[0] == ROOT:
        return found if found.parts[1:2] in _OWN else None
    return found


def _route(method: str, path: paths.Path) -> tuple[Route, dict[str, str]]:
    """What answers, and the ids of the path.

    :raises Hidden: 404: nothing does
    """
    for (verb, template), route in ROUTES.items():
        if verb == method:
            ids = paths.matched(template, path.parts)
            if ids is not None:
                return route, ids
    raise exceptions.Hidden(404, "The resource could not be found.")


def _asked(environ: "WSGIEnvironment") -> str | None:
    """The microversion that a fault shows which none has been chosen for."""
    if environ.get("openstack.legacy_v2"):
        return None
    try:
        return str(parsed(_version(environ) or str(OLDEST)))
    except (exceptions.Malformed, ValueError):
        return None


def _version(environ: "WSGIEnvironment") -> str | None:
    """The microversion that a request asks for; None for none."""
    if environ.get("openstack.legacy_v2"):
        return None
    return version_text(environ)


def _base(environ: "WSGIEnvironment") -> str:
    """What our own addresses begin with, the project id with it."""
    path = _path(environ)
    project_id = path.project_id if path else None
    front = util.application_uri(environ).rstrip("/")
    return "/".join(filter(None, (front, project_id)))


def _response(reply: Reply, made: Call) -> webob.Response:
    found = webob.Response(status=reply.status, headers=dict(reply.headers))
    _show_version(found, str(made.version))
    if reply.data is None:
        found.content_type = None
    else:
        found.body = json.dumps(reply.data).encode()
        found.headers["Content-Type"] = "application/json"
    return _with_cells(found, made)


def _show_version(found: webob.Response, version: str) -> None:
    """Say at which microversion it is, whatever a cell has said."""
    shown = {
        "OpenStack-API-Version": f"compute {version}",
        "X-OpenStack-Nova-API-Version": version,
    }
    found.headers.pop("Vary", None)
    for header, value in shown.items():
        found.headers[header] = value
        found.headers.add("Vary", header)


def _with_cells(found: webob.Response, made: Call) -> webob.Response:
    """Say how each cell has answered, and warn where one has not."""
    if not made.seen:
        return found
    found.headers[call.CELLS] = _text(made.seen.items())
    if missing := [one for one in made.seen.items() if one[1] != "ok"]:
        found.headers["Warning"] = f'199 waffles "{_text(missing)}"'
    return found


def _text(states: Iterable[tuple[str, Any]]) -> str:
    """
    >>> _text([("c1", "ok"), ("c2", "late")])
    'c1=ok;c2=late'
    """
    return ";".join(f"{name}={state}" for name, state in states)
