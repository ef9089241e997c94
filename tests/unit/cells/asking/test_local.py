import json

import pytest
import webob

from waffles.cells.asking import local
from waffles.clients.cell import End, Question


def nova(environ, start_response):
    """The application below: it says what it was asked."""
    seen = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"],
        "version": environ.get("HTTP_OPENSTACK_API_VERSION"),
        "body": environ["wsgi.input"].read().decode(),
        "type": environ["CONTENT_TYPE"],
        "user": environ.get("nova.context"),
        "cookie": environ.get("HTTP_COOKIE"),
    }
    start_response("202 Accepted", [("X-A", "b")])
    return [json.dumps(seen).encode()]


def asked(app, question, **environ):
    request = webob.Request.blank("/x?y=z", environ=environ)
    request.headers["Cookie"] = "a=b"
    return local.ask(app, request.environ, "c3", question)


def test_the_nova_below_is_asked_in_this_process():
    question = Question(
        "PUT",
        "/flavors/a%20%C3%A9",
        (("a", "b c"),),
        {"OpenStack-API-Version": "compute 2.90"},
        b'{"x": 2}',
    )
    found = asked(nova, question, **{"nova.context": "somebody"})

    assert (found.cell, found.status) == ("c3", 202)
    assert found.end is End.ANSWERED
    assert found.headers["x-a"] == "b"
    assert found.json == {
        "method": "PUT",
        "path": "/flavors/a \xc3\xa9",
        "query": "a=b+c",
        "version": "compute 2.90",
        "body": '{"x": 2}',
        "type": "application/json",
        "user": "somebody",
        "cookie": None,
    }


@pytest.mark.parametrize(
    "broken",
    [RuntimeError("no database"), None],
    ids=["an exception", "no JSON"],
)
def test_one_that_breaks_is_a_cell_that_does(broken):
    def app(environ, start_response):
        if broken:
            raise broken
        start_response("200 OK", [])
        return [b"<html>"]

    found = asked(app, Question("GET", "/flavors"))

    assert found.end is End.BROKEN
    assert found.why == "Cell c3 has failed."


def test_an_empty_answer_has_no_object():
    def app(environ, start_response):
        start_response("204 No Content", [])
        return [b""]

    found = asked(app, Question("DELETE", "/flavors/a"))

    assert (found.status, found.json, found.body) == (204, None, b"")


def test_what_the_client_says_of_versions_and_cells_is_not_ours():
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        start_response("204 No Content", [])
        return [b""]

    asked(
        app,
        Question("GET", "/flavors/%FF"),
        HTTP_X_OPENSTACK_NOVA_API_VERSION="2.9999",
        HTTP_X_WAFFLES_CELL="c9",
        HTTP_X_ROLES="reader",
    )

    assert "HTTP_X_OPENSTACK_NOVA_API_VERSION" not in seen
    assert "HTTP_X_WAFFLES_CELL" not in seen
    assert seen["HTTP_X_ROLES"] == "reader"
    assert seen["PATH_INFO"] == "/flavors/\xff"
