import pytest
import webob

from tests import fakes
from waffles import exceptions, subrequest

SERVERS = {"servers": []}


def _asked(nova, **how):
    environ = fakes.environ(
        "PUT",
        "/servers/a?_method=DELETE",
        b"{}",
        HTTP_X_OPENSTACK_NOVA_API_VERSION="2.90",
        HTTP_X_AUTH_TOKEN="secret",  # noqa: S106
        HTTP_ACCEPT="text/html",
        SCRIPT_NAME="/v2",
        **{"openstack.legacy_v2": True, "wsgiorg.routing_args": ((), {})},
    )
    found = subrequest.get(nova, environ, "/servers", "limit=1", **how)
    return found, environ, nova.requests[0]


def test_a_read_carries_nothing_but_the_caller():
    nova = fakes.FakeNova({"/servers": SERVERS})
    found, _, asked = _asked(nova, microversion="2.46")

    assert found == SERVERS
    assert (asked.method, asked.path_qs) == ("GET", "/v2/servers?limit=1")
    assert asked.headers["OpenStack-API-Version"] == "compute 2.46"
    assert "X-OpenStack-Nova-API-Version" not in asked.headers
    assert asked.headers["X-Auth-Token"] == "secret"
    assert "Accept" not in asked.headers
    assert "openstack.legacy_v2" not in asked.environ
    assert "wsgiorg.routing_args" not in asked.environ
    assert asked.body_copy == b""


def test_the_context_is_the_callers_and_a_copy():
    _, environ, asked = _asked(fakes.FakeNova({"/servers": SERVERS}))

    assert asked.environ["nova.context"] == environ["nova.context"]
    assert asked.environ["nova.context"] is not environ["nova.context"]


def test_an_elevated_read_leaves_the_caller_as_it_was():
    _, environ, asked = _asked(
        fakes.FakeNova({"/servers": SERVERS}), elevated=True
    )

    assert asked.environ["nova.context"].is_admin
    assert not environ["nova.context"].is_admin


def test_nobody_is_elevated_without_a_context():
    environ = webob.Request.blank("/").environ

    with pytest.raises(exceptions.Unavailable):
        subrequest.get(fakes.FakeNova(), environ, "/a", elevated=True)


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_what_nova_hides_stays_hidden(status):
    with pytest.raises(exceptions.Hidden, match=r"Not seen\.") as caught:
        _asked(fakes.FakeNova({"/servers": status}))
    assert caught.value.code == status


@pytest.mark.parametrize(
    "answer",
    [500, 503, 300, [], OSError("gone"), RuntimeError("broken")],
    ids=repr,
)
def test_no_useful_answer_is_no_answer(answer):
    with pytest.raises(exceptions.Unavailable):
        _asked(fakes.FakeNova({"/servers": answer}))


def test_an_elevated_read_that_is_refused_is_no_answer():
    with pytest.raises(exceptions.Unavailable):
        _asked(fakes.FakeNova({"/servers": 403}), elevated=True)


def test_an_answer_that_is_not_json_is_no_answer():
    def html(environ, start_response):
        return webob.Response("<html>")(environ, start_response)

    with pytest.raises(exceptions.Unavailable):
        subrequest.get(html, fakes.environ(), "/servers")
