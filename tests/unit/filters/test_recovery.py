import logging

import pytest
import webob

from tests import fakes
from tests.unit.recovery.calling import ADMIN, FENCED, Office
from waffles import exceptions
from waffles.filters import recovery
from waffles.recovery.model import Phase, Return

ID = "id-of-c2"
OLD = {"host": "c2", "binary": "nova-compute"}
AT_253 = {"HTTP_OPENSTACK_API_VERSION": "compute 2.53"}
AT_252 = {"HTTP_OPENSTACK_API_VERSION": "compute 2.52"}
LATEST = {"HTTP_OPENSTACK_API_VERSION": "compute latest"}
V2 = {"openstack.legacy_v2": True, **AT_253}

#: The ways to say it: path, what else is in the body, environ.
WAYS = {
    "2.11": (
        "force-down",
        OLD,
        {"HTTP_OPENSTACK_API_VERSION": "compute 2.11"},
    ),
    "2.52": ("force-down", OLD, AT_252),
    "2.53": (ID, {}, AT_253),
    "latest": (ID, {"status": "enabled"}, LATEST),
    "other_case": (ID.upper(), {}, LATEST),
    "other_case_2.52": ("force-down", OLD | {"host": "C2"}, AT_252),
}


class Nova(fakes.FakeNova):
    """Answers 202 to a write, or what it is told to."""

    status = 202

    def _answer(self, request):
        if request.method == "GET":
            return super()._answer(request)
        return webob.Response(status=self.status, json_body={"service": {}})


class Stack:
    """The waffle above a Nova."""

    def __init__(self, folder, **options):
        self.office, self.nova = Office(folder, **options), Nova()
        self.app = recovery.Recovery(self.nova, self.office.means)

    def put(self, way, forced, context=ADMIN, prefix=""):
        path, more, environ = WAYS[way]
        return fakes.send(
            self.app,
            "PUT",
            f"{prefix}/os-services/{path}",
            {**more, "forced_down": forced},
            context,
            **environ,
        )

    @property
    def recoveries(self):
        return self.office.store.recoveries(limit=9)


@pytest.fixture
def stack(tmp_path):
    made = Stack(tmp_path)
    yield made
    made.office.close()


@pytest.fixture
def recovers(tmp_path):
    """With native_force_down = recover."""
    made = Stack(tmp_path, native_force_down="recover")
    yield made
    made.office.close()


class TestOfItsPlace:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/servers"),
            ("POST", "/servers"),
            ("DELETE", "/os-services/1"),
            ("PATCH", "/os-services/1"),
            ("POST", "/os-services"),
            ("PATCH", "/servers/1"),
            ("GET", "/flavors/os-waffles"),
        ],
    )
    def test_what_is_not_its_own_goes_below(self, stack, method, path):
        fakes.send(stack.app, method, path, {}, ADMIN)

        assert len(stack.nova.requests) == 1
        assert stack.office.nova.calls == []

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/os-waffles/recoveries", 200),
            ("GET", "/infra/os-waffles/recoveries", 200),
            ("POST", "/os-waffles/force-down", 202),
            ("GET", "/os-waffles/none", 404),
            ("PATCH", "/os-waffles/pause", 405),
        ],
    )
    def test_what_is_its_own_never_does(self, stack, method, path, status):
        context = fakes.FakeContext(project_id="abc", roles=["admin"])
        path = path.replace("infra", "abc")
        body = {"force_down": FENCED} if method == "POST" else None
        answer = fakes.send(stack.app, method, path, body, context)

        assert answer.status_int == status
        assert stack.nova.requests == []


