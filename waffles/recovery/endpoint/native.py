"""Nova's own call that forces a compute service down, or takes that back.

``PUT /os-services/force-down`` with host and binary from 2.11 to 2.52, and
``PUT /os-services/{id}`` from 2.53 on (``nova/api/openstack/compute/
services.py``).  Whether a host is forced down already makes no difference.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

#: From here to :data:`BY_ID` the path says "force-down", and the body which.
BY_HOST, BY_ID = (2, 11), (2, 53)

#: Texts that Nova takes for true; it takes others for false, or refuses them.
_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})

_COMPUTE = "nova-compute"


class Forcing(NamedTuple):
    """What the call says.

    :param forced: whether the service is to be forced down
    :param host: which one; empty where it is said by id
    :param service_id: which one; empty where it is said by host
    """

    forced: bool
    host: str = ""
    service_id: str = ""

    def among(
        self, services: Iterable[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        """Those that Nova may take for the one that is meant.

        Where none is called exactly so MySQL, which compares regardless of
        case, finds another.
        """
        wanted = self.service_id or self.host
        key = "id" if self.service_id else "host"
        named = [(str(one.get(key, "")), one) for one in services]
        exactly = [one for name, one in named if name == wanted]
        loosely = [
            one for name, one in named if name.lower() == wanted.lower()
        ]
        return exactly or loosely


def forcing(
    version: tuple[int, int] | None, service_id: str, body: Any
) -> Forcing | None:
    """What a call says; None where Nova would force nothing.

    :param version: the microversion; None where Nova cannot read it
    :param service_id: the last part of the path
    """
    if version is None or not isinstance(body, dict):
        return None
    if "forced_down" not in body:
        return None
    forced = str(body["forced_down"]).strip().lower() in _TRUE
    if version >= BY_ID:
        return Forcing(forced, service_id=service_id)
    host, binary = body.get("host"), body.get("binary")
    if version < BY_HOST or service_id != "force-down" or binary != _COMPUTE:
        return None
    return Forcing(forced, host=str(host))
