import io
import json

import pytest
import webob

from tests import fakes
from waffles import exceptions, operations
from waffles import request as requests
from waffles.request import ComputeRequest, Microversion


def _of(*args, **how):
    return ComputeRequest.of(fakes.environ(*args, **how))


def test_one_request_is_shared_by_all():
    environ = fakes.environ(body={"server": {}})

    first = ComputeRequest.of(environ)
    assert first.body == {"server": {}}
    assert ComputeRequest.of(environ) is first


@pytest.mark.parametrize(
    "change",
    [
        {"REQUEST_METHOD": "PUT"},
        {"PATH_INFO": "/servers/a"},
        {"QUERY_STRING": "_method=PUT"},
        {"wsgi.input": io.BytesIO(b'{"a": 1}')},
        {"CONTENT_LENGTH": "0"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_environ_is_read_anew(change):
    environ = fakes.environ(body={"server": {}})
    first = ComputeRequest.of(environ)
    assert first.body
    environ.update(change)

    assert ComputeRequest.of(environ) is not first


def test_the_body_is_read_once():
    environ = fakes.environ("POST", "/servers/a/action", {"rebuild": {}})
    reads = []

    class Counting(io.BytesIO):
        def read(self, *args):
            reads.append(args)
            return super().read(*args)

    environ["wsgi.input"] = Counting(environ["wsgi.input"].read())
    environ.pop("webob.is_body_seekable", None)
    for _ in range(3):
        assert ComputeRequest.of(environ).operation == "servers:rebuild"
        assert ComputeRequest.of(environ).body == {"rebuild": {}}

    assert len(reads) <= 2  # one is of webob, to find the end
    assert webob.Request(environ).body == b'{"rebuild": {}}'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (rb'{"\u0061": "\ud83d\ude00"}', {"a": "\U0001f600"}),
        (b'{"a": 1e999}', {"a": float("inf")}),
        (b"[]", []),
        (b"null", None),
        ('{"a": "é"}'.encode(), {"a": "é"}),
    ],
    ids=repr,
)
def test_json_is_read_as_nova_reads_it(body, expected):
    assert _of(body=body).body == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": "é"}'.encode("latin-1"),
        rb'{"a": "\ud800"}',
        b"[" * 100_000,
        b'{"a": %s}' % (b"9" * 5000),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_nova_would_not_read_is_malformed(body):
    with pytest.raises(exceptions.Malformed):
        _ = _of(body=body).body


def test_a_chunked_body_is_read():
    environ = fakes.environ(body={"server": {}})
    del environ["CONTENT_LENGTH"]
    environ["wsgi.input_terminated"] = True

    assert ComputeRequest.of(environ).body == {"server": {}}


def test_a_body_that_stops_short_is_malformed():
    environ = fakes.environ(body=b'{"server": {}}', CONTENT_LENGTH="100")
    environ.pop("webob.is_body_seekable", None)

    with pytest.raises(exceptions.Malformed):
        _ = ComputeRequest.of(environ).body


def test_a_body_that_comes_in_pieces_is_read_whole():
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 3))

    environ = fakes.environ(body={"server": {}})
    environ["wsgi.input"] = Slow(environ["wsgi.input"].read())
    environ.pop("webob.is_body_seekable", None)

    assert ComputeRequest.of(environ).body == {"server": {}}


def test_a_body_that_is_over_its_limit_is_malformed():
    class Limited:
        def read(self, *args):
            raise webob.exc.HTTPRequestEntityTooLarge

    environ = fakes.environ(body={"server": {}})
    environ["wsgi.input"] = Limited()
    environ.pop("webob.is_body_seekable", None)

    with pytest.raises(exceptions.Malformed):
        _ = ComputeRequest.of(environ).body


@pytest.mark.parametrize("length", ["", "0", "x", "-1", "9" * 5000, "\xb2"])
def test_a_length_that_is_none_is_read_as_webob_reads_it(length):
    environ = fakes.environ(body={"server": {}}, CONTENT_LENGTH=length)
    environ.pop("webob.is_body_seekable", None)

    with pytest.raises(exceptions.Malformed):
        _ = ComputeRequest.of(environ).body


