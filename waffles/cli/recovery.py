"""What the subcommands of ``waffles recovery`` have in common.

They work on the store itself, ``[waffles_recovery] connection``: who may read
the configuration may do all this.  A recovery is named by its id, by as much
of its beginning as only one has, or by its host, whose newest it is then.
"""

import argparse
import getpass
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cliff import columns
from oslo_config import cfg

from waffles import config, exceptions, texts
from waffles.cli import listing
from waffles.recovery import options
from waffles.recovery.model import Recovery
from waffles.recovery.options import Settings
from waffles.recovery.store import store
from waffles.recovery.store.store import Store

#: Recoveries that are read at once.
PAGE = 500

#: How many of several are named.
FEW = 5

#: The least that is taken for the beginning of an id.
_BEGINNING = re.compile("[0-9a-f-]{2,36}")


class Setup(NamedTuple):
    """What the configuration says."""

    conf: cfg.ConfigOpts
    settings: Settings


class Command(listing.Subcommand):
    """One subcommand."""

    def setup(self, parsed_args: argparse.Namespace) -> Setup:
        """Read the configuration.

        :raises ConfigError: an option is wrong
        """
        files = listing.readable(listing.files(self.named(parsed_args)))
        conf = config.read(files)
        section = config.section(conf, options.GROUP, options.OPTS)
        return Setup(conf, Settings.of(section))

    def store(self, parsed_args: argparse.Namespace) -> Store:
        """Open the store.

        :raises ConfigError: an option is wrong
        :raises Unavailable: the database gives no answer
        """
        return store.open(self.setup(parsed_args).settings.connection)

    def refused(self, error: exceptions.WafflesError) -> int:
        """What a recovery's state does not allow is no failure to look."""
        is_state = isinstance(error, exceptions.Conflict)
        return listing.FOUND if is_state else listing.COULD_NOT_LOOK


class Text(columns.FormattableColumn[str]):
    """A text of a stranger: a terminal is not to obey it."""

    def human_readable(self) -> str:
        return texts.one_line(self._value)


class Counts(columns.FormattableColumn[Mapping[str, int]]):
    """How many servers are in which state."""

    def human_readable(self) -> str:
        return ", ".join(
            f"{many} {name}" for name, many in self._value.items()
        )


class Gates(columns.FormattableColumn[list[dict[str, Any]]]):
    """The gates of a recovery, one a line."""

    def human_readable(self) -> str:
        return "\n".join(map(gate_line, self._value))


def gate_line(gate: Mapping[str, Any]) -> str:
    """A gate, for people.

    :param gate: as of :func:`waffles.recovery.views.gate`
    """
    let_go = "let go" if gate["released"] else "HOLDS"
    word = "passed" if gate["passed"] else let_go
    return texts.one_line(f"{gate['name']} {word}: {gate['reason']}")


def takes_recovery(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a recovery."""
    parser.add_argument(
        "recovery",
        metavar="ID|HOST",
        help="The recovery's id, the beginning of it, or its host.",
    )


def found(store: Store, name: str) -> Recovery:
    """The recovery that somebody names.

    :raises WafflesError: there is none, or more than one
    """
    one = store.latest(name) or store.recovery(name)
    if one is not None:
        return one
    begins = [
        one for one in everything(store) if _BEGINNING.fullmatch(name.lower())
        and one.id.startswith(name.lower())
    ]  # fmt: skip
    if len(begins) == 1:
        return begins[0]
    if not begins:
        raise exceptions.WafflesError(
            f"There is no recovery of a host {name}, and none whose id"
            f" begins like that."
        )
    ids = ", ".join(one.id for one in begins[:FEW])
    raise exceptions.WafflesError(
        f"{len(begins)} recoveries have an id that begins with {name}: {ids}"
        f"{', …' if len(begins) > FEW else ''}"
    )


def everything(
    store: Store, most: int | None = None, **which: Any
) -> Iterator[Recovery]:
    """Recoveries, the newest first, by pages.

    :param which: as of ``Store.recoveries``
    """
    marker, left = "", most
    while left is None or left > 0:
        limit = PAGE if left is None else min(PAGE, left)
        page = store.recoveries(limit=limit, marker=marker, **which)
        yield from page
        if len(page) < limit:
            return
        marker = page[-1].id
        left = None if left is None else left - limit


def operator() -> str:
    """Who types, for people to read: somebody on some machine."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def cells(values: Iterable[Any]) -> tuple[Any, ...]:
    """A row, with what a terminal would obey made harmless."""
    return tuple(
        Text(value) if isinstance(value, str) and not value.isprintable()
        else value
        for value in values
    )  # fmt: skip
