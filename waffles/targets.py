"""The server that a request is about, as ``when`` knows it.

A create says in its body what the server will be.  For anything else Nova is
asked, through the pipeline below, as the caller.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib import parse

from waffles import servers
from waffles.request import ComputeRequest

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class Target(NamedTuple):
    """What ``when`` can ask of a server: ids, and a name."""

    flavor: str
    image: str
    availability_zone: str


def of_request(request: ComputeRequest, app: "WSGIApplication") -> Target:
    """The server that a request makes, or is about."""
    if request.operation == "servers:create":
        return _of_create(request.object_at("server"))
    present = of_server(servers.present(request, app))
    if request.operation == "servers:rebuild":
        image = request.object_at("rebuild").get("imageRef")
        return present._replace(image=_id_of(image))
    return present


def of_server(server: Mapping[str, Any]) -> Target:
    """A server as Nova shows it at microversion 2.46 or below."""
    return Target(
        flavor=server["flavor"]["id"],
        image=(server.get("image") or {}).get("id", ""),
        availability_zone=server.get("OS-EXT-AZ:availability_zone") or "",
    )


def _of_create(server: Mapping[str, Any]) -> Target:
    zone = server.get("availability_zone")
    return Target(
        flavor=_id_of(server.get("flavorRef")),
        image=_id_of(server.get("imageRef")) or _image_of_disks(server),
        availability_zone=str(zone or "").partition(":")[0].strip(),
    )


def _id_of(reference: Any) -> str:
    """Nova takes a link to a flavor or an image for its last part."""
    return parse.urlsplit(str(reference or "")).path.split("/")[-1]


def _image_of_disks(server: Mapping[str, Any]) -> str:
    """The image of a server that boots from a volume made of it."""
    disks = server.get("block_device_mapping_v2")
    for disk in disks if isinstance(disks, list) else []:
        # Nova takes "00" and "0\n" for 0 as well.
        if isinstance(disk, dict) and not str(
            disk.get("boot_index", "none")
        ).strip("-0\n"):
            made_of_image = disk.get("source_type") == "image"
            return str(disk.get("uuid", "")) if made_of_image else ""
    return ""