def test_nova_reads_no_body_with_other_methods():
    request = _of("GET", "/servers?_method=POST", {"server": {}})

    assert request.operation == "servers:create"
    with pytest.raises(exceptions.Malformed):
        _ = request.body


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/servers/a/action", b"{"),
        ("POST", "/servers/a/action", b""),
        ("POST", "/servers/a/action", {"rename": {}}),
        ("POST", "/servers/a/action", {"rebuild": {}, "resize": {}}),
        ("PATCH", "/servers/a", {}),
    ],
)
def test_what_cannot_be_named_is_unknown_and_says_why(method, path, body):
    request = _of(method, path, body)

    assert request.operation == operations.UNKNOWN
    assert isinstance(request.unjudged, exceptions.Malformed)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ("server",)),
        ([], ("server",)),
        ({"server": []}, ("server",)),
        ({"server": {"metadata": None}}, ("server", "metadata")),
    ],
)
def test_what_has_to_be_an_object_is_one(body, path):
    with pytest.raises(exceptions.Malformed, match="must be a JSON object"):
        _of(body=body).object_at(*path)


def test_a_written_body_reaches_nova_when_it_is_flushed():
    environ = fakes.environ(body={"server": {"name": "a"}, "x": 1})
    request = ComputeRequest.of(environ)
    server = request.object_at("server")
    request.write(("server", "metadata"), {"owner": "é"})

    assert json.loads(webob.Request(environ).body)["server"] == {"name": "a"}
    request.flush()
    written = {"server": {"name": "a", "metadata": {"owner": "é"}}, "x": 1}
    assert json.loads(webob.Request(environ).body) == written
    assert ComputeRequest.of(environ) is request
    assert request.body == written
    assert server == {"name": "a"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (2, 1)),
        ({"HTTP_OPENSTACK_API_VERSION": "compute 2.90"}, (2, 90)),
        ({"HTTP_OPENSTACK_API_VERSION": "Compute 2.90"}, (2, 90)),
        (
            {"HTTP_OPENSTACK_API_VERSION": "volume 3.1, compute 2.90"},
            (2, 90),
        ),
        ({"HTTP_OPENSTACK_API_VERSION": "compute 2.5,compute 2.6"}, (2, 6)),
        ({"HTTP_OPENSTACK_API_VERSION": "nova 2.90"}, (2, 1)),
        ({"HTTP_X_OPENSTACK_NOVA_API_VERSION": "2.19"}, (2, 19)),
        ({"HTTP_X_OPENSTACK_NOVA_API_VERSION": "2.19, 2.20"}, (2, 20)),
        (
            {
                "HTTP_OPENSTACK_API_VERSION": "compute 2.5",
                "HTTP_X_OPENSTACK_NOVA_API_VERSION": "2.90",
            },
            (2, 5),
        ),
        (
            {"HTTP_OPENSTACK_API_VERSION": "compute latest"},
            requests.LATEST,
        ),
        ({"HTTP_OPENSTACK_API_VERSION": "compute Latest"}, None),
        ({"HTTP_OPENSTACK_API_VERSION": "compute 2"}, None),
        ({"HTTP_OPENSTACK_API_VERSION": "compute 2.x"}, None),
        (
            {
                "HTTP_OPENSTACK_API_VERSION": "compute 2.90",
                "openstack.legacy_v2": True,
            },
            (2, 1),
        ),
    ],
)
def test_the_microversion_is_what_nova_resolves_it_to(headers, expected):
    assert _of(**headers).microversion == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HTTP_OPENSTACK_API_VERSION": "compute 2.90"}, "2.90"),
        ({}, "2.1"),
        ({"HTTP_OPENSTACK_API_VERSION": "compute latest"}, "2.104"),
        ({"HTTP_OPENSTACK_API_VERSION": "compute x"}, None),
        ({"openstack.legacy_v2": True}, None),
    ],
)
def test_the_version_header_is_what_nova_would_answer(environ, expected):
    nova = fakes.FakeNova({"/": {"version": {"version": "2.104"}}})

    assert _of(**environ).version_header(nova) == expected


def test_the_version_header_is_left_out_where_nova_does_not_say():
    request = _of(HTTP_OPENSTACK_API_VERSION="compute latest")

    assert request.version_header(fakes.FakeNova()) is None


def test_a_microversion_reads_as_nova_writes_it():
    assert str(Microversion(2, 90)) == "2.90"


def test_the_caller_and_the_request_id_are_those_of_the_environ():
    request = _of()

    assert request.caller.user_name == "ann"
    assert request.request_id == "req-1"
