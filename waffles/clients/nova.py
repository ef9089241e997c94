"""Nova, asked as ourselves."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
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

Ask = Callable[[str, str], dict[str, Any]]


class Nova:
    """The compute API of a cloud, with the rights of ``[waffles]``."""

    def __init__(self, access: session.Access) -> None:
        self._http = {
            version: http(version, access)
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
        ask = functools.partial(self._get, version)
        for page in pages(ask, f"/{collection}/detail", collection, query):
            yield from page

    def _get(self, version: str, path: str, key: str) -> dict[str, Any]:
        """A JSON object that has a list of objects at a key."""
        what = f"Nova could not be asked for {path}"
        with errors.mapped(what):
            _, body = self._http[version].get(path)
        return listing(what, body, key)


def listing(what: str, body: Any, key: str) -> dict[str, Any]:
    """A JSON object that has a list of objects at a key.

    :raises Unavailable: the body is none
    """
    found = body.get(key) if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise exceptions.Unavailable(f"{what}: there are no {key} in it.")
    return dict(body)


def pages(
    ask: Ask, path: str, key: str, query: Mapping[str, str], id_: str = "id"
) -> Iterator[list[dict[str, Any]]]:
    """A collection by pages, to the last; no item is on two of them.

    :param ask: gives the body for a path, with a list at the key
    :param id_: what Nova takes for a marker
    :raises Hidden: all of a page has been deleted while it was read
    """
    last: list[str] = []
    while True:
        page = _page(ask, path, key, query, last)
        yield [item for item in page[key] if item[id_] not in last]
        if not page[key] or f"{key}_links" not in page:
            return
        last = [item[id_] for item in page[key]]


def _page(
    ask: Ask,
    path: str,
    key: str,
    query: Mapping[str, str],
    last: Sequence[str],
) -> dict[str, Any]:
    """The page behind the last one.

    Where the last item of that has been deleted since, Nova does not know
    the marker any more; any item of it does as well.
    """

    def behind(marker: Mapping[str, str]) -> dict[str, Any]:
        return ask(f"{path}?{parse.urlencode({**query, **marker})}", key)

    for marker in reversed(last[1:]):
        try:
            return behind({"marker": marker})
        except exceptions.Hidden as error:
            if error.code != 400:
                raise
    return behind({"marker": last[0]} if last else {})


def http(version: str, access: session.Access) -> Any:
    """What asks Nova for a path at a microversion, as novaclient does."""
    options = dict(access.options)
    made = client.Client(
        version,
        session=access.session,
        endpoint_type=options.pop("valid_interfaces"),
        **options,
    )
    return made.client
