"""The calls of the endpoint that show recoveries: list, show, servers, log.

Who is let in by the rules for the sake of a project sees recoveries in which
that has servers, of these nothing but the project's own rows, and nothing of
the host.
"""

import collections
from typing import Any

import webob

from waffles import exceptions
from waffles.recovery import views
from waffles.recovery.endpoint import paging
from waffles.recovery.endpoint.call import HOST, ID, Call
from waffles.recovery.model import Recovery
from waffles.recovery.store.errors import NoMarker, NoRecovery

Json = dict[str, Any]

LIMITS = ("limit", "marker")


def index(call: Call) -> webob.Response:
    """List recoveries, the newest first."""
    project_id = call.scope("list")
    page = paging.page(call.query, call.means.most)
    found = call.store.recoveries(
        limit=page.wanted,
        marker=_marker(page),
        project_id=project_id,
        host=_host(call, project_id),
        open=flag(call, "open"),
    )
    body = paging.answer(
        "recoveries",
        found,
        page,
        lambda one: viewed(call, one, project_id),
        lambda one: _after(call, one.id),
    )
    return webob.Response(json_body=body)


def show(call: Call) -> webob.Response:
    """Show a recovery, with the first page of its servers."""
    project_id = call.scope("show")
    shown = viewed(call, _found(call, project_id), project_id)
    page = paging.Page(call.means.most)
    body = {"recovery": shown, **_servers(call, page, project_id)}
    return webob.Response(json_body=body)


def servers(call: Call) -> webob.Response:
    """List the servers of a recovery, in the order of its plan."""
    project_id = call.scope("servers")
    _found(call, project_id)
    page = paging.page(call.query, call.means.most)
    return webob.Response(json_body=_servers(call, page, project_id))


def log(call: Call) -> webob.Response:
    """Read the log of a recovery, the oldest line first."""
    call.require("log")
    recovery = _found(call)
    page = paging.page(call.query, call.means.most)
    found = call.store.lines(
        recovery.id,
        limit=page.wanted,
        marker=_number(page),
        server_id=_plain(call, "server_id"),
    )
    body = paging.answer(
        "log", found, page, views.line, lambda one: _after(call, str(one.key))
    )
    return webob.Response(json_body=body)


def viewed(call: Call, found: Recovery, project_id: str = "") -> Json:
    """A recovery, as far as a project may know of it; all without one."""
    link = call.link("recoveries", found.id)
    if not project_id:
        return views.recovery(found, call.store.counts(found.id), link)
    own = call.store.servers(found.id, project_id=project_id)
    counts = collections.Counter(server.state for server in own)
    return views.own_recovery(found, counts, link)


def _servers(call: Call, page: paging.Page, project_id: str) -> Json:
    """A page of the servers of a recovery."""
    recovery_id = call.recovery_id
    found = call.store.servers(
        recovery_id,
        limit=page.wanted,
        marker=_marker(page),
        project_id=project_id,
    )
    path = ("recoveries", recovery_id, "servers")
    limit = {"limit": str(page.limit)}
    return paging.answer(
        "servers",
        found,
        page,
        views.own_server if project_id else views.server,
        lambda one: call.link(*path, **limit, marker=one.server_id),
    )


def _found(call: Call, project_id: str = "") -> Recovery:
    """The recovery of the path, if a project may know of it.

    :raises NoRecovery: there is none
    """
    recovery_id = call.recovery_id
    found = call.store.recovery(recovery_id)
    if found is None or (
        project_id
        and not call.store.servers(recovery_id, limit=1, project_id=project_id)
    ):
        raise NoRecovery(recovery_id)
    return found


def _after(call: Call, marker: str) -> str:
    """The address of the page behind an item, otherwise as this one."""
    return call.link(*call.path, **{**call.query, "marker": marker})


def _host(call: Call, project_id: str) -> str:
    """The host that a list is narrowed to; hosts are not for projects."""
    if project_id and "host" in call.query:
        raise exceptions.Malformed("Query parameter 'host' is not allowed.")
    return _plain(call, "host")


def flag(call: Call, name: str) -> bool | None:
    """A parameter that is true or false; None where nothing is said.

    :raises Malformed: it is something else
    """
    known = {"": None, "true": True, "false": False}
    text = call.query.get(name, "")
    if text not in known:
        raise exceptions.Malformed(
            f"Invalid input for query parameter {name}: it must be true or"
            f" false."
        )
    return known[text]


def _plain(call: Call, name: str) -> str:
    """A parameter that is looked for in the store."""
    text = call.query.get(name, "")
    if text and not HOST.fullmatch(text):
        raise exceptions.Malformed(
            f"Invalid input for query parameter {name}: {text[:99]!r}"
        )
    return text


def _marker(page: paging.Page) -> str:
    """The marker of a page, an id."""
    if page.marker and not ID.fullmatch(page.marker):
        raise NoMarker(f"marker [{page.marker[:99]}] not found")
    return page.marker


def _number(page: paging.Page) -> int:
    """The marker of a page, a number."""
    text = page.marker or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise NoMarker(f"marker [{text[:99]}] not found")
    return int(text)
