"""The dashboard, as a browser on this machine finds it."""

import functools
import time

import webtest

from waffles import config
from waffles.recovery import rules
from waffles.recovery.dashboard import door
from waffles.recovery.dashboard.app import Dashboard
from waffles.recovery.dashboard.attempts import Attempts
from waffles.recovery.dashboard.screens import Screens
from waffles.recovery.dashboard.sessions import Sessions

SECRET = b"s" * 32
FORM = {"user": "ann", "password": "s3cret", "domain": "D", "project": "red"}
HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:8790"}


@functools.cache
def screens():
    """The templates, compiled once."""
    return Screens(30.0)


def of(give_store, keeper=None):
    """One that may have no store.

    :param give_store: gives the store, or raises something
    """
    made = Dashboard(give_store, keeper or door.Loopback(), screens(), 5)
    return webtest.TestApp(made, extra_environ=HERE)


def unlocked(store):
    """One without a log-in."""
    return of(lambda: store)


def locked(store, keystone):
    """One with a log-in, and the rules as they are by default."""
    guard = rules.guard(config.read([]))
    keeper = door.Keystone(
        keystone, Sessions(SECRET), Attempts(time.monotonic), guard
    )
    return of(lambda: store, keeper)


def log_in(app, **how):
    """Send the form; what TestApp gives."""
    return app.post("/login", FORM, **how)
