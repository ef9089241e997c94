"""``python -m tests.realcells.databases FOLDER``: Nova's databases, empty.

The folder has the ``nova.conf``.  What nova-manage does in four commands is
done by one process.
"""

import os
import shutil
import sys
import uuid
from pathlib import Path

# isort: off
from tests.realcells import threads  # noqa: F401  before any other Nova

# isort: on
from nova import config, context, objects
from nova.db import migration

from tests.realcells import conf


def make(folder: Path) -> None:
    """Make them."""
    os.chdir(folder)
    config.parse_args(["nova-manage"], default_config_files=["nova.conf"])
    objects.register_all()
    migration.db_sync(database="api")
    migration.db_sync(database="main")
    # The tables of servers without a host are those of all servers.
    shutil.copy(conf.MAIN, conf.CELL0)
    _map(objects.CellMapping.CELL0_UUID, "cell0", "none:///", conf.CELL0)
    _map(str(uuid.uuid4()), "cell1", "fake://", conf.MAIN)


def _map(id_: str, name: str, bus: str, file: str) -> None:
    objects.CellMapping(
        context.get_admin_context(),
        uuid=id_,
        name=name,
        transport_url=bus,
        database_connection=f"sqlite:///{file}",
    ).create()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
