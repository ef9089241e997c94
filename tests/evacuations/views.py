"""The fake Nova's values as Nova shows them at microversion 2.94."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib import parse

from tests.evacuations.things import Migration, Server, Service

#: When everything was made.
MADE = "2026-01-01T00:00:00"

PROJECT, USER = "f" * 32, "e" * 32

IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"

STATUSES = {"active": "ACTIVE", "stopped": "SHUTOFF", "error": "ERROR"}

#: power_state: running, shut down.
POWER = {"active": 1, "stopped": 4, "error": 1}

#: What is the same for every server.
_SERVER = {
    "accessIPv4": "",
    "accessIPv6": "",
    "addresses": {},
    "created": f"{MADE}Z",
    "flavor": {
        "vcpus": 1,
        "ram": 512,
        "disk": 0,
        "ephemeral": 0,
        "swap": 0,
        "original_name": "m1.tiny",
        "extra_specs": {},
    },
    # Booted from a volume: there is no local disk to lose.
    "image": "",
    "links": [],
    "metadata": {},
    "tenant_id": PROJECT,
    "user_id": USER,
    "updated": f"{MADE}Z",
    "OS-DCF:diskConfig": "MANUAL",
    "OS-EXT-AZ:availability_zone": "nova",
    "config_drive": "",
    "key_name": None,
    "OS-SRV-USG:launched_at": f"{MADE}.000000",
    "OS-SRV-USG:terminated_at": None,
    "OS-EXT-SRV-ATTR:kernel_id": "",
    "OS-EXT-SRV-ATTR:launch_index": 0,
    "OS-EXT-SRV-ATTR:ramdisk_id": "",
    "OS-EXT-SRV-ATTR:reservation_id": "r-00000000",
    "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
    "OS-EXT-SRV-ATTR:user_data": None,
    "os-extended-volumes:volumes_attached": [
        {"id": IMAGE, "delete_on_termination": False}
    ],
    "locked": False,
    "description": None,
    "trusted_image_certificates": None,
    "locked_reason": None,
    "host_status": "UP",
}


def version(path: str, base: str) -> dict[str, Any]:
    """What ``/`` or ``/v2.1/`` says."""
    shown = {
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.104",
        "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{base}/v2.1/"}],
    }
    if path == "/":
        return {"versions": [shown]}
    kind = "application/vnd.openstack.compute+json;version=2.1"
    types = [{"base": "application/json", "type": kind}]
    return {"version": {**shown, "media-types": types}}


def service(one: Service) -> dict[str, Any]:
    """A service, as in the list and behind an update."""
    return {
        "binary": one.binary,
        "host": one.host,
        "id": one.id,
        "zone": one.zone,
        "status": "disabled" if one.disabled else "enabled",
        "state": "down" if one.forced_down else "up",
        "updated_at": one.updated_at,
        "disabled_reason": one.reason,
        "forced_down": one.forced_down,
    }


def server(one: Server) -> dict[str, Any]:
    """A server, as in the list with details."""
    is_building = (one.task_state or "").startswith("rebuild")
    status = "REBUILD" if is_building else STATUSES[one.vm_state]
    shown = {
        **_SERVER,
        "hostId": hashlib.sha224(one.host.encode()).hexdigest(),
        "id": one.id,
        "name": one.name,
        "status": status,
        "OS-EXT-SRV-ATTR:host": one.host,
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{one.name}",
        "OS-EXT-SRV-ATTR:hypervisor_hostname": one.host,
        "OS-EXT-SRV-ATTR:hostname": one.name,
        "OS-EXT-STS:task_state": one.task_state,
        "OS-EXT-STS:vm_state": one.vm_state,
        "OS-EXT-STS:power_state": POWER[one.vm_state],
        "tags": one.tags,
    }
    if status in ("ACTIVE", "REBUILD"):
        shown["progress"] = 0
    if status == "ERROR":
        shown["fault"] = {
            "code": 500,
            "created": f"{MADE}Z",
            "message": one.fault,
            "details": "",
        }
    return shown


def migration(one: Migration) -> dict[str, Any]:
    """An evacuation."""
    return {
        "id": one.id,
        "uuid": one.uuid,
        "source_compute": one.source,
        "dest_compute": one.dest,
        "source_node": one.source,
        "dest_node": one.dest,
        "dest_host": one.dest,
        "old_instance_type_id": None,
        "new_instance_type_id": None,
        "instance_uuid": one.server.id,
        "status": one.status,
        "migration_type": "evacuation",
        "user_id": USER,
        "project_id": PROJECT,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def action(one: Migration) -> dict[str, Any]:
    """The instance action of an evacuation, without events."""
    return {
        "action": "evacuate",
        "instance_uuid": one.server.id,
        "request_id": one.request_id,
        "user_id": USER,
        "project_id": PROJECT,
        "start_time": one.created_at,
        "message": "Error" if one.status in ("error", "failed") else None,
        "updated_at": one.updated_at,
    }


def creation(one: Server) -> dict[str, Any]:
    """The first action of a server."""
    return {
        "action": "create",
        "instance_uuid": one.id,
        "request_id": f"req-{one.id}",
        "user_id": USER,
        "project_id": PROJECT,
        "start_time": f"{MADE}.000000",
        "message": None,
        "updated_at": f"{MADE}.000000",
    }


def aggregate(hosts: list[str]) -> dict[str, Any]:
    """The host aggregate of all hosts."""
    return {
        "id": 1,
        "uuid": IMAGE,
        "name": "all",
        "hosts": hosts,
        "metadata": {},
        "created_at": f"{MADE}.000000",
        "updated_at": None,
        "deleted_at": None,
        "deleted": False,
        "availability_zone": None,
    }


def hypervisor(host: str, servers: Iterable[Server]) -> dict[str, Any]:
    """A hypervisor with its servers."""
    return {
        "id": IMAGE,
        "hypervisor_hostname": host,
        "state": "down",
        "status": "enabled",
        "servers": [{"uuid": one.id, "name": one.name} for one in servers],
    }


def following(url: str, query: Mapping[str, str], marker: str) -> Any:
    """The link to the page behind a marker."""
    text = parse.urlencode({**query, "marker": marker})
    return {"rel": "next", "href": f"{url}?{text}"}
