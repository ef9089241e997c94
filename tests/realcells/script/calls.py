"""What the chapters of the script are made of."""

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from tests.realcells.asking import ADMIN, Answer, Api


class Call(NamedTuple):
    """A call; the path goes behind ``/v2.1``."""

    method: str
    path: str
    body: Any = None
    microversion: str | None = "2.96"
    token: str | None = ADMIN
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        who = "" if self.token == ADMIN else f" as {self.token}"
        body = "" if self.body is None else f" {self.body}"
        return f"{self.method} {self.path}{body} at {self.microversion}{who}"


Chapter = Generator[Call, Any, None]

#: One of each microversion that changes what is asked of here, and the ends.
VERSIONS = (None, "2.1", "2.55", "2.61", "2.75", "2.86", "2.102", "latest")

FLAVOR: dict[str, Any] = {"ram": 64, "vcpus": 1, "disk": 1}

EPHEMERAL = "OS-FLV-EXT-DATA:ephemeral"
PUBLIC = "os-flavor-access:is_public"

JSON = (("Content-Type", "application/json"),)


def flavor(flavor_id: str, **fields: Any) -> dict[str, Any]:
    """The body that makes a flavor of an id and a name that begin alike."""
    named = {"id": flavor_id, "name": f"{flavor_id}-name"}
    return {"flavor": FLAVOR | named | fields}


def without_flavors() -> Chapter:
    """Delete all that there are."""
    found = yield Call("GET", "/flavors?is_public=None")
    for one in found["flavors"]:
        yield Call("DELETE", f"/flavors/{one['id']}")


def aggregate(name: str, zone: str) -> Generator[Call, Any, str]:
    """Make one; gives its path."""
    body = {"aggregate": {"name": name, "availability_zone": zone}}
    made = yield Call("POST", "/os-aggregates", body)
    return f"/os-aggregates/{made['aggregate']['id']}"


def without_aggregates() -> Chapter:
    """Delete all that there are, without their hosts."""
    found = yield Call("GET", "/os-aggregates")
    for one in found["aggregates"]:
        path = f"/os-aggregates/{one['id']}"
        for host in one["hosts"]:
            body = {"remove_host": {"host": host}}
            yield Call("POST", f"{path}/action", body)
        yield Call("DELETE", path)


def read(
    chapter: Chapter,
    api: Api,
    put: Callable[[Call], Call] = lambda call: call,
) -> list[tuple[Call, Answer]]:
    """Ask an API all that a chapter asks.

    :param put: how a call is put to this API
    """
    found: list[tuple[Call, Answer]] = []
    data = None
    while True:
        try:
            call = chapter.send(data)
        except StopIteration:
            return found
        sent = put(call)
        answer = api.call(
            sent.method,
            sent.path,
            sent.body,
            microversion=sent.microversion,
            token=sent.token,
            **dict(sent.headers),
        )
        found.append((call, answer))
        data = answer.data
