"""Reads of servers through the pipeline below."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib import parse

from waffles import exceptions, operations
from waffles.request import ComputeRequest

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def present(request: ComputeRequest, app: "WSGIApplication") -> dict[str, Any]:
    """The server of the request's path, as its caller sees it.

    :raises Hidden: the caller does not see it
    :raises Unavailable: Nova gives no answer
    """
    path = f"/servers/{request.ids['server_id']}"
    server = request.get(
        app, path, microversion=operations.SHOWS_FLAVOR_ID
    ).get("server")
    if not isinstance(server, dict) or "flavor" not in server:
        raise exceptions.Unavailable("Nova shows only a part of the server.")
    return server


def metadata(
    request: ComputeRequest, app: "WSGIApplication"
) -> dict[str, str]:
    """The metadata of the server of the request's path, likewise."""
    path = f"/servers/{request.ids['server_id']}/metadata"
    found = request.get(app, path).get("metadata")
    if not isinstance(found, dict):
        raise exceptions.Unavailable("Nova shows no metadata of the server.")
    return found


def interfaces(
    request: ComputeRequest, app: "WSGIApplication"
) -> list[dict[str, Any]]:
    """The interfaces of the server of the request's path, likewise.

    Those whose ports Neutron shows to the caller: ``port_id``, ``net_id``,
    ``fixed_ips``.
    """
    path = f"/servers/{request.ids['server_id']}/os-interface"
    found = request.get(app, path).get("interfaceAttachments")
    if not isinstance(found, list):
        raise exceptions.Unavailable("Nova shows no interfaces of the server.")
    return found


def matching(
    request: ComputeRequest, app: "WSGIApplication", filters: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """The cloud's servers that match Nova's filters: their ids and names.

    They are read as an administrator sees them: for decisions, not for the
    caller's eyes.

    :raises Unavailable: Nova gives no answer, or only that of some cells
    """
    # One that is deleted softly can come back.
    listed = {"all_tenants": "1", "soft_deleted": "1", **filters}
    marker: dict[str, str] = {}
    while True:
        query = parse.urlencode({**listed, **marker})
        page = request.get(app, "/servers", query, elevated=True)
        yield from page["servers"]
        if "servers_links" not in page:
            break
        marker = {"marker": page["servers"][-1]["id"]}
    _refuse_down_cells(request, app)


def _refuse_down_cells(
    request: ComputeRequest, app: "WSGIApplication"
) -> None:
    """Nova leaves servers of a cell that is down out of a filtered list.

    It shows the cell's compute services, as UNKNOWN, from 2.69 on.
    """
    found = request.get(
        app, "/os-services", microversion="2.69", elevated=True
    )
    if any(service["status"] == "UNKNOWN" for service in found["services"]):
        raise exceptions.Unavailable(
            "A cell of this cloud is down: not all servers can be seen now."
        )
