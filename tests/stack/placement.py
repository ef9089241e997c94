"""Placement."""

from tests.stack import uwsgi
from tests.stack.site import Site

CONF = """\
[placement_database]
connection = {database}
sync_on_startup = true
{authtoken}
"""


def start(site: Site) -> None:
    """Start it; it makes its tables itself."""
    conf = site.write(
        "placement/placement.conf",
        CONF.format(
            database=site.database("placement"),
            authtoken=site.authtoken("placement"),
        ),
    )
    uwsgi.start(
        site,
        "placement",
        log="placement",
        OS_PLACEMENT_CONFIG_DIR=str(conf.parent),
    )
