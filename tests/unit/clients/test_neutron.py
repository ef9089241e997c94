import json
from urllib import parse

import pytest
import requests
from keystoneauth1 import exceptions as keystone
from keystoneauth1 import noauth
from keystoneauth1 import session as sessions

from waffles import exceptions
from waffles.clients import errors, neutron, session

URL = "http://neutron.example.com"


class FakeApi(requests.adapters.BaseAdapter):
    """Collections by pages, and one port; it keeps the requests.

    :param things: name of a collection -> its items
    :param answers: path -> status and body, or an exception, instead
    """

    def __init__(self, things=None, limit=2, answers=None):
        super().__init__()
        self.things, self.limit = things or {}, limit
        self.answers = answers or {}
        self.requests = []

    def send(self, request, **how):
        self.requests.append(request)
        split = parse.urlsplit(request.url)
        found = self.answers.get(split.path)
        if isinstance(found, Exception):
            raise found
        status, body = found or (
            200,
            self._page(split.path, parse.parse_qs(split.query)),
        )
        return _answer(request, status, body)

    def _page(self, path, query):
        key = path.rpartition("/")[2].replace("-", "_")
        items = self.things[key]
        ids = [item.get("id", item.get("network_id")) for item in items]
        start = ids.index(query["marker"][0]) + 1 if "marker" in query else 0
        end = start + self.limit
        body = {key: items[start:end]}
        links = [{"rel": "previous"}]
        if end < len(items):
            links.append({"rel": "next"})
        return body | ({f"{key}_links": links} if self.limit else {})

    def paths(self):
        return [request.url.removeprefix(URL) for request in self.requests]

    def close(self):
        pass


def _answer(request, status, body):
    response = requests.Response()
    response.status_code, response.request = status, request
    response.url = request.url
    text = body if isinstance(body, str) else json.dumps(body)
    response._content = text.encode()
    response.headers["Content-Type"] = "application/json"
    return response


class FakeAuth(noauth.NoAuth):
    """Us: a token and a catalog, or what Keystone says instead.

    :param error: raised when Keystone is asked
    """

    def __init__(self, error=None):
        super().__init__(endpoint=URL)
        self.error = error

    def get_token(self, session, **how):
        return "ours"

    def get_headers(self, session, **how):
        return {"X-Auth-Token": self.get_token(session)}

    def get_endpoint(self, session, **how):
        if self.error:
            raise self.error
        return URL


def _neutron(api, error=None):
    http = requests.Session()
    http.mount("http://", api)
    options = {"valid_interfaces": ["public"], "region_name": None}
    made = sessions.Session(auth=FakeAuth(error), session=http)
    return neutron.Neutron(session.Access(made, options))


def _items(count, key="id"):
    return [{key: f"n{number}"} for number in range(count)]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9])
@pytest.mark.parametrize(
    ("collection", "key", "ask"),
    [
        ("networks", "id", neutron.Neutron.networks),
        ("rbac_policies", "id", neutron.Neutron.shares),
        (
            "network_ip_availabilities",
            "network_id",
            neutron.Neutron.availabilities,
        ),
    ],
    ids=["networks", "shares", "availabilities"],
)
def test_every_page_is_read_whatever_the_limit(collection, key, ask, limit):
    api = FakeApi({collection: _items(5, key)}, limit)

    assert list(ask(_neutron(api))) == _items(5, key)


def test_an_empty_page_is_the_last():
    links = [{"rel": "next"}]
    body = {"networks": [], "networks_links": links}
    api = FakeApi(answers={"/v2.0/networks": (200, body)})

    assert list(_neutron(api).networks()) == []


def test_lists_are_asked_for_as_ourselves():
    things = {"networks": [], "rbac_policies": []}
    api = FakeApi(things)
    list(_neutron(api).networks())
    list(_neutron(api).shares())

    assert api.paths() == [
        "/v2.0/networks?fields=id&fields=name&fields=project_id"
        "&fields=admin_state_up&fields=status&fields=router%3Aexternal"
        "&fields=provider%3Anetwork_type",
        "/v2.0/rbac-policies?object_type=network&action=access_as_shared",
    ]
    tokens = {request.headers["X-Auth-Token"] for request in api.requests}
    assert tokens == {"ours"}


