"""What there is without a database: the writes of one process.

Its threads change a flavor one after another.  Nothing is finished later.
"""

import threading

from waffles.cells.journal.entries import PATIENCE, Entry, in_hand


class Alone:
    """Keeps a flavor in one hand, and nothing else."""

    replays = False

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience, self._free = patience, threading.Condition()
        self._in_hand: set[str] = set()

    def begin(self, entry: Entry) -> Entry:
        """Have a flavor in hand.

        :raises Unavailable: another write of it is under way
        """
        mine = entry.flavor_id
        with self._free:
            if not self._free.wait_for(
                lambda: mine not in self._in_hand, self._patience
            ):
                raise in_hand(mine)
            self._in_hand.add(mine)
        return entry

    def turn(self, entry: Entry) -> bool:
        """Nothing is done later, and the flavor is in hand until its end."""
        return True

    def end(self, entry: Entry, error: str = "", wait: float = 0) -> None:
        """Let go of a flavor, be its write finished or not."""
        with self._free:
            self._in_hand.discard(entry.flavor_id)
            self._free.notify_all()

    def leave(self, entry: Entry) -> None:
        """Let go of a flavor."""
        self.end(entry)

    def claim(self) -> Entry | None:
        """Nothing is to be finished."""
        return None

    def entries(self, limit: int = 1000) -> list[Entry]:
        """None is kept."""
        return []
