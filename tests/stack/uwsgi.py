"""Services behind uWSGI, as operators run them."""

from tests.stack.site import BIN, Site
from tests.stack.waiting import answers


def start(
    site: Site,
    name: str,
    *,
    log: str,
    processes: int = 1,
    lazy_apps: bool = True,
    **environ: str,
) -> None:
    """Start a service of :data:`SERVICES`, and wait until it answers.

    :param log: the name of the process
    :param lazy_apps: each process loads the application for itself; else
        they are forked from one that has loaded it
    """
    port = site.ports[name]
    site.processes.serve(
        log,
        [
            BIN / "uwsgi",
            f"--http-socket=127.0.0.1:{port}",
            f"--module={MODULES[name]}:application",
            "--master",
            f"--processes={processes}",
            "--threads=4",
            "--enable-threads",
            "--thunder-lock",
            *(["--lazy-apps"] if lazy_apps else []),
            "--need-app",
            "--no-orphans",
            "--die-on-term",
            "--worker-reload-mercy=2",
            "--buffer-size=65535",
            "--disable-logging",
            "--add-header=Connection: close",
        ],
        lambda: answers(f"http://127.0.0.1:{port}/"),
        **environ,
    )


MODULES = {
    "keystone": "keystone.wsgi.api",
    "placement": "placement.wsgi.api",
    "glance": "glance.wsgi.api",
    "neutron": "neutron.wsgi.api",
    "nova": "nova.wsgi.osapi_compute",
}
