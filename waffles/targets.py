"""The server that a request is about, as ``when`` knows it.

A create says in its body what the server will be.  For anything else Nova is
asked, through the pipeline below, as the caller.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib import parse

from waffles import creates, exceptions, ids, servers
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
        return _of_create(request, app)
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


def _of_create(request: ComputeRequest, app: "WSGIApplication") -> Target:
    server = request.object_at("server")
    typed = flavor_id(server)
    return Target(
        # MySQL finds a flavor by other spellings of its id too.
        flavor=str(flavor(request, app, typed).get("id", typed)),
        image=_image(server),
        availability_zone=creates.location(server).zone or "",
    )


def flavor(
    request: ComputeRequest,
    app: "WSGIApplication",
    typed: str,
    microversion: str = "2.1",
) -> dict[str, Any]:
    """A flavor as Nova shows it; empty where Nova does not find it.

    :param typed: its id, in whatever spelling
    """
    if not typed:
        return {}
    path = f"/flavors/{typed}".encode().decode("latin-1")
    try:
        found = request.get(app, path, microversion=microversion)
    except exceptions.Hidden:
        return {}  # nor does Nova find it for the create
    # "detail" is a path of its own, and brings a list.
    return found.get("flavor") or {}


def _image(server: Mapping[str, Any]) -> str:
    """The image that a server boots from, by way of a volume or not.

    :raises Malformed: one is named, and the root disk is made of another
    """
    named, disk = _id_of(server.get("imageRef")), _root_disk(server)
    if disk is None:
        return named
    made_of = disk.get("source_type") == "image"
    image = _id_of(disk.get("uuid")) if made_of else ""
    if named and image != named:
        raise exceptions.Malformed(
            "imageRef and the disk of boot_index 0 must be of one image."
        )
    return image


def _root_disk(server: Mapping[str, Any]) -> Mapping[str, Any] | None:
    disks = server.get("block_device_mapping_v2")
    for disk in disks if isinstance(disks, list) else []:
        if isinstance(disk, dict) and _is_zero(disk.get("boot_index")):
            return disk
    return None


def _is_zero(index: Any) -> bool:
    """Nova takes "00", "0\n" and 0.0 for 0 as well."""
    try:
        return index is not None and int(index) == 0
    except (TypeError, ValueError, OverflowError):
        return False


def flavor_id(server: Mapping[str, Any]) -> str:
    """The id of the flavor of a create, as it is typed."""
    return _last(server.get("flavorRef"))


def _id_of(reference: Any) -> str:
    """The id of an image: Nova takes it in any form."""
    last = _last(reference)
    return ids.canonical(last) or last


def _last(reference: Any) -> str:
    """The last part of a reference, which may be a link."""
    typed = "" if reference is None else str(reference)
    try:
        return parse.urlsplit(typed).path.split("/")[-1]
    except ValueError:
        raise exceptions.Malformed(f"{typed[:99]} is no id.") from None
