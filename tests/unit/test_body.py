import json

import pytest
import webob

from tests import fakes
from waffles import body, exceptions


def test_a_body_can_be_read_again():
    environ = fakes.environ(body={"a": 1})

    assert body.parsed(environ) == {"a": 1}
    assert body.parsed(environ) == {"a": 1}
    assert webob.Request(environ).json == {"a": 1}


def test_a_replaced_body_is_what_is_read():
    environ = fakes.environ(body={"a": 1})
    body.replace(environ, json.dumps({"b": "é"}).encode())

    assert webob.Request(environ).json == {"b": "é"}
    assert body.read(environ) == b'{"b": "\\u00e9"}'


def test_no_body_is_malformed():
    with pytest.raises(exceptions.Malformed):
        body.parsed(fakes.environ())
