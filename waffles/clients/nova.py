"""Nova, asked as ourselves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib import parse

from novaclient import client

from waffles import exceptions, operations
from waffles.clients import errors, session

SERVERS = operations.SHOWS_FLAVOR_ID

#: From here on services of a cell that is down are shown, as UNKNOWN.
SERVICES = "2.69"


class Nova:
    """The compute API of a cloud, with the rights of ``[waffles]``."""

    def __init__(self, access: session.Access) -> None:
        self._http = {
            version: _http(version, access) for version in (SERVERS, SERVICES)
        }

    def servers(
        self, project_id: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every server of the cloud or of a project, with its details.

        One page is held at a time; how long it is Nova decides.

        :raises Unavailable: a page could not be had
        """
        query = {"all_tenants": "1"}
        if project_id is not None:
            query["project_id"] = project_id
        last: list[str] = []
        while True:
            page = self._page(query, last)
            servers = page["servers"]
            for server in servers:
                if server["id"] not in last:
                    yield server
            if not servers or "servers_links" not in page:
                return
            last = [server["id"] for server in servers]

    def down_hosts(self) -> list[str]:
        """Compute hosts whose cell is down: Nova cannot see their servers.

        :raises Unavailable: there is no answer (a down cell0 makes it so)
        """
        services = self._get(SERVICES, "/os-services", "services")["services"]
        return sorted(
            service["host"]
            for service in services
            if service["status"] == "UNKNOWN"
        )

    def _page(
        self, query: Mapping[str, str], last: Sequence[str]
    ) -> dict[str, Any]:
        """The page behind the last one.

        Where the last server of that has been deleted since, Nova does not
        know the marker any more; any server of it does as well.
        """
        for marker in reversed(last[1:]):
            try:
                return self._servers({**query, "marker": marker})
            except exceptions.Hidden as error:
                if error.code != 400:
                    raise
        return self._servers(
            {**query, **({"marker": last[0]} if last else {})}
        )

    def _servers(self, query: Mapping[str, str]) -> dict[str, Any]:
        path = f"/servers/detail?{parse.urlencode(query)}"
        return self._get(SERVERS, path, "servers")

    def _get(self, version: str, path: str, key: str) -> dict[str, Any]:
        """A JSON object that has a list of objects at a key."""
        what = f"Nova could not be asked for {path}"
        with errors.mapped(what):
            _, body = self._http[version].get(path)
        found = body.get(key) if isinstance(body, dict) else None
        if not isinstance(found, list):
            raise exceptions.Unavailable(f"{what}: there are no {key} in it.")
        return dict(body)


def _http(version: str, access: session.Access) -> Any:
    options = dict(access.options)
    made = client.Client(
        version,
        session=access.session,
        endpoint_type=options.pop("valid_interfaces"),
        **options,
    )
    return made.client
