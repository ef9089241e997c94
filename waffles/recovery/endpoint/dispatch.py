"""Finds the call that a request is for, and makes faults of what it raises.

Nothing below ``/os-waffles/`` comes down to Nova: what no route is for is
answered with 404 or 405 here.  The method is the one that Nova would route
by; microversions change nothing.
"""

from typing import TYPE_CHECKING

import webob

from waffles import caller, exceptions, faults, operations
from waffles.recovery.endpoint import address
from waffles.recovery.endpoint.call import Call
from waffles.recovery.endpoint.means import Means
from waffles.recovery.endpoint.routes import ROUTES, Route
from waffles.recovery.store.errors import AlreadyOpen

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

Path = tuple[str, ...]


def is_ours(environ: "WSGIEnvironment") -> bool:
    """Whether a request is for one of our paths, known or not."""
    return address.parts(environ) is not None


def answer(means: Means, environ: "WSGIEnvironment") -> webob.Response:
    """What answers a request for one of our paths; nothing is raised."""
    try:
        return _answer(means, environ)
    except Exception as error:
        return faults.of_exception(error)


def _answer(means: Means, environ: "WSGIEnvironment") -> webob.Response:
    method, path = operations.method(environ), address.parts(environ) or ()
    routes = {
        route.method: (route, ids)
        for route in ROUTES
        if (ids := matched(route, path)) is not None
    }
    if not routes:
        raise exceptions.Hidden(404, "The resource could not be found.")
    if method not in routes:
        return _no_method(method, ", ".join(sorted(routes)))
    route, ids = routes[method]
    who = caller.of_environ(environ)
    address.refuse_project(environ, who)
    query = address.query(environ, route.query)
    return _called(route, Call(means, environ, who, path, ids, query))


def _called(route: Route, call: Call) -> webob.Response:
    try:
        return route.call(call)
    except AlreadyOpen as error:
        link = call.link("recoveries", error.recovery.id)
        found = faults.fault(409, f"{error} See {link}")
        found.location = link
        return found


def matched(route: Route, path: Path) -> dict[str, str] | None:
    """The ids of a path, if a route is for it."""
    names = route.path.split("/")[1:]
    if len(names) != len(path):
        return None
    ids = {}
    for name, part in zip(names, path, strict=True):
        if name.startswith("{") and part:
            ids[name.strip("{}")] = part
        elif name != part:
            return None
    return ids


def _no_method(method: str, allowed: str) -> webob.Response:
    text = f"The method {method[:20]} is not allowed for this resource."
    found = faults.fault(405, text)
    found.headers["Allow"] = allowed
    return found
