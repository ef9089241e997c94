"""Nova, asked as ourselves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib import parse

from novaclient import client

from waffles import exceptions, operations
from waffles.clients import errors, session

SERVERS = operations.SHOWS_FLAVOR_ID

#: From here on flavors are shown with their extra specs.
FLAVORS = "2.61"

#: From here on services of a cell that is down are shown, as UNKNOWN.
SERVICES = "2.69"


class Nova:
    """The compute API of a cloud, with the rights of ``[waffles]``."""

    def __init__(self, access: session.Access) -> None:
        self._http = {
            version: _http(version, access)
            for version in (SERVERS, FLAVORS, SERVICES)
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
        return self._listed(SERVERS, "servers", query)

    def flavors(self) -> Iterator[dict[str, Any]]:
        """Every flavor, public or not, with its extra specs.

        :raises Unavailable: a page could not be had
        """
        return self._listed(FLAVORS, "flavors", {"is_public": "none"})

    def aggregates(self) -> list[dict[str, Any]]:
        """Every host aggregate.

        :raises Unavailable: there is no answer
        """
        found = self._get(SERVICES, "/os-aggregates", "aggregates")
        return list(found["aggregates"])

    def compute_services(self) -> list[dict[str, Any]]:
        """Every nova-compute; of a cell that is down with status UNKNOWN.

        :raises Unavailable: there is no answer (a down cell0 makes it so)
        """
        path = "/os-services?binary=nova-compute"
        return list(self._get(SERVICES, path, "services")["services"])

    def down_hosts(self) -> list[str]:
        """Compute hosts whose cell is down: Nova cannot see their servers.

        :raises Unavailable: there is no answer (a down cell0 makes it so)
        """
        return sorted(
            service["host"]
            for service in self.compute_services()
            if service["status"] == "UNKNOWN"
        )

    def _listed(
        self, version: str, collection: str, query: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        """A collection with details, to its last page."""
        last: list[str] = []
        while True:
            page = self._page(version, collection, query, last)
            items = page[collection]
            for item in items:
                if item["id"] not in last:
                    yield item
            if not items or f"{collection}_links" not in page:
                return
            last = [item["id"] for item in items]

    def _page(
        self,
        version: str,
        collection: str,
        query: Mapping[str, str],
        last: Sequence[str],
    ) -> dict[str, Any]:
        """The page behind the last one.

        Where the last item of that has been deleted since, Nova does not
        know the marker any more; any item of it does as well.
        """

        def behind(marker: Mapping[str, str]) -> dict[str, Any]:
            text = parse.urlencode({**query, **marker})
            return self._get(
                version, f"/{collection}/detail?{text}", collection
            )

        for marker in reversed(last[1:]):
            try:
                return behind({"marker": marker})
            except exceptions.Hidden as error:
                if error.code != 400:
                    raise
        return behind({"marker": last[0]} if last else {})

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
