"""Whatever Nova would act on, the waffles saw the same.

Generated requests go through a waffle that judges everything and through
Nova's own router, body parser and version negotiation.  Only the methods of
Nova's controllers are replaced: by recorders that take the arguments that
they take.  Set ``WAFFLES_REQUESTS`` for more requests and ``WAFFLES_SEED`` for
others.
"""

import dataclasses
import gc
import inspect
import json
import os
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
import webob
from nova.api import openstack
from nova.api import wsgi as base
from nova.api.openstack import wsgi
from nova.api.openstack.compute import routes
from oslo_middleware import sizelimit

from tests.functional.generator import FRAMINGS, Generator, Stream
from waffles import body, exceptions, faults, operations
from waffles import request as model
from waffles.demo import cloud as demo
from waffles.waffle import Waffle

REQUESTS = int(os.environ.get("WAFFLES_REQUESTS", "40000"))
ON_NOVA = REQUESTS // 100
SEED = int(os.environ.get("WAFFLES_SEED", "2"))

#: Nova's controller -> the collection that our operations name.
COLLECTIONS = {
    "ServersController": "servers",
    "VolumesBootController": "servers",
    "ServerMetadataController": "server-metadata",
    "ServerTagsController": "server-tags",
    "InterfaceAttachmentController": "os-interface",
    "VolumeAttachmentController": "os-volume_attachments",
    "ServerSharesController": "server-shares",
    "ConsolesController": "consoles",
    "RemoteConsolesController": "remote-consoles",
    "ServerMigrationsController": "server-migrations",
    "ServerPasswordController": "os-server-password",
    "ServiceController": "os-services",
}

#: The actions of these are no operations of their own.
WHOLE = {"server-migrations"}

#: WebOb keeps a long body in a file, and leaves it to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.usefixtures("_collected", "_quiet"),
]

NOTHING = "nothing that could be read"
MAXIMUM = (2, 104)

#: The network that Nova's stand-in for Neutron has.
NETWORK = "3cb9bc59-5699-4588-a4b1-b87f96708bc6"


@pytest.fixture
def _collected():
    yield
    gc.collect()


@pytest.fixture
def _quiet(caplog):
    """Nova logs a traceback for each call that its controllers refuse."""
    caplog.set_level("CRITICAL", logger="nova")


@dataclasses.dataclass(frozen=True)
class Deed:
    """What Nova would have done: the call of a controller's method."""

    operation: str | None
    ids: tuple[str, ...]
    body: str
    version: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Sight:
    """What the waffle saw, and whether it let it pass."""

    operation: str | None
    ids: tuple[str, ...]
    body: str
    version: tuple[int, int] | None
    refused: bool


def canonical(value: Any) -> str:
    """A body as a text that tells 1 from 1.0 and True, and has NaN."""
    try:
        return json.dumps(value, sort_keys=True)
    except RecursionError:
        return NOTHING


class Recording:
    """Stands for a controller of Nova: has its methods, and does nothing."""

    def __init__(self, controller: type, deeds: list[Deed]) -> None:
        self._controller, self._deeds = controller, deeds
        self.wsgi_actions = controller.wsgi_actions

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._controller, name)
        takes = inspect.signature(real)

        def method(req: Any, **given: Any) -> None:
            takes.bind(self, req, **given)
            self._deeds.append(_deed(req, given))

        return method


def _deed(req: Any, given: dict[str, Any]) -> Deed:
    route = req.environ["routes.route"]
    called = req.environ["wsgiorg.routing_args"][1]["action"]
    sent = given.get("body", NOTHING)
    named = re.findall("{(\\w+)", route.routepath)
    (method,) = route.conditions["method"]
    version = req.api_version_request
    return Deed(
        operation=_operation(method, route, called, sent),
        ids=tuple(given[name] for name in named if name != "project_id"),
        body=sent if sent is NOTHING else canonical(sent),
        version=(version.ver_major, version.ver_minor),
    )


def _operation(method: str, route: Any, called: str, sent: Any) -> str | None:
    """Our name for a write of Nova's; None for what is no operation."""
    owner = _owner(route.routepath)
    collection = COLLECTIONS.get(owner)
    if method == "GET" or collection is None:
        return None
    if called == "action" and collection not in WHOLE:
        (called,) = sent
    return f"{collection}:{called}"


