"""What the fake Nova answers, and what happens on the way to an answer."""

import asyncio
import random
import re
import uuid
from collections.abc import Callable
from typing import Any

from tests.evacuations import views
from tests.evacuations.cloud import Cloud, Refusal, Server
from tests.evacuations.faults import Course
from tests.evacuations.serving import Answer, Request

#: Operation -> method and path behind ``/v2.1``; a group is an argument.
ROUTES = {
    "services:index": ("GET", "/os-services"),
    "services:update": ("PUT", "/os-services/([^/]+)"),
    "servers:detail": ("GET", "/servers/detail"),
    "servers:show": ("GET", "/servers/([^/]+)"),
    "servers:action": ("POST", "/servers/([^/]+)/action"),
    "actions:index": ("GET", "/servers/([^/]+)/os-instance-actions"),
    "actions:show": ("GET", "/servers/([^/]+)/os-instance-actions/([^/]+)"),
    "migrations:index": ("GET", "/os-migrations"),
    "aggregates:index": ("GET", "/os-aggregates"),
    "groups:index": ("GET", "/os-server-groups"),
    "hypervisors:index": ("GET", "/os-hypervisors"),
}

#: What may stand behind the ``?``; Nova refuses anything else.
QUERIES = {
    "services:index": {"host", "binary"},
    "actions:index": {"limit"},
    "servers:detail": {"all_tenants", "host", "limit", "marker"},
    "migrations:index": {
        "source_compute", "migration_type", "instance_uuid", "limit", "marker",
    },
    "groups:index": {"all_projects", "limit", "offset"},
    "hypervisors:index": {"hypervisor_hostname_pattern", "with_servers"},
}  # fmt: skip

FAULT_NAMES = {
    400: "badRequest",
    404: "itemNotFound",
    406: "computeFault",
    409: "conflictingRequest",
    429: "overLimit",
    500: "computeFault",
}

UNEXPECTED = "Unexpected API Error."

#: Seconds for which a connection is kept on which no answer comes.
NEVER = 120.0

MOST = (2, 104)


