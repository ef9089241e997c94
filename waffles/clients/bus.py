"""Notifications that must not be lost: sent once the broker says it has them.

They go where :mod:`waffles.clients.notifications` sends its own, as
``waffles`` with priority WARN.  oslo.messaging's Notifier only logs what it
could not send, so this uses the transport below it, which raises.  RabbitMQ
confirms what it has taken, even where nobody listens yet.  The drivers
``log``, ``routing`` and ``noop`` cannot say so, nor can Kafka's: they are left
out.
"""

import datetime
import importlib
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any

from oslo_config import cfg

from waffles import config, exceptions
from waffles.clients import notifications

LOG = logging.getLogger(__name__)

#: Drivers that bring a message to a broker, and the format of the message.
FORMATS = {"messaging": 1.0, "messagingv2": 2.0}

#: How often oslo.messaging tries to reach a broker, for one notification.
RETRIES = 3

Send = Callable[[Mapping[str, Any]], None]


def load(conf: cfg.ConfigOpts, timeout: float) -> "Bus":
    """The bus of a configuration.

    :param timeout: seconds for one notification
    :raises ConfigError: there is none that confirms
    """
    if not FORMATS.keys() & notifications.drivers(conf):
        why = f"must be one of these, which confirm: {', '.join(FORMATS)}"
        raise _error(conf, "driver", why)
    if _url(conf).startswith("kafka"):
        raise _error(conf, "transport_url", "Kafka does not confirm")
    try:
        # Only now, as it brings oslo.service and, by default, eventlet.
        messaging = importlib.import_module("oslo_messaging")
    except ImportError:
        why = "needs oslo.messaging, which is not installed (pip install)"
        raise _error(conf, "driver", why) from None
    try:
        transport = messaging.get_notification_transport(conf)
        send = _sender(messaging, transport, conf)
    except Exception as error:
        # What it says may hold the password of the URL.
        why = f"cannot be used: {type(error).__name__}"
        raise _error(conf, "transport_url", why) from None
    return Bus(send, timeout)


def _error(
    conf: cfg.ConfigOpts, option: str, why: str
) -> exceptions.ConfigError:
    files = ", ".join(config.files_of(conf))
    group = notifications.GROUP
    return exceptions.ConfigError(why, files, group, option)


def _url(conf: cfg.ConfigOpts) -> str:
    """Where notifications go; empty where only oslo.messaging knows."""
    found: dict[str, str] = {}
    for file in config.files_of(conf):
        for group, options in config.sections(file).items():
            if urls := options.get("transport_url"):
                found[group.lower()] = urls[-1]
    return found.get(notifications.GROUP) or found.get("default", "")


def _sender(messaging: Any, transport: Any, conf: cfg.ConfigOpts) -> Send:
    named = notifications.drivers(conf)
    places = [
        (messaging.Target(topic=f"{topic}.warn"), version)
        for topic in conf[notifications.GROUP].topics
        for driver, version in FORMATS.items()
        if driver in named
    ]

    def send(message: Mapping[str, Any]) -> None:
        for target, version in places:
            # It writes into the message.
            transport._send_notification(
                target, {}, dict(message), version, retry=RETRIES
            )

    return send


class Bus:
    """Sends one notification after another, in a thread of its own.

    A broker that hangs holds that thread, and nobody else.

    :param send: gives a message to the broker, or raises
    """

    def __init__(self, send: Send, timeout: float) -> None:
        self._send, self._timeout = send, timeout
        self._lock = threading.Lock()
        self._started = False
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __call__(
        self, message_id: str, event: str, payload: Mapping[str, Any]
    ) -> None:
        """Send a notification.

        :param message_id: is the same when it is sent again
        :raises Unavailable: nobody knows whether the broker has it
        """
        message = _message(message_id, event, payload)
        answer: futures.Future[None] = futures.Future()
        self._start()
        self._queue.put((message, answer))
        try:
            answer.result(self._timeout)
        except TimeoutError:
            answer.cancel()
            raise exceptions.Unavailable(
                f"no answer from the message bus within {self._timeout:.3g} s"
            ) from None
        except Exception as error:
            LOG.warning("The message bus has not taken %s: %s", event, error)
            kind = type(error).__name__
            raise exceptions.Unavailable(
                f"the message bus has not taken it: {kind}"
            ) from error

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                threading.Thread(
                    target=self._run, name="waffles-bus", daemon=True
                ).start()
                self._started = True

    def _run(self) -> None:
        while True:
            message, answer = self._queue.get()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                self._send(message)
            except Exception as error:
                answer.set_exception(error)
            else:
                answer.set_result(None)


def _message(
    message_id: str, event: str, payload: Mapping[str, Any]
) -> dict[str, Any]:
    """A notification as oslo.messaging's Notifier makes it."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return {
        "message_id": message_id,
        "publisher_id": "waffles",
        "event_type": event,
        "priority": "WARN",
        "payload": dict(payload),
        "timestamp": str(now),
    }