def _owner(path: str) -> str:
    """The main controller of a route: actions may have one of their own."""
    made = OWNERS[re.sub("^/{project_id[^}]*}", "", path)]
    return str(made.__name__)


OWNERS = {
    template: made.args[0]
    for template, methods in routes.ROUTE_LIST
    if not isinstance(methods, str)
    for made, _ in methods.values()
}


class Router(base.Router):
    """Nova's APIRouterV21, with recorders for controllers."""

    def __init__(self, deeds: list[Deed]) -> None:
        super().__init__(openstack.ProjectMapper())
        for path, methods in routes.ROUTE_LIST:
            if isinstance(methods, str):
                self.map.redirect(path, methods)
                continue
            for method, (made, action) in methods.items():
                self.map.create_route(
                    path, method, _resource(made, deeds), action
                )


def _resource(made: Any, deeds: list[Deed]) -> wsgi.Resource:
    main, more = made.args
    resource = wsgi.Resource(Recording(main, deeds))
    for controller in more:
        resource.register_subcontroller_actions(Recording(controller, deeds))
    return resource


class Watching(Waffle):
    """A waffle that judges every operation and keeps what it saw."""

    operations = operations.NAMES

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.sights: list[Sight] = []

    def handle(self, request: Any) -> Any:
        try:
            seen = canonical(request.body)
        except exceptions.Malformed:
            seen = NOTHING
        self.sights.append(
            Sight(
                operation=request.operation,
                ids=tuple(request.ids.values()),
                body=seen,
                version=request.microversion
                and min(request.microversion, MAXIMUM),
                refused=bool(request.unjudged),
            )
        )
        return faults.fault(400, "") if request.unjudged else None


class Pipelines:
    """Nova alone, and Nova below a waffle."""

    def __init__(self) -> None:
        self.deeds: list[Deed] = []
        self.router = Router(self.deeds)
        self.waffle = Watching(self.router)

    def alone(self, request: Any) -> Deed | None:
        return self._run(self.router, request)

    def watched(self, request: Any) -> tuple[Deed | None, Sight | None]:
        self.waffle.sights.clear()
        deed = self._run(self.waffle, request)
        return deed, self.waffle.sights[0] if self.waffle.sights else None

    def _run(self, app: Any, request: Any) -> Deed | None:
        self.deeds.clear()
        below = openstack.LegacyV2CompatibleWrapper(app)
        whole = sizelimit.RequestBodySizeLimiter(
            below if request.legacy else app, {"max_request_body_size": 2**20}
        )
        environ = request.environ()
        try:
            webob.Request(environ).get_response(whole)
        except Exception:
            assert not self.deeds
        if environ.get("webob.is_body_seekable"):
            environ["wsgi.input"].close()  # a file, where the body is long
        return self.deeds[0] if self.deeds else None


def disagreement(
    alone: Deed | None, watched: Deed | None, sight: Sight | None
) -> str | None:
    """Why a request gets by the waffles; None if it does not."""
    if sight and sight.refused:
        return "refused, and Nova acts" if watched else None
    if alone != watched:
        return "Nova does something else below a waffle"
    if watched is None:
        return None
    if watched.operation is None:
        return "taken for something that it is not" if sight else None
    if sight is None:
        return "not seen"
    if sight.operation != watched.operation:
        return "another operation"
    if sight.ids != watched.ids:
        return "other ids"
    if sight.body not in {watched.body, NOTHING}:
        return "another body"
    if sight.version != watched.version:
        return "another microversion"
    return None


def check(
    pipelines: Pipelines, request: Any
) -> tuple[Deed | None, str | None]:
    """What Nova alone does, and why that gets by the waffles."""
    alone = pipelines.alone(request)
    watched, sight = pipelines.watched(request)
    why = disagreement(alone, watched, sight)
    return alone, why and f"{why}\n{request}\n{alone=}\n{watched=}\n{sight=}"


def test_what_nova_would_act_on_the_waffles_saw_the_same():
    generator, pipelines = Generator(SEED), Pipelines()
    acted = guarded = 0
    for number in range(REQUESTS):
        deed, why = check(pipelines, generator.request())
        assert why is None, f"seed {SEED}, request {number}: {why}"
        acted += deed is not None
        guarded += deed is not None and deed.operation is not None
    print(f"{REQUESTS} requests; Nova acts on {acted}, {guarded} guarded")
    assert guarded > REQUESTS / 10


