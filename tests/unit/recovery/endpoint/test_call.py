import gc
import io

import pytest
import webob.exc

from tests import fakes
from waffles import exceptions
from waffles.caller import Caller
from waffles.recovery.endpoint import schemas
from waffles.recovery.endpoint.call import Call
from waffles.recovery.store.errors import NoRecovery


def _call(body=None, method="POST", caller=None, **more):
    environ = fakes.environ(method, "/os-waffles/pause", body)
    environ.update(more.pop("environ", {}))
    return Call(None, environ, caller or Caller(), **more)


def test_a_body_is_what_is_in_it():
    call = _call({"pause": {"reason": "x"}})

    assert call.body("pause") == {"reason": "x"}


def test_one_that_may_be_left_out_may_be_empty():
    assert _call().body("pause") == {}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_method_without_a_body_has_none(method):
    assert _call({"pause": {"reason": "x"}}, method).body("pause") == {}


@pytest.mark.parametrize(
    "body",
    [None, b"", b" ", b"{", b"\xff", b'{"pause": NaN}', b'{"a": "\\ud800"}'],
    ids=repr,
)
def test_one_that_cannot_be_read_is_malformed(body):
    with pytest.raises(exceptions.Malformed):
        _call(body).body("force_down", optional=False)


def test_of_two_keys_the_last_counts_as_for_nova():
    body = b'{"pause": {"reason": "a"}, "pause": {"reason": "b"}}'

    assert _call(body).body("pause") == {"reason": "b"}


@pytest.fixture
def _collected():
    """WebOb keeps a long body in a file, for the garbage collector."""
    yield
    gc.collect()


class _Stream:
    """Gives bytes, and then raises."""

    def __init__(self, error):
        self.error = error

    def read(self, *size):
        raise self.error


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"CONTENT_LENGTH": str(schemas.LARGEST + 1)}, 413),
        ({"CONTENT_LENGTH": "9" * 5000}, 413),
        (
            {
                "CONTENT_LENGTH": None,
                "wsgi.input_terminated": True,
                "wsgi.input": io.BytesIO(b" " * (schemas.LARGEST + 1)),
            },
            413,
        ),
        (
            {"wsgi.input": _Stream(webob.exc.HTTPRequestEntityTooLarge())},
            413,
        ),
        ({"wsgi.input": _Stream(OSError("gone"))}, 400),
        ({"wsgi.input": io.BytesIO(b"{")}, 400),
    ],
    ids=["length", "huge_length", "chunked", "limited", "broken", "cut"],
)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.usefixtures("_collected")
def test_a_body_that_is_too_long_or_cut_is_refused(environ, code):
    environ = {"webob.is_body_seekable": False, **environ}
    call = _call({"pause": {}}, environ=environ)
    with pytest.raises(exceptions.Unjudged) as error:
        call.body("pause")

    assert error.value.code == code


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        (Caller(user_name="ann", user_id="1"), "ann"),
        (Caller(user_id="1"), "1"),
        (Caller(), "somebody"),
        (Caller(user_name="n" * 300), "n" * 255),
    ],
    ids=["name", "id", "nobody", "long"],
)
def test_who_asks_has_a_name(caller, name):
    assert _call(caller=caller).by == name


@pytest.mark.parametrize(
    ("environ", "request_id"),
    [({}, "req-1"), ({"openstack.request_id": None}, "")],
    ids=["nova", "none"],
)
def test_the_request_has_the_id_that_the_client_sees(environ, request_id):
    assert _call(environ=environ).request_id == request_id


@pytest.mark.parametrize("found", ["a/b", "", "\x00", "é", "a" * 37], ids=repr)
def test_an_id_that_there_cannot_be_is_not_looked_for(found):
    with pytest.raises(NoRecovery):
        _ = _call(ids={"recovery_id": found}).recovery_id


@pytest.mark.parametrize("found", ["a b", "", "é", "a" * 256], ids=repr)
def test_a_host_that_there_cannot_be_is_not_looked_for(found):
    with pytest.raises(exceptions.Hidden) as error:
        _ = _call(ids={"host": found}).host

    assert error.value.code == 404
