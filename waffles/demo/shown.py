"""What of an answer is shown to the reader of a walk."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]

#: What is worth reading in an answer of one thing.
_FIELDS = {
    "server": ("addresses", "id", "metadata", "name", "status"),
    "aggregate": ("hosts", "metadata", "name"),
    "recovery": ("asserted_by", "host", "id", "return_state", "state"),
}


def worth_reading(answer: Json) -> str:
    """The message of a fault, the state of what was asked for, or all."""
    if not answer:
        return ""
    (kind, inner), *_ = answer.items()
    if kind in _LINES:
        return "\n".join(_LINES[kind](inner))
    if isinstance(inner, Mapping) and "message" in inner:
        return str(inner["message"])
    if kind in _FIELDS:
        return json.dumps({kind: _part(kind, inner)}, sort_keys=True)
    return json.dumps(answer, sort_keys=True)


def _part(kind: str, inner: Json) -> Json:
    found = {key: inner[key] for key in _FIELDS[kind] if key in inner}
    if "addresses" in found:
        found["addresses"] = _addresses(found["addresses"])
    return {key: value for key, value in found.items() if value != {}}


def _servers(found: Iterable[Json]) -> list[str]:
    """Those of a recovery in its order, others by their names."""
    rows = list(found)
    if any("decision" in row for row in rows):
        return list(map(_row, rows))
    return sorted(map(_place, rows))


def _place(server: Json) -> str:
    """Where a server is, as an administrator is told."""
    networks = " ".join(
        f"{name} {', '.join(addresses)}"
        for name, addresses in _addresses(server["addresses"]).items()
    )
    host = server["OS-EXT-SRV-ATTR:host"]
    return _spaced(server["name"], server["status"], networks, f"on {host}")


def _row(server: Json) -> str:
    """What has become of a server of a recovery, and why."""
    host = server["destination"]
    there = f"on {host}" if host else ""
    return _spaced(server["name"], server["state"], there, server["reason"])


def _plan(plan: Json) -> list[str]:
    """What would become of the servers of a host, and what holds it."""
    holds = [
        f"gate {gate['name']} holds: {gate['reason']}"
        for gate in plan["gates"]
        if not gate["passed"]
    ]
    gates = holds or [f"all {len(plan['gates'])} gates are open"]
    return [*gates, *map(_row, plan["servers"])]


def _service(service: Json) -> str:
    forced = "forced down" if service["forced_down"] else "not forced down"
    return _spaced(
        service["host"],
        service["binary"],
        service["status"],
        service["state"],
        forced,
    )


def _event(event: Json) -> str:
    return _spaced(event["event"], event.get("name", ""), event["reason"])


def _spaced(*words: str) -> str:
    return "  ".join(filter(None, words))


def _addresses(
    networks: Mapping[str, Iterable[Mapping[str, str]]],
) -> dict[str, list[str]]:
    return {
        name: [one["addr"] for one in ports]
        for name, ports in networks.items()
    }


#: Those of which each is a line.
_LINES: dict[str, Callable[[Any], Iterable[str]]] = {
    "servers": _servers,
    "plan": _plan,
    "services": lambda found: map(_service, found),
    "events": lambda found: map(_event, found),
}
