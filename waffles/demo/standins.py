"""Stand-ins for Keystone, Glance and Neutron, for clients of all kinds.

They are no more than that: Keystone gives out the token of any user to
whoever names him, without a look at the password, Glance only shows the
images that Nova's fixtures have, and Neutron the networks of the cloud
(:mod:`waffles.demo.network_api`).  They stand beside Nova on one port, under
``/identity``, ``/image`` and ``/network``, with what is around a cloud
(:mod:`waffles.demo.outside`).
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import webob
from webob import dec

from waffles.demo import network_api, outside
from waffles.demo.cloud import Cloud
from waffles.demo.neutron_client import Client

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: What paths begin with that are not Nova's.
PATHS = ("/identity", "/image", "/network", *outside.PATHS)

#: Service type -> its name, and its path on the port.
SERVICES = {
    "compute": ("nova", "/v2.1"),
    "identity": ("keystone", "/identity/v3"),
    "image": ("glance", "/image"),
    "network": ("neutron", "/network"),
}


def beside(nova: "WSGIApplication", cloud: Cloud) -> "WSGIApplication":
    """Nova's application, with the stand-ins beside it.

    :param cloud: the one whose tokens, images and networks they give out
    """

    @dec.wsgify
    def application(request: webob.Request) -> "WSGIApplication":
        ours = request.path.startswith(PATHS)
        return _answer(request, cloud) if ours else nova

    return application


def _answer(request: webob.Request, cloud: Cloud) -> webob.Response:
    for route, answer in ROUTES.items():
        found = re.fullmatch(route, f"{request.method} {request.path}")
        if found:
            return answer(request, cloud, *found.groups())
    return _json(404, {"error": {"code": 404, "message": "Not found."}})


def _keystone(request: webob.Request, cloud: Cloud) -> webob.Response:
    version = _version(request, "v3.14", "stable", "/identity/v3/")
    return _json(200, {"version": version})


def _token(request: webob.Request, cloud: Cloud) -> webob.Response:
    identity = request.json_body["auth"]["identity"]
    name = identity.get("password", {}).get("user", {}).get("name")
    if name not in cloud.tokens.tokens:
        message = f"There is no user {name}."
        return _json(401, {"error": {"code": 401, "message": message}})
    token = cloud.tokens.fetch_token(name)["token"]
    response = _json(201, {"token": {**token, "catalog": _catalog(request)}})
    response.headers["X-Subject-Token"] = name
    return response


def _catalog(request: webob.Request) -> list[dict[str, Any]]:
    public = {"interface": "public", "region": "demo"}
    return [
        {
            "type": service,
            "name": name,
            "endpoints": [{**public, "url": request.host_url + path}],
        }
        for service, (name, path) in SERVICES.items()
    ]


def _glance(request: webob.Request, cloud: Cloud) -> webob.Response:
    version = _version(request, "v2.0", "CURRENT", "/image/v2/")
    return _json(300, {"versions": [version]})


def _images(request: webob.Request, cloud: Cloud) -> webob.Response:
    images = cloud.glance.images.values()
    name = request.GET.get("name")
    found = [_shown(one) for one in images if name in (None, one["name"])]
    return _json(200, {"images": found})


def _image(
    request: webob.Request, cloud: Cloud, image_id: str
) -> webob.Response:
    found = cloud.glance.images.get(image_id)
    if found is None:
        return _json(404, {"message": "There is no such image."})
    return _json(200, _shown(found))


def _neutron(request: webob.Request, cloud: Cloud) -> webob.Response:
    version = _version(request, "v2.0", "CURRENT", "/network/v2.0/")
    return _json(200, {"versions": [version]})


def _network(
    request: webob.Request, cloud: Cloud, *path: str
) -> webob.Response:
    name = request.headers.get("X-Auth-Token")
    if name not in cloud.tokens.tokens:
        return _json(401, {"message": "The request is not authorized."})
    token = cloud.tokens.fetch_token(name)["token"]
    roles = {role["name"] for role in token["roles"]}
    client = Client(cloud.neutron, token["project"]["id"], "admin" in roles)
    return _json(*network_api.answer(client, request, *path))


def _shown(image: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "name", "status", "visibility", "min_disk", "min_ram")
    return {name: image[name] for name in names}


def _version(
    request: webob.Request, name: str, status: str, path: str
) -> dict[str, Any]:
    links = [{"rel": "self", "href": request.host_url + path}]
    return {"id": name, "status": status, "links": links}


def _json(status: int, body: dict[str, Any]) -> webob.Response:
    response = webob.Response(status=status, content_type="application/json")
    response.json_body = body
    return response


#: Method and path -> what answers; nothing else is answered.
ROUTES: dict[str, Callable[..., webob.Response]] = {
    r"GET /identity/v3/?": _keystone,
    r"POST /identity/v3/auth/tokens": _token,
    r"GET /image/?": _glance,
    r"GET /image/v2/images": _images,
    r"GET /image/v2/images/([^/]+)": _image,
    r"GET /network/?": _neutron,
    r"GET /network/v2\.0/([^/]+)": _network,
    r"GET /network/v2\.0/([^/]+)/([^/]+)": _network,
    **outside.ROUTES,
}
