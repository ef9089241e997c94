"""Nova: its API with the waffles, and computes of its fake driver."""

from pathlib import Path

from tests.stack import uwsgi
from tests.stack.site import BIN, ROOT, Site
from waffles import opts

#: Each a hypervisor, and the process nova-compute on it.
COMPUTES = ("c1", "c2", "c3", "c4")

#: The name of the process behind the compute API.
API = "nova-api"

#: Where the services are that stand on no compute.
CONTROLLER = "controller"

PASTE = ROOT / "etc" / "api-paste.ini"

FILTERS = """
    ComputeFilter ComputeCapabilitiesFilter ImagePropertiesFilter
    ServerGroupAntiAffinityFilter ServerGroupAffinityFilter
    AggregateInstanceExtraSpecsFilter AggregateMultiTenancyIsolation
    AggregateNetworkFilter
""".split()

CONF = """\
[DEFAULT]
host = {host}
my_ip = 127.0.0.1
transport_url = {bus}
state_path = {state}
# Of Nova's fake drivers, the one whose nodes are the same after a restart.
compute_driver = fake.FakeDriverWithoutFakeNodes
reserved_host_memory_mb = 0
report_interval = 2
service_down_time = 8
# Neutron tells nobody that a port is there.
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
[oslo_concurrency]
lock_path = {state}/locks
[service_user]
send_service_user_token = true
{auth}
[placement]
{auth}
[neutron]
{auth}
[glance]
{auth}
"""

#: What a compute must not know: it has no business with the databases.
CONTROL = """\
[api_database]
connection = {api_database}
[database]
connection = {database}
[conductor]
workers = 1
[scheduler]
workers = 1
[filter_scheduler]
available_filters = nova.scheduler.filters.all_filters
available_filters = waffles.scheduler.AggregateNetworkFilter
enabled_filters = {filters}
[quota]
driver = nova.quota.NoopQuotaDriver
{authtoken}
"""


def conf(site: Site, host: str) -> str:
    """The configuration of all that runs on a host."""
    return CONF.format(
        host=host,
        bus=site.bus,
        state=site.folder / "nova" / host,
        auth=site.auth("nova"),
    )


def control(site: Site) -> str:
    """What is added for the controller."""
    return CONTROL.format(
        api_database=site.database("nova_api"),
        database=site.database("nova"),
        filters=",".join(FILTERS),
        authtoken=site.authtoken("nova"),
    )


def conf_file(site: Site) -> Path:
    """The nova.conf of nova-api, nova-conductor and nova-scheduler."""
    return site.folder / "nova" / CONTROLLER / "nova.conf"


def start(site: Site) -> None:
    """Start all but the computes; every waffle is off."""
    configure(site, "")
    manage(site, "api_db sync")
    manage(site, "cell_v2 map_cell0")
    manage(site, "cell_v2 create_cell --name cell1")
    manage(site, "db sync")
    site.processes.together(
        lambda: start_api(site),
        lambda: start_daemon(site, "nova-conductor", CONTROLLER),
        lambda: start_daemon(site, "nova-scheduler", CONTROLLER),
    )


def manage(site: Site, command: str) -> None:
    """Run a command of nova-manage to its end."""
    site.processes.run(
        "nova-manage",
        [
            BIN / "nova-manage",
            "--config-file",
            conf_file(site),
            *command.split(),
        ],
    )


def configure(site: Site, waffles: str) -> None:
    """Write what nova-api reads, with groups for the waffles."""
    folder = f"nova/{CONTROLLER}"
    nova = conf(site, CONTROLLER) + control(site)
    groups = waffles + defaults(site, waffles)
    site.write(f"{folder}/nova.conf", nova + groups)
    site.write(f"{folder}/api-paste.ini", PASTE.read_text())


def defaults(site: Site, waffles: str) -> str:
    """The groups that a text does not have: a waffle is off then."""
    # Those without a mode are off where their groups are empty.
    modes = [
        name
        for name, module in sorted(opts.waffles().items())
        if any(opt.name == "mode" for opt in module.OPTS)
    ]
    groups = {f"[waffles_{name}]": "mode = off\n" for name in modes}
    groups["[waffles]"] = site.auth("waffles")
    return "".join(
        f"\n{group}\n{options}"
        for group, options in groups.items()
        if group not in waffles
    )


def start_api(site: Site, lazy_apps: bool = True) -> None:
    """Start nova-api, two processes of several threads each."""
    uwsgi.start(
        site,
        "nova",
        log=API,
        processes=2,
        lazy_apps=lazy_apps,
        OS_NOVA_CONFIG_DIR=str(conf_file(site).parent),
    )


def start_daemon(site: Site, binary: str, host: str) -> None:
    """Start a process that only talks to the bus; nobody waits for it."""
    name = binary if host == CONTROLLER else host
    site.processes.start(
        name,
        [
            BIN / binary,
            "--config-file",
            site.folder / "nova" / host / "nova.conf",
        ],
    )


def start_compute(site: Site, host: str) -> None:
    """Start a compute; what it knows of itself stays in its folder."""
    site.write(f"nova/{host}/nova.conf", conf(site, host))
    (site.folder / "nova" / host / "instances").mkdir(exist_ok=True)
    start_daemon(site, "nova-compute", host)


def discover(site: Site) -> None:
    """Put new computes into the cell."""
    manage(site, "cell_v2 discover_hosts")
