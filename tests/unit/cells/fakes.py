"""Cells in memory that behave as Nova does, and a proxy in front of them."""

import io
import json
import operator
import re
from urllib import parse

from waffles.caller import Caller
from waffles.cells import paths, server_groups, zones
from waffles.cells.aggregates import routes as aggregates
from waffles.cells.asking.call import Call, Cloud
from waffles.cells.drift.sightings import Sightings
from waffles.cells.flavors import routes as flavors
from waffles.cells.journal.alone import Alone
from waffles.cells.model import Cell, Registry, Version
from waffles.clients.cell import End, Outcome

ROUTES = {
    **flavors.ROUTES,
    **aggregates.ROUTES,
    **zones.ROUTES,
    **server_groups.ROUTES,
}
BASE = "http://top/v2.1"

SORT_KEYS = {
    "created_at": "created_at",
    "description": "description",
    "disabled": "disabled",
    "ephemeral_gb": "ephemeral",
    "flavorid": "id",
    "id": "key",
    "is_public": "is_public",
    "memory_mb": "ram",
    "name": "name",
    "root_gb": "disk",
    "rxtx_factor": "rxtx",
    "swap": "swap",
    "updated_at": "updated_at",
    "vcpu_weight": "vcpu_weight",
    "vcpus": "vcpus",
}


class Refused(Exception):
    """An answer of Nova that is a fault."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        name = {400: "badRequest", 404: "itemNotFound"}.get(status, "fault")
        self.body = {name: {"code": status, "message": message}}


def flavor(flavor_id, **fields):
    """A flavor as a cell's database has it."""
    return {
        "id": flavor_id,
        "name": f"m.{flavor_id}",
        "ram": 512,
        "disk": 1,
        "vcpus": 1,
        "swap": 0,
        "ephemeral": 0,
        "is_public": True,
        "disabled": False,
        "rxtx": 1.0,
        "description": None,
        "created_at": "2026-01-01",
        "updated_at": None,
        "vcpu_weight": 0,
        "specs": {},
        "access": [],
        **fields,
    }


