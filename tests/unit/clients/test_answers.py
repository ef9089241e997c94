import json

import pytest

from waffles.clients import answers

JSON = {"content-type": "application/json"}
NOVAS = {"x-compute-request-id": "req-1"}


def nested(depth):
    """An object in which that many stand in each other."""
    return json.dumps(
        {"a": 1}
        if depth == 1
        else {"a": json.loads("[" * (depth - 1) + "]" * (depth - 1))}
    ).encode()


@pytest.mark.parametrize("status", [200, 202, 204, 300, 400, 409, 500, 599])
def test_heads_that_novas_answers_have(status):
    answers.refuse_head(status, {})


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (101, {}, "101, which is not followed"),
        (301, {}, "301, which is not followed"),
        (399, {}, "399, which is not followed"),
        (600, {}, "600, which is not followed"),
        (404, {}, "404, and is not Nova"),
        (200, {"content-encoding": "gzip"}, "in an encoding that was not"),
    ],
)
def test_heads_that_they_do_not_have(status, headers, why):
    with pytest.raises(answers.Strange, match=why):
        answers.refuse_head(status, headers)


def test_a_404_with_the_id_of_the_request_is_novas():
    answers.refuse_head(404, NOVAS)


@pytest.mark.parametrize(
    ("method", "status"),
    [("POST", 200), ("DELETE", 204), ("POST", 202), ("GET", 503)],
)
def test_there_need_not_be_a_body(method, status):
    assert answers.parsed(method, status, {}, b"") is None


@pytest.mark.parametrize("status", [400, 401, 403, 413, 414, 429, 431])
@pytest.mark.parametrize("body", [b"<html>", b"Authentication required"])
def test_a_refusal_of_everybody_comes_as_it_likes(status, body):
    kind = {"content-type": "text/html"}
    assert answers.parsed("GET", status, kind, body) is None


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=UTF-8"]
)
@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_an_object_is_an_answer(kind, status):
    headers = {"content-type": kind}
    body = b'{"n": 10000000000000000000042, "n": 7}'
    assert answers.parsed("GET", status, headers, body) == {"n": 7}


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'"a"',
        b"{",
        b"<html>",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1' + b"0" * 5000 + b"}",
        b'{"a":' * 100_000,
        nested(answers.DEEPEST + 1),
    ],
    ids=lambda body: body[:12].decode("latin-1"),
)
def test_what_is_no_object_is_none(body):
    with pytest.raises(answers.Strange, match="200 with what is no object"):
        answers.parsed("POST", 200, JSON, body)


def test_an_object_may_be_as_deep_as_is_said():
    data = answers.parsed("GET", 200, JSON, nested(answers.DEEPEST))
    assert json.dumps(data).count("[") == answers.DEEPEST - 1


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"{}"),
        ({"content-type": "text/plain"}, b"{}"),
        ({"content-type": "application/jsonp"}, b"{}"),
        ({}, b""),
    ],
    ids=["no type", "text", "another", "nothing"],
)
def test_a_read_without_json_has_no_answer(headers, body):
    with pytest.raises(answers.Strange, match="200 with what is not JSON"):
        answers.parsed("GET", 200, headers, body)
