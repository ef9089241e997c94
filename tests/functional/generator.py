"""Requests made of Nova's own routes and schemas, and then spoilt.

Nothing here knows what waffles guard, or how.  Routes come from Nova's
``ROUTE_LIST``, bodies from the JSON Schemas on its controllers; what is done
to them is what servers, proxies and strangers do to requests.
"""

import dataclasses
import functools
import io
import json
import random
import re
import urllib.parse
from typing import Any

from nova.api.openstack.compute import routes

PROJECTS = (
    "6f70656e737461636b20342065766572",
    "abc",
    "-",
    "0",
    "ABC",
    "abc-g",
    "servers",
    "",
)
IDS = (
    "3d9f6a4e-0f5c-4a5e-9d1b-8c2f5f1f0a11",
    "3D9F6A4E-0F5C-4A5E-9D1B-8C2F5F1F0A11",
    "1",
    "owner",
    "cost center",
    "a.json",
    "detail",
    "action",
    "servers",
    "metadata",
    "\xc3\xa9t\xc3\xa9",
    "\xff\xfe",
    "a\nb",
    "\n",
    "a;b=c",
    "a%2Fb",
    "{id}",
    "",
)
ENDS = ("\n", "\n\n", "\r\n", "\r", "/", "/\n", ".json", " ", "\x00", "\x85")
METHODS = ("GET", "POST", "PUT", "DELETE")
ODD_METHODS = ("HEAD", "OPTIONS", "PATCH", "post", "Put", "POST ", "")
OVERRIDES = (
    "_method={0}",
    "_method={1}",
    "a=b&_method={0}",
    "_method=GET&_method={0}",
    "_method={0}&_method=GET",
    "%5Fmethod={0}",
    "x=_method&%5Fmethod={0}",
    "x=_method&%5fmetho%64={1}",
    "_method={2}",
    "_method=+{0}",
    "_method={0}%20",
    "_method={0}%00",
    "_method={0};a=b",
    "a=b;_method={0}",
    "_METHOD={0}",
    "_method[]={0}",
    "_method",
    "_method=",
    "_method=&_method={0}",
    "_method={0}&_method=",
    "_method={0}&a=%ff",
    "a=%ff&_method={0}",
    "a=\xff&_method={0}",
    "_method=%ff{0}",
    "_method=po%C5%BFt",
    "?_method={0}",
    "_method={0}#x",
    "_method={0}&",
    "&&_method={0}",
    "limit=1",
)
TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "application/json;charset=latin-1",
    "application/vnd.openstack.compute+json",
    "text/plain",
    "text/plain; charset=utf-16",
    "",
    "APPLICATION/JSON",
    " application/json",
    "application/json, text/html",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
)
VERSIONS = (
    "2.1",
    "2.19",
    "2.37",
    "2.60",
    "2.90",
    "2.102",
    "2.103",
    "2.104",
    "2.105",
    "2.0",
    "3.1",
    "latest",
    "LATEST",
    "2",
    "2.090",
    "02.90",
    "2.9_0",
    "2. 90",
    "2.90.1",
    "+2.90",
    "-2.90",
    "2.\xb2",
    "",
)
HEADERS = (
    "compute {0}",
    "COMPUTE {0}",
    "compute  {0} ",
    "compute\t{0}",
    "compute={0}",
    "compute",
    "nova {0}",
    "{0}",
    "volume 3.60, compute {0}",
    "compute 2.1, compute {0}",
    "compute {0}, compute 2.1",
    "compute {0},",
    "compute {0}, volume latest",
    "compute {0} 2.1",
    "",
)
ENCODINGS = (
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "latin-1",
    "utf-7",
    "cp500",
)


