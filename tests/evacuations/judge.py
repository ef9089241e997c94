"""What must not have become of the servers of a fake Nova."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from waffles.recovery.model import Decision, Server, State


def problems(
    counts: Mapping[str, Any], rows: Iterable[Server] | None, limit: int
) -> list[str]:
    """What must not be of the servers, a sentence each.

    :param counts: of the fake Nova
    :param rows: of the store; None where there is none
    :param limit: of evacuations in flight
    """
    wrong = []
    if counts["peak"] > limit:
        wrong.append(f"{counts['peak']} were in flight, at most {limit}")
    if counts["in_flight"]:
        wrong.append(f"{counts['in_flight']} are still in flight")
    for server in counts["servers"].values():
        wrong += [f"{server['name']} {why}" for why in _wrong(server)]
    if rows is not None:
        wrong += _unlike(counts["servers"], list(rows))
    return wrong


def _wrong(server: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one, as Nova has it."""
    if server["overlaps"]:
        yield "was evacuated while it was being evacuated"
    if server["accepted"] > server["ended_badly"] + 1:
        yield f"was evacuated {server['accepted']} times"
    if server["refused"]:
        yield "was asked for again when it was on another host"
    if len(server["guests"]) > 1:
        yield f"runs on {', '.join(server['guests'])}"
    if server["tags"] and not server["guests"]:
        yield f"is lost: it is still on {server['host']}"
    if not server["tags"] and server["accepted"]:
        yield "was evacuated, and nobody asked for it"
    if server["vm_state"] != server["was"] or server["task_state"]:
        now = filter(None, (server["vm_state"], server["task_state"]))
        yield f"is {', '.join(now)}, and was {server['was']}"


def _unlike(servers: Mapping[str, Any], rows: list[Server]) -> Iterator[str]:
    """Where the rows are not what Nova has."""
    ids = [row.server_id for row in rows]
    for server_id, server in servers.items():
        if ids.count(server_id) != 1:
            yield f"{server['name']} has {ids.count(server_id)} rows"
    for row in rows:
        server = servers[row.server_id]
        expected = State.RECOVERED if server["tags"] else State.SKIPPED
        if row.state is not expected:
            yield f"{row.name} is {row.state}: {row.reason}"
        if expected is State.RECOVERED and row.destination != server["host"]:
            yield f"{row.name} is on {server['host']}, not {row.destination}"
        if (row.decision is Decision.AUTOMATIC) != bool(server["tags"]):
            yield f"{row.name} was decided to be {row.decision}"
