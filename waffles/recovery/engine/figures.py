"""The figures of an engine: which there are, and where they come from.

Those of the store are the same from each engine and survive its restarts;
those of the process begin with it.  :mod:`waffles.recovery.engine.metrics`
shows them.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from waffles.recovery.engine import counters
from waffles.recovery.model import Decision, Phase, Recovery, State
from waffles.recovery.store.reads import Totals

#: How many recoveries the last that went well is looked for in.
LATELY = 100

#: More than there are hosts that fail at once.
MOST = 1000

Calls = Mapping[str, int]


class Store(Protocol):
    """What is used of the store."""

    takeovers: int

    def now(self) -> float: ...

    def totals(self) -> Totals: ...

    def recoveries(
        self, *, limit: int, open: bool | None = None
    ) -> list[Recovery]: ...


class Sample(NamedTuple):
    """One figure of a family.

    :param suffix: what the name of the family is followed by
    """

    value: float
    labels: Mapping[str, str] = {}
    suffix: str = ""


class Family(NamedTuple):
    """Figures of one name.

    :param name: without ``waffles_recovery_``; a counter's without ``_total``
    :param kind: gauge, counter or histogram
    """

    name: str
    kind: str
    text: str
    samples: list[Sample]


def families(
    held: list[Family] | None,
    takeovers: int,
    counted: counters.Counters,
    calls: Calls,
) -> list[Family]:
    """All figures.

    :param held: those of the store; None while it cannot be read
    """
    is_up = held is not None
    up = _gauge("store_up", "1 if the database answers, else 0.", is_up)
    return [up, *(held or ()), *of_process(takeovers, counted, calls)]


def of_store(store: Store) -> list[Family]:
    """What the store holds.

    :raises Unavailable: it cannot be read
    """
    totals, now = store.totals(), store.now()
    begun = [one.created_at for one in store.recoveries(limit=MOST, open=True)]
    well = [
        one.finished_at
        for one in store.recoveries(limit=LATELY, open=False)
        if one.phase is Phase.DONE and one.finished_at is not None
    ]
    return [
        Family(
            "recoveries_on_record",
            "gauge",
            "Recoveries by state, since the database was made.",
            [
                Sample(totals.phases.get(phase, 0), {"state": phase.value})
                for phase in Phase
            ],
        ),
        Family(
            "servers_on_record",
            "gauge",
            "Servers of recoveries by decision and state.",
            [
                Sample(
                    totals.servers.get((decision, state), 0),
                    {"decision": decision.value, "state": state.value},
                )
                for decision in Decision
                for state in State
            ],
        ),
        _gauge("held", "Recoveries that a gate holds.", totals.held),
        _gauge("stuck", "Servers that wait for a human.", totals.stuck),
        _gauge("in_flight", "Evacuations under way.", totals.in_flight),
        _gauge("outbox_pending", "Notices under way.", totals.pending),
        _gauge("outbox_given_up", "Notices given up.", totals.given_up),
        _gauge("engines", "Engines seen of late.", totals.engines),
        _gauge(
            "oldest_open_seconds",
            "How long a recovery has been open, at the most.",
            now - min(begun, default=now),
        ),
        _gauge(
            "last_success",
            "When a recovery ended well last, in seconds since 1970; or 0.",
            max(well, default=0.0),
        ),
    ]


def of_process(
    takeovers: int, counted: counters.Counters, calls: Calls
) -> list[Family]:
    """What this engine has done since it was started."""
    ends = {(phase.value,): 0 for phase in Phase if phase.final}
    servers = {
        (decision.value, state.value): 0
        for decision in Decision
        for state in State
        if state.final
    }
    return [
        _counter(
            "recoveries",
            "Recoveries that this engine has ended.",
            ("result",),
            ends | dict(counted.counts("recoveries")),
        ),
        _counter(
            "servers",
            "Servers that this engine has brought to their end.",
            ("decision", "result"),
            servers | dict(counted.counts("servers")),
        ),
        _counter(
            "gate_blocked",
            "How often a gate began to hold a recovery.",
            ("gate",),
            counted.counts("gate_blocked"),
        ),
        _counter(
            "notices",
            "Notices sent: delivered, failed (sent again) or given_up.",
            ("target", "result"),
            counted.counts("notices"),
        ),
        _counter(
            "lease_takeovers",
            "Recoveries taken over when the lease of another had run out.",
            (),
            {(): takeovers},
        ),
        _counter(
            "nova_calls",
            "Requests to Nova by method and kind.",
            ("method", "kind", "result"),
            {tuple(call.split(" ", 2)): many for call, many in calls.items()},
        ),
        _histogram(*counted.seconds()),
    ]


def _gauge(name: str, text: str, value: float) -> Family:
    return Family(name, "gauge", text, [Sample(value)])


def _counter(
    name: str,
    text: str,
    labels: Iterable[str],
    counts: Mapping[tuple[str, ...], int],
) -> Family:
    samples = [
        Sample(many, dict(zip(labels, values, strict=False)), "_total")
        for values, many in sorted(counts.items())
    ]
    return Family(name, "counter", text, samples)


def _histogram(within: Mapping[float, int], total: float) -> Family:
    text = "Seconds from the request for an evacuation to its end."
    bounds = (*counters.BOUNDS, float("inf"))
    samples = [
        Sample(within.get(bound, 0), {"le": _bound(bound)}, "_bucket")
        for bound in bounds
    ]
    samples.append(Sample(within.get(bounds[-1], 0), suffix="_count"))
    samples.append(Sample(total, suffix="_sum"))
    return Family("evacuation_seconds", "histogram", text, samples)


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(float(bound))
