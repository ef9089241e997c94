"""The nova.conf and the api-paste.ini of a cell.

The pipeline is the one that Nova ships, or that which we ship; only
``auth_token`` is another.
Databases are named without a folder: Nova keeps the addresses of some in
others, and a cell runs in a copy of the folder that they were made in.
"""

import configparser
import sys
from pathlib import Path

#: Nova's pipeline, and that with waffles in it.
SHIPPED = Path(sys.prefix) / "etc" / "nova" / "api-paste.ini"
OURS = Path(__file__).parents[2] / "etc" / "api-paste.ini"

TOKENS = "tests.realcells.auth:filter_factory"

#: The databases that Nova keeps the addresses of.
CELL0, MAIN = "cell0.db", "main.db"

CONF = """\
[DEFAULT]
host = {name}-api
my_ip = 127.0.0.1
state_path = {folder}
log_file = {folder}/nova.log
transport_url = fake://
# Nobody reports that a host is up: all are for as long as tests run.
service_down_time = 86400
[api_database]
connection = sqlite:///api.db
sqlite_synchronous = false
[database]
connection = sqlite:///main.db
sqlite_synchronous = false
[oslo_concurrency]
lock_path = {folder}
[glance]
endpoint_override = http://127.0.0.1:{port}/image
[keystone]
endpoint_override = http://127.0.0.1:{port}/identity/v3
[placement]
auth_type = none
endpoint_override = http://127.0.0.1:{port}/placement
"""


def write(folder: Path, name: str, port: int, more: str = "") -> None:
    """Write the files that Nova's API reads.

    :param more: groups for its configuration; for one of a waffle, all
        waffles stand in the pipeline
    """
    text = CONF.format(folder=folder, name=name, port=port)
    (folder / "nova.conf").write_text(text + more)
    shipped = OURS if "[waffles_" in more else SHIPPED
    write_pipeline(folder / "api-paste.ini", shipped)


def write_pipeline(file: Path, shipped: Path, **waffle: str) -> None:
    """Write a shipped api-paste.ini with the tokens of tests.

    :param waffle: options for ``[filter:cells]``
    """
    paste = configparser.ConfigParser()
    paste.read(shipped)
    paste["filter:authtoken"]["paste.filter_factory"] = TOKENS
    if waffle:
        paste["filter:cells"].update(waffle)
    with file.open("w") as written:
        paste.write(written)
