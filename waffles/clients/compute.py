"""Nova, asked to bring servers back: as ourselves, by many threads.

What a call raises tells what Nova has done: see :mod:`waffles.clients.once`.

In lists Nova leaves out, without a word, what is in a cell that is down.  That
a host has no evacuations is therefore told only where its cell was seen; an
empty list of servers proves nothing by itself: ask for
:meth:`Compute.services` before and after.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib import parse

from waffles import exceptions
from waffles.clients import nova, once, session
from waffles.clients.once import Json

#: How many servers are asked for at once: Nova has time for as many.
SERVERS = 250

#: How many of what is shorter; Nova gives fewer where it is told to.
OTHERS = 1000

#: Where a server is; not shown of one whose cell is down.
HOST = "OS-EXT-SRV-ATTR:host"


class Compute:
    """The compute API of a cloud, with the rights of ``[waffles]``.

    :param timeout: seconds that one call may take, with a token for it
    :param threads: how many use it at a time
    """

    def __init__(
        self, access: session.Access, timeout: float, threads: int = 64
    ) -> None:
        self._nova = once.Once(access, timeout, threads)

    @property
    def microversion(self) -> str:
        """What Nova is asked at: the newest up to 2.94; asked for once.

        :raises ConfigError: it is below 2.69
        :raises Unavailable: there is no answer
        """
        return self._nova.microversion

    @property
    def calls(self) -> dict[str, int]:
        """How many calls were made, by method and kind: ``POST evacuate``."""
        return self._nova.calls

    def services(
        self, host: str | None = None, binary: str | None = None
    ) -> list[Json]:
        """The services; of a cell that is down with status UNKNOWN.

        :param host: of this one only, exactly
        """
        named = {"host": host, "binary": binary}
        query = {key: value for key, value in named.items() if value}
        path = f"/os-services?{parse.urlencode(query)}".rstrip("?")
        return self._list(path, "services")

    def force_down(self, service_id: str, forced: bool) -> Json:
        """Say of a compute service that it is down, or take that back."""
        return self._update(service_id, {"forced_down": forced})

    def disable(self, service_id: str, reason: str) -> Json:
        """Keep new servers off a compute service."""
        wanted = {"status": "disabled", "disabled_reason": reason}
        return self._update(service_id, wanted)

    def enable(self, service_id: str) -> Json:
        """Allow new servers on a compute service."""
        return self._update(service_id, {"status": "enabled"})

    def servers(self, host: str) -> Iterator[list[Json]]:
        """All servers that are on a host, by pages."""
        query = {"all_tenants": "1", "host": host, "limit": str(SERVERS)}
        return self._pages("/servers/detail", "servers", query)

    def server(self, server_id: str) -> Json:
        """A server.

        :raises Hidden: there is none (404)
        :raises Unavailable: also where its cell is down
        """
        path = f"/servers/{_part(server_id)}"
        found = self._nova.object("GET", path, "server", "server")
        if HOST not in found:
            raise exceptions.Unavailable(
                f"Nova does not show the host of server {server_id}: its cell"
                f" is down, or [waffles] is no administrator."
            )
        return found

    def migrations(self, host: str, above: int = 0) -> list[Json]:
        """Evacuations from a host, the newest first.

        :param above: only those of a higher id
        :raises Unavailable: also where there are none and the cell is down
        """
        return self._evacuations(host, {}, above)

    def migrations_of(self, server_id: str, host: str) -> list[Json]:
        """Evacuations of a server from a host, the newest first.

        :raises Unavailable: also where there are none and the cell is down
        """
        return self._evacuations(host, {"instance_uuid": server_id})

    def evacuate(self, server_id: str) -> str:
        """Have a server rebuilt on another host; gives Nova's request id."""
        return self._act(server_id, "evacuate", {})

    def stop(self, server_id: str) -> str:
        """Have a server powered off; gives Nova's request id."""
        return self._act(server_id, "os-stop", None)

    def start(self, server_id: str) -> str:
        """Have a server powered on; gives Nova's request id."""
        return self._act(server_id, "os-start", None)

    def reset(self, server_id: str) -> str:
        """Set a server to ERROR; gives Nova's request id."""
        return self._act(server_id, "os-resetState", {"state": "error"})

    def action(self, server_id: str, request_id: str) -> Json | None:
        """What Nova has written down of a request; None for nothing.

        It has ``message`` (None while all is well) and ``events``, whose
        ``details`` say what failed.
        """
        path = f"{_actions(server_id)}/{_part(request_id)}"
        try:
            return self._nova.object("GET", path, "instanceAction", "action")
        except exceptions.Hidden as error:
            if error.code != 404:
                raise
            return None

    def actions(self, server_id: str) -> list[Json]:
        """What was done with a server, the newest first, without events.

        An evacuation is here once Nova has accepted it, and the server's own
        cell is asked: nothing is left out when that is down.

        :raises Hidden: there is no such server (404)
        """
        key = "instanceActions"
        path = f"{_actions(server_id)}?limit={OTHERS}"
        return list(self._nova.listing(path, key, "actions")[key])

    def server_groups(self) -> list[Json]:
        """The server groups of all projects, with their members."""
        found: dict[str, Json] = {}
        while True:
            path = (
                f"/os-server-groups?all_projects=True&limit={OTHERS}"
                f"&offset={len(found)}"
            )
            page = self._list(path, "server_groups")
            new = [group for group in page if group["id"] not in found]
            if not new:
                return list(found.values())
            found |= {group["id"]: group for group in new}

    def aggregates(self) -> list[Json]:
        """The host aggregates."""
        return self._list("/os-aggregates", "aggregates")

    def _update(self, service_id: str, changes: Mapping[str, Any]) -> Json:
        path = f"/os-services/{_part(service_id)}"
        return self._nova.object("PUT", path, "service", "services", changes)

    def _act(self, server_id: str, action: str, body: Any) -> str:
        path = f"/servers/{_part(server_id)}/action"
        answer = self._nova.call("POST", path, action, {action: body})
        return answer.request_id

    def _evacuations(
        self, host: str, query: Mapping[str, str], above: int = 0
    ) -> list[Json]:
        """Evacuations; none is believed only with the cell seen between."""
        found = list(self._newest(host, query, above))
        if not found:
            self._see(host)
            found = list(self._newest(host, query, above))
        return [one for one in found if one["id"] > above]

    def _newest(
        self, host: str, query: Mapping[str, str], above: int
    ) -> Iterator[Json]:
        """Evacuations, to the first page that has none above.

        They come by the time at which they were made, of clocks that differ;
        so one that is not above is not yet the end.
        """
        about = {
            "migration_type": "evacuation",
            "source_compute": host,
            "limit": str(OTHERS),
        }
        for page in self._pages(
            "/os-migrations", "migrations", {**about, **query}, "uuid"
        ):
            yield from page
            if all(one["id"] <= above for one in page):
                return

    def _see(self, host: str) -> None:
        """Make sure that Nova sees the cell of a host."""
        for service in self.services(host, "nova-compute"):
            if service["status"] == "UNKNOWN":
                raise exceptions.Unavailable(
                    f"Nova does not see the cell of {host} now."
                )

    def _pages(
        self, path: str, key: str, query: Mapping[str, str], id_: str = "id"
    ) -> Iterator[list[Json]]:
        try:
            yield from nova.pages(self._nova.listing, path, key, query, id_)
        except exceptions.Hidden as error:
            # All of a page has been deleted while it was read.
            raise exceptions.Unavailable(str(error)) from error

    def _list(self, path: str, key: str) -> list[Json]:
        return list(self._nova.listing(path, key)[key])


def _actions(server_id: str) -> str:
    return f"/servers/{_part(server_id)}/os-instance-actions"


def _part(text: str) -> str:
    return parse.quote(text, safe="")