def test_a_port_is_asked_for_with_the_token_of_the_caller():
    body = {"port": {"id": "p", "network_id": "n"}}
    api = FakeApi(answers={"/v2.0/ports/p": (200, body)})

    assert _neutron(api).port("p", "theirs") == body["port"]
    assert api.requests[0].headers["X-Auth-Token"] == "theirs"


def test_no_port_leads_to_another_path():
    api = FakeApi(answers={"/v2.0/ports/..%2Fnetworks": (404, {})})

    with pytest.raises(exceptions.Hidden):
        _neutron(api).port("../networks", "theirs")


def test_nova_may_take_a_projects_own_networks_and_the_shared_ones():
    api = FakeApi({"networks": _items(1)})
    fields = "fields=id&fields=shared&fields=admin_state_up"

    assert _neutron(api).eligible("red", "theirs") == _items(1) * 2
    assert api.paths() == [
        f"/v2.0/networks?tenant_id=red&shared=False&{fields}",
        f"/v2.0/networks?shared=True&{fields}",
    ]
    tokens = {request.headers["X-Auth-Token"] for request in api.requests}
    assert tokens == {"theirs"}


def _port(network):
    return network.port("p", "theirs")


def _eligible(network):
    return network.eligible("red", "theirs")


PATHS = {_port: "/v2.0/ports/p", _eligible: "/v2.0/networks"}


@pytest.mark.parametrize("ask", PATHS)
@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_the_caller_may_not_see_is_hidden(ask, status):
    text = {"NeutronError": {"message": "Port p: ask 192.0.2.7."}}
    network = _neutron(FakeApi(answers={PATHS[ask]: (status, text)}))

    with pytest.raises(exceptions.Hidden, match=PATHS[ask]) as caught:
        ask(network)
    assert caught.value.code == status
    assert "192.0.2.7" not in str(caught.value)


@pytest.mark.parametrize("ask", PATHS)
@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (503, "busy"),
        (429, {}),
        (409, {}),
        (204, ""),
        (200, "<html>"),
        (200, []),
        (200, {"port": None, "networks": None}),
        requests.ConnectionError("reset"),
        requests.Timeout("late"),
    ],
    ids=[
        "500",
        "503",
        "429",
        "409",
        "204",
        "html",
        "list",
        "null",
        "reset",
        "late",
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(ask, answer):
    network = _neutron(FakeApi(answers={PATHS[ask]: answer}))

    with pytest.raises(exceptions.Unavailable):
        ask(network)


@pytest.mark.parametrize("ask", PATHS)
@pytest.mark.parametrize(
    "error",
    [
        keystone.Unauthorized("Our password."),
        keystone.NotFound("No such Keystone."),
        keystone.BadRequest("No such domain."),
        keystone.EndpointNotFound("No network in the catalog."),
        keystone.ConnectFailure("No Keystone."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_that_we_cannot_log_in_is_nothing_that_a_caller_did(ask, error):
    api = FakeApi()

    with pytest.raises(exceptions.Unavailable):
        ask(_neutron(api, error))
    assert api.requests == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((403, {}), errors.Refused),
        ((500, {}), exceptions.Unavailable),
        ((200, {"networks": {}}), exceptions.Unavailable),
        ((200, ""), exceptions.Unavailable),
        (requests.ConnectionError("reset"), exceptions.Unavailable),
    ],
    ids=["403", "500", "no list", "empty", "reset"],
)
def test_a_list_that_cannot_be_had_is_said_to_be(answer, kind):
    network = _neutron(FakeApi(answers={"/v2.0/networks": answer}))

    with pytest.raises(kind):
        list(network.networks())
