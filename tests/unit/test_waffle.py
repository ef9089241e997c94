import json

import pytest
import webob
import webtest

from tests import fakes
from waffles import exceptions
from waffles.waffle import Waffle


class Refuses(Waffle):
    operations = frozenset({"servers:create"})

    def handle(self, request):
        return webob.Response(status=418)


class Passes(Waffle):
    operations = frozenset({"servers:create"})

    def handle(self, request):
        return None


class Writes(Waffle):
    operations = frozenset({"servers:create"})

    def __init__(self, app, key):
        super().__init__(app)
        self.key = key

    def handle(self, request):
        request.write((self.key,), True)


class Breaks(Waffle):
    operations = frozenset({"servers:create"})

    def __init__(self, app, error):
        super().__init__(app)
        self.error = error

    def handle(self, request):
        raise self.error


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/servers"),
        ("HEAD", "/servers"),
        ("POST", "/flavors"),
        ("PUT", "/servers/a"),
    ],
)
def test_what_it_does_not_guard_goes_below(method, path):
    nova = fakes.FakeNova({"/servers": {}})

    assert fakes.send(Refuses(nova), method, path).status_int != 418
    assert len(nova.requests) == 1


def test_what_it_guards_it_handles():
    nova = fakes.FakeNova()

    assert fakes.send(Refuses(nova), body={}).status_int == 418
    assert nova.requests == []


def test_it_is_asked_about_what_nobody_can_name():
    nova = fakes.FakeNova()

    assert fakes.send(Refuses(nova), "PATCH", "/servers/a").status_int == 418


def test_a_waffle_below_one_that_has_answered_sees_nothing():
    nova = fakes.FakeNova()
    below = Breaks(nova, AssertionError("asked"))

    assert fakes.send(Refuses(below), body={}).status_int == 418


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (exceptions.Malformed("a"), 400),
        (exceptions.Unavailable("a"), 503),
        (RuntimeError("a"), 500),
    ],
)
def test_no_exception_leaves_it_and_none_is_a_pass(error, status):
    nova = fakes.FakeNova()

    assert fakes.send(Breaks(nova, error), body={}).status_int == status
    assert nova.requests == []


def test_a_body_that_two_waffles_change_is_written_once(monkeypatch):
    written = []
    monkeypatch.setattr(
        json,
        "dumps",
        lambda *a, _dumps=json.dumps, **k: (
            written.append(a),
            _dumps(*a, **k),
        )[1],
    )
    nova = fakes.FakeNova()
    environ = fakes.environ(body=b'{"server": {}}')
    webob.Request(environ).get_response(Writes(Writes(nova, "a"), "b"))

    assert nova.writes == [{"server": {}, "a": True, "b": True}]
    assert len([a for a in written if "server" in a[0]]) == 1


def test_a_changed_body_is_written_for_a_waffle_that_does_not_guard_it():
    class Other(Passes):
        operations = frozenset()

    nova = fakes.FakeNova()
    fakes.send(Writes(Other(nova), "a"), body={"server": {}})

    assert nova.writes == [{"server": {}, "a": True}]


def test_a_filter_between_two_waffles_sees_what_the_upper_one_wrote():
    nova, seen = fakes.FakeNova(), []

    def between(environ, start_response):
        seen.append(webob.Request(environ).json)
        return Passes(nova)(environ, start_response)

    fakes.send(Writes(between, "a"), body={"server": {}})
    assert seen == nova.writes == [{"server": {}, "a": True}]


def test_what_a_filter_between_changes_is_judged_anew():
    nova = fakes.FakeNova()

    def between(environ, start_response):
        environ["PATH_INFO"] = "/servers"
        return Refuses(nova)(environ, start_response)

    answer = fakes.send(Passes(between), "POST", "/flavors", {})
    assert answer.status_int == 418


def test_it_keeps_to_wsgi():
    """WebTest's lint stands above it, and below."""
    app = webtest.TestApp(Passes(webtest.lint.middleware(webob.Response("a"))))

    assert app.post_json("/servers", {}).text == "a"
    assert app.get("/servers").text == "a"


def test_a_refusal_keeps_to_wsgi():
    app = webtest.TestApp(Breaks(None, exceptions.Malformed("a")))

    assert app.post_json("/servers", {}, status=400).json
