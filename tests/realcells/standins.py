"""What a cell's Nova asks besides its databases.

Keystone knows every project but those that begin with a zero, and Glance
every image but these.  Placement knows no resource provider: Nova logs that,
and goes on.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

#: What clients want to know of Keystone before they ask.
IDENTITY = {
    "id": "v3.14",
    "status": "stable",
    "links": [{"rel": "self", "href": ""}],
}

#: What Placement says to whatever it is asked.
PLACEMENT = {
    "versions": [
        {
            "id": "v1.0",
            "status": "CURRENT",
            "min_version": "1.0",
            "max_version": "1.39",
            "links": [{"rel": "self", "href": ""}],
        }
    ],
    "resource_providers": [],
}


def beside(nova: "WSGIApplication") -> "WSGIApplication":
    """Nova, and the stand-ins under paths that it does not have."""

    def app(
        environ: dict[str, Any], start: "StartResponse"
    ) -> Iterable[bytes]:
        for prefix, answer in PATHS.items():
            if environ["PATH_INFO"].startswith(prefix):
                data = answer(environ["PATH_INFO"].removeprefix(prefix))
                status = "404 Not Found" if data is None else "200 OK"
                start(status, [("Content-Type", "application/json")])
                return [json.dumps(data or {}).encode()]
        return nova(environ, start)

    return app


def _thing(thing_id: str) -> dict[str, Any] | None:
    if thing_id.startswith("0"):
        return None
    return {"id": thing_id, "name": "any", "status": "active"}


#: The beginning of a path -> what is given for the rest; None for 404.
PATHS: Mapping[str, Callable[[str], dict[str, Any] | None]] = {
    "/identity/v3/projects/": _thing,
    "/identity/v3": lambda _: {"version": IDENTITY},
    "/image/v2/images/": _thing,
    "/image/v2/schemas/": lambda name: {"name": name, "properties": {}},
    "/placement": lambda _: PLACEMENT,
}
