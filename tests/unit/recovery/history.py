"""Recoveries as engines would have left them, in a real store."""

import dataclasses
import time
import zlib

from waffles.recovery.model import (
    Assertion,
    Decision,
    Gate,
    Line,
    Notice,
    Phase,
    Recovery,
    Server,
    State,
)
from waffles.recovery.store import store

#: Longer than any test.
LEASE = 3600.0

PASSED = Gate("scheduler", True, "2 of 2 nova-schedulers up")
SHUT = Gate(
    "threshold:cloud",
    False,
    "4 of 9 hosts of the cloud are down (compute-3, compute-4, compute-5,"
    " compute-6): 44.4 %, allowed are 30 %",
)

OPEN = Gate(
    "threshold:cloud",
    True,
    "2 of 9 hosts of the cloud are down (compute-1, compute-7): 22.2 %,"
    " allowed are 30 %",
)


def opened(path):
    return store.open(f"sqlite:///{path}")


def server(name, state=State.RECOVERED, **more):
    """A row; automatic unless it was left or is for others."""
    decision = {State.SKIPPED: Decision.NONE, State.NOTIFIED: Decision.CUSTOM,
                State.NOTIFYING: Decision.CUSTOM}  # fmt: skip
    reason = {
        State.SKIPPED: "nobody asks for it",
        State.STUCK: "migration 7 is accepted since 1800 s",
        State.FAILED: "No valid host was found",
    }
    found = Server(
        server_id=f"{zlib.crc32(name.encode()):08x}-0000-4000-8000-000000000000",
        name=name,
        project_id="red-id",
        decision=decision.get(state, Decision.AUTOMATIC),
        reason=reason.get(state, ""),
        state=state,
        source="compute-7",
        issued_at=time.time() - 600 if "attempt" in more else None,
    )
    return dataclasses.replace(found, **more)


def declared(rows, host, **said):
    """A recovery that is only written down."""
    made, _ = rows.create(
        Recovery(
            "",
            host,
            Phase.RECEIVED,
            Assertion(host, **{"fenced": True, "fenced_by": "ipmi"} | said),
            service_id="11111111-2222-4333-8444-555555555555",
            zone="nova",
            asserted_by="pacemaker",
            request_id="req-1",
        ),
        line=Line("received", f"pacemaker says that {host} is gone: fenced"),
    )
    return made


def worked(rows, *servers, lines=(), notices=(), **columns):
    """What an engine does with the recovery that nobody has yet.

    The engine keeps its lease, so that the next call is for the next one.
    """
    lease = rows.claim("engine-a", LEASE)
    lease.add(servers, notices=notices)
    return lease.save(lines=lines, **columns)


def recovery(rows, host, *servers, phase=Phase.RUNNING, **columns):
    """A recovery with its servers."""
    declared(rows, host)
    return worked(rows, *servers, phase=phase, **columns)


def night(rows):
    """Some of everything that an operator may find in the morning."""
    rows.beat("engine-a", "controller-1", 4711)
    recovery(
        rows,
        "compute-2",
        *(server(f"db-{n}", destination="compute-8") for n in range(6)),
        server("cache-1", State.SKIPPED),
        phase=Phase.DONE,
        gates=(PASSED,),
    )
    _partial(rows)
    recovery(
        rows,
        "compute-3",
        phase=Phase.HELD,
        gates=(PASSED, SHUT),
        note="held by threshold:cloud",
    )
    _running(rows)


def _partial(rows):
    declared(
        rows,
        "compute-1",
        evidence="IPMI: chassis power is off",
        fenced_at=rows.now() - 240,
    )
    custom = server("lb-1", State.NOTIFYING)
    worked(
        rows,
        *(server(f"shop-{n}", destination="compute-9") for n in range(7)),
        _moving("shop-7", State.STUCK, 7, "accepted"),
        _moving("batch-1", State.FAILED, 9, "error", attempt=3),
        custom,
        *(server(f"play-{n}", State.SKIPPED) for n in range(3)),
        notices=[
            Notice("server.custom", "webhook", {"server_id": custom.server_id})
        ],
        phase=Phase.PARTIAL,
        gates=(PASSED,),
        disabled=True,
    )
    (notice,) = rows.due("engine-a", 9, LEASE)
    why = "https://hooks.example.com answers 502"
    rows.failed(notice.key, why, rows.now() + LEASE)


def _running(rows):
    declared(
        rows,
        "compute-7",
        evidence="PDU outlet 12 is off",
        reason="kernel panic",
        fenced_at=rows.now() - 60,
    )
    moved = [
        server(f"web-{n}", priority=900, destination="compute-9")
        for n in range(8)
    ]
    worked(
        rows,
        *moved,
        *(
            _moving(f"app-{n}", State.WATCHING, 40 + n, "accepted")
            for n in range(4)
        ),
        *(server(f"log-{n}", State.QUEUED) for n in range(5)),
        server("amphora-1", State.NOTIFIED),
        *(server(f"lab-{n}", State.SKIPPED) for n in range(6)),
        phase=Phase.RUNNING,
        gates=(PASSED, OPEN),
        disabled=True,
        lines=[
            Line("forced-down", "Nova has forced compute-7 down", "", "req-2"),
            Line("planned", "24 servers: 17 automatic, 1 custom, 6 none"),
            Line("evacuate", "web-0 is on compute-9", moved[0].server_id),
        ],
    )


def _moving(name, state, migration, status, attempt=1):
    return server(
        name,
        state,
        attempt=attempt,
        migration=migration,
        migration_status=status,
    )
