"""The state of the fake Nova: what is, what is under way, what was done."""

import collections
import dataclasses
import random
import uuid
from collections.abc import Callable
from typing import Any

from tests.evacuations import Plan, things
from tests.evacuations.faults import Faults
from tests.evacuations.things import Migration, Refusal, Server, Service, now

NO_HOST = "No valid host was found. There are not enough hosts available."

#: Parts of the time of an evacuation after which its claim is made, it fails,
#: or the guest runs; then the server's host changes.
CLAIM, FAILURE, SPAWN = 0.2, 0.3, 0.9

#: Seconds that a guest takes to stop or start.
POWER = 0.1

Later = Callable[..., object]


class Cloud:
    """All of it.

    :param later: calls something after some seconds, as an event loop does
    """

    def __init__(self, plan: Plan, dice: random.Random, later: Later) -> None:
        self.plan, self.faults = plan, Faults()
        self._dice, self._later = dice, later
        self.services = {one.id: one for one in things.services(plan, dice)}
        self.servers = {one.id: one for one in things.servers(plan, dice)}
        self.migrations: list[Migration] = []
        self.calls = collections.Counter[str]()
        self.done, self.in_flight, self.peak = 0, 0, 0

    def compute(self, host: str) -> Service:
        """The nova-compute of a host."""
        return next(
            one
            for one in self.services.values()
            if one.host == host and one.binary == "nova-compute"
        )

    def beat(self) -> None:
        """Let the services report that are there."""
        for one in self.services.values():
            is_dead = one.host.startswith("dead-")
            if not is_dead or one.host in self.faults.beats:
                one.updated_at = now()

    def update(self, service: Service, **fields: Any) -> None:
        """Force down, disable, …"""
        done = any(
            one.status == "done" and one.source == service.host
            for one in self.migrations
        )
        if fields.get("forced_down") is False and done:
            raise Refusal(
                400,
                f"Unable to force up host {service.host} as `done` evacuation"
                f" migration records remain associated with the host.",
            )
        if dataclasses.replace(service, **fields) == service:
            return
        for name, value in fields.items():
            setattr(service, name, value)
        service.updated_at = now()

    def evacuate(self, server: Server, request_id: str) -> None:
        """Begin an evacuation, whatever is under way already."""
        if not self.compute(server.host).forced_down:
            server.refused += 1
            raise Refusal(
                400, f"Compute service of {server.host} is still in use."
            )
        server.accepted += 1
        server.overlaps += bool(server.in_flight)
        server.in_flight += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        server.task_state = "rebuilding"
        migration = Migration(
            len(self.migrations) + 1,
            things.new_id(self._dice),
            server,
            server.host,
            request_id,
            now(),
            server.vm_state,
        )
        self.migrations.append(migration)
        self._course(migration)

    def power(self, server: Server, wanted: str, verb: str) -> None:
        """Stop or start a server."""
        if server.task_state:
            why = f"task_state {server.task_state}"
        elif server.vm_state in (wanted, "error"):
            why = f"vm_state {server.vm_state}"
        else:
            server.task_state = (
                f"powering-{'on' if verb == 'start' else 'off'}"
            )
            self._later(POWER, self._powered, server, wanted)
            return
        raise Refusal(
            409,
            f"Cannot '{verb}' instance {server.id} while it is in {why}",
        )

    def totals(self) -> dict[str, Any]:
        """The calls, and how many evacuations were and are."""
        return {
            "calls": self.calls,
            "asked": len(self.migrations),
            "done": self.done,
            "in_flight": self.in_flight,
            "peak": self.peak,
        }

    def counts(self) -> dict[str, Any]:
        """What was done to each server, and the totals."""
        servers = map(dataclasses.asdict, self.servers.values())
        return {
            "servers": {one["id"]: one for one in servers},
            **self.totals(),
        }

    def _course(self, migration: Migration) -> None:
        """Say what happens to an evacuation, and when."""
        plan, dest = self.plan, self._destination()
        apart = plan.jitter * (2 * self._dice.random() - 1)
        seconds = plan.seconds * (1 + apart)
        number = migration.server.ended_badly
        fails = self._fails(migration.server) and number < self.faults.failures
        if not dest or fails and number % 2 == 0:
            self._later(FAILURE * seconds, self._no_host, migration)
            return
        if fails:
            self._later(FAILURE * seconds, self._no_claim, migration)
            return
        self._later(CLAIM * seconds, self._claimed, migration, dest)
        self._later(SPAWN * seconds, self._spawned, migration)
        self._later(seconds, self._done, migration)

    def _fails(self, server: Server) -> bool:
        """Whether it is one of those that fail; always the same ones."""
        return uuid.UUID(server.id).int % 1000 < self.faults.failing * 1000

    def _no_host(self, migration: Migration) -> None:
        server = migration.server
        server.vm_state, server.task_state = "error", None
        server.fault = NO_HOST
        self._failed(migration, "error")

    def _claimed(self, migration: Migration, dest: str) -> None:
        migration.dest = dest
        self._set(migration, "pre-migrating")

    def _no_claim(self, migration: Migration) -> None:
        """The destination has no room after all: the server is as it was."""
        migration.server.task_state = None
        self._failed(migration, "failed")

    def _failed(self, migration: Migration, status: str) -> None:
        migration.server.ended_badly += 1
        self._ended(migration)
        self._set(migration, status)

    def _spawned(self, migration: Migration) -> None:
        """The guest runs, and Nova does not say yet where."""
        server = migration.server
        server.guests.append(str(migration.dest))
        was_stopped = migration.vm_state == "stopped"
        server.vm_state = "stopped" if was_stopped else "active"
        server.task_state, server.fault = None, ""

    def _done(self, migration: Migration) -> None:
        server = migration.server
        self._ended(migration)
        if server.host != migration.source:
            # A second one: its row stays, and the guest runs twice.
            server.vm_state = "error"
            return
        server.host = str(migration.dest)
        self._set(migration, "done")
        self.done += 1

    def _ended(self, migration: Migration) -> None:
        migration.server.in_flight -= 1
        self.in_flight -= 1

    @staticmethod
    def _set(migration: Migration, status: str) -> None:
        migration.status, migration.updated_at = status, now()

    @staticmethod
    def _powered(server: Server, vm_state: str) -> None:
        server.vm_state, server.task_state = vm_state, None

    def _destination(self) -> str | None:
        usable = [
            one.host
            for one in self.services.values()
            if one.host.startswith("host-")
            and not (one.disabled or one.forced_down)
        ]
        return self._dice.choice(usable) if usable else None
