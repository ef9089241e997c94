import json
from urllib import parse

import pytest
import requests
from keystoneauth1 import noauth
from keystoneauth1 import session as keystone

from waffles import exceptions
from waffles.clients import nova, session

URL = "http://nova.example.com/v2.1"


class FakeApi(requests.adapters.BaseAdapter):
    """A list of servers by pages; the newest come first, as in Nova.

    :param steps: page number -> called before it, or an answer instead of it
    :param lists: what else is listed, in one page each
    """

    def __init__(self, ids, limit=2, steps=None, **lists):
        super().__init__()
        self.ids, self.limit = list(ids), limit
        self.steps = steps or {}
        self.lists = lists
        self.requests = []

    def send(self, request, **how):
        self.requests.append(request)
        split = parse.urlsplit(request.url)
        for key, items in self.lists.items():
            if split.path.endswith(f"/os-{key}"):
                return self._answer(request, {key: items})
        step = self.steps.pop(len(self.requests), None)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, tuple):
            return self._answer(request, *step)
        if step:
            step(self)
        key = split.path.split("/")[-2]
        query = parse.parse_qs(split.query)
        return self._answer(request, *self._page(key, query))

    def _page(self, key, query):
        start = 0
        if "marker" in query:
            (marker,) = query["marker"]
            if marker not in self.ids:
                fault = {
                    "code": 400,
                    "message": f"marker [{marker}] not found",
                }
                return {"badRequest": fault}, 400
            start = self.ids.index(marker) + 1
        found = self.ids[start : start + self.limit]
        body = {key: [{"id": one} for one in found]}
        if len(found) == self.limit:
            body[f"{key}_links"] = [{"rel": "next"}]
        return body, 200

    def _answer(self, request, body, status=200):
        response = requests.Response()
        response.status_code, response.request = status, request
        response.url = request.url
        text = body if isinstance(body, str) else json.dumps(body)
        response._content = text.encode()
        response.headers["Content-Type"] = "application/json"
        return response

    def close(self):
        pass


def _nova(api):
    http = requests.Session()
    http.mount("http://", api)
    options = {"valid_interfaces": ["public"], "region_name": None}
    auth = noauth.NoAuth(endpoint=URL)
    return nova.Nova(
        session.Access(keystone.Session(auth=auth, session=http), options)
    )


def _ids(servers):
    return [server["id"] for server in servers]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("count", [0, 1, 5, 6])
def test_each_server_is_listed_once_whatever_the_limit(count, limit):
    ids = [f"s{number}" for number in range(count)]

    assert _ids(_nova(FakeApi(ids, limit)).servers()) == ids


def test_servers_are_asked_for_as_an_administrator_sees_them():
    api = FakeApi(["a"])
    list(_nova(api).servers("red"))
    (request,) = api.requests

    assert request.url == f"{URL}/servers/detail?all_tenants=1&project_id=red"
    assert request.headers["OpenStack-API-Version"] == "compute 2.46"


def test_a_page_is_asked_for_when_it_is_needed():
    api = FakeApi([*"abcd"])
    servers = _nova(api).servers()
    next(servers)

    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("limit", "gone"),
    [(2, "b"), (3, "c"), (3, "bc"), (3, "ac"), (3, "b"), (3, "ad")],
)
def test_a_server_that_is_deleted_meanwhile_loses_no_other(limit, gone):
    def delete(api):
        api.ids = [one for one in api.ids if one not in gone]

    api = FakeApi([*"abcdefg"], limit, {2: delete})
    lost = [one for one in gone if one not in "abc"[:limit]]

    assert _ids(_nova(api).servers()) == [
        one for one in "abcdefg" if one not in lost
    ]


def test_a_server_is_listed_once_if_its_page_overlaps_the_last():
    gone = {"badRequest": {"code": 400, "message": "marker not found"}}, 400
    api = FakeApi([*"abcdefg"], 3, {2: gone, 3: gone})

    assert _ids(_nova(api).servers()) == [*"abcdefg"]


def test_a_page_whose_servers_are_all_deleted_is_lost():
    def delete(api):
        del api.ids[:2]

    servers = _nova(FakeApi([*"abcd"], steps={2: delete})).servers()

    assert _ids([next(servers), next(servers)]) == ["a", "b"]
    with pytest.raises(exceptions.Hidden, match="marker"):
        next(servers)


def test_that_a_page_is_not_there_is_no_matter_of_its_marker():
    gone = {"itemNotFound": {"code": 404, "message": "no such list"}}, 404
    api = FakeApi([*"abcd"], steps={2: gone})

    with pytest.raises(exceptions.Hidden, match="no such list"):
        list(_nova(api).servers())
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    "step",
    [
        ({"serviceUnavailable": {"code": 503, "message": "x"}}, 503),
        ({"forbidden": {"code": 403, "message": "x"}}, 403),
        ("<html>", 200),
        ("", 200),
        ({"servers": None}, 200),
        ([], 200),
        requests.ConnectionError("reset"),
        requests.exceptions.ChunkedEncodingError("cut"),
    ],
    ids=["503", "403", "html", "empty", "null", "list", "reset", "cut"],
)
def test_a_page_that_is_lost_is_said_to_be(step):
    servers = _nova(FakeApi([*"abcd"], steps={2: step})).servers()

    assert _ids([next(servers), next(servers)]) == ["a", "b"]
    with pytest.raises(exceptions.Unavailable, match="/servers/detail"):
        next(servers)


def test_hosts_of_a_cell_that_is_down_are_named():
    services = [
        {"host": "h2", "status": "UNKNOWN"},
        {"host": "h1", "status": "UNKNOWN"},
        {"host": "h3", "status": "enabled", "state": "down"},
    ]
    api = FakeApi([], services=services)

    assert _nova(api).down_hosts() == ["h1", "h2"]
    assert api.requests[0].headers["OpenStack-API-Version"] == "compute 2.69"


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_each_flavor_is_listed_once_whatever_the_limit(limit):
    api = FakeApi([*"abcde"], limit)

    assert _ids(_nova(api).flavors()) == [*"abcde"]


def test_flavors_of_all_projects_are_asked_for_with_their_extra_specs():
    api = FakeApi(["a"])
    list(_nova(api).flavors())
    (request,) = api.requests

    assert request.url == f"{URL}/flavors/detail?is_public=none"
    assert request.headers["OpenStack-API-Version"] == "compute 2.61"


@pytest.mark.parametrize(
    ("key", "ask", "path"),
    [
        ("aggregates", nova.Nova.aggregates, "/os-aggregates"),
        (
            "services",
            nova.Nova.compute_services,
            "/os-services?binary=nova-compute",
        ),
    ],
    ids=["aggregates", "services"],
)
def test_what_has_no_pages_is_one_list(key, ask, path):
    api = FakeApi([], **{key: [{"id": 1}, {"id": 2}]})

    assert _ids(ask(_nova(api))) == [1, 2]
    assert api.requests[0].url == URL + path


@pytest.mark.parametrize(
    "ask", [nova.Nova.aggregates, nova.Nova.compute_services]
)
def test_a_list_that_is_none_is_no_answer(ask):
    api = FakeApi([], aggregates=None, services={})

    with pytest.raises(exceptions.Unavailable):
        ask(_nova(api))
