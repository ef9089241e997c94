import concurrent.futures
import json
import logging
import threading
import time

import pytest
import requests
from keystoneauth1 import noauth
from keystoneauth1 import session as keystone

from tests.unit.clients import peers
from waffles import exceptions
from waffles.clients import deadline, errors, once, session

URL = "http://nova.example.com/v2.1"
ID = {"x-compute-request-id": "req-1"}
OPTIONS = {"valid_interfaces": ["public"], "region_name": None}


class FakeNova(requests.adapters.BaseAdapter):
    """A compute API that gives one answer, below what shows its versions.

    :param answer: status, body (text is sent as it is) and headers, or an
        exception to be raised
    :param newest: microversion; None for a document of something else
    """

    def __init__(self, answer=(200, {}, ID), newest="2.100"):
        super().__init__()
        self.answer, self.newest = answer, newest
        self.requests = []

    def send(self, request, **how):
        if request.url.rstrip("/") == URL:
            self.asked_for_versions = True
            return self._made(request, 200, self._versions(), {})
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self._made(request, *self.answer)

    def _versions(self):
        if self.newest is None:
            return "<html>"
        version = {
            "id": "v2.1",
            "status": "CURRENT",
            "version": self.newest,
            "min_version": "2.1",
            "links": [{"rel": "self", "href": f"{URL}/"}],
        }
        return {"version": version}

    def _made(self, request, status, body, headers):
        response = requests.Response()
        response.status_code, response.request = status, request
        response.url = request.url
        text = body if isinstance(body, str) else json.dumps(body)
        response._content = text.encode()
        response.headers["Content-Type"] = "application/json"
        response.headers.update(headers)
        return response


def access(api, **options):
    http = requests.Session()
    http.mount("http://", api)
    auth = noauth.NoAuth(endpoint=URL)
    made = keystone.Session(auth=auth, session=http)
    return session.Access(made, {**OPTIONS, **options})


def asked(api, **options):
    return once.Once(access(api, **options), 5, 4)


@pytest.mark.parametrize(
    ("newest", "used"),
    [("2.69", "2.69"), ("2.93", "2.93"), ("2.94", "2.94"), ("2.100", "2.94")],
)
def test_the_newest_microversion_below_which_servers_run_on_is_used(
    newest, used
):
    api = FakeNova(newest=newest)
    nova = asked(api)
    nova.call("GET", "/x", "x")

    assert nova.microversion == used
    assert api.requests[0].headers["OpenStack-API-Version"] == (
        f"compute {used}"
    )


def test_a_nova_that_does_not_tell_of_cells_is_too_old():
    with pytest.raises(exceptions.ConfigError, match=r"2\.68.* 2\.69 on"):
        _ = asked(FakeNova(newest="2.68")).microversion


def test_a_nova_that_shows_no_version_is_not_available():
    with pytest.raises(exceptions.Unavailable, match="microversions"):
        _ = asked(FakeNova(newest=None)).microversion


def test_versions_are_asked_for_until_they_are_known_and_not_again():
    api = FakeNova(newest=None)
    nova = asked(api)
    with pytest.raises(exceptions.Unavailable):
        nova.call("GET", "/x", "x")
    api.newest = "2.90"
    for _ in range(2):
        nova.call("GET", "/x", "x")

    assert nova.calls == {"GET versions": 2, "GET x": 2}


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ((400, {"badRequest": {"message": "m"}}, ID), exceptions.Hidden, 400),
        (
            (404, {"itemNotFound": {"message": "m"}}, ID),
            exceptions.Hidden,
            404,
        ),
        (
            (409, {"conflictingRequest": {"message": "m"}}, ID),
            exceptions.Hidden,
            409,
        ),
        ((401, {}, ID), errors.Refused, 503),
        ((403, {"forbidden": {"message": "m"}}, ID), errors.Refused, 503),
        ((403, "<html>", {}), errors.Refused, 503),
        ((429, {}, ID), errors.Busy, 503),
        ((429, "slow down", {}), errors.Busy, 503),
        ((413, [], {}), errors.Busy, 503),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_what_surely_was_not_done_is_told(answer, kind, code):
    with pytest.raises(kind, match="Nova, asked to POST /x") as caught:
        asked(FakeNova(answer)).call("POST", "/x", "x", {})

    assert caught.value.code == code


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"computeFault": {"message": "m"}}, ID),
        (503, {"serviceUnavailable": {"message": "m"}}, ID),
        (503, {}, {**ID, "Retry-After": "5"}),
        (406, {}, ID),
        (405, {}, ID),
        (300, {"choices": []}, ID),
        (404, "<html>no such server", {}),
        (400, {"error": "from a proxy"}, {}),
        (409, {"error": "from a proxy"}, {}),
        (200, {"server": {}}, {}),
        (502, {"error": "from a proxy"}, {}),
        requests.ConnectionError("reset"),
        requests.exceptions.ChunkedEncodingError("cut"),
        requests.ReadTimeout("late"),
    ],
    ids=lambda value: (
        f"{value[0]} {'nova' if ID.items() <= value[2].items() else 'other'}"
        if isinstance(value, tuple)
        else type(value).__name__
    ),
)
def test_else_nobody_knows_what_was_done(answer):
    with pytest.raises(exceptions.Unavailable, match="/x") as caught:
        asked(FakeNova(answer)).call("POST", "/x", "x", {})

    assert type(caught.value) is exceptions.Unavailable


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({"Retry-After": "7"}, 7), ({}, 0), ({"Retry-After": "soon"}, 0)],
    ids=["seconds", "none", "no number"],
)
def test_it_is_told_for_how_long_to_wait(header, seconds):
    with pytest.raises(errors.Busy) as caught:
        asked(FakeNova((429, {}, ID | header))).call("GET", "/x", "x")

    assert caught.value.retry_after == seconds


