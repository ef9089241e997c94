"""The proxy of a configuration, put together at start; nothing is asked."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from waffles import config, guards
from waffles.cells import options
from waffles.cells.asking import call, local
from waffles.cells.asking.call import Cloud
from waffles.cells.asking.fanout import Fan
from waffles.cells.drift.sightings import Sightings
from waffles.cells.journal import opened
from waffles.cells.model import Cell, Registry
from waffles.cells.proxy import nothing
from waffles.cells.proxy.ourselves import Ourselves
from waffles.cells.proxy.proxy import Proxy
from waffles.cells.versions import Ask, Versions
from waffles.clients.cell import Client, Outcome, Peer, Question
from waffles.clients.session import Access

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def proxy(
    section: config.Section,
    registry: Registry,
    guard: guards.Guard,
    app: "WSGIApplication",
    clock: Callable[[], float],
) -> Proxy:
    """The proxy above an application."""
    cloud = _cloud(section, registry, app, clock)
    versions = Versions(registry.names, _documents(cloud), clock)
    return Proxy(cloud, versions, guard)


def ourselves(section: config.Section, access: Access) -> Ourselves:
    """What asks the cells with our own rights.

    :raises ConfigError: an option is wrong, or a cell cannot be asked so
    """
    registry = options.registry(section)
    for cell in registry:
        if cell.local:
            why = f"{cell.name} is local, and cannot be asked from here"
            raise section.error("enabled_cells", why)
    cloud = _cloud(section, registry, nothing.not_found, time.monotonic)
    versions = Versions(registry.names, _documents(cloud), time.monotonic)
    return Ourselves(cloud, versions, access)


def _cloud(
    section: config.Section,
    registry: Registry,
    app: "WSGIApplication",
    clock: Callable[[], float],
) -> Cloud:
    clients = {cell.name: _client(cell) for cell in registry if not cell.local}
    return Cloud(
        _name(registry),
        registry,
        Fan(clients, clock),
        section["on_cell_down"],
        app,
        opened.of_section(section, registry),
        Sightings(clock),
    )


def _client(cell: Cell) -> Client:
    return Client(
        Peer(
            cell.name,
            cell.endpoint,
            cell.connect_timeout,
            cell.timeout,
            cell.connections,
            cafile=cell.cafile,
        )
    )


def _name(registry: Registry) -> str:
    """What all nodes of a proxy are called, and no other proxy is."""
    text = " ".join(f"{cell.number} {cell.endpoint}" for cell in registry)
    return f"waffles-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _documents(cloud: Cloud) -> Ask:
    """What asks cells for their version documents."""

    def ask(
        names: Iterable[str], environ: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        question = Question("GET", "/", headers={call.HOP: cloud.name})
        asked = dict.fromkeys(names, question)
        cells = [cell for cell in cloud.registry if cell.name in asked]
        here = {
            cell.name: lambda name=cell.name: local.ask(
                cloud.app, dict(environ), name, question
            )
            for cell in cells
            if cell.local
        }
        seconds = max(cell.timeout for cell in cells)
        found = cloud.fan.ask(asked, seconds, here)
        return {
            name: one.json for name, one in found.items() if one.status == 200
        }

    return ask


def asked(registry: Registry) -> tuple[list[Cell], dict[str, Outcome]]:
    """The cells that can be asked without a request, and their documents."""
    cells = [cell for cell in registry if not cell.local]
    clients = {cell.name: _client(cell) for cell in cells}
    question = Question("GET", "/", headers={call.HOP: _name(registry)})
    seconds = max((cell.timeout for cell in cells), default=0.0)
    fan = Fan(clients, time.monotonic)
    return cells, fan.ask(dict.fromkeys(clients, question), seconds)
