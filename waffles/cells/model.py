"""What the parts of the cells proxy tell each other."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

#: What makes an aggregate's id one of a cell: ``number * SPAN + id``.  Such
#: ids fit into what clients decode (2**53), and Nova answers 404 to them.
SPAN = 10**10


class Version(NamedTuple):
    """A microversion of the compute API."""

    major: int
    minor: int

    def at_least(self, major: int, minor: int) -> bool:
        """Whether it is this one or a newer.

        >>> Version(2, 100).at_least(2, 55)
        True
        """
        return self >= (major, minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One Nova.

    :param number: 1 or more; never that of another, also in years
    :param endpoint: its compute API, as ``http://host:8774/v2.1``; empty for
        the Nova below the proxy, in the same process
    :param home: writes of what is in all cells begin here
    :param connect_timeout: seconds
    :param timeout: seconds for a whole answer
    :param connections: at the same time
    :param cafile: certificates that are trusted; None for the system's
    """

    name: str
    number: int
    endpoint: str = ""
    home: bool = False
    connect_timeout: float = 1.0
    timeout: float = 5.0
    connections: int = 32
    cafile: str | None = None

    @property
    def local(self) -> bool:
        """Whether it is the Nova below the proxy."""
        return not self.endpoint


@dataclasses.dataclass(frozen=True, slots=True)
class Registry:
    """All cells: home first, then by number.

    :param prefixed: whether names of aggregates show their cell; never with
        one cell only
    """

    cells: tuple[Cell, ...]
    prefixed: bool = True

    def __iter__(self) -> Iterator[Cell]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def home(self) -> Cell:
        """Where writes of what is in all cells begin."""
        return self.cells[0]

    @property
    def single(self) -> bool:
        """Whether there is one cell: ids and names are as they are there."""
        return len(self.cells) == 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all."""
        return tuple(cell.name for cell in self.cells)

    def named(self, name: str) -> Cell | None:
        """A cell by its name."""
        return next((one for one in self.cells if one.name == name), None)

    def numbered(self, number: int) -> Cell | None:
        """A cell by its number."""
        return next((one for one in self.cells if one.number == number), None)


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """What a client is answered.

    :param data: of the JSON body; None for an empty one
    :param headers: beside those that each answer has
    """

    status: int
    data: Any = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