@dataclasses.dataclass
class Request:
    """A request as a server gives it to a pipeline.

    :param framing: how the server says where the body ends
    :param legacy: whether it comes by ``/v2``
    """

    method: str
    path: str
    query: str | None
    headers: dict[str, str]
    body: bytes
    framing: str
    legacy: bool

    def environ(self) -> dict[str, Any]:
        """A new environ for it; the path is behind ``/v2.1``."""
        made = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "/v2" if self.legacy else "/v2.1",
            "PATH_INFO": self.path,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": Stream(self.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if self.query is not None:
            made["QUERY_STRING"] = self.query
        return made | self.headers | FRAMINGS[self.framing](len(self.body))


class Stream(io.RawIOBase):
    """A socket: it is read once, and it cannot seek."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._left.readinto(buffer)


#: How a server says where the body ends: its length -> what is in environ.
FRAMINGS = {
    "length": lambda length: {"CONTENT_LENGTH": str(length)},
    "chunked": lambda length: {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input_terminated": True,
    },
    "chunked, unknown to the server": lambda length: {
        "HTTP_TRANSFER_ENCODING": "chunked"
    },
    "length and terminated": lambda length: {
        "CONTENT_LENGTH": str(length),
        "wsgi.input_terminated": True,
    },
    "empty length": lambda length: {"CONTENT_LENGTH": ""},
    "empty length, terminated": lambda length: {
        "CONTENT_LENGTH": "",
        "wsgi.input_terminated": True,
    },
    "zero": lambda length: {"CONTENT_LENGTH": "0"},
    "zero, terminated": lambda length: {
        "CONTENT_LENGTH": "0",
        "wsgi.input_terminated": True,
    },
    "one less": lambda length: {"CONTENT_LENGTH": str(max(length - 1, 0))},
    "one more": lambda length: {"CONTENT_LENGTH": str(length + 1)},
    "negative": lambda length: {"CONTENT_LENGTH": "-1"},
    "no number": lambda length: {
        "CONTENT_LENGTH": f"{length}, {length}",
        "wsgi.input_terminated": True,
    },
    "not a plain number": lambda length: {"CONTENT_LENGTH": f" +0{length} "},
}


class Generator:
    """An endless row of requests, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  no secret
        self.routes = [
            (template, method, made.args[0], tuple(made.args[1]), action)
            for template, methods in routes.ROUTE_LIST
            if not isinstance(methods, str)
            for method, (made, action) in methods.items()
        ]
        self.writes = [row for row in self.routes if row[1] != "GET"]

    def request(self) -> Request:
        """The next one: a valid request with a few things spoilt."""
        choice = self._route()
        template, method, *_ = choice
        real, query = self._method(method)
        return Request(
            method=real,
            path=self._path(template),
            query=query,
            headers=self._headers(),
            body=self._body(choice),
            framing=self._often("length", tuple(FRAMINGS)),
            legacy=self.random.random() < 0.2,
        )

    def _often(self, usual: Any, others: Any, often: float = 0.75) -> Any:
        if self.random.random() < often:
            return usual
        return self.random.choice(others)

    def _route(self) -> Any:
        """Writes, servers and what takes many bodies come up more often."""
        rows = self._often(self.writes, (self.routes,), 0.9)
        servers = [row for row in rows if "/servers" in row[0]]
        rows = self._often(servers, (rows,), 0.7)
        often = [min(1 + len(_schemas(*row[2:])), 12) for row in rows]
        return self.random.choices(rows, often)[0]

    def _method(self, method: str) -> tuple[str, str | None]:
        """The method of the request line, and a query string."""
        way = self.random.random()
        if way < 0.55:
            return method, self._often(None, ("", "a=b", "limit=1"), 0.5)
        if way < 0.65:
            return self.random.choice(METHODS + ODD_METHODS), ""
        override = self.random.choice(OVERRIDES)
        wanted = self._often(method, METHODS + ODD_METHODS)
        spread = "".join(f"%{ord(letter):02X}" for letter in wanted)
        query = override.format(wanted, wanted.lower(), spread)
        real = self._often("PUT", METHODS + ODD_METHODS, 0.3)
        return self._often(real, (method,), 0.5), query

    def _path(self, template: str) -> str:
        ids = self._often(IDS[:1], (IDS,))
        path = re.sub("{.*?}", lambda _: self.random.choice(ids), template)
        if self.random.random() < 0.4:
            path = f"/{self._often(PROJECTS[0], PROJECTS)}{path}"
        if self.random.random() < 0.2:
            path += self.random.choice(ENDS)
        if self.random.random() < 0.08:
            path = self._bent(path)
        return path

    def _bent(self, path: str) -> str:
        parts = path.split("/")
        place = self.random.randrange(len(parts))
        return self.random.choice(
            (
                path.replace("/", "//", 1),
                path.swapcase(),
                path[1:],
                urllib.parse.quote(path, safe=""),
                path.replace("s", "%73"),
                path + path,
                "/".join(parts[:place] + parts[place + 1 :]),
                "/".join(parts[:place] + ["x"] + parts[place:]),
                "/".join(parts[:place] + ["\n"] + parts[place:]),
                "/".join(reversed(parts)),
                "/./" + path,
                "/x/.." + path,
                path.replace("/servers", "/os-volumes_boot"),
                path.replace("/", "\n/", 2),
                "",
            )
        )

    def _headers(self) -> dict[str, str]:
        made = {}
        kind = self._often("application/json", (*TYPES, None))
        if kind is not None:
            made["CONTENT_TYPE"] = kind
        if self.random.random() < 0.7:
            form = self._often(HEADERS[0], HEADERS)
            made["HTTP_OPENSTACK_API_VERSION"] = form.format(self._version())
        if self.random.random() < 0.3:
            form = self._often("{0}", ("2.1,{0}", "{0},", "compute {0}"))
            made["HTTP_X_OPENSTACK_NOVA_API_VERSION"] = form.format(
                self._version()
            )
        if self.random.random() < 0.05:
            made["HTTP_X_HTTP_METHOD_OVERRIDE"] = self.random.choice(METHODS)
        return made

    def _version(self) -> str:
        if self.random.random() < 0.5:
            return f"2.{self.random.randint(1, 104)}"
        return self.random.choice(VERSIONS)

    def _body(self, route: Any) -> bytes:
        if self.random.random() < 0.03:
            return self.random.choice(
                (b"", b" ", b"null", b"_method=PUT", b"{}", b"[]", b"0")
            )
        value = self._value(route)
        if self.random.random() < 0.3:
            value = self._spoilt(value)
        text = json.dumps(value, ensure_ascii=self.random.random() < 0.7)
        if self.random.random() < 0.4:
            text = self._rewritten(text)
        return self._encoded(text)

    def _value(self, route: Any) -> Any:
        """A body that fits the schema of a route, or of one of its actions."""
        schemas = _schemas(*route[2:])
        return self._instance(self.random.choice(schemas)) if schemas else {}

    def _instance(self, schema: Any) -> Any:
        """A value that fits a schema, or nearly so: Nova's patterns are not
        followed, and where it has several ways one is taken."""
        if not isinstance(schema, dict):
            return "any"
        for several in ("oneOf", "anyOf", "allOf"):
            if several in schema:
                return self._instance(self.random.choice(schema[several]))
        if "enum" in schema:
            return self.random.choice(list(schema["enum"]))
        kind = schema.get("type", "string")
        if isinstance(kind, list):
            kind = self.random.choice(kind)
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            items = schema.get("items", {})
            many = self.random.randint(schema.get("minItems", 0), 2)
            return [self._instance(items) for _ in range(many)]
        if kind == "string" and schema.get("format") == "uuid":
            return IDS[0]
        return self.random.choice(
            {
                "string": (
                    "web-1",
                    " a ",
                    "\xe9t\xe9",
                    "1",
                    IDS[0],
                    "\U0001f9c7",
                ),
                "integer": (1, 0, 3, -1),
                "number": (1, 1.0, 2.5e1),
                "boolean": (True, False),
                "null": (None,),
            }[kind]
        )

    def _object(self, schema: Any) -> dict[str, Any]:
        required = schema.get("required", ())
        made = {
            key: self._instance(inner)
            for key, inner in schema.get("properties", {}).items()
            if key in required or self.random.random() < 0.3
        }
        for inner in schema.get("patternProperties", {}).values():
            made[self.random.choice(("owner", "Owner", "a b"))] = (
                self._instance(inner)
            )
        return made

    def _spoilt(self, value: Any) -> Any:
        """Another value: the shape is wrong, or something odd is in it."""
        odd = self.random.choice(
            (
                float("nan"),
                float("-inf"),
                10**30,
                -0.0,
                "\ud800",
                "\x00",
                None,
                [],
                {},
                True,
                "x" * 300,
            )
        )
        if not isinstance(value, dict) or self.random.random() < 0.2:
            return self.random.choice((odd, [value], [], "a", {"a": value}))
        if not value or self.random.random() < 0.3:
            return value | {self.random.choice(("a", "rebuild", "")): odd}
        key = self.random.choice(list(value))
        if isinstance(value[key], dict) and self.random.random() < 0.7:
            return value | {key: self._spoilt(value[key])}
        if self.random.random() < 0.3:
            rest = {name: value[name] for name in value if name != key}
            return rest | {self._often(key.swapcase(), (" " + key,)): odd}
        return value | {key: odd}

    def _rewritten(self, text: str) -> str:
        """Another text: of the same value, of another, or of none."""
        keys = re.findall('"([^"\\\\]+)": ', text) or ["a"]
        key = self.random.choice(keys)
        escaped = "".join(f"\\u{ord(char):04x}" for char in key)
        depth = self.random.choice((5, 200, 950, 1100, 4500))
        deep = "[" * depth + "]" * depth
        again = self.random.choice(
            (f'"{key}": null, ', f'"{key}": {{"name": "b"}}, ', '"a": 1, ')
        )
        return self.random.choice(
            (
                text.replace(f'"{key}"', f'"{escaped}"', 1),
                text.replace(f'"{key}"', f'{again}"{key}"', 1),
                text.replace(f'"{key}"', f'{again}"{escaped}"', 1),
                text[:-1] + f", {again[:-2]}" + text[-1:],
                text[:-1] + ", " + text[1:],
                text[: len(text) // 2],
                text[:-1],
                text + "x",
                text + text,
                text + "\x00",
                "\x00" + text,
                "\n\t " + text + "\r\n ",
                "\x0b" + text,
                "\xa0" + text,
                text.replace('"', "'"),
                text[:-1] + ",}",
                "/**/" + text,
                f"[{text}]",
                json.dumps(text),
                text.replace(": ", ": 1e999, " + f'"{key}": ', 1),
                text.replace(": ", f': {deep}, "{key}": ', 1),
                text.replace(": ", f': {"1" * depth}, "{key}": ', 1),
                deep,
            )
        )

    def _encoded(self, text: str) -> bytes:
        encoding = self._often("utf-8", ENCODINGS, 0.93)
        made = text.encode(
            encoding,
            "surrogatepass"
            if "utf" in encoding and encoding != "utf-7"
            else "replace",
        )
        if self.random.random() < 0.02:
            spoilt = self.random.choice(
                (
                    b"\xff",
                    b"\xc0\xaf",
                    b"\xed\xa0\x80",
                    b"\xe9",
                    b"\xf4\x90\x80\x80",
                )
            )
            made = made.replace(b'"', b'"' + spoilt, 1)
        return made


@functools.cache
def _schemas(controller: Any, more: tuple[Any, ...], action: str) -> list[Any]:
    """The schemas of all versions of a method, or of all its actions."""
    functions = [getattr(controller, action, None)]
    if action == "action":
        functions = [
            getattr(kind, name)
            for kind in (controller, *more)
            for name in kind.wsgi_actions.values()
        ]
    return [
        schema
        for function in functions
        for schema, *_ in getattr(
            getattr(function, "request_body_schemas", None), "_schemas", ()
        )
    ]
