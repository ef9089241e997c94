"""Cells in memory that keep flavors as Nova does, fail as told, and record.

A :class:`Fault` strikes at a point of a request:

======  ====================================================================
before  nothing reaches the Nova
after   the Nova has got it, and does nothing
commit  the Nova does it, and its answer is lost
later   the Nova does it when it is told to :meth:`Nova.land`
======  ====================================================================
"""

import copy
import dataclasses
import io
import json
import re
import uuid
from urllib import parse

import jsonschema

from waffles import exceptions
from waffles.caller import Caller
from waffles.cells import paths
from waffles.cells.asking.call import Call, Cloud
from waffles.cells.drift.sightings import Sightings
from waffles.cells.flavors import writes as flavor_writes
from waffles.cells.journal.alone import Alone
from waffles.cells.model import Cell, Registry, Version
from waffles.clients.cell import End, Outcome

BASE = "http://top/v2.1"

EPHEMERAL = "OS-FLV-EXT-DATA:ephemeral"
DISABLED = "OS-FLV-DISABLED:disabled"
IS_PUBLIC = "os-flavor-access:is_public"


def _object(required, **properties):
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


#: What Nova takes, as far as it matters here.
_ID = {"type": ["string", "number", "null"], "pattern": "^[a-zA-Z0-9. _-]+$",
       "maxLength": 255}  # fmt: skip
