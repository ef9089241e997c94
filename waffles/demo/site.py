"""All that a demonstration runs on: a cloud, and a folder for its files."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from waffles.demo import cloud, sample

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class Site(NamedTuple):
    """A cloud, running."""

    cloud: cloud.Cloud
    config: Path
    log: Path

    def configured(self, text: str) -> "WSGIApplication":
        """The compute API as it is started with a configuration."""
        self.config.write_text(text)
        return self.cloud.application()

    def tail(self, lines: int = 15) -> str:
        """The end of Nova's log."""
        return "\n".join(self.log.read_text().splitlines()[-lines:])


@contextlib.contextmanager
def started() -> Iterator[Site]:
    """A site with the shipped api-paste.ini; at the end nothing is left.

    Its configuration is the shipped sample, which is all comments.
    """
    with tempfile.TemporaryDirectory(prefix="waffles-demo-") as folder:
        config, log = Path(folder, "waffles.conf"), Path(folder, "nova.log")
        config.write_text(sample.shipped("waffles.conf.sample").read_text())
        paste = sample.shipped("api-paste.ini")
        with _logged(log) as handler, cloud.running(paste, [config]) as nova:
            # The fixtures log to a handler of their own only.
            logging.getLogger().addHandler(handler)
            yield Site(nova, config, log)


@contextlib.contextmanager
def _logged(file: Path) -> Iterator[logging.Handler]:
    """Send all logs and warnings to a file, and none to the screen."""
    root, handler = logging.getLogger(), logging.FileHandler(file)
    handler.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    before, root.handlers = root.handlers, [handler]
    logging.captureWarnings(True)
    try:
        yield handler
    finally:
        logging.captureWarnings(False)
        root.handlers = before
        handler.close()
