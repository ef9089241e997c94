"""All that a demonstration runs on: a cloud, and a folder for its files."""

import contextlib
import logging
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from waffles.demo import cloud, listen, pods, sample, standins

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


#: How the waffles reach the cloud as themselves.
ACCESS = """\
[waffles]
auth_type = password
auth_url = {url}/identity/v3
username = admin
user_domain_id = default
password = any
project_name = admin
project_domain_id = default
region_name = demo
"""


class Site(NamedTuple):
    """A cloud, running."""

    cloud: cloud.Cloud
    config: Path
    log: Path

    def configured(self, text: str) -> "WSGIApplication":
        """The compute API as it is started with a configuration."""
        self.config.write_text(text)
        return self.cloud.application()

    @contextlib.contextmanager
    def served(self, rules: str, sock: socket.socket) -> Iterator[str]:
        """The compute API with rules meanwhile, and the stand-ins beside it.

        :param rules: a configuration, but for the way into the cloud
        :param sock: of :func:`waffles.demo.listen.bound`
        """
        url = listen.url(sock)
        nova = self.configured(ACCESS.format(url=url) + rules)
        with listen.listening(standins.beside(nova, self.cloud), sock):
            yield url

    def tail(self, lines: int = 15) -> str:
        """The end of Nova's log."""
        return "\n".join(self.log.read_text().splitlines()[-lines:])


@contextlib.contextmanager
def started() -> Iterator[Site]:
    """A site with the shipped api-paste.ini, and no rules yet.

    At the end nothing is left.
    """
    with tempfile.TemporaryDirectory(prefix="waffles-demo-") as folder:
        config, log = Path(folder, "waffles.conf"), Path(folder, "nova.log")
        config.touch()
        paste = sample.shipped("api-paste.ini")
        with (
            _logged(log) as handler,
            cloud.running(paste, [config], pods.HOSTS) as nova,
        ):
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
        # A thread that still says something would be shown at last.
        root.handlers = before or [logging.NullHandler()]
        handler.close()