class Nova:
    """One cell.

    :param end: how every call ends: an End, or a status; None as Nova's
    """

    def __init__(
        self, name, *flavors, aggregates=(), zones=(), groups=(), most=1000
    ):
        self.name, self.most = name, most
        self.flavors = [{**one, "key": key} for key, one in enumerate(flavors)]
        self.aggregates = {
            key: {
                "id": key,
                "uuid": f"00000000-0000-4000-8000-{name:0>8}{key:04}".replace(
                    "c", "0"
                ),
                "name": one,
                "availability_zone": None,
                "hosts": [],
                "metadata": {},
            }
            for key, one in enumerate(aggregates, 1)
        }
        self.zones = list(zones)
        self.groups = {one: {"id": one, "name": name} for one in groups}
        self.asked, self.end, self.body = [], None, None
        self.seconds = 0.0

    def answer(self, question):
        self.asked.append(question)
        if isinstance(self.end, End):
            why = f"Cell {self.name} is down."
            return Outcome(self.name, self.end, why=why)
        if self.end is not None:
            return self._outcome(self.end, Refused(self.end, "No.").body)
        if self.body is not None:
            return self._outcome(200, self.body)
        try:
            return self._outcome(*self._answer(question))
        except Refused as error:
            return self._outcome(error.status, error.body)

    def _outcome(self, status, data):
        body = b"" if data is None else json.dumps(data).encode()
        return Outcome(
            self.name,
            End.ANSWERED,
            status,
            body=body,
            json=json.loads(body) if body else None,
            seconds=self.seconds,
        )

    @property
    def paths(self):
        """What it was asked for."""
        return [f"{one.method} {one.target}" for one in self.asked]

    def _answer(self, question):
        self.version = tuple(
            map(
                int,
                question.headers["X-OpenStack-Nova-API-Version"].split("."),
            )
        )
        parts = [parse.unquote(part) for part in question.path.split("/")[1:]]
        data = json.loads(question.body) if question.body else None
        kind = parts[0].replace("os-", "").replace("-", "_")
        return getattr(self, f"_{kind}")(question, parts[1:], data)

    def _availability_zone(self, question, parts, data):
        return 200, {"availabilityZoneInfo": self.zones}

    def _server_groups(self, question, parts, data):
        if question.method == "POST":
            self.groups["new"] = {"id": "new", **data["server_group"]}
            return 200, {"server_group": self.groups["new"]}
        if not parts:
            last = dict(question.query)
            if "x" in last.values():
                raise Refused(400, "Invalid input for limit")
            start = int(last.get("offset", 0))
            limit = min(int(last.get("limit", 0)) or self.most, self.most)
            listed = list(self.groups.values())[start:][:limit]
            return 200, {"server_groups": listed}
        if parts[0] not in self.groups:
            raise Refused(
                404, f"Instance group {parts[0]} could not be found."
            )
        if question.method == "DELETE":
            del self.groups[parts[0]]
            return 204, None
        return 200, {"server_group": self.groups[parts[0]]}

    def _aggregates(self, question, parts, data):
        if not parts and question.method == "GET":
            return 200, {"aggregates": list(self.aggregates.values())}
        if not parts:
            return 200, {"aggregate": self._created(data)}
        found = self.aggregates.get(int(parts[0]))
        if not found:
            raise Refused(404, f"Aggregate {parts[0]} could not be found.")
        if question.method == "DELETE":
            del self.aggregates[found["id"]]
            return 200, None
        if parts[1:] == ["images"]:
            return 202, None
        for key, value in (data or {}).items():
            self._change(found, key, value)
        return 200, {"aggregate": found}

    def _change(self, found, key, value):
        if key == "aggregate":
            found.update(value)
        if key == "set_metadata":
            found["metadata"].update(value["metadata"])
        if key == "add_host":
            if "@" in value["host"]:
                raise Refused(400, "host is not valid")
            found["hosts"].append(value["host"])

    def _created(self, data):
        wanted = data.get("aggregate") if isinstance(data, dict) else None
        if not isinstance(wanted, dict) or not isinstance(
            wanted.get("name"), str
        ):
            raise Refused(400, "'name' is a required property")
        if set(wanted) - {"name", "availability_zone"}:
            raise Refused(400, "Additional properties are not allowed")
        key = max(self.aggregates, default=0) + 1
        self.aggregates[key] = {"id": key, "hosts": [], **wanted}
        return {"id": key, **wanted}

    def _flavors(self, question, parts, data):
        if not parts or parts == ["detail"]:
            return 200, self._list(question.query, bool(parts))
        found = self._flavor(parts[0])
        if parts[1:] == ["os-extra_specs"]:
            return 200, {"extra_specs": found["specs"]}
        if parts[1:2] == ["os-extra_specs"]:
            if parts[2] not in found["specs"]:
                raise Refused(404, f"Flavor {parts[0]} has no {parts[2]}.")
            return 200, {parts[2]: found["specs"][parts[2]]}
        if parts[1:] == ["os-flavor-access"]:
            if found["is_public"]:
                raise Refused(404, "Access list not available")
            return 200, {"flavor_access": found["access"]}
        return 200, {"flavor": self._shown(found, True)}

    def _flavor(self, flavor_id):
        for one in self.flavors:
            if one["id"] == flavor_id:
                return one
        raise Refused(404, f"Flavor {flavor_id} could not be found.")

    def _list(self, query, detail):
        last = self._valid(query)
        limit = min(int(last.get("limit", self.most)), self.most)
        found = self._sorted(self._filtered(last), last)
        if "marker" in last:
            found = self._behind(found, last)
        page = found[:limit]
        data = {"flavors": [self._shown(one, detail) for one in page]}
        if page and len(page) == limit:
            text = parse.urlencode(
                dict(sorted(last.items())) | {"marker": page[-1]["id"]}
            )
            href = f"http://{self.name}/v2.1/flavors?{text}"
            data["flavors_links"] = [{"rel": "next", "href": href}]
        return data

    def _valid(self, query):
        known = set(
            "is_public minRam minDisk limit marker sort_key sort_dir".split()
        )
        if self.version >= (2, 102):
            known.add("name")
        if self.version >= (2, 75) and {name for name, _ in query} - known:
            raise Refused(400, "Additional properties are not allowed")
        for name, text in query:
            if name == "limit" and not re.match("^[0-9]+$", text):
                raise Refused(400, f"Invalid input for limit: {text}")
            if name == "sort_key" and text not in SORT_KEYS:
                raise Refused(400, f"Invalid input for sort_key: {text}")
            if name == "sort_dir" and text not in ("asc", "desc"):
                raise Refused(400, f"Invalid input for sort_dir: {text}")
        return {name: text for name, text in query if name in known}

    def _filtered(self, last):
        public = last.get("is_public", "true").lower()
        try:
            ram, disk = (
                int(last.get(key, 0)) for key in ("minRam", "minDisk")
            )
        except ValueError:
            raise Refused(400, "Invalid minRam filter") from None
        return [
            one
            for one in self.flavors
            if one["ram"] >= ram
            and one["disk"] >= disk
            and (public == "none" or one["is_public"] == (public == "true"))
            and re.search(last.get("name", ""), one["name"])
        ]

    def _sorted(self, found, last):
        key = SORT_KEYS[last.get("sort_key", "flavorid")]
        return sorted(
            found,
            key=lambda one: (
                one[key] is not None,
                0 if one[key] is None else one[key],
                one["key"],
            ),
            reverse=last.get("sort_dir") == "desc",
        )

    def _behind(self, found, last):
        """What SQL finds behind a marker, which NULL makes too little."""
        known = [one for one in self.flavors if one["id"] == last["marker"]]
        if not known:
            raise Refused(400, f"marker [{last['marker']}] not found")
        key, way = SORT_KEYS[last.get("sort_key", "flavorid")], operator.gt
        if last.get("sort_dir") == "desc":
            way = operator.lt
        (marker,) = known
        return [
            one
            for one in found
            if (
                marker[key] in (None, one[key])
                and way(one["key"], marker["key"])
            )
            or (
                None not in (one[key], marker[key])
                and way(one[key], marker[key])
            )
        ]

    def _shown(self, one, detail):
        links = [
            {"rel": rel, "href": f"http://{self.name}/x/flavors/{one['id']}"}
            for rel in ("self", "bookmark")
        ]
        shown = {"id": one["id"], "name": one["name"], "links": links}
        if self.version >= (2, 55):
            shown["description"] = one["description"]
        if not detail:
            return shown
        shown |= {
            "ram": one["ram"],
            "disk": one["disk"],
            "vcpus": one["vcpus"],
            "swap": one["swap"] or ("" if self.version < (2, 75) else 0),
            "OS-FLV-EXT-DATA:ephemeral": one["ephemeral"],
            "os-flavor-access:is_public": one["is_public"],
            "extra_specs": one["specs"],
        }
        if self.version < (2, 102):
            shown["rxtx_factor"] = one["rxtx"] or ""
            shown["OS-FLV-DISABLED:disabled"] = one["disabled"]
        return shown


