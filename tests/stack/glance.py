"""Glance, with the images in a folder."""

from tests.stack import uwsgi
from tests.stack.site import BIN, SHARED, Site

CONF = """\
[DEFAULT]
enabled_backends = files:file
[database]
connection = {database}
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = {folder}/images
[os_glance_staging_store]
filesystem_store_datadir = {folder}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {folder}/tasks
[paste_deploy]
flavor = keystone
config_file = {shared}/glance/glance-api-paste.ini
{authtoken}
"""


def start(site: Site) -> None:
    """Start it; its image store is a folder of the cloud."""
    folder = site.folder / "glance"
    conf = site.write(
        "glance/glance-api.conf",
        CONF.format(
            database=site.database("glance"),
            folder=folder,
            shared=SHARED,
            authtoken=site.authtoken("glance"),
        ),
    )
    manage = [BIN / "glance-manage", "--config-file", conf]
    site.processes.run("glance-manage", [*manage, "db_sync"])
    uwsgi.start(site, "glance", log="glance", OS_GLANCE_CONFIG_DIR=str(folder))
