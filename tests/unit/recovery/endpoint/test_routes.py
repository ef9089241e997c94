import collections
import concurrent.futures
import dataclasses
import datetime
import json
import multiprocessing
import os
import re
import sqlite3
import threading

import hypothesis
import jsonschema
import pytest
from hypothesis import strategies as st

from tests import fakes
from tests.unit.recovery import bodies
from tests.unit.recovery.calling import ADMIN, FENCED, MEMBER, Office
from waffles import exceptions
from waffles.recovery.endpoint import routes, schemas
from waffles.recovery.model import Decision, Gate, Phase, Server, State

BODIES = int(os.environ.get("WAFFLES_BODIES", "5000"))

FAILED = Server(
    "s1",
    decision=Decision.AUTOMATIC,
    state=State.FAILED,
    source="c2",
    issued_at=1.0,
)
HELD = (Gate("threshold:cloud", False, "9 of 10 hosts are down"),)


def _body(**said):
    return {"force_down": {**FENCED, **said}}


def _message(answer):
    (inner,) = answer.json.values()
    assert inner["code"] == answer.status_int
    return inner["message"]


class TestOfForceDown:
    @pytest.mark.parametrize("key", ["one", None], ids=["key", "no key"])
    def test_what_is_there_already_is_shown_while_nova_is_away(
        self, office, key
    ):
        more = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        body = {"force_down": FENCED}
        first = office.call("POST", "/force-down", body, **more)
        office.nova.faults["services"] = [exceptions.Unavailable("away")] * 9

        again = office.call("POST", "/force-down", body, **more)

        assert again.status_int == (202 if key else 409)
        assert again.location == first.location

    def test_a_host_that_is_declared_dead_has_a_recovery(self, office):
        answer = office.call(
            "POST",
            "/force-down",
            _body(
                fenced_by="ipmi",
                fenced_at="2026-01-01T00:00:00Z",
                evidence="Chassis Power is off",
                reason="no ping",
                kdump=True,
            ),
        )
        shown = answer.json["recovery"]
        (stored,) = office.store.recoveries(limit=9)

        assert answer.status_int == 202
        assert answer.location == (
            f"http://localhost:80/os-waffles/recoveries/{stored.id}"
        )
        assert shown["links"] == [{"rel": "self", "href": answer.location}]
        assert shown["id"] == stored.id
        assert shown["state"] == "received"
        assert shown["service_id"] == stored.service_id == "id-of-c2"
        assert shown["availability_zone"] == "nova"
        assert shown["asserted_by"] == "root"
        assert shown["project_id"] == "infra"
        assert shown["request_id"] == "req-1"
        assert shown["fenced_at"] == "2026-01-01T00:00:00Z"
        assert stored.assertion.evidence == "Chassis Power is off"

    def test_who_said_what_is_the_first_line_of_its_log(self, office):
        recovery = office.open(evidence="seen", kdump=True)
        (line,) = office.store.lines(recovery["id"])

        assert line.event == "received"
        assert line.message == (
            "root says that c2 is gone: fenced; evidence: seen; it may be"
            " writing a dump of its memory"
        )

    def test_nova_is_only_read(self, office):
        office.open()

        assert set(office.nova.calls) == {"services"}

    def test_a_host_has_one_open_recovery(self, office):
        first = office.open()
        answer = office.call("POST", "/force-down", _body(reason="again"))

        assert answer.status_int == 409
        assert answer.location == first["links"][0]["href"]
        assert answer.location in _message(answer)
        assert len(office.store.recoveries(limit=9)) == 1

    def test_another_host_may_have_one_as_well(self, office):
        office.open("c2")
        office.open("c3")

        assert len(office.store.recoveries(limit=9)) == 2

    @pytest.mark.parametrize("fenced", [{}, {"fenced": False}], ids=str)
    def test_who_has_not_fenced_is_refused(self, office, fenced):
        body = {"force_down": {"host": "c2", **fenced}}
        answer = office.call("POST", "/force-down", body)

        assert answer.status_int == 400
        assert "/force_down/fenced" in _message(answer)
        assert office.nova.calls == []

    def test_unless_that_is_not_required(self, tmp_path):
        office = Office(tmp_path, require_fencing=False)
        answer = office.call(
            "POST", "/force-down", {"force_down": {"host": "c2"}}
        )
        office.close()

        assert answer.status_int == 202
        assert answer.json["recovery"]["fenced"] is False

    @pytest.mark.parametrize(
        ("host", "near"),
        [
            ("C2", "c2"),
            ("c2.example.com", "c2"),
            ("dead1", "dead"),
            ("unheard-of", None),
        ],
    )
    def test_a_host_is_meant_exactly(self, office, host, near):
        answer = office.call("POST", "/force-down", _body(host=host))

        assert answer.status_int == 404
        assert (f"there is {near}" in _message(answer)) is bool(near)
        assert office.store.recoveries(limit=9) == []

    def test_a_host_whose_cell_is_down_is_recovered_later(self, office):
        unknown = {"host": "c2", "binary": "nova-compute", "status": "UNKNOWN"}
        office.nova._services["c2"] = unknown

        assert office.open()["service_id"] == ""

    @pytest.mark.parametrize(
        "error",
        [
            exceptions.Unavailable("no answer"),
            exceptions.Hidden(400, "no"),
            exceptions.Hidden(404, "no such path"),
            exceptions.ConfigError("too old"),
        ],
        ids=repr,
    )
    def test_without_an_answer_of_nova_there_is_none(self, office, error):
        office.nova.faults["services"] = [error]
        answer = office.call("POST", "/force-down", _body())

        assert answer.status_int == 503
        assert answer.headers["Retry-After"]
        assert office.store.recoveries(limit=9) == []

    @pytest.mark.parametrize(
        ("seconds", "status"), [(-3600, 202), (30, 202), (3600, 400)]
    )
    def test_it_was_not_fenced_in_the_future(self, office, seconds, status):
        at = datetime.datetime.now(datetime.UTC)
        at += datetime.timedelta(seconds=seconds)
        body = _body(fenced_at=at.isoformat())

        assert office.call("POST", "/force-down", body).status_int == status


