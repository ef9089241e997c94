"""Pins: what ties a server to the hosts that have its network.

The waffle ``networks`` gives a server a scheduler hint when it is made, and
:mod:`waffles.scheduler` reads it whenever the server is placed::

    "os:scheduler_hints": {"waffles:network": ["networks", "<id>", "<name>"]}

The hint says all that the scheduler must know: the key of the metadata in
which host aggregates name their networks, then the texts by which they may
name this one.  So the scheduler needs no options, and servers stay where
they belong when the options of the waffle change.

In the metadata of a host aggregate networks are separated by commas or white
space.  Ids are compared as UUIDs, in any spelling; names exactly.  Some
networks can be named by their ids only: those without a name, with a comma or
white space in it, or with a UUID for a name, which would else pass for the id
of another network.
"""

import re
from typing import NamedTuple

from waffles import ids

#: The scheduler hint of a pinned server.
HINT = "waffles:network"

_SEPARATORS = re.compile(r"[,\s]+")


class Pin(NamedTuple):
    """What a hint says.

    :param key: of the metadata of host aggregates
    :param texts: any of which names the network, as :func:`named` gives them
    """

    key: str
    texts: frozenset[str]

    def holds(self, value: str) -> bool:
        """Whether the metadata of a host aggregate names the network.

        :param value: what it has under the key
        """
        return not self.texts.isdisjoint(named(value))


def hint(key: str, network_id: str, name: str) -> list[str]:
    """The hint that pins a server to a network; :func:`pin` reads it.

    :param key: of the metadata of host aggregates
    """
    return [
        key,
        network_id,
        *([name] if name and not ids.canonical(name) else []),
    ]


def pin(given: object) -> Pin:
    """What a hint says.

    :raises ValueError: it is not as :func:`hint` makes it
    """
    texts = given if isinstance(given, list) else []
    if len(texts) < 2 or not all(
        isinstance(one, str) and one for one in texts
    ):
        raise ValueError(f"{given!r} is not a key and the names of a network")
    key, *names = texts
    return Pin(key, frozenset(ids.canonical(name) or name for name in names))


def named(value: str) -> list[str]:
    """The networks that the metadata of a host aggregate names.

    :returns: ids as they are usually spelled, and names
    """
    words = filter(None, _SEPARATORS.split(value))
    return [ids.canonical(word) or word for word in words]
