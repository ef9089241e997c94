import json

import pytest
import webtest

from tests import fakes
from tests.unit.recovery.calling import ADMIN, FENCED
from waffles.recovery.endpoint import dispatch

PAUSE = {"pause": {"reason": "upgrade"}}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "", 404),
        ("GET", "/", 404),
        ("GET", "/recoveries/", 404),
        ("GET", "/recoveries//servers", 404),
        ("GET", "/recoveries/r1/servers/s1", 404),
        ("GET", "/hosts/c2", 404),
        ("POST", "/recoveries/r1/forget", 404),
        ("GET", "/Recoveries", 404),
        ("GET", "/recoveries%0A", 404),
        ("DELETE", "/recoveries/r1", 405),
        ("POST", "/recoveries", 405),
        ("GET", "/force-down", 405),
        ("PATCH", "/pause", 405),
        ("HEAD", "/recoveries", 405),
        ("OPTIONS", "/recoveries", 405),
        ("get", "/recoveries", 405),
    ],
)
def test_what_no_route_is_for_is_a_fault(office, method, path, status):
    answer = office.call(method, path)

    assert answer.status_int == status
    assert answer.content_type == "application/json"
    if method != "HEAD":
        name = {404: "itemNotFound", 405: "badMethod"}[status]
        assert answer.json[name]["code"] == status


def test_a_path_says_which_methods_it_takes(office):
    answer = office.call("POST", "/pause")

    assert answer.headers["Allow"] == "DELETE, GET, PUT"


@pytest.mark.parametrize(
    ("method", "query", "body", "status"),
    [
        ("POST", "_method=PUT", PAUSE, 200),
        ("POST", "_method=put", PAUSE, 200),
        ("GET", "_method=DELETE", None, 204),
        ("POST", "_method=GET&_method=DELETE", None, 204),
        ("DELETE", "_method=GET", None, 200),
        ("PUT", "_method=PATCH", PAUSE, 405),
        ("PUT", "_method=", PAUSE, 200),
    ],
)
def test_the_method_is_the_one_that_nova_would_route_by(
    office, method, query, body, status
):
    answer = office.call(method, f"/pause?{query}", body)

    assert answer.status_int == status
    is_paused = office.store.pause_of_all() is not None
    assert is_paused is bool(body and status < 300)


def test_a_body_counts_with_post_and_put_only_as_for_nova(office):
    body = {"force_down": FENCED}
    answer = office.call("GET", "/force-down?_method=POST", body)

    assert answer.status_int == 400
    assert "needs a JSON body" in answer.text
    assert office.store.recoveries(limit=9) == []


class TestOfProjects:
    CONTEXT = fakes.FakeContext(project_id="abc", roles=["admin"])

    def _send(self, office, method, path, body=None):
        return fakes.send(office, method, path, body, self.CONTEXT)

    def test_the_callers_own_may_stand_in_the_path(self, office):
        answer = self._send(
            office,
            "POST",
            "/abc/os-waffles/force-down",
            {"force_down": FENCED},
        )

        assert answer.status_int == 202
        assert "/abc/os-waffles/recoveries/" in answer.location
        path = answer.location.partition(":80")[2]
        assert self._send(office, "GET", path).status_int == 200

    def test_another_is_refused_as_by_nova(self, office):
        answer = self._send(office, "GET", "/abd/os-waffles/recoveries")

        assert answer.status_int == 400
        assert "URL's project_id 'abd'" in answer.text


@pytest.mark.parametrize(
    "version", ["compute 2.1", "compute latest", "compute 9.9", "nonsense", ""]
)
def test_microversions_change_nothing(office, version):
    plain = office.call("GET", "/recoveries")
    answer = office.call(
        "GET", "/recoveries", HTTP_OPENSTACK_API_VERSION=version
    )

    assert (answer.status_int, answer.body) == (200, plain.body)


@pytest.mark.parametrize(
    ("size", "status"), [(64 * 1024, 400), (64 * 1024 + 1, 413)]
)
def test_a_body_has_a_limit(office, size, status):
    answer = office.call("POST", "/force-down", b" " * size)

    assert answer.status_int == status


def test_what_is_no_answer_of_ours_is_not_shown(office, caplog):
    def broken():
        raise ZeroDivisionError("secret")

    object.__setattr__(office.means, "store", broken)
    answer = office.call("GET", "/recoveries")

    assert answer.status_int == 500
    assert "secret" not in answer.text
    assert "could not be judged" in caplog.text


@pytest.mark.parametrize(
    ("path", "ours"),
    [("/os-waffles/x", True), ("/abc/os-waffles", True), ("/servers", False)],
)
def test_what_is_ours_is_known_by_its_path(path, ours):
    assert dispatch.is_ours({"PATH_INFO": path}) is ours


def test_the_answers_are_good_wsgi(office):
    """WebTest looks closely."""
    app = webtest.TestApp(
        office, extra_environ={"nova.context": ADMIN, "HTTP_HOST": "nova"}
    )
    made = app.post_json("/os-waffles/force-down", {"force_down": FENCED})
    path = made.location.removeprefix("http://nova")

    assert app.get(path).json["recovery"]["host"] == "c2"
    assert app.put_json("/os-waffles/pause", PAUSE).status_int == 200
    assert app.delete("/os-waffles/pause").status_int == 204
    assert app.get("/os-waffles/none", status=404).json
    assert app.head("/os-waffles/pause", status=405).body == b""
    again = app.post_json(
        "/os-waffles/force-down", {"force_down": FENCED}, status=409
    )
    assert again.location == made.location
    assert json.loads(again.text)["conflictingRequest"]