class TestOfAKey:
    def _sent(self, office, key="k1", context=ADMIN, **said):
        return office.call(
            "POST",
            "/force-down",
            _body(**said),
            context,
            HTTP_IDEMPOTENCY_KEY=key,
        )

    def test_the_same_request_has_the_same_answer(self, office):
        first, second = self._sent(office), self._sent(office)

        assert (first.status_int, second.status_int) == (202, 202)
        assert first.location == second.location
        assert first.json == second.json

    def test_and_has_it_when_the_recovery_has_ended(self, office):
        first = self._sent(office)
        office.store.abandon(first.json["recovery"]["id"], "ann", "", 0.0)
        second = self._sent(office)

        assert second.location == first.location
        assert second.json["recovery"]["finished_at"]

    def test_another_request_is_refused(self, office):
        self._sent(office)
        answer = self._sent(office, reason="another")

        assert answer.status_int == 409
        assert "key" in _message(answer)

    def test_another_caller_has_keys_of_its_own(self, office):
        self._sent(office)
        other = fakes.FakeContext("bob-id", "bob", roles=["admin"])

        assert self._sent(office, context=other).status_int == 409
        assert self._sent(office, context=other, host="c3").status_int == 202

    @pytest.mark.parametrize(
        "key",
        ["", " ", "a" * 256, "é", "a\tb", "\x7f", " a"],
        ids=lambda key: repr(key[:9]),
    )
    def test_a_key_that_cannot_be_kept_is_refused(self, office, key):
        assert self._sent(office, key=key).status_int == 400
        assert office.store.recoveries(limit=9) == []

    @pytest.mark.parametrize("key", ["a", "a b", "~!" * 127], ids=len)
    def test_others_are_kept(self, office, key):
        assert self._sent(office, key=key).status_int == 202


