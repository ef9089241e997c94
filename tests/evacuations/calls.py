"""What the calls of the fake Nova do, each with the JSON that it gives."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.evacuations import views
from tests.evacuations.cloud import Cloud
from tests.evacuations.serving import Answer, Request
from tests.evacuations.things import Refusal, Server


def act(
    cloud: Cloud, request: Request, request_id: str, server_id: str
) -> Answer:
    """POST …/action: its answer has no body."""
    ((key, value),) = request.body.items()
    server = _server(cloud, server_id)
    if key == "evacuate":
        cloud.evacuate(server, request_id)
        return Answer(200)
    if key == "os-stop":
        cloud.power(server, "stopped", "stop")
    elif key == "os-start":
        cloud.power(server, "active", "start")
    elif key == "os-resetState":
        server.vm_state, server.task_state = value["state"], None
    else:
        raise Refusal(400, f"There is no such action: {key}")
    return Answer(202)


def update_service(cloud: Cloud, request: Request, service_id: str) -> Answer:
    """PUT …/os-services/{id}: force down, disable, …"""
    service = cloud.services.get(service_id)
    if service is None:
        raise Refusal(404, f"Service {service_id} could not be found.")
    fields = dict(request.body)
    if status := fields.pop("status", None):
        fields["disabled"] = status == "disabled"
        fields["reason"] = fields.pop("disabled_reason", None)
    cloud.update(service, **fields)
    return Answer(200, {"service": views.service(service)})


def services(cloud: Cloud, request: Request) -> Any:
    wanted = request.query
    return {
        "services": [
            views.service(one)
            for one in cloud.services.values()
            if wanted.get("host", one.host) == one.host
            and wanted.get("binary", one.binary) == one.binary
        ]
    }


def servers(cloud: Cloud, request: Request) -> Any:
    host = request.query.get("host")
    found = [one for one in cloud.servers.values() if host in (None, one.host)]
    return _page(cloud, request, "servers", found, "id", views.server)


def server(cloud: Cloud, request: Request, server_id: str) -> Any:
    found = _server(cloud, server_id)
    # Nova shows the groups of a single server only.
    return {"server": {**views.server(found), "server_groups": []}}


def actions(cloud: Cloud, request: Request, server_id: str) -> Any:
    found = _server(cloud, server_id)
    evacuations = [
        views.action(one)
        for one in reversed(cloud.migrations)
        if one.server is found
    ]
    return {"instanceActions": [*evacuations, views.creation(found)]}


def action(
    cloud: Cloud, request: Request, server_id: str, request_id: str
) -> Any:
    for one in cloud.migrations:
        if (one.server.id, one.request_id) == (server_id, request_id):
            return {"instanceAction": {**views.action(one), "events": []}}
    raise Refusal(404, f"Action {request_id} not found")


def migrations(cloud: Cloud, request: Request) -> Any:
    wanted = request.query
    found = [
        one
        for one in reversed(cloud.migrations)
        if wanted.get("source_compute", one.source) == one.source
        and wanted.get("instance_uuid", one.server.id) == one.server.id
        and wanted.get("migration_type", "evacuation") == "evacuation"
    ]
    return _page(cloud, request, "migrations", found, "uuid", views.migration)


def aggregates(cloud: Cloud, request: Request) -> Any:
    """One, of all hosts."""
    hosts = [
        one.host
        for one in cloud.services.values()
        if one.binary == "nova-compute"
    ]
    return {"aggregates": [views.aggregate(hosts)]}


def server_groups(cloud: Cloud, request: Request) -> Any:
    """None."""
    return {"server_groups": []}


def hypervisors(cloud: Cloud, request: Request) -> Any:
    """One with its servers, as ``nova host-evacuate`` wants it."""
    host = request.query["hypervisor_hostname_pattern"]
    found = [one for one in cloud.servers.values() if one.host == host]
    return {"hypervisors": [views.hypervisor(host, found)]}


#: By operation.
READS: Mapping[str, Callable[..., Any]] = {
    "services:index": services,
    "servers:detail": servers,
    "servers:show": server,
    "actions:index": actions,
    "actions:show": action,
    "migrations:index": migrations,
    "aggregates:index": aggregates,
    "groups:index": server_groups,
    "hypervisors:index": hypervisors,
}


def _page(
    cloud: Cloud,
    request: Request,
    name: str,
    found: list[Any],
    key: str,
    view: Callable[[Any], Any],
) -> dict[str, Any]:
    """A page of a collection, with the link to the next if it is full."""
    most = cloud.plan.page
    limit = min(int(request.query.get("limit", most)), most)
    ids, begin = [getattr(one, key) for one in found], 0
    if marker := request.query.get("marker"):
        if marker not in ids:
            raise Refusal(400, f"Marker {marker} could not be found.")
        begin = ids.index(marker) + 1
    page = found[begin : begin + limit]
    body: dict[str, Any] = {name: [view(one) for one in page]}
    if len(page) == limit:
        url, last = request.base + request.path, getattr(page[-1], key)
        body[f"{name}_links"] = [views.following(url, request.query, last)]
    return body


def _server(cloud: Cloud, server_id: str) -> Server:
    try:
        return cloud.servers[server_id]
    except KeyError:
        why = f"Instance {server_id} could not be found."
        raise Refusal(404, why) from None
