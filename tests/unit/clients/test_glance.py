import time

import pytest
import requests

from tests.unit.clients import peers, test_once
from waffles import exceptions
from waffles.clients import errors, glance

ID = {"x-openstack-request-id": "req-1"}


def client(answer):
    api = test_once.FakeNova(answer)
    return glance.Glance(test_once.access(api), 5), api


def test_properties_are_those_that_glance_shows():
    image = {"id": "1", "waffles_recovery": "automatic"}
    found, api = client((200, image, ID))

    assert found.properties("1") == image
    assert api.requests[0].url == f"{test_once.URL}/v2/images/1"


def test_an_id_is_no_path():
    found, api = client((404, {}, ID))
    with pytest.raises(exceptions.Hidden):
        found.properties("../x?")

    assert api.requests[0].url.endswith("/v2/images/..%2Fx%3F")


def test_an_image_that_is_gone_is_told():
    with pytest.raises(exceptions.Hidden, match="no image 1") as caught:
        client((404, "<html>", ID))[0].properties("1")

    assert caught.value.code == 404


@pytest.mark.parametrize(
    "answer",
    [
        (404, "<html>", {}),
        (500, {}, ID),
        (503, {}, ID),
        (403, {}, ID),
        (300, {"versions": []}, ID),
        (200, "<html>", ID),
        (200, [], ID),
        (200, {"id": "2"}, ID),
        requests.ConnectionError("reset"),
    ],
    ids=lambda value: (
        f"{value[0]} {value[1]}"
        if isinstance(value, tuple)
        else type(value).__name__
    ),
)
def test_what_is_no_answer_of_an_image_is_none(answer):
    with pytest.raises(exceptions.Unavailable, match="/v2/images/1"):
        client(answer)[0].properties("1")


def test_what_keystone_does_not_find_is_no_image():
    class Lost(test_once.noauth.NoAuth):
        def get_headers(self, session, **how):
            raise test_once.keystone.exceptions.NotFound("no such project")

    access = test_once.access(test_once.FakeNova())
    access.session.auth = Lost(endpoint=test_once.URL)

    with pytest.raises(exceptions.Unavailable, match="no such project"):
        glance.Glance(access, 5).properties("1")


def test_a_refusal_of_ours_says_whose():
    class Refused(test_once.noauth.NoAuth):
        def get_headers(self, session, **how):
            raise test_once.keystone.exceptions.Unauthorized("not you")

    access = test_once.access(test_once.FakeNova())
    access.session.auth = Refused(endpoint=test_once.URL)

    with pytest.raises(errors.Refused, match="not you"):
        glance.Glance(access, 5).properties("1")


def test_nothing_is_asked_for_twice():
    found, api = client((503, {}, ID))
    access = test_once.access(api, status_code_retries=3)
    with pytest.raises(exceptions.Unavailable):
        glance.Glance(access, 5).properties("1")

    assert len(api.requests) == 1


def test_a_call_ends_in_time():
    with peers.Peer(peers.silent) as peer:
        access = test_once.access_to(peer.url)
        began = time.monotonic()
        with pytest.raises(
            exceptions.Unavailable, match=r"within 0\.(3|29\d*) s"
        ):
            glance.Glance(access, 0.3).properties("1")

        assert time.monotonic() - began < 10