def _first_wins(pairs: Any) -> Any:
    return dict(reversed(pairs))


class _FirstKeyWins:
    dumps = staticmethod(json.dumps)

    @staticmethod
    def loads(text: str) -> Any:
        return json.loads(text, object_pairs_hook=_first_wins)


def _without(pattern: str) -> Any:
    """classify() that does not know paths of some form."""
    known = operations.classify

    def classify(environ: Any) -> Any:
        odd = re.search(pattern, environ["PATH_INFO"])
        return None if odd else known(environ)

    return classify


def _one_header(environ: Any) -> Any:
    return environ.get("HTTP_OPENSTACK_API_VERSION", "").partition(" ")[2]


def _length_only(environ: Any) -> bytes:
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


#: What a less careful kernel would do: the module, a name in it, and that.
BLIND = {
    "method_override_ignored": (
        operations,
        "method",
        lambda environ: environ["REQUEST_METHOD"],
    ),
    "reads_by_method_let_through": (
        operations,
        "may_write",
        lambda environ: environ["REQUEST_METHOD"] not in {"GET", "HEAD"},
    ),
    "newline_at_the_end": (operations, "classify", _without("\n$")),
    "project_id": (operations, "classify", _without("^/[0-9a-f-]+/")),
    "volumes_boot": (operations, "classify", _without("os-volumes_boot")),
    "latin_1_id": (operations, "classify", _without("[\x80-\xff]")),
    "first_key_wins": (body, "json", _FirstKeyWins),
    "body_by_length_only": (body, "read", _length_only),
    "one_version_header": (model, "version_text", _one_header),
    "any_action": (operations, "of_action", lambda sent: "servers:rebuild"),
}


@pytest.mark.parametrize("name", BLIND)
def test_a_less_careful_kernel_would_be_found_out(name, monkeypatch):
    monkeypatch.setattr(*BLIND[name])
    generator, pipelines = Generator(SEED), Pipelines()
    assert any(
        check(pipelines, generator.request())[1] for _ in range(REQUESTS)
    )


RULES = """
[waffles_naming]
pattern = [a-z]{3}-(prd|dev)-[a-z0-9]+(-[0-9]+)?
deny_pattern = .*-tmp[0-9]*

[waffles_metadata]
required_keys = owner
allowed_keys = team
defaults = owner={user_name}
immutable_keys = owner
"""
NAMES = (
    "web-prd-one",
    "api-dev-2",
    " web-prd-three ",
    "web-prd-x\n",
    "Web-prd-one",
    "web-prd-tmp",
    "web-prd-",
    "any",
    "web-prd-\xe9",
    None,
)
KEYS = ("owner", "owner", "Owner", "owner ", "owner\n", "team", "other")
PREFIXES = ("/v2.1", "/v2", f"/v2.1/{demo.DEMO.project_id}")


