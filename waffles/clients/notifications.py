"""Notifications to the message bus, which never hold up a request.

They go where the configuration that the waffle reads says in
``[oslo_messaging_notifications]``: in Nova's process that is the bus that
Nova notifies on.  Without a driver there, or without oslo.messaging, nothing
is sent.  A thread of its own does the sending; when the bus is away or slow,
what does not fit the queue is dropped, with a line in the log.

Those that must not be lost are sent by :mod:`waffles.clients.bus`.
"""

import importlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

from oslo_config import cfg

from waffles import config

LOG = logging.getLogger(__name__)

GROUP = "oslo_messaging_notifications"

#: How many notifications wait for the bus before the next is dropped.
WAITING = 1000

Notify = Callable[[str, Mapping[str, Any]], None]


def notifier(conf: cfg.ConfigOpts) -> Notify:
    """What sends a notification: called with its event type and payload.

    Without a driver in the configuration it does nothing.
    """
    if not drivers(conf):
        return lambda event, payload: None
    # Only now, as it brings oslo.service and, by default, eventlet.
    try:
        messaging = importlib.import_module("oslo_messaging")
    except ImportError:
        LOG.warning("oslo.messaging is not there: nothing will be notified")
        return lambda event, payload: None
    return _Sender(messaging, conf)


def drivers(conf: cfg.ConfigOpts) -> set[str]:
    """The drivers that the files of a configuration name."""
    return {
        name
        for file in config.files_of(conf)
        for group, options in config.sections(file).items()
        if group.lower() == GROUP
        for name in options.get("driver", ())
        if name
    }


class _Sender:
    """A queue, and a thread that is started by the first notification.

    A process that forks after that starts a thread of its own.
    """

    def __init__(self, messaging: Any, conf: cfg.ConfigOpts) -> None:
        self._messaging, self._conf = messaging, conf
        self._lock = threading.Lock()
        self._pid: int | None = None

    def __call__(self, event: str, payload: Mapping[str, Any]) -> None:
        if self._pid != os.getpid():
            self._start()
        try:
            self._queue.put_nowait((event, payload))
        except queue.Full:
            LOG.error("Dropped notification %s: %s", event, payload)

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._queue: queue.Queue[Any] = queue.Queue(WAITING)
            threading.Thread(
                target=self._send, name="waffles-notify", daemon=True
            ).start()
            self._pid = os.getpid()

    def _send(self) -> None:
        bus = None
        while True:
            event, payload = self._queue.get()
            try:
                bus = bus or self._bus()
                bus.warn({}, event, payload)
            except Exception:
                LOG.exception("Could not send notification %s", event)

    def _bus(self) -> Any:
        transport = self._messaging.get_notification_transport(self._conf)
        return self._messaging.Notifier(transport, "waffles", retry=3)
