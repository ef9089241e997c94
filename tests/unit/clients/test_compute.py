import json
from urllib import parse

import pytest

from tests.unit.clients import test_once
from waffles import exceptions
from waffles.clients import compute

ID = test_once.ID
HOST = compute.HOST


class FakeNova(test_once.FakeNova):
    """A compute API of a few collections, shown by pages.

    :param collections: path below the endpoint -> the key of the list, and
        the list; or what gives the body for a query
    :param limit: the most that a page has
    """

    def __init__(self, collections=None, limit=2):
        super().__init__()
        self.collections, self.limit = collections or {}, limit

    def send(self, request, **how):
        if request.url.rstrip("/") == test_once.URL:
            return super().send(request, **how)
        self.requests.append(request)
        split = parse.urlsplit(request.url.removeprefix(test_once.URL))
        found = self.collections.get(split.path)
        query = dict(parse.parse_qsl(split.query))
        if found is None:
            fault = {"itemNotFound": {"code": 404, "message": "No such."}}
            return self._made(request, 404, fault, ID)
        if isinstance(found, tuple):
            body = self._page(*found, query)
        else:
            body = found(query) if callable(found) else found
        return self._made(request, 200, body, ID)

    def _page(self, key, items, query):
        ids = [one.get("uuid", one.get("id")) for one in items]
        start = int(query.get("offset", 0))
        if "marker" in query:
            start = ids.index(query["marker"]) + 1
        most = min(self.limit, int(query.get("limit", self.limit)))
        page = {key: items[start : start + most]}
        if len(page[key]) == most and "offset" not in query:
            page[f"{key}_links"] = [{"rel": "next"}]
        return page

    @property
    def asked(self):
        """Method, path with query, and body of each request."""
        return [
            (
                one.method,
                one.url.removeprefix(test_once.URL),
                json.loads(one.body) if one.body else None,
            )
            for one in self.requests
        ]


def client(api):
    return compute.Compute(test_once.access(api), 5)


def migration(number, server_id="s1"):
    return {
        "id": number,
        "uuid": f"u{number}",
        "instance_uuid": server_id,
        "status": "done",
    }


def evacuations(*numbers):
    return {
        "/os-migrations": ("migrations", [migration(one) for one in numbers]),
        "/os-services": {"services": [{"host": "h", "status": "enabled"}]},
    }