class TestOfADryRun:
    def _sent(self, office, **said):
        body = _body(host="dead", dry_run=True, **said)
        return office.call("POST", "/force-down", body)

    def test_the_whole_plan_is_shown(self, office):
        answer = self._sent(office)
        plan = answer.json["plan"]

        assert answer.status_int == 200
        assert plan["host"] == "dead"
        assert {gate["name"] for gate in plan["gates"]} >= {
            "paused",
            "threshold:cloud",
            "scheduler",
            "computes",
        }
        assert [
            (one["server_id"], one["decision"], one["state"])
            for one in plan["servers"]
        ] == [(f"s{n}", "automatic", "queued") for n in range(3)]
        assert all(one["reason"] for one in plan["servers"])

    def test_nothing_is_written_and_nova_is_only_read(self, office):
        self._sent(office)

        assert office.store.recoveries(limit=9) == []
        assert office.store.lines("") == []
        assert set(office.nova.calls) <= {"services", "servers"}

    def test_nobody_needs_to_have_fenced(self, office):
        assert self._sent(office, fenced=False).status_int == 200

    def test_an_open_recovery_is_not_in_the_way(self, office):
        office.open("dead")

        assert self._sent(office).status_int == 200

    def test_it_knows_of_a_pause(self, office):
        office.store.set_pause("ann", "upgrade", None)
        gates = self._sent(office).json["plan"]["gates"]

        (paused,) = (one for one in gates if one["name"] == "paused")
        assert paused["passed"] is False
        assert "upgrade" in paused["reason"]

    def test_a_host_that_there_is_not_has_no_plan(self, office):
        body = _body(host="DEAD", dry_run=True)
        answer = office.call("POST", "/force-down", body)

        assert answer.status_int == 404
        assert "dead" in _message(answer)

    def test_what_nova_does_not_show_has_no_plan(self, office):
        unknown = {"host": "c2", "binary": "nova-compute", "status": "UNKNOWN"}
        office.nova._services["c2"] = unknown
        body = _body(host="c2", dry_run=True)

        assert office.call("POST", "/force-down", body).status_int == 503

    def test_it_has_a_rule_of_its_own(self, tmp_path):
        office = Office(tmp_path, '"waffles:recovery:create": "!"')
        plan, opened = (
            self._sent(office),
            office.call("POST", "/force-down", _body()),
        )
        office.close()

        assert (plan.status_int, opened.status_int) == (200, 403)


