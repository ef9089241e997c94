"""A cloud on a real socket: a Keystone, and whatever compute API is given."""

import contextlib
import difflib
import threading
import time
from socketserver import ThreadingMixIn
from wsgiref import simple_server

import webob

TOKEN = "gAAAAA-token"  # noqa: S105
USER = {"name": "fencer", "domain": "Default", "password": "s3cret=1"}


class FakeKeystone:
    """Gives a token to one user; has the compute API of its own address."""

    def __init__(self, compute):
        self.compute, self.logins = compute, []
        self.interfaces = {"public": "west", "internal": "east"}

    def __call__(self, environ, start_response):
        request = webob.Request(environ)
        if request.path_info == "/v3/auth/tokens":
            answer = self._log_in(request)
        elif request.headers.get("X-Auth-Token") != TOKEN:
            answer = fault(401, "unauthorized", "Authentication required")
        else:
            request.path_info_pop()
            answer = self.compute
        return answer(environ, start_response)

    def _log_in(self, request):
        auth = request.json_body["auth"]
        user = auth["identity"]["password"]["user"]
        self.logins.append((user["name"], auth["scope"]["project"]))
        given = {**user, "domain": user["domain"]["name"]}
        if given != USER:
            return fault(401, "error", "The request requires authentication")
        endpoints = [
            {
                "interface": interface,
                "region_id": region,
                "url": f"{request.host_url}/{interface}",
            }
            for interface, region in self.interfaces.items()
        ]
        catalog = [
            {"type": "image", "endpoints": endpoints},
            {"type": "compute", "endpoints": endpoints},
        ]
        answer = webob.Response(status=201, json_body={})
        answer.json_body = {"token": {"catalog": catalog}}
        answer.headers["X-Subject-Token"] = TOKEN
        return answer


class FakeWaffles:
    """The endpoint, as far as agents ask it.

    :param hosts: names of compute services
    """

    def __init__(self, *hosts):
        self.hosts, self.recoveries = hosts, []
        self.requests, self.keys = [], {}
        self.may_start = {"may_start": True, "reason": ""}
        #: Path -> the answer that comes instead; None: it is carried out,
        #: and the connection is cut before the answer.
        self.instead = {}

    def __call__(self, environ, start_response):
        request = webob.Request(environ)
        path = request.path_qs.removeprefix(request.script_name)
        self.requests.append((request.method, path))
        path = request.path_info.removeprefix("/os-waffles")
        answer = self.instead.get(path) or self._answer(request, path)
        if path in self.instead and self.instead[path] is None:
            raise ConnectionAbortedError
        return answer(environ, start_response)

    def _answer(self, request, path):
        if path == "/os-services":
            found = [{"host": host} for host in self.hosts]
            return webob.Response(json_body={"services": found})
        if path == "/recoveries":
            return self._list(request)
        if path == "/force-down":
            return self._force_down(request)
        _, _, host, what = path.split("/")
        if what == "may-start":
            return webob.Response(json_body=self.may_start)
        (found,) = [one for one in self.recoveries if one["host"] == host]
        found["return_state"] = "waiting"
        return webob.Response(status=202, json_body={"recovery": found})

    def _list(self, request):
        found = [
            one
            for one in reversed(self.recoveries)
            if request.GET.get("host", one["host"]) == one["host"]
        ]
        limit = int(request.GET["limit"])
        return webob.Response(json_body={"recoveries": found[:limit]})

    def _force_down(self, request):
        said = request.json_body["force_down"]
        host, key = said["host"], request.headers["Idempotency-Key"]
        if host not in self.hosts:
            near = difflib.get_close_matches(host, self.hosts)
            text = f"There is no {host}; near: {', '.join(near)}"
            return fault(404, "itemNotFound", text)
        if any(
            one["host"] == host and one["state"] == "running"
            for one in self.recoveries
        ):
            return fault(409, "conflictingRequest", "It has one already")
        self.keys.setdefault(key, []).append(said)
        return webob.Response(
            status=202, json_body={"recovery": self.add(host, said=said)}
        )

    def add(self, host, state="running", back="down", age=0.0, said=None):
        """A recovery of a host, made some seconds ago."""
        made = time.gmtime(time.time() - age)
        self.recoveries.append(
            {
                "id": f"recovery-{len(self.recoveries) + 1}",
                "host": host,
                "state": state,
                "return_state": back,
                "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", made),
                **(said or {}),
            }
        )
        return self.recoveries[-1]


def fault(code, name, message):
    body = {name: {"code": code, "message": message}}
    return webob.Response(status=code, json_body=body)


class _Server(ThreadingMixIn, simple_server.WSGIServer):
    """Waits for its threads when it is closed."""


class _Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def served(app):
    """An application on a free port; gives its URL."""
    with simple_server.make_server(
        "127.0.0.1", 0, app, server_class=_Server, handler_class=_Quiet
    ) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
