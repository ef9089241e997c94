"""A Nova of a few hosts: it behaves and records, as far as an engine asks.

tests/functional/test_recovery_engine.py has the real one.
"""

import copy
import datetime
import itertools

from waffles import exceptions

START = datetime.datetime(2026, 1, 1)


class Nova:
    """What :class:`waffles.clients.compute.Compute` gives.

    :ivar asked: the servers whose evacuation was asked for, in order
    :ivar faults: method -> exceptions to be raised, the next first
    :ivar endings: server -> what its evacuations end with, the next first;
        "done" where nothing is said, "" for never
    """

    def __init__(self, servers=3, host="dead"):
        self.host, self.asked, self.calls = host, [], []
        self.faults, self.endings, self.acts_late = {}, {}, False
        self.most, self._ids = 0, itertools.count(1)
        self._services = {
            name: self._service(name) for name in (host, "c2", "c3")
        }
        self._servers = {
            f"s{n}": self._server(f"s{n}") for n in range(servers)
        }
        self.moves = []

    def _service(self, name, binary="nova-compute"):
        return {
            "id": f"id-of-{name}",
            "host": name,
            "binary": binary,
            "zone": "nova",
            "state": "up",
            "status": "enabled",
            "forced_down": False,
            "disabled_reason": None,
            "updated_at": "0",
        }

    def _server(self, name):
        return {
            "id": name,
            "name": name,
            "tenant_id": "red",
            "user_id": "ann",
            "status": "ACTIVE",
            "image": "",
            "tags": ["automatic-recovery"],
            "config_drive": "",
            "locked": False,
            "flavor": {"ephemeral": 0, "swap": 0, "extra_specs": {}},
            "OS-EXT-SRV-ATTR:host": self.host,
            "OS-EXT-STS:vm_state": "active",
            "OS-EXT-STS:task_state": None,
            "OS-EXT-STS:power_state": 1,
            "OS-SRV-USG:launched_at": "2026-01-01T00:00:00.000000",
        }

    def _called(self, name):
        self.calls.append(name)
        faults = self.faults.get(name)
        if faults:
            raise faults.pop(0)

    # what Nova's own parts do

    def service(self, name):
        return self._services[name]

    def report(self, name):
        """nova-compute of a host reports."""
        one = self._services[name]
        one["updated_at"] += "+"
        one["state"] = "down" if one["forced_down"] else "up"

    def start(self, name):
        """nova-compute starts: it cleans up, as it does."""
        for one in self.moves:
            if one["source_compute"] == name and one["status"] in (
                "accepted",
                "pre-migrating",
                "done",
            ):
                one["status"] = "completed"

    def move(self, server_id, status="accepted", source=None):
        """An evacuation, by whomever it was asked for."""
        made = {
            "id": next(self._ids),
            "instance_uuid": server_id,
            "source_compute": source or self.host,
            "dest_compute": None,
            "status": status,
        }
        self.moves.append(made)
        flying = [one for one in self.moves if one["status"] == "accepted"]
        self.most = max(self.most, len(flying))
        return made

    def _go_on(self):
        """Let what is under way end."""
        for one in self.moves:
            if one["status"] != "accepted":
                continue
            endings = self.endings.setdefault(one["instance_uuid"], [])
            ending = endings.pop(0) if endings else "done"
            if not ending:
                endings.insert(0, ending)
                continue
            one["status"], one["dest_compute"] = ending, "c2"
            server = self._servers[one["instance_uuid"]]
            if ending == "done":
                server["OS-EXT-SRV-ATTR:host"] = "c2"
                if server["OS-EXT-STS:vm_state"] == "error":
                    server["OS-EXT-STS:vm_state"] = "active"
            if ending == "error":
                server["OS-EXT-STS:vm_state"] = "error"

    # what the client has

    def services(self, host=None, binary=None):
        self._called("services")
        if binary == "nova-scheduler":
            return []
        scheduler = self._service("ctl", "nova-scheduler")
        return [
            copy.deepcopy(one)
            for one in [*self._services.values(), scheduler]
            if host in (None, one["host"]) and binary in (None, one["binary"])
        ]

    def force_down(self, service_id, forced):
        self._called("force_down")
        (one,) = (s for s in self._services.values() if s["id"] == service_id)
        one["forced_down"] = forced
        one["state"] = "down" if forced else "up"
        one["updated_at"] += "f"
        return one

    def disable(self, service_id, reason):
        self._called("disable")
        (one,) = (s for s in self._services.values() if s["id"] == service_id)
        one |= {"status": "disabled", "disabled_reason": reason}
        one["updated_at"] += "d"
        return one

    def enable(self, service_id):
        self._called("enable")
        (one,) = (s for s in self._services.values() if s["id"] == service_id)
        one |= {"status": "enabled", "disabled_reason": None}
        return one

    def servers(self, host):
        self._called("servers")
        yield [
            copy.deepcopy(one)
            for one in self._servers.values()
            if one["OS-EXT-SRV-ATTR:host"] == host
        ]

    def server(self, server_id):
        self._called("server")
        if server_id not in self._servers:
            raise exceptions.Hidden(404, "Instance could not be found.")
        return copy.deepcopy(self._servers[server_id])

    def edit(self, server_id, **more):
        self._servers[server_id] |= more

    def delete(self, server_id):
        del self._servers[server_id]

    def migrations(self, host, above=0):
        self._called("migrations")
        found = [
            copy.deepcopy(one)
            for one in reversed(self.moves)
            if one["id"] > above and one["source_compute"] == host
        ]
        self._go_on()
        return found

    def migrations_of(self, server_id, host):
        self._called("migrations_of")
        return [
            copy.deepcopy(one)
            for one in self.moves
            if one["instance_uuid"] == server_id
        ]

    def evacuate(self, server_id):
        self.asked.append(server_id)
        fault = next(iter(self.faults.get("evacuate", ())), None)
        if not fault or self.acts_late:
            self.move(server_id)
        self._called("evacuate")
        return f"req-{len(self.asked)}"

    def stop(self, server_id):
        self._called("stop")
        self._servers[server_id]["OS-EXT-STS:vm_state"] = "stopped"

    def reset(self, server_id):
        self._called("reset")
        self._servers[server_id]["OS-EXT-STS:vm_state"] = "error"

    def actions(self, server_id):
        self._called("actions")
        return []

    def server_groups(self):
        return []

    def aggregates(self):
        return []