class Asker:
    """Sends requests that may break the rules, and may be spoilt."""

    def __init__(self, app: Any, servers: list[str]) -> None:
        self.app, self.servers = app, servers
        self.random = random.Random(SEED)  # noqa: S311  no secret

    def ask(self) -> webob.Response:
        """The answer to the next one."""
        pick = self.random.choice
        make = pick((self._create, self._rename, self._rebuild, self._meta))
        method, path, value = make()
        real = pick((method, method, "POST", "PUT", "GET"))
        query = "" if real == method else f"_method={method.lower()}"
        request = webob.Request.blank(pick(PREFIXES), method=real)
        environ = request.environ
        environ["PATH_INFO"] += path + pick(("", "", "\n"))
        environ["QUERY_STRING"] = query
        environ["CONTENT_TYPE"] = pick(("application/json", "text/plain", ""))
        environ["HTTP_X_AUTH_TOKEN"] = demo.DEMO.name
        environ["HTTP_OPENSTACK_API_VERSION"] = pick(
            ("compute 2.1", "compute 2.90", "compute latest", "compute 2.19")
        )
        sent = self._text(value).encode()
        environ["wsgi.input"] = Stream(sent)
        environ.update(FRAMINGS[pick(("length", "chunked"))](len(sent)))
        return request.get_response(self.app)

    def _create(self) -> tuple[str, str, Any]:
        server = {
            "imageRef": demo.IMAGE,
            "flavorRef": "1",
            "networks": [{"uuid": NETWORK}],
            **self._named(),
            **self._held(),
        }
        path = self.random.choice(("/servers", "/servers", "/os-volumes_boot"))
        if self.random.random() < 0.1:
            server["max_count"] = 2
        return "POST", path, {"server": server}

    def _rename(self) -> tuple[str, str, Any]:
        return "PUT", self._server(), {"server": self._named()}

    def _rebuild(self) -> tuple[str, str, Any]:
        inner = {"imageRef": demo.IMAGE, **self._named(), **self._held()}
        return "POST", f"{self._server()}/action", {"rebuild": inner}

    def _meta(self) -> tuple[str, str, Any]:
        path, key = f"{self._server()}/metadata", self.random.choice(KEYS)
        return self.random.choice(
            (
                ("POST", path, {"metadata": {}} | self._held()),
                ("PUT", path, {"metadata": {}} | self._held()),
                ("PUT", f"{path}/{key}", {"meta": {key: "bob"}}),
                ("DELETE", f"{path}/{key}", {}),
            )
        )

    def _server(self) -> str:
        return f"/servers/{self.random.choice(self.servers)}"

    def _named(self) -> dict[str, Any]:
        name = self.random.choice(NAMES)
        return {} if name is None else {"name": name}

    def _held(self) -> dict[str, Any]:
        if self.random.random() < 0.3:
            return {}
        keys = self.random.sample(KEYS, self.random.randint(0, 2))
        values = ("demo", "demo", "bob")
        return {"metadata": {key: self.random.choice(values) for key in keys}}

    def _text(self, value: Any) -> str:
        """As JSON, now and then with a key escaped or a second time."""
        text = json.dumps(value)
        key = self.random.choice(("name", "metadata", "server", "rebuild"))
        escaped = f'"\\u{ord(key[0]):04x}{key[1:]}"'
        again = f'"{key}": {{"name": "BAD", "metadata": {{}}}}, '
        return self.random.choice(
            (
                text,
                text,
                text.replace(f'"{key}"', escaped, 1),
                text.replace(f'"{key}"', f'{again}"{key}"', 1),
                text[:-1] + f", {again[:-2]}" + text[-1:],
            )
        )


def test_no_request_leaves_a_server_that_breaks_the_rules(configured, nova):
    before = {server["id"] for server in _all(nova)}
    api = configured(RULES)
    pool = [
        api.server(name=f"web-prd-{number}", metadata={"owner": "demo"})["id"]
        for number in range(6)
    ]
    asker = Asker(api.app, pool)
    answers = [asker.ask() for _ in range(ON_NOVA)]
    made = [server for server in _all(nova) if server["id"] not in before]
    done = [answer for answer in answers if answer.status_int < 300]
    print(f"{ON_NOVA} requests, {len(done)} carried out")

    assert [wrong for server in made for wrong in _wrong(server)] == []
    assert ON_NOVA / 10 < len(done) < ON_NOVA * 9 / 10
    assert not [a for a in answers if "not be judged." in a.text]
    for server in made:
        nova.call("DELETE", f"/v2.1/servers/{server['id']}", user=demo.ADMIN)


def _all(nova: Any) -> list[Any]:
    servers: list[Any] = []
    while True:
        marker = f"&marker={servers[-1]['id']}" if servers else ""
        path = f"/v2.1/servers/detail?all_tenants=1{marker}"
        page = nova.call("GET", path, user=demo.ADMIN).json["servers"]
        if not page:
            return servers
        servers += page


def _wrong(server: Any) -> Iterator[str]:
    """The rules once more, in other words."""
    name, held = server["name"], server["metadata"]
    group, _, rest = name.partition("-")
    stage, _, rest = rest.partition("-")
    if not (len(group) == 3 and group.isalpha() and group.islower()):
        yield f"group of {name!r}"
    if stage not in {"prd", "dev"} or not rest or not rest.isascii():
        yield f"stage or rest of {name!r}"
    if not rest.replace("-", "", 1).isalnum() or rest.startswith("tmp"):
        yield f"rest of {name!r}"
    if held.get("owner") not in {"demo", "bob"}:
        yield f"no owner: {held}"
    if not held.keys() <= {"owner", "team"}:
        yield f"other keys: {held}"