@pytest.mark.parametrize(
    ("call", "asked"),
    [
        (lambda c: c.services(), ("GET", "/os-services", None)),
        (
            lambda c: c.services("h 1", "nova-compute"),
            ("GET", "/os-services?host=h+1&binary=nova-compute", None),
        ),
        (
            lambda c: c.force_down("1", True),
            ("PUT", "/os-services/1", {"forced_down": True}),
        ),
        (
            lambda c: c.force_down("1", False),
            ("PUT", "/os-services/1", {"forced_down": False}),
        ),
        (
            lambda c: c.disable("1", "why"),
            (
                "PUT",
                "/os-services/1",
                {"status": "disabled", "disabled_reason": "why"},
            ),
        ),
        (
            lambda c: c.enable("1"),
            ("PUT", "/os-services/1", {"status": "enabled"}),
        ),
        (lambda c: c.aggregates(), ("GET", "/os-aggregates", None)),
        (
            lambda c: c.evacuate("1"),
            ("POST", "/servers/1/action", {"evacuate": {}}),
        ),
        (
            lambda c: c.stop("1"),
            ("POST", "/servers/1/action", {"os-stop": None}),
        ),
        (
            lambda c: c.start("1"),
            ("POST", "/servers/1/action", {"os-start": None}),
        ),
        (
            lambda c: c.reset("1"),
            (
                "POST",
                "/servers/1/action",
                {"os-resetState": {"state": "error"}},
            ),
        ),
        (lambda c: c.server("1"), ("GET", "/servers/1", None)),
        (
            lambda c: c.action("1", "req-2"),
            ("GET", "/servers/1/os-instance-actions/req-2", None),
        ),
        (
            lambda c: c.actions("1"),
            ("GET", "/servers/1/os-instance-actions?limit=1000", None),
        ),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_each_call_is_one_request(call, asked):
    api = FakeNova(
        {
            "/os-services": {"services": []},
            "/os-services/1": {"service": {}},
            "/os-aggregates": {"aggregates": []},
            "/servers/1": {"server": {HOST: "h"}},
            "/servers/1/action": "",
            "/servers/1/os-instance-actions": {"instanceActions": []},
            "/servers/1/os-instance-actions/req-2": {"instanceAction": {}},
        }
    )
    call(client(api))

    assert api.asked == [asked]


def test_an_id_is_no_path():
    api = FakeNova()
    with pytest.raises(exceptions.Hidden):
        client(api).evacuate("../os-services/1?x=")

    assert api.asked[0][1] == "/servers/..%2Fos-services%2F1%3Fx%3D/action"


def test_an_action_gives_the_id_of_its_request():
    api = FakeNova({"/servers/1/action": ""})

    for act in (
        compute.Compute.evacuate,
        compute.Compute.stop,
        compute.Compute.start,
        compute.Compute.reset,
    ):
        assert act(client(api), "1") == "req-1"


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_servers_of_a_host_come_by_pages(limit):
    servers = [{"id": f"s{one}"} for one in range(5)]
    api = FakeNova({"/servers/detail": ("servers", servers)}, limit)
    pages = list(client(api).servers("h1"))

    assert [one for page in pages for one in page] == servers
    assert all(len(page) <= limit for page in pages)
    assert api.asked[0][1] == (
        "/servers/detail?all_tenants=1&host=h1&limit=250"
    )


def test_a_page_whose_servers_have_all_gone_is_not_the_end():
    servers = [{"id": "a"}, {"id": "b"}]
    api = FakeNova({"/servers/detail": ("servers", servers)})
    pages = client(api).servers("h1")
    next(pages)
    gone = {"badRequest": {"message": "marker [b] not found"}}
    api.send = lambda request, **how: api._made(request, 400, gone, ID)

    with pytest.raises(exceptions.Unavailable, match="marker") as caught:
        next(pages)
    assert caught.value.code == 503


def test_a_server_whose_host_is_not_shown_is_not_seen():
    api = FakeNova({"/servers/1": {"server": {"status": "UNKNOWN"}}})

    with pytest.raises(exceptions.Unavailable, match="its cell is down"):
        client(api).server("1")


def test_a_server_that_is_gone_is_told():
    with pytest.raises(exceptions.Hidden) as caught:
        client(FakeNova()).server("1")

    assert caught.value.code == 404


def test_of_what_nova_has_not_written_down_there_is_nothing():
    assert client(FakeNova()).action("1", "req-2") is None


def test_that_an_action_is_refused_is_not_that_there_is_none():
    fault = {"badRequest": {"message": "no"}}
    api = test_once.FakeNova((400, fault, ID))

    with pytest.raises(exceptions.Hidden, match="no"):
        client(api).action("1", "req-2")


def _ids(found):
    return [one["id"] for one in found]


@pytest.mark.parametrize("limit", [2, 3, 1000])
@pytest.mark.parametrize(
    ("above", "ids"),
    [(0, [9, 7, 8, 5]), (7, [9, 8]), (9, []), (4, [9, 7, 8, 5])],
)
def test_evacuations_above_an_id_are_found(above, ids, limit):
    api = FakeNova(evacuations(9, 7, 8, 5), limit)

    assert _ids(client(api).migrations("h", above)) == ids
    assert api.asked[0][1] == (
        "/os-migrations?migration_type=evacuation&source_compute=h&limit=1000"
    )


def test_no_page_is_asked_for_behind_one_that_is_known():
    api = FakeNova(evacuations(9, 8, 7, 6, 5, 4, 3, 2))
    client(api).migrations("h", 8)

    assert len(api.requests) == 2


def test_evacuations_of_a_server_are_asked_for():
    api = FakeNova(evacuations(3))

    assert _ids(client(api).migrations_of("s1", "h")) == [3]
    assert "&instance_uuid=s1" in api.asked[0][1]


@pytest.mark.parametrize(
    "ask", [lambda c: c.migrations("h"), lambda c: c.migrations_of("s", "h")]
)
def test_none_is_believed_only_of_a_host_whose_cell_is_seen(ask):
    api = FakeNova(evacuations())
    assert ask(client(api)) == []
    assert [path.partition("?")[0] for _, path, _ in api.asked] == [
        "/os-migrations",
        "/os-services",
        "/os-migrations",
    ]

    service = {"host": "h", "status": "UNKNOWN"}
    api.collections["/os-services"] = {"services": [service]}
    with pytest.raises(exceptions.Unavailable, match="cell of h"):
        ask(client(api))


def test_what_a_cell_shows_that_was_down_for_a_moment_is_found():
    pages = iter([[], [migration(4)]])
    api = FakeNova(
        evacuations()
        | {"/os-migrations": lambda query: {"migrations": next(pages)}}
    )

    assert _ids(client(api).migrations("h")) == [4]


def test_that_none_is_above_is_believed_as_others_are_shown():
    api = FakeNova(evacuations(5))

    assert client(api).migrations("h", 5) == []
    assert len(api.requests) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_all_server_groups_are_found(count, limit):
    groups = [{"id": f"g{one}"} for one in range(count)]
    path = "/os-server-groups"
    api = FakeNova({path: ("server_groups", groups)}, limit)

    assert client(api).server_groups() == groups
    assert api.asked[0][1] == (f"{path}?all_projects=True&limit=1000&offset=0")


def test_a_nova_that_shows_the_same_groups_for_ever_is_not_asked_for_ever():
    groups = {"server_groups": [{"id": "g1"}]}
    api = FakeNova({"/os-server-groups": groups})

    assert client(api).server_groups() == groups["server_groups"]


def test_calls_are_counted_by_what_they_are_for():
    nova = client(FakeNova(evacuations(1) | {"/servers/1/action": ""}))
    nova.evacuate("1")
    nova.evacuate("1")
    nova.migrations("h", 1)

    assert nova.calls == {
        "GET versions": 1,
        "POST evacuate": 2,
        "GET migrations": 1,
    }
    assert nova.microversion == "2.94"
