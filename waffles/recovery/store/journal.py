"""What stands beside every change, in its transaction: lines and notices."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from waffles.recovery.model import Line, Notice
from waffles.recovery.store import rows, tables


def write(
    connection: sa.Connection,
    recovery_id: str | None,
    now: float,
    lines: Iterable[Line],
    engine: str = "",
) -> None:
    """Write lines of the log; None is the log of the whole cloud."""
    found = [
        rows.of_value(line)
        | {
            "recovery_id": recovery_id,
            "at": line.at or now,
            "engine": line.engine or engine,
        }
        for line in lines
    ]
    if found:
        connection.execute(tables.log.insert(), found)


def post(
    connection: sa.Connection,
    recovery_id: str,
    now: float,
    notices: Iterable[Notice],
) -> None:
    """Put notices into the outbox."""
    found = [
        rows.of_value(notice)
        | {
            "recovery_id": recovery_id,
            "created_at": notice.created_at or now,
            "next_at": notice.next_at or now,
        }
        for notice in notices
    ]
    if found:
        connection.execute(tables.outbox.insert(), found)


def addressed(
    notices: Iterable[Notice], keys: Mapping[str, int], new: Collection[str]
) -> list[Notice]:
    """Notices with the keys of the servers that they are about.

    Left out are those about servers that had their row, and so their notice,
    before.

    :param keys: by server_id
    :param new: those that have got their row just now
    """
    found = []
    for notice in notices:
        server_id = str(notice.payload.get("server_id", ""))
        if notice.server_key or server_id not in keys:
            found.append(notice)
        elif server_id in new:
            key = keys[server_id]
            found.append(dataclasses.replace(notice, server_key=key))
    return found
