"""Facts that all workers of all API nodes share, through oslo.cache.

Where they are kept says Nova's own group, in the same configuration::

    [cache]
    enabled = true
    backend = dogpile.cache.pymemcache
    memcache_servers = 192.0.2.11:11211,192.0.2.12:11211

Facts are compressed JSON, in parts that a memcached takes.  What cannot be
read, is not whole, or was written by another version, is not there.  When the
cache cannot be asked, nothing is there either, and each worker is to refresh
for itself; the log says so once.
"""

import hashlib
import importlib
import json
import logging
import os
import time
import uuid
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from oslo_config import cfg, types

from waffles import config, exceptions

LOG = logging.getLogger(__name__)

GROUP = "cache"

#: Changes with what is written: versions do not see each other's facts.
SCHEMA = 1

#: Bytes of one item; memcached takes 1 MiB unless it is told otherwise.
PART = 900_000

#: Seconds in which several workers that claim at once have written.
PAUSE = 0.2


class Region(Protocol):
    """What is used of a region of dogpile.cache."""

    def get(self, key: str, *, ignore_expiration: bool) -> Any: ...

    def set(self, key: str, value: bytes) -> None: ...


def shared(conf: cfg.ConfigOpts, name: str) -> "Shared | None":
    """What the workers share under a name; None if caching is not enabled.

    :param name: what the facts are, and of which cloud
    :raises ConfigError: it is enabled, and cannot be had
    """
    if not _enabled(conf):
        return None
    try:
        # Only now, as not all have it.
        core: Any = importlib.import_module("oslo_cache.core")
    except ImportError:
        why = "needs oslo.cache, which is not installed (pip install)"
        raise _error(conf, "enabled", why) from None
    core.configure(conf)

    def region() -> Region:
        made: Region = core.configure_cache_region(conf, core.create_region())
        return made

    try:
        backend = conf[GROUP].backend
        region()
    except Exception as error:
        # oslo.config says where first, in its own way.
        why = str(error).rpartition(" is not valid: ")[2]
        why = f"cannot be used: {type(error).__name__}: {why}"
        raise _error(conf, "backend", why) from None
    if backend == "dogpile.cache.null":
        why = f"{backend} keeps nothing: name another, or do not enable"
        raise _error(conf, "backend", why)
    return Shared(region, name)


def _enabled(conf: cfg.ConfigOpts) -> bool:
    found = [
        value
        for file in config.files_of(conf)
        for group, options in config.sections(file).items()
        if group.lower() == GROUP
        for value in options.get("enabled", ())
    ]
    try:
        return bool(found and types.Boolean()(found[-1]))
    except ValueError as error:
        raise _error(conf, "enabled", error) from None


def _error(
    conf: cfg.ConfigOpts, option: str, why: object
) -> exceptions.ConfigError:
    files = ", ".join(config.files_of(conf))
    return exceptions.ConfigError(str(why), files, GROUP, option)


class Shared:
    """Facts of one name.  Nothing here raises.

    :param region: makes a connection to the cache; each process has its own,
        as two on one socket would get each other's answers
    """

    def __init__(
        self,
        region: Callable[[], Region],
        name: str,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._make, self._name = region, name
        self._wall, self._sleep = wall, sleep
        self._regions: dict[int, Region] = {}
        self._tokens: dict[int, str] = {}
        self._away = False

    def read(self) -> tuple[float, Any] | None:
        """When the facts were taken, and the facts; None if none are there."""
        try:
            head = json.loads(self._get("head"))
            parts = [self._get(str(one)) for one in range(head["parts"])]
            return float(head["taken"]), _unpacked(parts, head["sha256"])
        except Exception:  # of whatever somebody has put there
            return None

    def write(self, taken: float, facts: Any) -> None:
        """Leave facts for the others.

        :param taken: wall time at which they were taken
        :param facts: what JSON can hold
        """
        packed = zlib.compress(json.dumps(facts).encode())
        parts = [
            packed[start : start + PART]
            for start in range(0, len(packed), PART)
        ]
        head = {"taken": taken, "parts": len(parts), "sha256": _sum(parts)}
        try:
            for number, part in enumerate(parts):
                self._set(str(number), part)
            self._set("head", json.dumps(head).encode())
        except _Away:
            return

    def claim(self, seconds: float) -> bool:
        """Whether this process is to refresh now, and no other is.

        Caches have no common way to lock.  So who finds no claim writes its
        own, waits, and looks whose is there.  Two may still refresh at once
        when one of them stands still for longer than that between looking and
        writing, or when the cache is cut in two; then the later facts count.

        :param seconds: how long a claim holds, if its owner says nothing
        """
        mine = self._tokens.setdefault(os.getpid(), uuid.uuid4().hex)
        try:
            now = self._wall()
            owner, until = self._claimed()
            # A claim that holds for longer is of a node whose clock is wrong.
            if owner not in (None, mine) and 0 < until - now < 2 * seconds:
                return False
            claim = {"owner": mine, "until": now + seconds}
            self._set("claim", json.dumps(claim).encode())
            self._sleep(PAUSE)
            owner, _ = self._claimed()
        except _Away:
            return True
        if owner is None:
            # Some clients say nothing about a server that is away.
            self._lost("what is written is not there")
        return owner in (None, mine)

    def _claimed(self) -> tuple[str | None, float]:
        try:
            found = json.loads(self._get("claim"))
            return str(found["owner"]), float(found["until"])
        except _Away:
            raise
        except Exception:
            return None, 0.0

    def _get(self, key: str) -> bytes:
        found = self._asked(
            lambda region: region.get(self._key(key), ignore_expiration=True)
        )
        if not isinstance(found, bytes):
            raise KeyError(key)
        if self._away:
            LOG.info("[cache] works again for %s", self._name)
            self._away = False
        return found

    def _set(self, key: str, value: bytes) -> None:
        self._asked(lambda region: region.set(self._key(key), value))

    def _key(self, key: str) -> str:
        return f"waffles:{self._name}:{SCHEMA}:{key}"

    def _asked(self, call: Callable[[Region], Any]) -> Any:
        """What the cache answers.

        :raises _Away: nothing
        """
        try:
            here = os.getpid()
            if here not in self._regions:
                self._regions[here] = self._make()
            return call(self._regions[here])
        except Exception as error:
            self._lost(repr(error))
            raise _Away from error

    def _lost(self, why: str) -> None:
        if not self._away:
            LOG.warning(
                "[cache] cannot be used, so each worker looks up %s for"
                " itself: %s",
                self._name,
                why,
            )
        self._away = True


class _Away(Exception):
    """The cache cannot be asked."""


def _unpacked(parts: list[bytes], expected: str) -> Any:
    """The facts in some parts.

    :raises ValueError: a part is of another write
    """
    if _sum(parts) != expected:
        raise ValueError(expected)
    return json.loads(zlib.decompress(b"".join(parts)))


def _sum(parts: list[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()
