"""What works on recoveries beside the compute API: an engine, a dashboard."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from waffles import config
from waffles.clients import compute, glance, session
from waffles.demo import listen
from waffles.recovery import options
from waffles.recovery.dashboard import app as dashboard
from waffles.recovery.engine import engine
from waffles.recovery.notices import notify
from waffles.recovery.store import store


@contextlib.contextmanager
def working(file: Path) -> Iterator[None]:
    """Have an engine at work meanwhile, as ``waffles recovery run`` does.

    :param file: the configuration
    """
    conf = config.read([str(file)])
    settings = options.Settings.of(
        config.section(conf, options.GROUP, options.OPTS)
    )
    access, stop = session.load(conf), threading.Event()
    with contextlib.closing(store.open(settings.connection)) as rows:
        made = engine.Engine(
            rows,
            compute.Compute(access, settings.timeout),
            glance.Glance(access, settings.timeout),
            settings,
            stop,
        )
        teller = notify.of_settings(rows, settings, conf, made.name)
        threads = [
            threading.Thread(target=made.run, name="engine"),
            threading.Thread(target=teller.run, args=(stop,), name="teller"),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()


@contextlib.contextmanager
def showing(file: Path) -> Iterator[str]:
    """Serve the dashboard meanwhile; gives its address."""
    section = config.section(
        config.read([str(file)]), options.GROUP, options.OPTS
    )
    with listen.listening(dashboard.configured(section)) as url:
        yield f"{url}/"
