"""Writes of flavors that are under way or not finished, and who keeps them.

:class:`waffles.cells.journal.journal.Journal` keeps them in the shared
database, as rows of the table here; :class:`waffles.cells.journal.alone.Alone`
keeps none.
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import Column

from waffles import exceptions
from waffles.database.columns import KEY, TIME, Json, Name, Named, Prose
from waffles.database.metadata import table

#: Seconds that a request waits for a flavor that is in hand.
PATIENCE = 5.0


class Kind(enum.StrEnum):
    """What a write does to a flavor; ``undo`` takes a create back."""

    CREATE = "create"
    UNDO = "undo"
    UPDATE = "update"
    DELETE = "delete"
    SPECS = "set-specs"
    UNSPEC = "delete-spec"
    ADMIT = "add-access"
    EXCLUDE = "remove-access"


#: What must have ended everywhere before a write of the flavor begins.
BEFORE: Mapping[Kind, frozenset[Kind]] = {
    Kind.CREATE: frozenset({Kind.UNDO, Kind.DELETE}),
}
ALWAYS = frozenset({Kind.UNDO})

WRITE = table(
    "cell_write",
    Column("row_id", KEY, primary_key=True, key="key"),
    Column("flavor_id", Name(255), nullable=False, index=True),
    Column("open_key", Name(255), unique=True),
    Column("kind", Named(Kind), nullable=False),
    Column("cells", Json(dict), nullable=False),
    Column("made", Json(dict), nullable=False),
    Column("request_id", Name(255), nullable=False),
    Column("owner", Name(64), nullable=False),
    Column("lease_until", TIME, nullable=False),
    Column("attempts", sa.Integer(), nullable=False),
    Column("next_at", TIME, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("error", Prose(), nullable=False),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A write.

    :param cells: where it is not finished, and how it stands there: words of
        :class:`waffles.cells.flavors.writing.State`
    :param made: the canonical form of what a create makes
    :param owner: who has it in hand
    :param next_at: when it is tried again, in seconds since 1970
    :param error: why it is not finished
    """

    flavor_id: str
    kind: Kind
    cells: Mapping[str, str]
    made: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    request_id: str = ""
    owner: str = ""
    attempts: int = 0
    next_at: float = 0.0
    created_at: float = 0.0
    error: str = ""
    key: int = 0


class Writes(Protocol):
    """What keeps writes.

    :ivar replays: whether what is left is finished later
    """

    replays: bool

    def begin(self, entry: Entry) -> Entry: ...

    def turn(self, entry: Entry) -> bool: ...

    def end(self, entry: Entry, error: str = "", wait: float = 0) -> None: ...

    def leave(self, entry: Entry) -> None: ...

    def claim(self) -> Entry | None: ...

    def entries(self, limit: int = 1000) -> list[Entry]: ...


def busy(writes: Writes) -> frozenset[str]:
    """The flavors that have writes which are not finished.

    :raises Unavailable: the database gives no answer
    """
    return frozenset(entry.flavor_id for entry in writes.entries())


def in_hand(flavor_id: str) -> exceptions.Unavailable:
    """The error for a flavor that somebody else has; to be raised."""
    return exceptions.Unavailable(
        f"Another change of flavor {flavor_id} is under way."
    )


def unfinished(entry: Entry) -> exceptions.Unavailable:
    """The error for a write that must have ended before; to be raised."""
    what = "delete" if entry.kind is Kind.DELETE else "failed create"
    return exceptions.Unavailable(
        f"An earlier {what} of flavor {entry.flavor_id} is not finished yet:"
        f" {', '.join(entry.cells)}."
    )
