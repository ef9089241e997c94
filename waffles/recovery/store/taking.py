"""Taking servers to evacuate: who may, how many, and which."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from waffles.recovery.model import IN_FLIGHT, Server, State
from waffles.recovery.store import reads, rows, tables

#: Rows that are looked at with one statement.
SOME = 200


def turn(connection: sa.Connection) -> None:
    """Have the turn until the transaction ends.

    One row is changed: databases with locks make others wait for it, and
    Galera lets only one of those commit that have changed it.
    """
    table = tables.turn
    connection.execute(table.update().values(number=table.c.number + 1))


def room(
    connection: sa.Connection,
    recovery_id: str,
    per_recovery: int,
    in_all: int,
) -> int:
    """How many more evacuations the limits leave."""
    table = tables.server
    found = (
        sa.select(table.c.recovery_id, sa.func.count())
        .where(table.c.state.in_(list(IN_FLIGHT)))
        .group_by(table.c.recovery_id)
    )
    flying: dict[str, int] = {
        row[0]: row[1] for row in connection.execute(found)
    }
    here = flying.get(recovery_id, 0)
    return min(per_recovery - here, in_all - sum(flying.values()))


def paused(connection: sa.Connection, recovery_id: str, now: float) -> bool:
    """Whether nothing new is to be begun, here or anywhere."""
    table, pause = tables.recovery, tables.pause
    found = sa.select(table.c.paused).where(table.c.id == recovery_id)
    lasts = pause.c.until.is_(None) | (pause.c.until > now)
    everywhere = sa.select(pause.c.id).where(lasts)
    return bool(connection.scalar(found) or connection.scalar(everywhere))


def take(
    connection: sa.Connection,
    recovery_id: str,
    keys: Sequence[int],
    room: int,
    floor: int,
    now: float,
) -> list[Server]:
    """Take up to ``room`` servers, in the order of the keys."""
    groups, taken = _groups_under_way(connection), list[int]()
    for some in _slices(list(dict.fromkeys(keys))):
        if len(taken) >= room:
            break
        for key, group in _free(connection, recovery_id, some):
            if len(taken) < room and group not in groups:
                groups |= {group} - {""}
                taken.append(key)
    _issue(connection, taken, floor, now)
    table = tables.server
    found = {
        server.key: server
        for some in _slices(taken)
        for server in reads.servers(connection, table.c.key.in_(some))
    }
    return [found[key] for key in taken]


def _free(
    connection: sa.Connection, recovery_id: str, keys: Collection[int]
) -> list[tuple[int, str]]:
    """Keys and groups of those that are queued, and open in no recovery."""
    table = tables.server.c
    queued = sa.select(table.key, table.server_id, table.server_group).where(
        table.recovery_id == recovery_id,
        table.key.in_(keys),
        table.state == State.QUEUED,
    )
    found = {row.key: row for row in connection.execute(queued)}
    ids = [row.server_id for row in found.values()]
    elsewhere = sa.select(table.open_key).where(table.open_key.in_(ids))
    taken = set(connection.scalars(elsewhere))
    return [
        (key, found[key].server_group)
        for key in keys
        if key in found and found[key].server_id not in taken
    ]


def _groups_under_way(connection: sa.Connection) -> set[str]:
    table = tables.server
    found = sa.select(table.c.server_group).where(
        table.c.state.in_(list(rows.OPEN)), table.c.server_group != ""
    )
    return set(connection.scalars(found.distinct()))


def _issue(
    connection: sa.Connection, keys: Sequence[int], floor: int, now: float
) -> None:
    table = tables.server
    values: dict[str, Any] = {
        "state": State.ISSUING,
        "attempt": table.c.attempt + 1,
        "floor": floor,
        "migration": 0,
        "migration_status": "",
        "request_id": "",
        "open_key": table.c.server_id,
        "issued_at": now,
        "finished_at": None,
        "updated_at": now,
    }
    for some in _slices(keys):
        connection.execute(
            table.update().where(table.c.key.in_(some)).values(values)
        )


def _slices(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(keys), SOME):
        yield keys[begin : begin + SOME]
