"""Neutron, asked as ourselves, and as the caller of a request."""

from collections.abc import Iterator
from typing import Any
from urllib import parse

from keystoneauth1 import adapter

from waffles import exceptions
from waffles.clients import errors, session

#: What Neutron shows of a network to administrators only.
ADMINS_FIELD = "provider:network_type"

#: What is asked of a network: Neutron works out what is left away.
FIELDS = (
    "id",
    "name",
    "project_id",
    "admin_state_up",
    "status",
    "router:external",
    ADMINS_FIELD,
)

#: What is asked of a network that Nova may choose.
ELIGIBLE = ("id", "shared", "admin_state_up")

#: Neutron's answers that are about the caller, or about what he names.
_HIDDEN = {401, 403, 404}

Json = dict[str, Any]
Query = list[tuple[str, str]]


class Neutron:
    """The network API of a cloud, with the rights of ``[waffles]``."""

    def __init__(self, access: session.Access) -> None:
        options = dict(access.options)
        self._http = adapter.Adapter(
            access.session,
            service_type="network",
            interface=options.pop("valid_interfaces"),
            **options,
        )

    def networks(self) -> Iterator[Json]:
        """Every network of the cloud: :data:`FIELDS`."""
        return self._listed("networks", _fields(FIELDS))

    def shares(self) -> Iterator[Json]:
        """Who may use networks of others: ``object_id``, ``target_tenant``."""
        query = {"object_type": "network", "action": "access_as_shared"}
        return self._listed("rbac-policies", list(query.items()))

    def availabilities(self) -> Iterator[Json]:
        """How many addresses networks have, and how many are used."""
        return self._listed("network-ip-availabilities", [], "network_id")

    def port(self, port_id: str, token: str) -> Json:
        """A port, as the owner of a token sees it.

        :raises Hidden: Neutron does not show it, or refuses the token
        :raises Unavailable: there is no useful answer
        """
        body = self._as_caller(
            f"/v2.0/ports/{parse.quote(port_id, safe='')}", token
        )
        return _object(body, "port")

    def eligible(self, project_id: str | None, token: str) -> list[Json]:
        """The networks that Nova takes into account when none is named:
        :data:`ELIGIBLE`.

        Asked as Nova asks (``nova/network/neutron.py``,
        ``_get_available_networks``).

        :raises Hidden: Neutron refuses the token
        :raises Unavailable: there is no useful answer
        """
        own = [("tenant_id", str(project_id)), ("shared", "False")]
        found = []
        for query in (own, [("shared", "True")]):
            text = parse.urlencode(query + _fields(ELIGIBLE))
            body = self._as_caller(f"/v2.0/networks?{text}", token)
            found += _objects(body, "networks")
        return found

    def _as_caller(self, path: str, token: str) -> Any:
        what = f"Neutron could not be asked for {path}"
        try:
            with errors.mapped(what):
                answer = self._http.get(
                    path,
                    authenticated=False,
                    headers={"X-Auth-Token": token},
                    raise_exc=False,
                )
        except exceptions.Hidden as error:
            # What Keystone says to us on the way is nothing of the caller's.
            raise exceptions.Unavailable(str(error)) from error
        if answer.status_code in _HIDDEN:
            raise exceptions.Hidden(
                answer.status_code,
                f"Neutron does not show the caller {path.partition('?')[0]}.",
            )
        if answer.status_code != 200:
            raise exceptions.Unavailable(
                f"{what}: it answers {answer.status_code}."
            )
        return _json(answer)

    def _listed(
        self, collection: str, query: Query, id_: str = "id"
    ) -> Iterator[Json]:
        """A collection, to its last page; how long one is Neutron decides.

        :raises Unavailable: a page could not be had
        """
        key, marker = collection.replace("-", "_"), Query()
        while True:
            path = f"/v2.0/{collection}?{parse.urlencode(query + marker)}"
            with errors.mapped(f"Neutron could not be asked for {path}"):
                body = _json(self._http.get(path))
            page = _objects(body, key)
            yield from page
            links = body.get(f"{key}_links", ())
            if not page or not any(one["rel"] == "next" for one in links):
                return
            marker = [("marker", page[-1][id_])]


def _fields(names: tuple[str, ...]) -> Query:
    return [("fields", name) for name in names]


def _json(answer: Any) -> Any:
    """The body of an answer; a proxy may answer 200 with something else."""
    try:
        return answer.json()
    except ValueError:
        return None


def _objects(body: Any, key: str) -> list[Json]:
    found = body.get(key) if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise exceptions.Unavailable(f"Neutron answers without {key}.")
    return found


def _object(body: Any, key: str) -> Json:
    found = body.get(key) if isinstance(body, dict) else None
    if not isinstance(found, dict):
        raise exceptions.Unavailable(f"Neutron answers without a {key}.")
    return found