class TestOfOrders:
    def _call(self, office, verb, recovery, body=None):
        path = f"/recoveries/{recovery['id']}/{verb}"
        return office.call("POST", path, body)

    def test_gates_are_let_go(self, office):
        recovery = office.open()
        office.planned(recovery["id"], phase=Phase.HELD, gates=HELD)
        body = {"release": {"gates": ["threshold:cloud"], "reason": "seen"}}
        answer = self._call(office, "release", recovery, body)

        assert answer.status_int == 202
        (gate,) = answer.json["recovery"]["gates"]
        assert gate["released"] is True
        last = office.store.lines(recovery["id"])[-1]
        assert "root" in last.message
        assert "seen" in last.message

    def test_all_gates_are_let_go_where_none_is_named(self, office):
        recovery = office.open()
        office.planned(recovery["id"], phase=Phase.HELD, gates=HELD)

        (gate,) = self._call(office, "release", recovery).json["recovery"][
            "gates"
        ]
        assert gate["released"] is True

    def test_it_is_paused_and_goes_on(self, office):
        recovery = office.open()
        body = {"pause": {"reason": "wait"}}
        paused = self._call(office, "pause", recovery, body)
        resumed = self._call(office, "resume", recovery, {"resume": None})

        assert paused.json["recovery"]["paused"] == "Paused by root: wait"
        assert resumed.json["recovery"]["paused"] == ""

    def test_it_is_ended(self, office):
        recovery = office.open()
        body = {"abandon": {"reason": "by hand"}}
        answer = self._call(office, "abandon", recovery, body)

        assert answer.json["recovery"]["finished_at"]
        assert office.store.open_of("c2") is None

    def test_failed_servers_are_tried_again(self, office):
        recovery = office.open()
        other = dataclasses.replace(FAILED, server_id="s2")
        office.planned(recovery["id"], FAILED, other, phase=Phase.FAILED)
        body = {"retry": {"servers": ["s1"]}}
        answer = self._call(office, "retry", recovery, body)

        assert answer.status_int == 202
        assert answer.json["recovery"]["servers"] == {
            "queued": 1,
            "failed": 1,
        }

    def test_retrying_where_another_is_open_is_refused_with_its_link(
        self, office
    ):
        old = office.open()
        office.planned(old["id"], FAILED, phase=Phase.FAILED)
        new = office.open()
        answer = self._call(office, "retry", old)

        assert answer.status_int == 409
        assert answer.location.endswith(new["id"])

    @pytest.mark.parametrize("verb", ["release", "resume", "retry"])
    def test_what_cannot_be_done_now_is_refused(self, office, verb):
        answer = self._call(office, verb, office.open())

        assert answer.status_int == 409
        assert _message(answer)

    @pytest.mark.parametrize(
        "verb", ["release", "pause", "resume", "retry", "abandon"]
    )
    @pytest.mark.parametrize(
        "recovery_id",
        ["3d9f6a4e-0f5c-4a5e-9d1b-8c2f5f1f0a11", "%C3%A9", "a%00b", "x" * 300],
        ids=lambda one: one[:9],
    )
    def test_what_there_is_not_is_not_found(self, office, verb, recovery_id):
        answer = self._call(office, verb, {"id": recovery_id})

        assert answer.status_int == 404

    @pytest.mark.parametrize(
        "verb", ["release", "pause", "resume", "retry", "abandon"]
    )
    def test_a_body_is_as_its_schema_says(self, office, verb):
        recovery = office.open()
        answer = self._call(office, verb, recovery, {verb: {"other": 1}})

        assert answer.status_int == 400
        assert f"/{verb}" in _message(answer)


class TestOfHosts:
    def test_a_host_without_a_recovery_may_start(self, office):
        answer = office.call("GET", "/hosts/c2/may-start")

        assert answer.status_int == 200
        assert answer.json["may_start"] is True
        assert answer.json["reason"]

    def test_a_host_with_an_open_one_may_not(self, office):
        recovery = office.open()
        answer = office.call("GET", "/hosts/c2/may-start")

        assert answer.status_int == 200
        assert answer.json["may_start"] is False
        assert recovery["id"] in answer.json["reason"]

    def test_a_host_that_nova_does_not_know_is_new_where_that_is_said(
        self, office
    ):
        answer = office.call("GET", "/hosts/node7/may-start")
        assert answer.status_int == 404
        assert "no compute service on node7" in answer.text

        path = "/hosts/node7/may-start?first_start=true"
        assert office.call("GET", path).json["may_start"] is True

    def test_a_first_start_is_said_clearly(self, office):
        path = "/hosts/node7/may-start?first_start=yes"

        assert office.call("GET", path).status_int == 400

    def test_without_an_answer_of_nova_nobody_says(self, office):
        office.nova.faults["migrations"] = [exceptions.Unavailable("no")]
        answer = office.call("GET", "/hosts/c2/may-start")

        assert answer.status_int == 503

    def test_a_host_is_asked_back(self, office):
        recovery = office.open()
        office.planned(recovery["id"], phase=Phase.DONE)
        answer = office.call("POST", "/hosts/c2/return")

        assert answer.status_int == 202
        assert answer.json["recovery"]["return_state"] == "waiting"

    def test_a_host_with_an_open_recovery_does_not_return(self, office):
        office.open()

        assert office.call("POST", "/hosts/c2/return").status_int == 409

    @pytest.mark.parametrize("host", ["c3", "%C3%A9", "a b", "x" * 256])
    def test_a_host_that_was_not_dead_does_not_return(self, office, host):
        answer = office.call("POST", f"/hosts/{host}/return")

        assert answer.status_int == 404

    def test_protection_is_a_plan(self, office):
        answer = office.call("GET", "/hosts/dead/protection")
        shown = answer.json["protection"]

        assert answer.status_int == 200
        assert [one["server_id"] for one in shown["servers"]] == [
            "s0",
            "s1",
            "s2",
        ]
        assert office.store.recoveries(limit=9) == []

    @pytest.mark.parametrize("host", ["nowhere", "a/b", "a b"])
    def test_there_is_none_of_what_there_is_not(self, office, host):
        answer = office.call("GET", f"/hosts/{host}/protection")

        assert answer.status_int == 404