def test_an_answer_has_the_id_of_the_request():
    api = FakeNova((202, {"a": 1}, ID))

    assert asked(api).call("POST", "/x", "x", {"b": 2}) == ("req-1", {"a": 1})
    assert json.loads(api.requests[0].body) == {"b": 2}


def test_an_answer_may_have_no_body():
    assert asked(FakeNova((202, "", ID))).call("POST", "/x", "x").body is None


@pytest.mark.parametrize(
    "body", [None, [], {}, {"x": None}, {"x": [1]}, "<html>"]
)
def test_an_object_that_is_none_is_no_answer(body):
    nova = asked(FakeNova((200, body, ID)))

    with pytest.raises(exceptions.Unavailable, match="there is no x in it"):
        nova.object("GET", "/x", "x", "x")


@pytest.mark.parametrize("body", [None, [], {}, {"x": None}, {"x": {}}])
def test_a_list_that_is_none_is_no_answer(body):
    nova = asked(FakeNova((200, body, ID)))

    with pytest.raises(exceptions.Unavailable, match="there are no x in it"):
        nova.listing("/x", "x")


def test_nothing_is_asked_for_twice():
    api = FakeNova(requests.ConnectionError("reset"))
    nova = asked(
        api,
        connect_retries=3,
        status_code_retries=3,
        retriable_status_codes=[500],
    )
    for answer in (requests.ConnectionError("reset"), (500, {}, ID)):
        api.answer = answer
        with pytest.raises(exceptions.Unavailable):
            nova.call("POST", "/x", "evacuate", {})

    assert len(api.requests) == 2
    assert nova.calls["POST evacuate"] == 2


def test_what_keystone_does_not_find_is_not_what_nova_does_not():
    class Lost(noauth.NoAuth):
        def get_headers(self, session, **how):
            raise keystone.exceptions.NotFound("no such project")

    http = access(FakeNova()).session
    http.auth = Lost(endpoint=URL)
    nova = once.Once(session.Access(http, OPTIONS), 5, 4)

    with pytest.raises(exceptions.Unavailable, match="no such project"):
        nova.object("GET", "/servers/1", "server", "server")


def access_to(url):
    auth = noauth.NoAuth(endpoint=url)
    http = keystone.Session(auth=auth)
    deadline.mount(http)
    return session.Access(http, OPTIONS)


def _text(body, *headers):
    text = json.dumps(body).encode()
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(text)}", *headers]
    lines = [*head, "Content-Type: application/json", "", ""]
    return "\r\n".join(lines).encode() + text


#: What shows the versions, and is an answer as well.
ANSWER = _text(
    {
        "version": {
            "id": "v2.1",
            "status": "CURRENT",
            "version": "2.100",
            "min_version": "2.1",
            "links": [{"rel": "self", "href": "/"}],
        },
    },
    "x-compute-request-id: req-1",
)


@pytest.mark.parametrize(
    "serve",
    [
        peers.silent,
        peers.then(ANSWER, peers.silent),
        peers.then(ANSWER, peers.dripping()),
    ],
    ids=["no versions", "no answer", "an answer that drips"],
)
def test_a_call_ends_in_time(serve):
    with peers.Peer(serve) as peer:
        nova = once.Once(access_to(peer.url), 0.3, 4)
        began = time.monotonic()
        with pytest.raises(
            exceptions.Unavailable, match=r"within 0\.(3|29\d*) s"
        ):
            nova.call("GET", "/x", "x")

        assert time.monotonic() - began < 10


def test_as_many_threads_as_are_said_keep_their_connections(caplog):
    with peers.Peer(peers.answering((0.05, ANSWER))) as peer:
        nova = once.Once(access_to(peer.url), 30, 32)
        nova.call("GET", "/x", "x")
        gate = threading.Barrier(32)

        def ask(_):
            gate.wait()
            return [nova.call("GET", "/x", "x") for _ in range(3)]

        with (
            caplog.at_level(logging.WARNING, "urllib3"),
            concurrent.futures.ThreadPoolExecutor(32) as pool,
        ):
            answers = list(pool.map(ask, range(32)))

        assert {one.request_id for a in answers for one in a} == {"req-1"}
        assert nova.calls == {"GET versions": 1, "GET x": 97}
        assert not caplog.records
        assert peer.connections <= 33
