"""Retrying: servers that failed or are stuck, in a state to begin from.

A failed one is queued as if it were new, unless it may be on another host: it
is looked at first, as after an evacuation.  A stuck one may be under way: it
is watched where its migration is known, and looked for where it may have been
issued.  A notice that could not be delivered is made anew by the engine, so
the old one goes.

One that was never begun, because of what it is or of what it has, loses its
row: the next plan judges it as it is by then.  To queue it would do what the
rules forbid.

Nothing is retried while the host is on its way back: its nova-compute may run,
and what was heard of it last is no longer what it was forced down with.  Who
declares it dead anew opens a recovery that begins from there.
"""

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from waffles.database.access import Database
from waffles.recovery.model import (
    Decision,
    Line,
    Phase,
    Recovery,
    Return,
    Server,
    State,
)
from waffles.recovery.store import outbox, reads, rows, tables
from waffles.recovery.store.errors import AlreadyOpen, NotNow

RETRIED = (State.FAILED, State.STUCK)


def retry(
    connection: sa.Connection,
    recovery: Recovery,
    by: str,
    server_ids: Collection[str] | None,
    now: float,
) -> tuple[dict[str, Any], Line]:
    """Begin servers anew; what changes of the recovery, and the line."""
    if recovery.returning is Return.RETURNED:
        raise NotNow(f"Host {recovery.host} has returned.")
    if recovery.returning is Return.WAITING:
        raise NotNow(
            f"Host {recovery.host} is on its way back. If it is off, declare"
            f" it dead again: that opens another recovery."
        )
    servers = _chosen(connection, recovery.id, server_ids)
    for server in servers:
        _begin(connection, server, now)
    names = ", ".join(server.server_id for server in servers)
    line = Line("retried", f"Retried by {by}: {names}")
    return _reopened(recovery), line


@contextlib.contextmanager
def conflicts(database: Database, recovery_id: str) -> Iterator[None]:
    """Say what stood in the way where a constraint has decided.

    :raises AlreadyOpen: the host has another recovery that is open
    :raises NotNow: a server is open in another recovery
    """
    try:
        yield
    except exc.IntegrityError:
        table = tables.recovery

        def other(connection: sa.Connection) -> Recovery | None:
            host = reads.known(connection, recovery_id).host
            return reads.newest(
                connection, table.c.open_key == host, table.c.id != recovery_id
            )

        if found := database.read(other):
            raise AlreadyOpen(found) from None
        raise NotNow(
            "Another recovery is about to evacuate one of the servers."
        ) from None


def target(server: Server) -> State | None:
    """The state that a server begins anew in; None: it is judged anew."""
    if server.decision is Decision.CUSTOM and server.state is State.FAILED:
        return State.NOTIFYING
    if server.issued_at is None:
        return None
    if server.state is State.FAILED:
        is_here = server.destination in ("", server.source)
        return State.QUEUED if is_here else State.RESTORING
    return State.WATCHING if server.migration else State.ISSUING


def _chosen(
    connection: sa.Connection,
    recovery_id: str,
    server_ids: Collection[str] | None,
) -> list[Server]:
    table = tables.server
    here, can = table.c.recovery_id == recovery_id, table.c.state.in_(RETRIED)
    found = reads.servers(connection, here, can)
    if server_ids is not None:
        known = {server.server_id for server in found}
        for server_id in server_ids:
            if server_id not in known:
                raise NotNow(f"Server {server_id} is not failed or stuck.")
        found = [one for one in found if one.server_id in server_ids]
    if not found:
        raise NotNow("No server has failed or is stuck.")
    return found


def _begin(connection: sa.Connection, server: Server, now: float) -> None:
    table, state = tables.server, target(server)
    mine = table.c.key == server.key
    if state is None:
        connection.execute(table.delete().where(mine))
        return
    is_open = state in rows.OPEN
    values: dict[str, Any] = {
        "state": state,
        "open_key": server.server_id if is_open else None,
        "wake_at": 0.0,
        "finished_at": None,
        "updated_at": now,
    }
    if server.state is State.FAILED:
        values["attempt"] = 0
    if state in (State.WATCHING, State.RESTORING):
        values["issued_at"] = now  # it has its whole time once more
    connection.execute(table.update().where(mine).values(values))
    if state is State.NOTIFYING:
        _forget_notices(connection, server.key)


def _forget_notices(connection: sa.Connection, key: int) -> None:
    table = tables.outbox
    connection.execute(
        table.delete().where(
            table.c.server_key == key,
            table.c.event == outbox.CUSTOM,
            table.c.delivered_at.is_(None),
        )
    )


def _reopened(recovery: Recovery) -> dict[str, Any]:
    """What leads a recovery back to its plan, be it over or not."""
    if recovery.phase is Phase.HELD:
        return {}  # it is planned anew when it is let go
    back: dict[str, Any] = {"phase": Phase.PLANNING}
    if not recovery.phase.final:
        return back
    return back | {
        "open_key": recovery.host,
        "finished_at": None,
        "return_at": None,
        "note": "",
        "released": frozenset(),
        "released_by": "",
    }
