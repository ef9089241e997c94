import inspect

import pytest
import requests
from keystoneauth1 import exceptions as keystone
from novaclient import exceptions as nova

from waffles import exceptions
from waffles.clients import errors


def _classes(module):
    return [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception)
        and kind.__module__.startswith(module.__name__)
    ]


@pytest.mark.parametrize("kind", _classes(nova))
def test_every_exception_of_novaclient_is_in_the_table_itself(kind):
    assert kind in errors.FOREIGN


@pytest.mark.parametrize(
    "kind", [*_classes(keystone), *_classes(requests.exceptions)]
)
def test_every_exception_of_the_libraries_below_is_mapped(kind):
    if not issubclass(kind, Warning):
        assert errors.maker(kind)


def test_what_is_not_foreign_is_not_mapped():
    with pytest.raises(KeyError):
        errors.maker(ValueError)
    with pytest.raises(ZeroDivisionError), errors.mapped("Asked"):
        _ = 1 / 0


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (nova.NotFound(404, "gone"), exceptions.Hidden, 404),
        (nova.Conflict(409), exceptions.Hidden, 409),
        (nova.BadRequest(400), exceptions.Hidden, 400),
        (nova.Forbidden(403), exceptions.Unavailable, 503),
        (nova.Unauthorized(401), exceptions.Unavailable, 503),
        (nova.ClientException(500), exceptions.Unavailable, 503),
        (nova.ClientException(503), exceptions.Unavailable, 503),
        (nova.RateLimit(429), exceptions.Unavailable, 503),
        (keystone.NotFound(), exceptions.Hidden, 404),
        (keystone.EndpointNotFound(), exceptions.Unavailable, 503),
        (keystone.ConnectFailure("no"), exceptions.Unavailable, 503),
        (requests.ConnectionError(), exceptions.Unavailable, 503),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_most_specific_class_counts(error, kind, code):
    with pytest.raises(kind) as caught, errors.mapped("Nova was asked"):
        raise error

    assert caught.value.code == code
    assert str(caught.value).startswith("Nova was asked: ")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        nova.ClientException(500, "Oops.", request_id="req-1"),
        nova.ClientException(503, "Oops."),
        keystone.InternalServerError("Oops.", request_id="req-2"),
    ],
    ids=["nova", "no request id", "keystone"],
)
def test_repeats_do_not_differ(error):
    with pytest.raises(exceptions.Unavailable) as caught, errors.mapped("It"):
        raise error

    assert str(caught.value) == "It: Oops."


@pytest.mark.parametrize(
    "kind",
    [
        lambda text: nova.Unauthorized(401, text, request_id="req-1"),
        lambda text: nova.Forbidden(403, text),
        keystone.Unauthorized,
        keystone.Forbidden,
    ],
    ids=["nova 401", "nova 403", "keystone 401", "keystone 403"],
)
def test_a_refusal_of_ours_says_whose(kind):
    with pytest.raises(errors.Refused) as caught, errors.mapped("It"):
        raise kind("Not you.")

    assert str(caught.value) == (
        "It: Not you: [waffles] needs an administrator."
    )


def test_the_text_is_of_one_line():
    with pytest.raises(exceptions.Unavailable) as caught, errors.mapped("It"):
        raise nova.CommandError("a\n  b")

    assert str(caught.value) == "It: a b"


def test_a_message_that_is_not_in_the_text_is_found():
    with pytest.raises(exceptions.Unavailable) as caught, errors.mapped("It"):
        raise nova.UnsupportedConsoleType("x")

    assert str(caught.value) == 'It: Unsupported console_type "x"'


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (nova.RateLimit(429, retry_after="7"), 7),
        (nova.OverLimit(413, retry_after="7"), 7),
        (nova.RateLimit(429), 0),
        (nova.RateLimit(429, retry_after="-7"), 0),
    ],
    ids=["429", "413", "no time", "a time that is over"],
)
def test_who_is_busy_says_for_how_long(error, seconds):
    with pytest.raises(errors.Busy) as caught, errors.mapped("It"):
        raise error

    assert caught.value.retry_after == seconds