@pytest.mark.parametrize("way", WAYS)
class TestOfUnforcing:
    def test_a_host_without_a_recovery_is_for_nova(self, stack, way):
        assert stack.put(way, False).status_int == 202
        assert stack.nova.writes[0]["forced_down"] is False

    def test_a_host_whose_recovery_is_open_stays_down(self, stack, way):
        recovery_id = stack.office.open()["id"]
        answer = stack.put(way, False)

        assert answer.status_int == 409
        message = answer.json["conflictingRequest"]["message"]
        assert message.startswith("c2 must stay forced down: ")
        assert recovery_id in message
        assert stack.nova.writes == []

    def test_a_host_that_is_being_evacuated_stays_down(self, stack, way):
        host = {"OS-EXT-SRV-ATTR:host": "c2"}
        stack.office.nova.edit("s1", **host)
        stack.office.nova.move("s1", "pre-migrating", source="c2")
        answer = stack.put(way, False)

        assert answer.status_int == 409
        assert "1 (pre-migrating)" in answer.text

    def test_another_host_is_not_concerned(self, stack, way):
        stack.office.open("c3")

        assert stack.put(way, False).status_int == 202

    def test_when_all_is_over_it_is_for_nova_again(self, stack, way):
        recovery_id = stack.office.open()["id"]
        stack.office.planned(recovery_id, phase=Phase.DONE)

        assert stack.put(way, False).status_int == 202

    @pytest.mark.parametrize("call", ["services", "migrations"])
    def test_without_an_answer_nobody_says_that_it_may(self, stack, way, call):
        stack.office.nova.faults[call] = [exceptions.Unavailable("no")]
        answer = stack.put(way, False)

        assert answer.status_int == 503
        assert stack.nova.writes == []

    def test_it_is_so_with_recover_as_well(self, recovers, way):
        recovers.office.open()

        assert recovers.put(way, False).status_int == 409

    def test_who_may_not_is_refused_by_nova_itself(self, stack, way):
        stack.office.open()
        stack.office.nova.calls.clear()
        asked = []

        class Context(fakes.FakeContext):
            def can(self, rule, target, fatal):
                asked.append((rule, target, fatal))
                return False

        assert stack.put(way, False, Context()).status_int == 202
        assert asked == [(recovery.UPDATE, {}, False)]
        assert stack.office.nova.calls == []


@pytest.mark.parametrize("value", ["False", "off", "0", "no", None])
def test_whatever_nova_may_take_for_false_is_looked_at(stack, value):
    stack.office.open()

    assert stack.put("2.53", value).status_int == 409


@pytest.mark.parametrize(
    ("path", "body", "environ"),
    [
        ("force-down", OLD | {"forced_down": False}, V2),
        (ID, {"status": "enabled"}, AT_253),
        ("enable", OLD, AT_252),
        (ID, b"{", AT_253),
        (ID, [], AT_253),
    ],
    ids=["v2", "enable", "enable_2.52", "no_json", "list"],
)
def test_what_takes_nothing_back_is_for_nova(stack, path, body, environ):
    stack.office.open()
    answer = fakes.send(
        stack.app, "PUT", f"/os-services/{path}", body, ADMIN, **environ
    )

    assert answer.status_int == 202


def test_an_unknown_service_is_for_nova(stack):
    path = "/os-services/3d9f6a4e-0f5c-4a5e-9d1b-8c2f5f1f0a11"
    answer = fakes.send(
        stack.app, "PUT", path, {"forced_down": False}, ADMIN, **AT_253
    )

    assert answer.status_int == 202


def test_unless_it_may_be_of_a_cell_that_is_down(stack):
    unknown = {"host": "c3", "binary": "nova-compute", "status": "UNKNOWN"}
    stack.office.nova._services["c3"] = unknown
    path = "/os-services/id-of-c3"
    answer = fakes.send(
        stack.app, "PUT", path, {"forced_down": False}, ADMIN, **AT_253
    )

    assert answer.status_int == 503


