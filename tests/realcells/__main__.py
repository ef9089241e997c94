"""``python -m tests.realcells FOLDER PORT [HOST …]``: one cell.

It is Nova's API as a WSGI server of threads runs it in production.  It says
``ready`` when it listens, and ends with its input.
"""

import os
import sys
import threading
from typing import TYPE_CHECKING

import waitress

# isort: off
from tests.realcells import threads  # noqa: F401  before any other Nova

# isort: on
from tests.realcells import hosts, standins

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: More than clients ask at once in any test.
THREADS = 16


def main(folder: str, port: str, *names: str) -> None:
    """Serve until the input ends."""
    threading.Thread(target=end_with_input, daemon=True).start()
    app = application(folder)
    hosts.make(names)
    server = waitress.create_server(
        standins.beside(app), host="127.0.0.1", port=port, threads=THREADS
    )
    print("ready", flush=True)
    server.run()


def application(folder: str) -> "WSGIApplication":
    """Nova's API; the databases of its configuration have no folder."""
    os.chdir(folder)
    os.environ["OS_NOVA_CONFIG_DIR"] = folder
    # Nova reads the command line, which is ours.
    del sys.argv[1:]
    from nova.wsgi import osapi_compute

    app: WSGIApplication = osapi_compute.application
    return app


def end_with_input() -> None:
    """End the process when nobody holds its input any more."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
