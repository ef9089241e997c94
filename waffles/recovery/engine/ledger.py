"""The servers of a recovery, as its engine knows them and writes them down."""

import dataclasses
from collections.abc import Collection, Iterable

from waffles.recovery.engine.work import Work
from waffles.recovery.model import Line, Recovery, Server, State
from waffles.recovery.notices import notices

#: Of these the migration is told, not the reason of the decision.
MOVING = frozenset({State.WATCHING, State.RESTORING})


class Ledger:
    """The rows, by their keys, in the order of the plan.

    What other threads and processes write is seen by :meth:`read` only.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self.read()

    def __getitem__(self, key: int) -> Server:
        return self._rows[key]

    def read(self) -> None:
        """Have all rows as they are in the store."""
        self._rows = {row.key: row for row in self._work.lease.servers()}

    def of(self, states: Collection[State]) -> list[Server]:
        """Those in some states."""
        return [row for row in self._rows.values() if row.state in states]

    def left(self) -> set[State]:
        """The states of those that have not ended."""
        states = {row.state for row in self._rows.values()}
        return {state for state in states if not state.final}

    def keep(self, rows: Iterable[Server]) -> None:
        """Know of rows that somebody else has written down."""
        self._rows.update((row.key, row) for row in rows)

    def update(self, recovery: Recovery, rows: Iterable[Server]) -> None:
        """Write the rows that have changed, and say what people must know."""
        work, changed = self._work, self._changed(rows)
        if not changed:
            return
        lines = [
            self._line(recovery, self[row.key], row)
            for row in changed
            if _is_news(self[row.key], row)
        ]
        told = notices.of_servers(changed, recovery, work.settings)
        work.lease.update(changed, lines=lines, notices=told)
        work.counted.settled(changed)
        self.keep(changed)

    def _changed(self, rows: Iterable[Server]) -> list[Server]:
        now = self._work.store.now()
        return [
            dataclasses.replace(
                row, finished_at=now if row.state.final else None
            )
            for row in rows
            if row != self[row.key]
        ]

    def _line(self, recovery: Recovery, old: Server, row: Server) -> Line:
        event, text = row.state.value, row.reason
        if row.request_id != old.request_id and row.request_id:
            event, text = "evacuate", "Nova has been asked"
        elif row.state in MOVING:
            text = f"migration {row.migration} is {row.migration_status}"
        text = f"attempt {row.attempt}: {text}"
        return self._work.line(recovery, event, text, row, row.request_id)


def _is_news(old: Server, row: Server) -> bool:
    return (row.state, row.request_id) != (old.state, old.request_id)
