import json

import pytest
import webob

from waffles import exceptions
from waffles.caller import Caller
from waffles.cells.asking import call
from waffles.cells.asking.call import Call, Cloud
from waffles.cells.drift.sightings import Sightings
from waffles.cells.journal.alone import Alone
from waffles.cells.model import Cell, Registry, Version
from waffles.clients.cell import End, Outcome

HOME = Cell("c1", 1, "http://c1/v2.1", home=True, timeout=3.0)
OTHER = Cell("c2", 2, "http://c2/v2.1", timeout=7.0)
BELOW = Cell("c3", 3)


class Fan:
    """Answers 200 for all but those of whom something else is said."""

    def __init__(self, **outcomes):
        self.outcomes, self.asked = outcomes, []

    def ask(self, questions, seconds, here):
        self.asked.append((questions, seconds))
        return {
            name: here[name]()
            if name in here
            else self.outcomes.get(name, Outcome(name, End.ANSWERED, 200))
            for name in questions
        }


def nova(environ, start_response):
    """The application below: it says what it was asked."""
    seen = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"],
        "version": environ["HTTP_OPENSTACK_API_VERSION"],
        "body": environ["wsgi.input"].read().decode(),
        "user": environ.get("nova.context"),
    }
    start_response("202 Accepted", [("X-A", "b")])
    return [json.dumps(seen).encode()]


def made(cells=(HOME, OTHER), app=nova, headers=(), **fan):
    request = webob.Request.blank("/flavors?limit=2&a=b+c&a=", method="POST")
    request.body = b'{"x": 1}'
    request.headers.update(headers)
    seen = Sightings(float)
    cloud = Cloud("top", Registry(cells), Fan(**fan), "skip", app, Alone, seen)
    who = Caller("u", project_id="p")
    return Call(cloud, request.environ, who, {}, Version(2, 90), "http://t")


def question(one):
    (questions, _) = one.cloud.fan.asked[-1]
    return next(iter(questions.values()))


def test_a_request_is_read_when_it_is_needed():
    one = made()

    assert one.query == (("limit", "2"), ("a", "b c"), ("a", ""))
    assert one.data == {"x": 1}
    assert (one.on_cell_down, one.method) == ("skip", "POST")


def test_all_cells_are_asked_the_same_for_as_long_as_the_slowest_may_take():
    one = made()
    found = one.ask("/flavors", query=[("a", "b")])
    questions, seconds = one.cloud.fan.asked[0]

    assert list(found) == list(questions) == ["c1", "c2"]
    assert questions["c1"] == questions["c2"]
    assert questions["c1"].query == (("a", "b"),)
    assert questions["c1"].method == "GET"
    assert seconds == 7.0
    assert one.seen == {"c1": "ok", "c2": "ok"}


def test_one_cell_is_asked_alone():
    one = made()
    found = one.one(OTHER, "/flavors", method="POST", data={"flavor": {}})

    assert found.cell == "c2"
    assert question(one).body == b'{"flavor": {}}'
    assert question(one).headers["Content-Type"] == "application/json"
    assert one.cloud.fan.asked[0][1] == 7.0


def test_cells_that_were_chosen_are_asked_and_no_others():
    one = made()
    one.targets = (OTHER,)

    assert list(one.ask("/flavors")) == ["c2"]
    assert one.cells() == (OTHER,)


def test_the_callers_token_and_the_microversion_are_sent_and_no_cookie():
    one = made(headers={"X-Auth-Token": "secret", "Cookie": "a=b"})
    one.environ["openstack.request_id"] = "req-1"
    one.ask("/flavors")
    headers = question(one).headers

    assert headers["X-Auth-Token"] == "secret"
    assert headers["OpenStack-API-Version"] == "compute 2.90"
    assert headers["X-OpenStack-Nova-API-Version"] == "2.90"
    assert headers["X-OpenStack-Request-Id"] == "req-1"
    assert "Cookie" not in headers
    assert "Content-Type" not in headers


@pytest.mark.parametrize(
    ("before", "after"), [("", "top"), ("other", "other, top")]
)
def test_each_proxy_on_the_way_is_named(before, after):
    one = made(headers={call.HOP: before} if before else {})
    one.ask("/flavors")

    assert question(one).headers[call.HOP] == after


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome("c2", End.LATE, why="It hangs."), "late"),
        (Outcome("c2", End.REFUSED), "refused"),
        (Outcome("c2", End.ANSWERED, 500), "500"),
        (Outcome("c2", End.ANSWERED, 401), "401"),
        (Outcome("c2", End.ANSWERED, 406), "406"),
        (Outcome("c2", End.ANSWERED, 404), "ok"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_how_each_cell_has_answered_is_remembered(outcome, state, caplog):
    one = made(c2=outcome)
    one.ask("/flavors")

    assert one.seen == {"c1": "ok", "c2": state}
    assert [state in record.getMessage() for record in caplog.records] == (
        [] if state == "ok" else [True]
    )


def test_an_answer_is_passed_on_with_what_clients_use():
    headers = {"vary": "X", "server": "nginx", "retry-after": "3"}
    found = call.passed_on(
        Outcome("c1", End.ANSWERED, 429, headers, json={"overLimit": {}})
    )

    assert (found.status, found.data) == (429, {"overLimit": {}})
    assert found.headers == {"vary": "X", "retry-after": "3"}


@pytest.mark.parametrize("why", ["", "Cell c1 hangs."])
def test_what_is_no_answer_is_not_passed_on(why):
    with pytest.raises(exceptions.Unavailable, match="Cell c1 ha"):
        call.passed_on(Outcome("c1", End.LATE, why=why))
