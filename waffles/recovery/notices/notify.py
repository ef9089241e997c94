"""The outbox emptied: each notice sent until it has arrived, or is too old.

An engine takes some of the notices that are due from the store, sends them at
the same time, and writes down what came of each.  One that ends in between
leaves them due again after a while, so a notice arrives at least once, with
the same id each time.

A notice that did not arrive is sent again after ``notice_retry`` seconds, then
twice as long and so on up to five minutes, a random part less.  It is given
up when the receiver says so (410), or when it was sent at least three times
and is older than ``notice_give_up`` seconds.
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any, Protocol

from oslo_config import cfg

from waffles import exceptions
from waffles.clients import bus
from waffles.recovery.model import Notice
from waffles.recovery.notices import notices, webhook, webhook_options
from waffles.recovery.options import Settings

LOG = logging.getLogger(__name__)

#: Notices that are sent at the same time.
AT_ONCE = 8

#: The most seconds before a notice is sent again.
LONGEST = 300.0

#: How often a notice is sent at least, however old it is.
TRIES = 3

#: Seconds between two looks for notices.
LOOK = 2.0

#: Seconds until the next look when the store has not answered.
AGAIN = 10.0

#: What sends a notice: called with its id, its event and what it says.
Send = Callable[[str, str, Mapping[str, Any]], None]

Told = Callable[[Notice, str], None]


class Outbox(Protocol):
    """What is used of the store."""

    def now(self) -> float: ...

    def due(self, engine: str, limit: int, lease: float) -> list[Notice]: ...

    def delivered(self, key: int) -> object: ...

    def failed(
        self, key: int, error: str, next_at: float | None
    ) -> object: ...


class Notifier:
    """Sends the notices of an outbox.

    :param hook: None where none is configured; like ``bus``
    :param engine: who asks the store
    :param told: is called with each notice that was sent, and what came of
        it: delivered, failed, given_up
    :param draw: gives a number from 0 to 1
    """

    def __init__(
        self,
        store: Outbox,
        hook: Send | None,
        bus: Send | None,
        settings: Settings,
        engine: str,
        told: Told = lambda notice, result: None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._settings, self._engine = store, settings, engine
        self._ways = {notices.WEBHOOK: hook, notices.BUS: bus}
        self._told, self._draw = told, draw
        # Longer than it takes to send one and to write that down.
        self._lease = 2 * settings.webhook_timeout + 10.0

    def run(self, stop: threading.Event) -> None:
        """Send what is due until told to end, whatever happens."""
        while not stop.is_set():
            try:
                wait = self.step()
            except exceptions.Unavailable as error:
                LOG.error("Notices wait: %s", error)
                wait = AGAIN
            except Exception:
                LOG.exception("Notices wait")
                wait = AGAIN
            stop.wait(wait)

    def step(self) -> float:
        """Send some of what is due; returns the seconds until the next.

        :raises Unavailable: the store cannot be had
        """
        due = self._store.due(self._engine, AT_ONCE, self._lease)
        if not due:
            return LOOK * (0.5 + self._draw())
        with futures.ThreadPoolExecutor(len(due), "waffles-notice") as pool:
            list(pool.map(self._settle, due))
        return 0.0

    def _settle(self, notice: Notice) -> None:
        """Send a notice, and write down what came of it."""
        error = self._sent(notice)
        try:
            result = self._written(notice, error)
        except Exception as lost:
            # It is due again when nobody has it any more.
            LOG.error("%s: could not be written down: %s", _name(notice), lost)
            return
        if error:
            LOG.warning("%s: %s: %s", _name(notice), result, error)
        self._told(notice, result)

    def _sent(self, notice: Notice) -> Exception | None:
        """Why a notice has not arrived; None if it has."""
        send = self._ways.get(notice.target)
        try:
            if send is None:
                raise exceptions.Unavailable(
                    f"no {notice.target} is configured any more"
                )
            event = notice.payload["event"]
            send(notices.delivery(notice), event, notices.message(notice))
        except exceptions.Unavailable as error:
            return error
        except Exception as error:
            LOG.exception("%s could not be sent", _name(notice))
            return exceptions.Unavailable(type(error).__name__)
        return None

    def _written(self, notice: Notice, error: Exception | None) -> str:
        """What came of a notice, once the store has it."""
        if error is None:
            self._store.delivered(notice.key)
            return "delivered"
        next_at = self._next(notice, error)
        self._store.failed(notice.key, str(error), next_at)
        return "failed" if next_at else "given_up"

    def _next(self, notice: Notice, error: Exception) -> float | None:
        """When a notice that has not arrived is due again, if ever."""
        if isinstance(error, webhook.Gone):
            return None
        now, settings = self._store.now(), self._settings
        at = now + pause(notice.attempts, settings.notice_retry, self._draw())
        end = notice.created_at + settings.notice_give_up
        return None if notice.attempts >= TRIES and at > end else at


def of_settings(
    store: Outbox,
    settings: Settings,
    conf: cfg.ConfigOpts,
    engine: str,
    told: Told = lambda notice, result: None,
) -> Notifier:
    """What empties an outbox, to where a configuration says.

    :raises ConfigError: an option is wrong
    """
    hook, there = webhook_options.load(settings), None
    if settings.bus:
        there = on_bus(bus.load(conf, settings.webhook_timeout))
    return Notifier(store, hook, there, settings, engine, told)


def on_bus(send: Send) -> Send:
    """What sends notices as notifications of ours."""

    def sent(delivery: str, event: str, message: Mapping[str, Any]) -> None:
        send(delivery, f"waffles.{event}", message)

    return sent


def pause(attempts: int, first: float, drawn: float) -> float:
    """Seconds until a notice is sent again.

    :param attempts: how often it was sent
    :param first: after the first time
    :param drawn: from 0 to 1

    >>> [pause(attempts, 10, 1.0) for attempts in (1, 2, 3, 9)]
    [10.0, 20.0, 40.0, 300.0]
    >>> pause(1, 10, 0.0)
    5.0
    """
    whole: float = min(LONGEST, first * 2.0 ** min(attempts - 1, 30))
    return whole * (1 + drawn) / 2


def _name(notice: Notice) -> str:
    return (
        f"Notice {notices.delivery(notice)} ({notice.event} to the"
        f" {notice.target}, sent {notice.attempts} times)"
    )