class TestOfThePauseOfAll:
    def test_there_is_none_at_first(self, office):
        answer = office.call("GET", "/pause")

        assert (answer.status_int, answer.json) == (200, {"pause": None})

    def test_it_is_set_and_lifted(self, office):
        body = {"pause": {"reason": "upgrade", "until": "2999-01-01"}}
        made = office.call("PUT", "/pause", body)
        shown = office.call("GET", "/pause")
        lifted = office.call("DELETE", "/pause")

        assert made.json == shown.json
        assert made.json["pause"]["reason"] == "upgrade"
        assert made.json["pause"]["by"] == "root"
        assert made.json["pause"]["until"] == "2999-01-01T00:00:00Z"
        assert re.fullmatch(r"[\d-]+T[\d:]+Z", made.json["pause"]["since"])
        assert (lifted.status_int, lifted.body) == (204, b"")
        assert office.store.pause_of_all() is None

    def test_nothing_need_be_said(self, office):
        assert office.call("PUT", "/pause").json["pause"]["until"] is None

    @pytest.mark.parametrize(
        "until", ["2020-01-01", "soon", "9999-12-31T23:59:59-12:00"]
    )
    def test_it_ends_in_the_future(self, office, until):
        answer = office.call("PUT", "/pause", {"pause": {"until": until}})

        assert answer.status_int == 400
        assert office.store.pause_of_all() is None


def _filled(route):
    return route.path.replace("{recovery_id}", "r1").replace("{host}", "c2")


@pytest.mark.parametrize(
    "route", routes.ROUTES, ids=lambda route: f"{route.method}{route.path}"
)
class TestOfEachRoute:
    def test_it_is_off_for_who_has_no_role(self, office, route):
        nobody = fakes.FakeContext(roles=[])
        body = _body() if route.path == "/force-down" else None
        answer = office.call(route.method, _filled(route), body, nobody)

        assert answer.status_int == 403
        assert re.fullmatch(
            r"Policy doesn't allow waffles:recovery:\w+ to be performed\.",
            _message(answer),
        )
        assert office.nova.calls == []

    def test_a_member_writes_nothing(self, office, route):
        body = _body() if route.path == "/force-down" else None
        answer = office.call(route.method, _filled(route), body, MEMBER)

        if route.method != "GET":
            assert answer.status_int == 403
        assert answer.status_int in {200, 403, 404}
        assert office.nova.calls == []

    def test_without_a_database_there_is_no_answer(self, office, route):
        def away():
            raise exceptions.Unavailable("The database gives no answer.")

        object.__setattr__(office.means, "store", away)
        body = _body() if route.path == "/force-down" else None
        answer = office.call(route.method, _filled(route), body)

        assert answer.status_int == 503


def test_each_route_takes_a_rule_of_its_own_to_open(tmp_path):
    """Whom one rule lets in the others keep out."""
    fencer = fakes.FakeContext(roles=["fencer"])
    office = Office(tmp_path, '"waffles:recovery:create": "role:fencer"')
    opened = office.call("POST", "/force-down", _body(), fencer)
    others = {
        office.call(route.method, _filled(route), None, fencer).status_int
        for route in routes.ROUTES
        if route.path != "/force-down"
    }
    office.close()

    assert opened.status_int == 202
    assert others == {403}


