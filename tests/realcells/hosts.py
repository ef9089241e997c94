"""Hosts of a cell that are rows of its databases only."""

from collections.abc import Iterable

from nova import context, exception, objects

#: What each has.
SIZE = {
    "memory_mb": 65536,
    "memory_mb_used": 0,
    "vcpus": 32,
    "vcpus_used": 0,
    "local_gb": 1000,
    "local_gb_used": 0,
    "hypervisor_type": "fake",
    "hypervisor_version": 1,
    "cpu_info": "",
}


def make(hosts: Iterable[str]) -> None:
    """Make hosts, those that are not there."""
    admin = context.get_admin_context()
    cells = objects.CellMappingList.get_all(admin)
    (cell,) = (one for one in cells if not one.is_cell0())
    for host in hosts:
        try:
            objects.HostMapping.get_by_host(admin, host)
        except exception.HostMappingNotFound:
            with context.target_cell(admin, cell) as targeted:
                _make(targeted, host)
            objects.HostMapping(admin, host=host, cell_mapping=cell).create()


def _make(targeted: context.RequestContext, host: str) -> None:
    service = objects.Service(
        targeted,
        host=host,
        binary="nova-compute",
        topic="compute",
        report_count=1,
    )
    service.create()
    objects.ComputeNode(
        targeted,
        service_id=service.id,
        host=host,
        hypervisor_hostname=host,
        mapped=1,
        **SIZE,
    ).create()
