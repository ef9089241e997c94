"""What the fake Nova answers, and what happens on the way to an answer."""

import asyncio
import random
import re
import uuid

from tests.evacuations import calls, views
from tests.evacuations.cloud import Cloud
from tests.evacuations.faults import Course
from tests.evacuations.serving import Answer, Request
from tests.evacuations.things import Refusal

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
        if not operation:
            return Answer(404)
        self.cloud.calls[operation] += 1
        course = self.cloud.faults.course(operation, self._dice)
        return await self._answered(request, operation, arguments, course)

    def _operation(self, request: Request) -> tuple[str, tuple[str, ...]]:
        path = request.path.removeprefix("/v2.1")
        for name, method, pattern in self._routes:
            found = pattern.fullmatch(path)
            if found and method == request.method:
                key = next(iter(request.body or {}), "")
                return name.replace(":action", f":{key}"), found.groups()
        return "versions" if path in ("", "/") else "", ()

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
        cloud = self.cloud
        if operation == "versions":
            return Answer(200, views.version(request.path, request.base))
        try:
            _check(request, operation)
            if request.method == "POST":
                return calls.act(cloud, request, request_id, *arguments)
            if request.method == "PUT":
                return calls.update_service(cloud, request, *arguments)
            read = calls.READS[operation]
            return Answer(200, read(cloud, request, *arguments))
        except Refusal as error:
            return _fault(error.code, str(error))


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


def _fault(code: int, message: str) -> Answer:
    return Answer(
        code, {FAULT_NAMES[code]: {"code": code, "message": message}}
    )