class TestOfForcingDown:
    @pytest.mark.parametrize("way", WAYS)
    def test_it_is_novas_matter_alone_by_default(self, stack, way):
        assert stack.put(way, True).status_int == 202
        assert stack.recoveries == []
        assert stack.office.nova.calls == []

    @pytest.mark.parametrize("way", WAYS)
    def test_it_opens_a_recovery_where_it_is_to(self, recovers, way):
        answer = recovers.put(way, True)
        (found,) = recovers.recoveries

        assert answer.status_int == 202
        assert answer.json == {"service": {}}
        assert len(recovers.nova.writes) == 1
        assert found.host == "c2"
        assert found.service_id == ID
        assert found.asserted_by == "root"
        assert found.request_id == "req-1"
        assert found.assertion.fenced is True
        assert found.assertion.fenced_by == "root"
        assert "PUT /os-services/" in found.assertion.evidence

    @pytest.mark.parametrize("status", [400, 403, 404, 500])
    def test_what_nova_has_refused_opens_none(self, recovers, status):
        recovers.nova.status = status

        assert recovers.put("2.53", True).status_int == status
        assert recovers.recoveries == []

    def test_the_open_one_is_not_in_the_way(self, recovers, caplog):
        """As when an engine forces its host down."""
        caplog.set_level(logging.INFO)
        recovery_id = recovers.office.open()["id"]

        assert recovers.put("2.53", True).status_int == 202
        assert [one.id for one in recovers.recoveries] == [recovery_id]
        levels = {one.levelno for one in caplog.records}
        assert logging.ERROR not in levels

    @pytest.mark.parametrize(
        "fault",
        [exceptions.Unavailable("no answer"), ZeroDivisionError()],
        ids=repr,
    )
    def test_where_none_can_be_opened_novas_answer_stays(
        self, recovers, caplog, fault
    ):
        recovers.office.nova.faults["services"] = [fault, fault]
        answer = recovers.put("2.52", True)

        assert answer.status_int == 202
        (record,) = (r for r in caplog.records if r.levelno == logging.ERROR)
        assert "forced c2 down, and NO RECOVERY" in record.getMessage()
        assert "[req-1]" in record.getMessage()

    @pytest.mark.parametrize("way", WAYS)
    def test_what_stays_forced_down_is_no_new_failure(
        self, recovers, way, caplog
    ):
        """As an agent says it again: custom servers would start twice."""
        caplog.set_level(logging.INFO)
        first = recovers.office.open()["id"]
        recovers.office.planned(first, phase=Phase.DONE)
        recovers.office.nova.force_down(ID, True)

        assert recovers.put(way, True).status_int == 202
        assert [one.id for one in recovers.recoveries] == [first]
        assert f"recovery {first} of it has ended" in caplog.text

    @pytest.mark.parametrize(
        ("is_forced", "columns"),
        [
            (False, {"phase": Phase.DONE}),
            (True, {"phase": Phase.DONE, "returning": Return.WAITING}),
            (True, {"phase": Phase.DONE, "returning": Return.RETURNED}),
        ],
        ids=["it was up", "on its way back", "returned"],
    )
    def test_a_host_that_fails_again_is_recovered_again(
        self, recovers, is_forced, columns
    ):
        first = recovers.office.open()["id"]
        recovers.office.planned(first, **columns)
        recovers.office.nova.service("c2")["forced_down"] = is_forced
        recovers.put("2.53", True)

        assert len(recovers.recoveries) == 2

    def test_what_was_forced_down_without_a_recovery_gets_one(self, recovers):
        recovers.office.nova.force_down(ID, True)
        recovers.put("2.53", True)

        assert [one.host for one in recovers.recoveries] == ["c2"]

    def test_a_service_that_is_not_shown_is_not_passed_over(
        self, recovers, caplog
    ):
        del recovers.office.nova._services["c2"]
        recovers.put("2.53", True)

        assert f"forced {ID} down, and NO RECOVERY" in caplog.text


class TestOfItsConfiguration:
    ACCESS = "[waffles]\nauth_type = none\nendpoint = http://127.0.0.1:1\n"

    def _factory(self, tmp_path, text):
        conf = tmp_path / "waffles.conf"
        conf.write_text(f"[waffles_recovery]\n{text}\n{self.ACCESS}")
        return recovery.filter_factory({}, config_file=str(conf))

    def test_it_is_not_there_until_an_option_is_set(self, tmp_path):
        nova = fakes.FakeNova()

        assert self._factory(tmp_path, "")(nova) is nova

    def test_it_stands_above_what_it_is_given(self, tmp_path):
        nova = fakes.FakeNova()
        text = f"connection = sqlite:///{tmp_path}/recovery.db"
        app = self._factory(tmp_path, text)(nova)
        answer = fakes.send(app, "GET", "/os-waffles/recoveries", None, ADMIN)
        app.means.store().close()

        assert answer.json == {"recoveries": []}
        assert nova.requests == []

    def test_a_wrong_option_stops_the_start(self, tmp_path):
        with pytest.raises(exceptions.ConfigError, match="native_force_down"):
            self._factory(tmp_path, "native_force_down = maybe")
