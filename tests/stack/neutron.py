"""Neutron: ML2, with a mechanism driver of our own and no agents."""

import os

from tests.stack import uwsgi
from tests.stack.site import BIN, ROOT, SHARED, Site

CONF = """\
[DEFAULT]
core_plugin = ml2
service_plugins = network_ip_availability
transport_url = {bus}
api_paste_config = {shared}/neutron/api-paste.ini
state_path = {folder}
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = {database}
[oslo_concurrency]
lock_path = {folder}
[ml2]
type_drivers = local,vlan
tenant_network_types = local
mechanism_drivers = any_port
extension_drivers = port_security
[ml2_type_vlan]
network_vlan_ranges = physnet1:100:4000
{authtoken}
"""

#: Neutron looks for mechanism drivers among installed packages.  These two
#: files, on the path, are one.
PACKAGE = {
    "METADATA": "Metadata-Version: 2.1\nName: any-port\nVersion: 1\n",
    "entry_points.txt": (
        "[neutron.ml2.mechanism_drivers]\nany_port = tests.stack.ml2:AnyPort\n"
    ),
}


def start(site: Site) -> None:
    """Start it, with a package for the mechanism driver on its path."""
    for name, text in PACKAGE.items():
        site.write(f"neutron/path/any_port-1.dist-info/{name}", text)
    folder = site.folder / "neutron"
    conf = site.write(
        "neutron/neutron.conf",
        CONF.format(
            bus=site.bus,
            database=site.database("neutron"),
            folder=folder,
            shared=SHARED,
            authtoken=site.authtoken("neutron"),
        ),
    )
    manage = [BIN / "neutron-db-manage", "--config-file", conf]
    site.processes.run("neutron-db-manage", [*manage, "upgrade", "head"])
    uwsgi.start(
        site,
        "neutron",
        log="neutron",
        OS_NEUTRON_CONFIG_DIR=str(folder),
        OS_NEUTRON_CONFIG_FILES="neutron.conf",
        PYTHONPATH=os.pathsep.join([str(folder / "path"), str(ROOT)]),
    )