class TestOfTwoAtOnce:
    """Two API nodes are told of one host at the same moment."""

    ROUNDS = 20

    def _winners(self, answers):
        statuses = sorted(answer.status_int for answer in answers)
        assert set(statuses) == {202, 409}
        (won,) = (a for a in answers if a.status_int == 202)
        assert {a.location for a in answers} == {won.location}

    def test_threads_open_one_recovery(self, tmp_path):
        first = Office(tmp_path)
        nodes = [first, Office(tmp_path, url=first.url)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for number in range(self.ROUNDS):
                host = f"host{number}"
                for node in nodes:
                    node.nova._services[host] = node.nova._service(host)
                barrier = threading.Barrier(8, timeout=60)

                def send(node, barrier=barrier, host=host):
                    barrier.wait()
                    return node.call("POST", "/force-down", _body(host=host))

                self._winners(list(pool.map(send, nodes * 4)))
        found = nodes[0].store.recoveries(limit=99)
        for node in nodes:
            node.close()

        assert len(found) == self.ROUNDS

    def test_processes_open_one_recovery(self, tmp_path):
        made = Office(tmp_path)
        made.close()
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(2)
        results = context.Queue()
        nodes = [
            context.Process(
                target=_node,
                args=(tmp_path / name, made.url, barrier, results),
            )
            for name in ("a", "b")
        ]
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        for node in nodes:
            node.start()
        found = [results.get(timeout=120) for _ in range(2 * self.ROUNDS)]
        for node in nodes:
            node.join(60)

        assert [node.exitcode for node in nodes] == [0, 0]
        by_host = {}
        for host, status, location in found:
            by_host.setdefault(host, []).append((status, location))
        assert len(by_host) == self.ROUNDS
        for answers in by_host.values():
            assert sorted(status for status, _ in answers) == [202, 409]
            assert len({location for _, location in answers}) == 1


def _node(folder, url, barrier, results):
    """An API node: a process of its own."""
    office = Office(folder, url=url)
    for number in range(TestOfTwoAtOnce.ROUNDS):
        host = f"host{number}"
        office.nova._services[host] = office.nova._service(host)
        barrier.wait(60)
        answer = office.call("POST", "/force-down", _body(host=host))
        results.put((host, answer.status_int, answer.location))
    office.close()


#: The calls that take a body, and its schema.
TAKES = {
    "/force-down": "force_down",
    "/recoveries/{}/release": "release",
    "/recoveries/{}/pause": "pause",
    "/recoveries/{}/resume": "resume",
    "/recoveries/{}/retry": "retry",
    "/recoveries/{}/abandon": "abandon",
    "/hosts/c2/return": "return",
    "/pause": "pause_all",
}


SENT = {
    path: bodies.sent(schemas.SCHEMAS[name]) for path, name in TAKES.items()
}


@st.composite
def _requests(draw):
    """Half of them are for force-down."""
    path = draw(st.sampled_from([*TAKES, *["/force-down"] * len(TAKES)]))
    return path, draw(SENT[path])


def _is_valid(path, sent):
    """By the schema itself, without anything of ours."""
    if not sent and path != "/force-down":
        return True
    schema = schemas.SCHEMAS[TAKES[path]]
    return jsonschema.Draft202012Validator(schema).is_valid(json.loads(sent))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_bad_input_is_refused_and_nothing_is_written(office):
    """Set WAFFLES_BODIES for more of them."""
    recovery_id = office.open("c3")["id"]
    seen = sqlite3.connect(office.url.removeprefix("sqlite:///"))
    statuses = collections.Counter()

    def version():
        return seen.execute("PRAGMA data_version").fetchone()

    @hypothesis.settings(
        max_examples=BODIES, deadline=None, database=None, print_blob=False
    )
    @hypothesis.given(_requests())
    def check(request):
        path, sent = request
        before = version()
        method = "PUT" if path == "/pause" else "POST"
        answer = office.call(method, path.format(recovery_id), sent)
        statuses[answer.status_int] += 1

        assert answer.status_int < 500, answer.text
        if answer.status_int >= 400:
            assert version() == before
            assert _message(answer).isprintable()
        else:
            assert _is_valid(path, sent)

    check()
    seen.close()
    print(dict(statuses))
    assert statuses[400] > BODIES / 3
    assert statuses[202] + statuses[200] + statuses[409] > BODIES / 50