class Api:
    """The calls of a cloud; for :func:`serving.serve`."""

    def __init__(self, cloud: Cloud, dice: random.Random) -> None:
        self.cloud, self._dice = cloud, dice
        self._routes = [
            (name, method, re.compile(path))
            for name, (method, path) in ROUTES.items()
        ]

    async def __call__(self, request: Request) -> Answer | None:
        """The answer; None where the connection is to be reset."""
        if request.path == "/_counts":
            return Answer(200, self.cloud.counts())
        if request.path == "/_totals":
            return Answer(200, self.cloud.totals())
        if request.path == "/_faults":
            self.cloud.faults.change(**request.body)
            return Answer(200, {})
        operation, arguments = self._operation(request)
        calls = self.cloud.calls
        calls[operation] = calls.get(operation, 0) + 1
        course = self.cloud.faults.course(operation, self._dice)
        return await self._answered(request, operation, arguments, course)

    def _operation(self, request: Request) -> tuple[str, tuple[str, ...]]:
        path = request.path.removeprefix("/v2.1")
        for name, method, pattern in self._routes:
            found = pattern.fullmatch(path)
            if found and method == request.method:
                key = next(iter(request.body or {}), "")
                return name.replace(":action", f":{key}"), found.groups()
        return "versions" if path in ("", "/") else "unknown", ()

    async def _answered(
        self,
        request: Request,
        operation: str,
        arguments: tuple[str, ...],
        course: Course,
    ) -> Answer | None:
        """Act at some moment of the call, and answer at its end."""
        latency, wait = self.cloud.plan.latency, self.cloud.faults.wait
        before = latency * self._dice.random()
        after, request_id = latency - before, f"req-{uuid.uuid4()}"
        await asyncio.sleep(before + wait * (course.waits == "before"))
        answer = _fault(500, UNEXPECTED)
        if course.acts:
            answer = self._acted(request, operation, arguments, request_id)
        await asyncio.sleep(after + wait * (course.waits == "after"))
        if course.ends in ("reset", "never"):
            await asyncio.sleep(NEVER * (course.ends == "never"))
            return None
        if course.ends == "error":
            answer = _fault(500, UNEXPECTED)
        if course.ends == "busy":
            seconds = str(self.cloud.faults.retry_after)
            answer = _fault(429, "Too many.")._replace(
                headers={"Retry-After": seconds}
            )
        return answer._replace(
            headers={
                "OpenStack-API-Version": "compute 2.94",
                "x-openstack-request-id": request_id,
                "x-compute-request-id": request_id,
                **answer.headers,
            }
        )

    def _acted(
        self,
        request: Request,
        operation: str,
        arguments: tuple[str, ...],
        request_id: str,
    ) -> Answer:
        """Do what is asked for."""
        if operation == "versions":
            return Answer(200, views.version(request.path, _base(request)))
        try:
            _check(request, operation)
            if request.method == "POST":
                return self._action(request, arguments[0], request_id)
            if request.method == "PUT":
                return self._update(request, arguments[0])
            if not (read := self._reads.get(operation)):
                return Answer(404)
            return Answer(200, read(self, request, *arguments))
        except Refusal as error:
            return _fault(error.code, str(error))

    def _action(
        self, request: Request, server_id: str, request_id: str
    ) -> Answer:
        ((key, value),) = request.body.items()
        server, cloud = self._server(server_id), self.cloud
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

    def _update(self, request: Request, service_id: str) -> Answer:
        service = self.cloud.services.get(service_id)
        if service is None:
            raise Refusal(404, f"Service {service_id} could not be found.")
        fields = dict(request.body)
        if status := fields.pop("status", None):
            fields["disabled"] = status == "disabled"
            fields["reason"] = fields.pop("disabled_reason", None)
        self.cloud.update(service, **fields)
        return Answer(200, {"service": views.service(service)})

    def _services_index(self, request: Request) -> Any:
        wanted = request.query
        return {
            "services": [
                views.service(one)
                for one in self.cloud.services.values()
                if wanted.get("host", one.host) == one.host
                and wanted.get("binary", one.binary) == one.binary
            ]
        }

    def _servers_detail(self, request: Request) -> Any:
        host = request.query.get("host")
        found = [
            one
            for one in self.cloud.servers.values()
            if host in (None, one.host)
        ]
        return self._page(request, "servers", found, "id", views.server)

    def _servers_show(self, request: Request, server_id: str) -> Any:
        server = self._server(server_id)
        # Nova shows the groups of a single server only.
        return {"server": {**views.server(server), "server_groups": []}}

    def _actions_index(self, request: Request, server_id: str) -> Any:
        server = self._server(server_id)
        evacuations = [
            views.action(one)
            for one in reversed(self.cloud.migrations)
            if one.server is server
        ]
        return {"instanceActions": [*evacuations, views.creation(server)]}

    def _actions_show(
        self, request: Request, server_id: str, request_id: str
    ) -> Any:
        for one in self.cloud.migrations:
            if (one.server.id, one.request_id) == (server_id, request_id):
                found = {**views.action(one), "events": []}
                return {"instanceAction": found}
        raise Refusal(404, f"Action {request_id} not found")

    def _migrations_index(self, request: Request) -> Any:
        wanted = request.query
        found = [
            one
            for one in reversed(self.cloud.migrations)
            if wanted.get("source_compute", one.source) == one.source
            and wanted.get("instance_uuid", one.server.id) == one.server.id
        ]
        if wanted.get("migration_type", "evacuation") != "evacuation":
            found = []
        return self._page(
            request, "migrations", found, "uuid", views.migration
        )

    def _aggregates_index(self, request: Request) -> Any:
        hosts = [
            one.host
            for one in self.cloud.services.values()
            if one.binary == "nova-compute"
        ]
        return {"aggregates": [views.aggregate(hosts)]}

    def _groups_index(self, request: Request) -> Any:
        return {"server_groups": []}

    def _hypervisors_index(self, request: Request) -> Any:
        """With servers, as ``nova host-evacuate`` wants them."""
        host = request.query["hypervisor_hostname_pattern"]
        found = [
            one for one in self.cloud.servers.values() if one.host == host
        ]
        return {"hypervisors": [views.hypervisor(host, found)]}

    _reads: dict[str, Callable[..., Any]] = {
        "services:index": _services_index,
        "servers:detail": _servers_detail,
        "servers:show": _servers_show,
        "actions:index": _actions_index,
        "actions:show": _actions_show,
        "migrations:index": _migrations_index,
        "aggregates:index": _aggregates_index,
        "groups:index": _groups_index,
        "hypervisors:index": _hypervisors_index,
    }

    def _page(
        self,
        request: Request,
        name: str,
        found: list[Any],
        key: str,
        view: Callable[[Any], Any],
    ) -> dict[str, Any]:
        """A page of a collection, with the link to the next."""
        most = self.cloud.plan.page
        limit = min(int(request.query.get("limit", most)), most)
        begin = 0
        if marker := request.query.get("marker"):
            ids = [getattr(one, key) for one in found]
            if marker not in ids:
                raise Refusal(400, f"Marker {marker} could not be found.")
            begin = ids.index(marker) + 1
        page = found[begin : begin + limit]
        body: dict[str, Any] = {name: [view(one) for one in page]}
        if len(page) == limit:
            # Nova links to the next page whenever this one is full.
            body[f"{name}_links"] = [
                views.following(
                    _base(request) + request.path,
                    request.query,
                    getattr(page[-1], key),
                )
            ]
        return body

    def _server(self, server_id: str) -> Server:
        try:
            return self.cloud.servers[server_id]
        except KeyError:
            why = f"Instance {server_id} could not be found."
            raise Refusal(404, why) from None


def _check(request: Request, operation: str) -> None:
    """As Nova does of what has nothing to do with any server."""
    version = request.headers.get("openstack-api-version", "compute 2.1")
    number = version.removeprefix("compute ")
    if tuple(map(int, number.split("."))) > MOST:
        raise Refusal(406, f"Version {number} is not supported by the API.")
    for name in request.query.keys() - QUERIES.get(operation, set()):
        raise Refusal(
            400,
            f"Additional properties are not allowed ({name!r} was unexpected)",
        )


def _base(request: Request) -> str:
    return f"http://{request.headers['host']}"


def _fault(code: int, message: str) -> Answer:
    return Answer(
        code, {FAULT_NAMES[code]: {"code": code, "message": message}}
    )
