"""Services on sockets of their own, which a test breaks and mends."""

import http.client
import itertools
import json
import socket
import threading
import time
from concurrent import futures
from typing import Any, NamedTuple

import webob
from webob import dec

from tests import fakes
from tests.unit.clients import peers

RED = "aaaaaaaa-0000-4000-8000-00000000000a"
BLUE = "bbbbbbbb-0000-4000-8000-00000000000b"
PORT = "99999999-0000-4000-8000-000000000009"

SERVICES = ("keystone", "nova", "neutron")

#: What a waffle has of the cloud: one of these is asked once a survey.
ONCE = "/v2.0/network-ip-availabilities"

_HEAD = b"HTTP/1.1 200 OK\r\n"


def saying(status, text, length=None, kind="application/json"):
    """Answers once with a text, and ends the connection."""
    answer = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n"
        f"Content-Length: {length or len(text)}\r\n\r\n{text}"
    )

    def serve(connection, stop):
        connection.recv(65536)
        connection.sendall(answer.encode())

    return serve


def refused(connection, stop):
    """Nobody gets here: the port is closed."""


def reset(connection, stop):
    """Accepts, hears, and hangs up."""
    connection.recv(65536)


#: Of services that are broken; for a Service.
FAULTS = {
    "500": saying("500 Oops", '{"error": {"message": "broken now"}}'),
    "503": saying("503 Service Unavailable", "", kind="text/plain"),
    "401": saying("401 Unauthorized", '{"error": {"message": "no"}}'),
    "403": saying("403 Forbidden", '{"error": {"message": "no"}}'),
    "404": saying("404 Not Found", "", kind="text/html"),
    "HTML": saying("200 OK", "<html>Sorry</html>", kind="text/html"),
    "other JSON": saying("200 OK", "[[]]"),
    "cut JSON": saying("200 OK", '{"networks": [{"id": "'),
    "cut answer": saying("200 OK", '{"networks": [{"id": "', length=999),
    "refused": refused,
    "reset": reset,
    "hang": peers.silent,
    "drip in headers": peers.dripping(_HEAD + b"X-Long: "),
    "drip in body": peers.dripping(_HEAD + b"Content-Length: 99999\r\n\r\n"),
    "drip in chunks": peers.chunking,
}

#: Those that would hold a request for ever.
SLOW = ("hang", "drip in headers", "drip in body", "drip in chunks")


class Service(peers.Peer):
    """An application on a port, which a test breaks and mends.

    Connections are kept open, as real services keep them.
    """

    def __init__(self, app):
        super().__init__(self._served)
        self.app, self._fault, self._wait = app, None, 0.0
        #: Requests that came, and the paths of those that were answered.
        self.requests, self.paths = 0, []

    def breaks(self, fault):
        """From now on do something else to those who ask.

        :param fault: of :data:`FAULTS`
        """
        self._fault = fault
        if fault is refused:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._threads[0].join()
            self._listener.close()
            for connection in self._open:
                peers._end(connection)
            # Bound, so that nobody else gets the port meanwhile.
            self._listener = socket.socket()
            self._listener.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )
            self._listener.bind(("127.0.0.1", self.port))

    def mend(self):
        """Be as ever."""
        if self._fault is refused:
            self._listener.listen(64)
            self._threads[0] = threading.Thread(target=self._accept)
            self._threads[0].start()
        self._fault = None

    def __exit__(self, *error):
        self.mend()
        super().__exit__(*error)

    def slows(self, seconds):
        """From now on take some time for each answer."""
        self._wait = seconds

    def _served(self, connection, stop):
        with connection.makefile("rb") as file:
            while connection.recv(1, socket.MSG_PEEK):
                self.requests += 1
                if self._fault:
                    self._fault(connection, stop)
                    return
                stop.wait(self._wait)
                connection.sendall(self._answer(file))

    def _answer(self, file):
        method, target, _ = file.readline().decode().split()
        headers = http.client.parse_headers(file)
        body = file.read(int(headers.get("Content-Length", 0)))
        request = webob.Request.blank(
            target, method=method, headers=dict(headers), body=body
        )
        response = request.get_response(self.app)
        response.content_length = len(response.body)
        head = [f"HTTP/1.1 {response.status}"]
        head += [f"{name}: {value}" for name, value in response.headerlist]
        self.paths.append(request.path)
        return "\r\n".join([*head, "", ""]).encode() + response.body


