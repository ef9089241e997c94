"""Version documents that show what all cells have in common."""

import json
from typing import TYPE_CHECKING, Any
from wsgiref import util

import webob

from waffles.cells.versions import Versions

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


def is_one(environ: "WSGIEnvironment") -> bool:
    """Whether a request is for the document of the API.

    Nova's own pipelines have these elsewhere, above all filters.
    """
    path = environ.get("PATH_INFO", "")
    return environ["REQUEST_METHOD"] == "GET" and path in ("", "/")


def answer(environ: "WSGIEnvironment", versions: Versions) -> webob.Response:
    """The document of the first cell that has given one, with our range.

    Everybody may see it.  At ``/`` of a server it is the list of versions.

    :raises Unavailable: no cell has
    """
    version = versions.document(environ)
    front = util.application_uri(environ).rstrip("/") + "/"
    listed = not environ.get("SCRIPT_NAME")
    href = f"{front}v2.1/" if listed else front
    version["links"] = _links(version.get("links"), href)
    if listed:
        version.pop("media-types", None)
    data = {"versions": [version]} if listed else {"version": version}
    return webob.Response(
        status=200,
        body=json.dumps(data).encode(),
        content_type="application/json",
    )


def _links(links: Any, href: str) -> list[Any]:
    """The links of a document, that to itself as ours."""
    kept = [
        one
        for one in (links if isinstance(links, list) else [])
        if isinstance(one, dict) and one.get("rel") != "self"
    ]
    return [{"rel": "self", "href": href}, *kept]