class Front:
    """The proxy over cells, the first of them home.

    :param version: at which calls are made that say none
    :param seen: how the cells have answered to the last call
    """

    version = (2, 96)

    def __init__(self, *novas, on_cell_down="skip", prefixed=True):
        self.novas = {nova.name: nova for nova in novas}
        self.registry = registry(*self.novas, prefixed=prefixed)
        self.cloud = Cloud(
            name="top",
            registry=self.registry,
            fan=self,
            on_cell_down=on_cell_down,
            app=None,
            journal=Alone,
            sightings=Sightings(float),
        )
        self.rounds, self.seen = [], {}

    def ask(self, questions, seconds, here=None):
        """The part of the fan."""
        assert not here
        self.rounds.append(list(questions))
        return {
            name: self.novas[name].answer(question)
            for name, question in questions.items()
        }

    def __call__(self, method, url, data=None, *, version=None, targets=None):
        path, _, query = url.partition("?")
        body = b"" if data is None else json.dumps(data).encode()
        environ = {
            "REQUEST_METHOD": method,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        route, ids = routed(method, parse.unquote(path))
        named = targets and tuple(map(self.registry.named, targets))
        at = Version(*(version or self.version))
        call = Call(self.cloud, environ, Caller(), ids, at, BASE, named)
        self.seen = call.seen
        return route(call)

    def get(self, url, **how):
        return self("GET", url, **how)


def routed(method, path):
    """What answers to a call, and the ids of its path."""
    parts = tuple(path.split("/")[1:])
    return next(
        (route, paths.matched(template, parts))
        for (verb, template), route in ROUTES.items()
        if verb == method and paths.matched(template, parts) is not None
    )


def registry(*names, prefixed=True):
    """Cells with the numbers 1, 2, 3, …; the first is home."""
    return Registry(
        tuple(
            Cell(name, number, f"http://{name}/v2.1", home=number == 1)
            for number, name in enumerate(names, 1)
        ),
        prefixed,
    )


def told(reply):
    """The message of a fault."""
    (fault,) = reply.data.values()
    return fault["message"]
