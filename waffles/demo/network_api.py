"""The requests of Neutron's API that the stand-in answers.

Lists take Neutron's filters (``?id=…&id=…``, ``?shared=true``), ``fields``,
``limit`` and ``marker``.
"""

from collections.abc import Mapping
from typing import Any
from urllib import parse

import webob
from neutronclient.common import exceptions

from waffles.demo.neutron_client import Client

#: What is in the path -> what is asked for, for one and for all of them.
RESOURCES = {
    "networks": ("network", "networks"),
    "ports": ("port", "ports"),
    "rbac-policies": ("", "rbac_policies"),
    "network-ip-availabilities": (
        "network_ip_availability",
        "network_ip_availabilities",
    ),
}

#: Parameters that do not filter.
_OTHERS = {"fields", "limit", "marker"}

#: Whose text stands for true or false.
_BOOLEANS = {"admin_state_up", "router:external", "shared"}

#: How the fields begin that administrators only are shown.
_HIDDEN = ("binding:", "provider:")


def answer(
    client: Client, request: webob.Request, path: str, one: str = ""
) -> tuple[int, dict[str, Any]]:
    """The status and the body of an answer.

    :param path: the last part of the URL's path but for
    :param one: the id of the one that is asked for
    """
    single, several = RESOURCES.get(path, ("", ""))
    if not several or (one and not single):
        return 404, {"message": "The resource could not be found."}
    try:
        if one:
            found = getattr(client, f"show_{single}")(one)[single]
            return 200, {single: _shown(found, client, request)}
        found = getattr(client, f"list_{several}")(**_filters(request))
    except exceptions.NeutronClientException as error:
        kind = type(error).__name__.removesuffix("Client")
        fault = {"type": kind, "message": str(error), "detail": ""}
        return error.status_code, {"NeutronError": fault}
    return 200, _page(found[several], several, client, request)


def _filters(request: webob.Request) -> dict[str, list[Any]]:
    """What is filtered by; an empty text does not filter."""
    filters: dict[str, list[Any]] = {
        name: [text for text in texts if text]
        for name, texts in request.GET.dict_of_lists().items()
        if name not in _OTHERS and any(texts)
    }
    for name in filters.keys() & _BOOLEANS:
        filters[name] = [
            text.lower() in ("true", "1") for text in filters[name]
        ]
    return filters


def _page(
    found: list[dict[str, Any]],
    several: str,
    client: Client,
    request: webob.Request,
) -> dict[str, Any]:
    ids = [str(one.get("id", one.get("network_id"))) for one in found]
    query = request.GET.copy()
    begin = ids.index(query["marker"]) + 1 if "marker" in query else 0
    end = begin + int(query["limit"]) if "limit" in query else None
    page = [_shown(one, client, request) for one in found[begin:end]]
    body = {several: page}
    if end is not None and end <= len(ids):
        query["marker"] = ids[end - 1]
        href = f"{request.path_url}?{parse.urlencode(list(query.items()))}"
        body[f"{several}_links"] = [{"rel": "next", "href": href}]
    return body


def _shown(
    one: Mapping[str, Any], client: Client, request: webob.Request
) -> dict[str, Any]:
    fields = request.GET.getall("fields") or one
    hidden = () if client.admin else _HIDDEN
    return {
        name: one[name]
        for name in fields
        if name in one and not name.startswith(hidden)
    }
