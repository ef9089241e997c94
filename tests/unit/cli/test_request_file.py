import json

import pytest

from waffles import exceptions
from waffles.caller import of_environ
from waffles.cli import request_file
from waffles.request import ComputeRequest

POST = {"method": "POST", "path": "/servers", "body": {"server": {}}}


@pytest.mark.parametrize(
    ("path", "prefix", "inner", "legacy"),
    [
        ("/v2.1/servers", "/v2.1", "/servers", False),
        ("/v2/servers", "/v2", "/servers", True),
        ("/servers", "/v2.1", "/servers", False),
        ("/v2.1/7f0c/servers/a%20b", "/v2.1", "/7f0c/servers/a b", False),
        ("/v2", "/v2.1", "/v2", False),
    ],
)
def test_a_path_leads_into_a_pipeline(path, prefix, inner, legacy):
    request = request_file.of_json(POST | {"path": path})
    environ = request.environ()

    assert (request.prefix, environ["SCRIPT_NAME"]) == (prefix, prefix)
    assert environ["PATH_INFO"] == inner
    assert ComputeRequest(environ).legacy is legacy


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ({}, ""),
        ({"query": "a=b&a=c"}, "a=b&a=c"),
        ({"query": {"a": ["b", "c"], "d": 1}}, "a=b&a=c&d=1"),
        ({"path": "/servers?_method=PUT"}, "_method=PUT"),
    ],
)
def test_a_query_stands_by_itself_or_in_the_path(given, query):
    environ = request_file.of_json(POST | given).environ()

    assert environ["QUERY_STRING"] == query
    assert environ["PATH_INFO"] == "/servers"


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"server": {"name": "ü"}}, rb'{"server": {"name": "\u00fc"}}'),
        ('{"server": ', b'{"server": '),
        (None, b""),
        ([], b"[]"),
    ],
    ids=["object", "text as it is", "none", "list"],
)
def test_a_body_is_sent_as_json_or_as_it_is(body, sent):
    request = request_file.of_json(POST | {"body": body})

    assert request.body == sent
    assert request.environ()["wsgi.input"].read() == sent


def test_headers_are_sent():
    headers = {"OpenStack-API-Version": "compute 2.90"}
    environ = request_file.of_json(POST | {"headers": headers}).environ()

    assert str(ComputeRequest(environ).microversion) == "2.90"


def test_the_caller_is_known_by_either_name():
    given = {"user": "u", "project_id": "p", "roles": ["a"], "is_admin": True}
    caller = of_environ(request_file.of_json(POST | given).environ())

    assert (caller.user_id, caller.project_id) == ("u", "p")
    assert (caller.roles, caller.is_admin) == (("a",), True)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "it must be a JSON object"),
        ({}, "path must begin with /"),
        ({"path": "servers"}, "path must begin with /"),
        ({"path": 1}, "path must be a JSON string"),
        ({"path": "/", "role": "admin"}, "there is no key 'role'"),
        ({"path": "/", "roles": "admin"}, "roles must be a JSON array"),
        ({"path": "/", "headers": []}, "headers must be a JSON object"),
        ({"path": "/", "headers": {"A": 1}}, "header A must be a JSON string"),
        ({"path": "/ü"}, "path is not all ASCII: write it percent-encoded"),
        ({"path": "/?a=ü"}, "query is not all ASCII: write it percent-"),
        ({"path": "/", "query": "a=ü"}, "query is not all ASCII: write it"),
        ({"path": "/", "answers": []}, "answers must be a JSON object"),
    ],
)
def test_what_is_no_request_is_told(tmp_path, given, reason):
    file = tmp_path / "request.json"
    file.write_text(json.dumps(given))

    with pytest.raises(exceptions.WafflesError, match=reason) as caught:
        request_file.load(str(file))

    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize(
    ("text", "reason"),
    [(None, "cannot be read: No such file"), ("{", "it is no request: ")],
    ids=["none", "no json"],
)
def test_a_file_that_is_none_is_told(tmp_path, text, reason):
    file = tmp_path / "request.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(exceptions.WafflesError, match=reason):
        request_file.load(str(file))