class Site:
    """Keystone, Nova and Neutron: two networks, and a host with both.

    :param nova: an application instead of what is known of a Nova here
    :param keystone: likewise
    :param neutron: likewise
    """

    def __init__(self, nova=None, keystone=None, neutron=None, path=""):
        #: Network id -> how many addresses are free.
        self.free = {RED: 90_000, BLUE: 50_000}
        self._token = "ours"  # noqa: S105  of nobody
        self._path = path
        self.services = {
            "keystone": Service(self._catalogued(keystone or self._keystone)),
            "nova": Service(nova or self._known(self._nova)),
            "neutron": Service(neutron or self._known(self._neutron)),
        }

    def __enter__(self):
        for service in self.services.values():
            service.__enter__()
        return self

    def __exit__(self, *error):
        for service in self.services.values():
            service.__exit__(*error)

    def __getitem__(self, name):
        return self.services[name]

    @property
    def requests(self):
        """How many there have been, of all services."""
        return sum(one.requests for one in self.services.values())

    @property
    def surveys(self):
        """How often all has been asked for."""
        return self["neutron"].paths.count(ONCE)

    @property
    def access(self):
        """The group of a configuration by which we reach it."""
        return (
            "[waffles]\nauth_type = password\n"
            f"auth_url = {self['keystone'].url}{self._path}/v3\n"
            "username = admin\npassword = any\nproject_name = admin\n"
            "user_domain_id = default\nproject_domain_id = default\n"
            "region_name = demo\n"
        )

    def revoke(self):
        """Let the tokens be no good any more that Keystone has given out."""
        self._token += "-new"

    def _known(self, app):
        """A service that knows which of our tokens are revoked."""

        @dec.wsgify
        def application(request):
            token = request.headers["X-Auth-Token"]
            good = token == self._token or not token.startswith("ours")
            return app if good else _json({"message": "expired"}, 401)

        return application

    def _catalogued(self, app):
        """Keystone, whose catalog leads to the others here."""

        @dec.wsgify
        def application(request):
            answer = request.get_response(app)
            if answer.status_code == 201:
                body = answer.json
                body["token"]["catalog"] = self._catalog()
                answer.json = body
            return answer

        return application

    def _catalog(self):
        urls = {
            "compute": f"{self['nova'].url}/v2.1",
            "network": f"{self['neutron'].url}"
            + ("/network" if self._path else ""),
        }
        public = {"interface": "public", "region": "demo"}
        return [
            {
                "type": kind,
                "name": kind,
                "endpoints": [{**public, "url": url}],
            }
            for kind, url in urls.items()
        ]

    @dec.wsgify
    def _keystone(self, request):
        """Its version, and a token for anybody."""
        if request.method == "GET":
            links = [{"rel": "self", "href": request.path_url}]
            version = {"id": "v3.14", "status": "stable", "links": links}
            return _json({"version": version})
        domain = {"id": "default", "name": "Default"}
        token = {
            "methods": ["password"],
            "issued_at": "2020-01-01T00:00:00.000000Z",
            "expires_at": "2999-01-01T00:00:00.000000Z",
            "user": {"id": "u", "name": "admin", "domain": domain},
            "project": {"id": "p", "name": "p", "domain": domain},
        }
        answer = _json({"token": token}, 201)
        answer.headers["X-Subject-Token"] = self._token
        return answer

    @dec.wsgify
    def _nova(self, request):
        aggregate = {
            "availability_zone": None,
            "hosts": ["host1"],
            "metadata": {"networks": f"{RED},{BLUE}"},
        }
        service = {
            "host": "host1",
            "zone": "nova",
            "state": "up",
            "status": "enabled",
        }
        return _json(
            {
                "/v2.1/os-aggregates": {"aggregates": [aggregate]},
                "/v2.1/os-services": {"services": [service]},
                "/v2.1/flavors/detail": {
                    "flavors": [{"id": "1", "extra_specs": {}}]
                },
            }[request.path]
        )

    @dec.wsgify
    def _neutron(self, request):
        shares = [
            {"object_id": one, "target_tenant": "*"} for one in self.free
        ]
        return _json(
            {
                "/v2.0/networks": {"networks": [*map(_network, self.free)]},
                "/v2.0/rbac-policies": {"rbac_policies": shares},
                ONCE: {
                    "network_ip_availabilities": [
                        _availability(*one) for one in self.free.items()
                    ]
                },
                f"/v2.0/ports/{PORT}": {"port": {"network_id": BLUE}},
            }[request.path]
        )


def _network(network_id):
    return {
        "id": network_id,
        "name": "red" if network_id == RED else "blue",
        "project_id": "none",
        "admin_state_up": True,
        "status": "ACTIVE",
        "provider:network_type": "vlan",
    }


def _availability(network_id, free):
    subnet = {"ip_version": 4, "total_ips": free, "used_ips": 0}
    return {"network_id": network_id, "subnet_ip_availability": [subnet]}


def _json(body, status=200):
    return webob.Response(
        json.dumps(body).encode(), status, content_type="application/json"
    )


class Answer(NamedTuple):
    """What came of a create.

    :param message: of the fault, if it is one
    :param networks: what Nova got, if it got the request
    :param seconds: that it took
    """

    status: int
    message: str | None
    retry_after: str | None
    networks: Any
    seconds: float


class Whole:
    """A waffle as api-paste.ini has it, over a Nova that takes anything."""

    def __init__(self, factory, file, **how):
        self.nova = fakes.FakeNova(how)
        self.app = factory({}, config_file=str(file))(self.nova)

    def create(self, **fields):
        """Create a server; an Answer."""
        start, name = time.monotonic(), f"server-{next(_NUMBERS)}"
        body = {"server": {"name": name, "flavorRef": "1", **fields}}
        answer = fakes.send(self.app, body=body)
        took = time.monotonic() - start
        mine = [
            sent["server"].get("networks")
            for sent in self.nova.writes
            if sent["server"]["name"] == name
        ]
        faults = answer.json.values()
        return Answer(
            answer.status_int,
            next((fault["message"] for fault in faults), None),
            answer.headers.get("Retry-After"),
            mine[0] if mine else None,
            took,
        )


_NUMBERS = itertools.count()


def together(*calls):
    """What calls give that are made at once."""
    with futures.ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(call) for call in calls]]