_FLAVOR = {
    **_object("name ram vcpus disk", name={"type": "string"}, id=_ID),
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
_CREATE = _object("flavor", flavor=_FLAVOR)
_UPDATE = _object("flavor", flavor=_object("description", description={}))
_SPECS = _object("extra_specs", extra_specs={"type": "object"})
_SPEC = {"type": "object", "minProperties": 1, "maxProperties": 1}
_TENANT = _object("tenant", tenant={"type": "string"})
_ACCESS = {
    **_object("", addTenantAccess=_TENANT, removeTenantAccess=_TENANT),
    "minProperties": 1,
    "maxProperties": 1,
}

_TRUE = [True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes",
         "yes"]  # fmt: skip


class Refused(Exception):
    """A fault of Nova's."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.body = {"fault": {"code": status, "message": message}}


@dataclasses.dataclass
class Flavor:
    """A flavor as a cell's database has it."""

    id: str
    name: str
    ram: int
    vcpus: int
    disk: int
    ephemeral: int = 0
    swap: int = 0
    rxtx_factor: float = 1.0
    is_public: bool = True
    disabled: bool = False
    description: str | None = None
    specs: dict = dataclasses.field(default_factory=dict)
    access: list = dataclasses.field(default_factory=list)

    @classmethod
    def made(cls, asked):
        """As a create makes it, of the object in its body."""
        return cls(
            str(asked.get("id") or uuid.uuid4()),
            asked["name"].strip(),
            *(int(asked[key]) for key in ("ram", "vcpus", "disk")),
            int(asked.get(EPHEMERAL, 0)),
            int(asked.get("swap", 0)),
            float(asked.get("rxtx_factor", 1.0)),
            asked.get(IS_PUBLIC, True) in _TRUE,
            description=asked.get("description"),
        )

    def shown(self, version):
        """As Nova shows it to an administrator."""
        found = {
            "id": self.id,
            "name": self.name,
            "ram": self.ram,
            "disk": self.disk,
            "swap": self.swap or ("" if version < (2, 75) else 0),
            EPHEMERAL: self.ephemeral,
            "vcpus": self.vcpus,
            IS_PUBLIC: self.is_public,
            "links": [{"rel": "self", "href": f"http://x/flavors/{self.id}"}],
        }
        if version >= (2, 55):
            found["description"] = self.description
        if version >= (2, 61):
            found["extra_specs"] = dict(self.specs)
        if version < (2, 102):
            found["rxtx_factor"] = self.rxtx_factor or ""
            found[DISABLED] = self.disabled
        return found


@dataclasses.dataclass
class Fault:
    """What goes wrong in a cell.

    :param method: of requests that it is about; empty for all
    :param point: before, after, commit, later
    :param how: refused, reset, hang, 5xx, html, or a status
    :param path: what their paths must match
    :param times: how often it happens; from then on it does not
    :param down: the cell answers nothing from the first time on
    """

    method: str
    point: str
    how: object
    path: str = ".*"
    times: int = 1
    down: bool = False
    struck: int = 0

    def strikes(self, question):
        if self.down and self.struck:
            return True
        return (
            self.struck < self.times
            and question.method in (self.method or question.method)
            and re.fullmatch(self.path, question.path) is not None
        )


class Nova:
    """One cell.

    :ivar asked: methods and paths, in order
    """

    def __init__(self, name, *flavors, page=1000):
        self.name, self.page = name, page
        self.flavors = {one.id: one for one in map(copy.deepcopy, flavors)}
        self.faults, self.asked, self.later = [], [], []

    @property
    def wrote(self):
        """What it was asked that is no look."""
        return [text for text in self.asked if not text.startswith("GET")]

    def state(self):
        """All that it has, to be compared."""
        return copy.deepcopy(self.flavors)

    def answer(self, question):
        self.asked.append(f"{question.method} {question.path}")
        for fault in self.faults:
            if fault.strikes(question):
                return self._struck(fault, question)
        return self._answered(question)

    def _struck(self, fault, question):
        is_down = fault.down and fault.struck > 0
        fault.struck += 1
        if fault.point == "commit" and not is_down:
            self._answered(question)
        if fault.point == "later":
            self.later.append(question)
        unsent = fault.point == "before" or is_down
        if fault.how == "5xx":
            return self._outcome(503, Refused(503, "Try later.").body)
        if isinstance(fault.how, int):
            return self._outcome(fault.how, Refused(fault.how, "No.").body)
        end = End.LATE if fault.how == "hang" else End.BROKEN
        if unsent and fault.how != "html":
            end = End.REFUSED
        why = f"Cell {self.name} is {end.value}."
        return Outcome(self.name, end, why=why)

    def land(self):
        """Do what was sent and not done yet."""
        while self.later:
            self._answered(self.later.pop())

    def _answered(self, question):
        try:
            return self._outcome(*self._answer(question))
        except Refused as error:
            return self._outcome(error.status, error.body)
        except jsonschema.ValidationError as error:
            text = f"Invalid input: {error.message}"
            return self._outcome(400, Refused(400, text).body)

    def _outcome(self, status, data):
        body = b"" if data is None else json.dumps(data).encode()
        data = json.loads(body) if body else None
        return Outcome(self.name, End.ANSWERED, status, body=body, json=data)

    def _answer(self, question):
        text = question.headers["X-OpenStack-Nova-API-Version"]
        self.version = tuple(map(int, text.split(".")))
        parts = [parse.unquote(part) for part in question.path.split("/")[2:]]
        data = json.loads(question.body) if question.body else None
        if question.path == "/flavors":
            return 200, {"flavor": self._create(data).shown(self.version)}
        if parts == ["detail"]:
            return 200, self._detail(dict(question.query))
        return self._of_one(question.method, data, *parts)

    def _detail(self, query):
        assert query["is_public"] == "None"
        ids = sorted(self.flavors)
        if "marker" in query:
            ids = ids[ids.index(query["marker"]) + 1 :]
        ids = ids[: self.page]
        found = [self.flavors[key].shown(self.version) for key in ids]
        data = {"flavors": found}
        if len(found) == self.page:
            data["flavors_links"] = [{"rel": "next", "href": "x"}]
        return data

    def _create(self, data):
        jsonschema.validate(data, _CREATE)
        made = Flavor.made(data["flavor"])
        if made.id in self.flavors:
            raise Refused(409, f"Flavor with ID {made.id} already exists.")
        if made.name in {one.name for one in self.flavors.values()}:
            raise Refused(409, f"Flavor with name {made.name} already exists.")
        self.flavors[made.id] = made
        return made

    def _of_one(self, method, data, flavor_id, *rest):
        found = self.flavors.get(flavor_id)
        if found is None:
            raise Refused(404, f"Flavor {flavor_id} could not be found.")
        if rest[:1] == ("os-extra_specs",):
            return self._specs(method, data, found, *rest[1:])
        if rest == ("os-flavor-access",):
            if found.is_public:
                raise Refused(404, "Access list not available")
            return 200, self._access(found)
        if rest == ("action",):
            return self._act(data, found)
        if method == "DELETE":
            del self.flavors[flavor_id]
            return 202, None
        if method == "PUT":
            if self.version < (2, 55):
                raise Refused(404, "The resource could not be found.")
            jsonschema.validate(data, _UPDATE)
            found.description = data["flavor"]["description"]
        return 200, {"flavor": found.shown(self.version)}

    def _specs(self, method, data, found, key=None):
        if method == "GET":
            return 200, {"extra_specs": found.specs}
        if method == "DELETE":
            if key not in found.specs:
                raise Refused(404, f"Flavor {found.id} has no {key}.")
            del found.specs[key]
            return 200, None
        if key:
            jsonschema.validate(data, _SPEC)
            if key not in data:
                raise Refused(400, "Request body and URI mismatch")
        else:
            jsonschema.validate(data, _SPECS)
        specs = data if key else data["extra_specs"]
        found.specs.update({name: str(one) for name, one in specs.items()})
        return 200, data

    def _act(self, data, found):
        jsonschema.validate(data, _ACCESS)
        ((action, asked),) = data.items()
        if action == "addTenantAccess":
            if found.is_public or asked["tenant"] in found.access:
                raise Refused(409, "Flavor access already exists")
            found.access.append(asked["tenant"])
        else:
            if asked["tenant"] not in found.access:
                raise Refused(404, "Flavor access not found")
            found.access.remove(asked["tenant"])
        return 200, self._access(found)

    def _access(self, found):
        rows = [
            {"flavor_id": found.id, "tenant_id": project}
            for project in found.access
        ]
        return {"flavor_access": rows}


class Front:
    """The proxy over cells, the first of them home.

    :ivar seen: how the cells have answered to the last call
    """

    def __init__(self, *novas, journal=None, version=(2, 96)):
        self.novas = {nova.name: nova for nova in novas}
        self.registry = registry(*self.novas)
        self.journal = journal or Alone()
        self.version, self.seen = Version(*version), {}
        self.cloud = Cloud(
            "top",
            self.registry,
            self,
            "skip",
            None,
            lambda: self.journal,
            Sightings(float),
        )

    def ask(self, questions, seconds, here=None):
        """The part of the fan."""
        return {
            name: self.novas[name].answer(question)
            for name, question in questions.items()
        }

    def call(self, method, url, data=None, *, ids=None, targets=None):
        body = data
        if not isinstance(data, bytes):
            body = b"" if data is None else json.dumps(data).encode()
        environ = {
            "REQUEST_METHOD": method,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "openstack.request_id": "req-1",
        }
        named = targets and tuple(map(self.registry.named, targets))
        made = Call(
            self.cloud,
            environ,
            Caller(),
            ids or {},
            self.version,
            BASE,
            named,
        )
        self.seen = made.seen
        return made

    def __call__(self, method, url, data=None, *, targets=None):
        """What the proxy answers: the status, the body, the headers."""
        route, ids = routed(method, parse.unquote(url))
        made = self.call(method, url, data, ids=ids, targets=targets)
        try:
            return route(made)
        except exceptions.Unjudged as error:
            return error

    def asks(self):
        """What replays ask."""
        return self.call("GET", "/")

    def states(self):
        """What each cell has."""
        return {name: nova.state() for name, nova in self.novas.items()}


def routed(method, path):
    parts = tuple(path.split("/")[1:])
    (found,) = (
        (route, paths.matched(template, parts))
        for (verb, template), route in flavor_writes.ROUTES.items()
        if verb == method and paths.matched(template, parts) is not None
    )
    return found


def registry(*names):
    """Cells with the numbers 1, 2, 3, …; the first is home."""
    return Registry(
        tuple(
            Cell(name, number, f"http://{name}/v2.1", home=number == 1)
            for number, name in enumerate(names, 1)
        )
    )


def flavor(flavor_id="m1", **fields):
    """A flavor that a cell has."""
    fields = {"name": f"name-{flavor_id}", "ram": 512, "vcpus": 1} | fields
    return Flavor(flavor_id, disk=fields.pop("disk", 10), **fields)


def code(answer):
    """The status of what :class:`Front` gives."""
    is_error = isinstance(answer, exceptions.Unjudged)
    return answer.code if is_error else answer.status


def text(answer):
    """What a client is told."""
    if isinstance(answer, exceptions.Unjudged):
        return str(answer)
    (fault,) = answer.data.values()
    return fault["message"]
