"""Small servers that answer as a few calls of Nova's would."""

import contextlib
import json
import threading
import wsgiref.simple_server

import webob

DOCUMENT = {
    "version": {
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.104",
        "min_version": "2.1",
        "links": [{"rel": "self", "href": "http://cell/v2.1/"}],
    }
}


class Nova:
    """One cell: it has flavors, and remembers what it was asked."""

    def __init__(self, *flavors, most="2.104"):
        self.flavors, self.most, self.asked = list(flavors), most, []

    def __call__(self, environ, start_response):
        request = webob.Request(environ)
        self.asked.append(request.copy())
        status, data = self._answer(request)
        headers = {"x-compute-request-id": "req-cell"}
        return webob.Response(
            status=status,
            body=json.dumps(data).encode(),
            content_type="application/json",
            headerlist=[
                ("Content-Type", "application/json"), *headers.items()
            ],
        )(environ, start_response)  # fmt: skip

    def _answer(self, request):
        path = request.path_info.removeprefix("/v2.1")
        if path == "/":
            version = DOCUMENT["version"] | {"version": self.most}
            return 200, {"version": version}
        if _minor(request.headers["OpenStack-API-Version"]) > _minor(
            self.most
        ):
            return 406, {"computeFault": {"code": 406, "message": "No."}}
        if path in ("/flavors", "/flavors/detail"):
            return 200, {"flavors": [_flavor(name) for name in self.flavors]}
        name = path.removeprefix("/flavors/")
        if name in self.flavors:
            return 200, {"flavor": _flavor(name)}
        return 404, {"itemNotFound": {"code": 404, "message": "None."}}


def _minor(version):
    return int(version.rpartition(".")[2])


def _flavor(name):
    return {
        "id": name,
        "name": name,
        "ram": 64,
        "disk": 0,
        "vcpus": 1,
        "swap": 0,
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": True,
        "rxtx_factor": 1.0,
        "links": [{"rel": "self", "href": f"http://cell/v2.1/flavors/{name}"}],
    }


class _Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def served(app):
    """An application at an address, which is given."""
    server = wsgiref.simple_server.make_server(
        "127.0.0.1", 0, app, handler_class=_Quiet
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v2.1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
