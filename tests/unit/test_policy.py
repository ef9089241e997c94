import pytest
import webob

from tests import fakes
from waffles import exceptions, policy
from waffles.caller import Caller
from waffles.policy import Finding, Violation
from waffles.request import ComputeRequest

BREACH = Finding("Server name", [Violation("/a", "is bad")])
CLEAN = Finding("Server name", [])
ENFORCED = "mode = enforce"


def _policy(tmp_path, text=ENFORCED):
    section = fakes.section("waffles_x", text, tmp_path, policy.OPTS)
    return policy.of_section("x", section)


def _answered(found, finding, nova=None, **environ):
    """What a request gets: an answer, or None where it passes unchanged."""

    def find(request):
        if isinstance(finding, Exception):
            raise finding
        return finding

    how = {"body": {"server": {"flavorRef": "1"}}} | environ
    made = fakes.environ(**how)
    app = nova or fakes.FakeNova()
    answer = found.answer(ComputeRequest.of(made), app, find)
    return answer and webob.Request(made).get_response(answer)


@pytest.mark.parametrize("mode", ["enforce", "warn", "audit"])
def test_what_breaks_no_rule_passes(tmp_path, mode):
    assert _answered(_policy(tmp_path, f"mode = {mode}"), CLEAN) is None


def test_enforce_refuses(tmp_path):
    answer = _answered(_policy(tmp_path), BREACH)

    assert answer.status_int == 403
    assert answer.json["forbidden"]["message"] == (
        "Server name breaks this cloud's x policy: /a is bad"
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (exceptions.Malformed("what?"), 400),
        (exceptions.Hidden(404, "where?"), 404),
        (exceptions.Unavailable("gone"), 503),
        (ZeroDivisionError(), 500),
    ],
)
def test_enforce_refuses_what_nobody_can_judge(tmp_path, error, status):
    assert _answered(_policy(tmp_path), error).status_int == status


@pytest.mark.parametrize(
    "finding", [BREACH, exceptions.Unavailable("gone"), ZeroDivisionError()]
)
def test_warn_passes_with_a_header(tmp_path, finding):
    nova = fakes.FakeNova()
    answer = _answered(_policy(tmp_path, "mode = warn"), finding, nova)

    assert answer.status_int == 202
    assert answer.headers["Warning"].startswith("299 waffles ")
    assert len(nova.requests) == 1


@pytest.mark.parametrize(
    "finding", [BREACH, exceptions.Malformed("what?"), ZeroDivisionError()]
)
def test_audit_passes_unchanged_and_leaves_a_line(tmp_path, caplog, finding):
    answer = _answered(_policy(tmp_path, "mode = audit"), finding)

    assert answer is None
    assert "x passed servers:create (mode audit, req-1, " in caplog.text


def test_what_cannot_be_named_is_refused(tmp_path):
    how = {"method": "POST", "path": "/servers/a/action", "body": b"{"}
    answer = _answered(_policy(tmp_path), CLEAN, **how)

    assert answer.status_int == 400
    assert answer.json["badRequest"]["message"] == "Malformed request body"


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("exempt = role:member", False),
        ("exempt = role:admin", True),
        ("when = role:member", True),
        ("when = role:admin", False),
        ("when = '1':%(flavor)s", True),
        ("when = '2':%(flavor)s", False),
        ("when = not '1':%(flavor)s or role:member", True),
    ],
)
def test_exempt_and_when_say_who_is_judged(tmp_path, text, judged):
    answer = _answered(_policy(tmp_path, text), BREACH)

    assert (answer is not None) is judged


def test_when_without_an_answer_of_nova_is_no_pass(tmp_path):
    found = _policy(tmp_path, "when = '1':%(flavor)s")
    path = f"/servers/{fakes.SERVER}"
    nova = fakes.FakeNova({path: 500})
    answer = _answered(found, CLEAN, nova, method="PUT", path=path)

    assert answer.status_int == 503


def test_when_on_the_caller_alone_asks_nobody(tmp_path):
    nova = fakes.FakeNova()
    _answered(_policy(tmp_path, "when = role:member"), BREACH, nova)

    assert nova.reads == []


@pytest.mark.parametrize(
    ("when", "applies"), [("'1':%(flavor)s", True), ("'2':%(flavor)s", False)]
)
def test_when_covers_servers_that_exist(tmp_path, when, applies):
    found = _policy(tmp_path, f"when = {when}")
    server = {"flavor": {"id": "1"}, "image": ""}

    assert found.applies(server, Caller()) is applies


def test_a_policy_without_when_covers_all_servers(tmp_path):
    server = {"flavor": {"id": "1"}, "image": ""}

    assert _policy(tmp_path).applies(server, Caller())


def test_a_notification_says_what_came_of_it(tmp_path):
    sent = []
    found = policy.dataclasses.replace(
        _policy(tmp_path), notify=lambda *args: sent.append(args)
    )
    _answered(found, BREACH)

    ((event, payload),) = sent
    assert event == "waffles.violation"
    assert payload == {
        "policy": "x",
        "mode": "enforce",
        "outcome": "refused",
        "operation": "servers:create",
        "server_id": None,
        "project_id": "red-id",
        "user_id": "ann-id",
        "request_id": "req-1",
        "message": "Server name breaks this cloud's x policy: /a is bad",
        "violations": [{"pointer": "/a", "reason": "is bad"}],
    }


def test_nobody_writes_lines_of_their_own_into_the_log(tmp_path, caplog):
    body = {"x\n2026-01-01 naming refused \x1b[31m": {}}
    _answered(_policy(tmp_path), CLEAN, path="/servers/a%0A%0A/action",
              body=body)  # fmt: skip

    (record,) = caplog.records
    assert record.getMessage().isprintable()
    assert r"no such action: x\n2026" in record.getMessage()


@pytest.mark.parametrize("mode", ["enforce", "warn"])
def test_thousands_of_violations_are_not_all_told(tmp_path, mode):
    sent = []
    found = policy.dataclasses.replace(
        _policy(tmp_path, f"mode = {mode}"),
        notify=lambda *args: sent.append(args),
    )
    many = [Violation(f"/{n}", "is bad") for n in range(9000)]
    answer = _answered(found, Finding("This", many))

    told = answer.headers.get("Warning", answer.text)
    assert len(told) < 1200
    assert len(sent[0][1]["violations"]) == policy.MOST_SHOWN
    assert sent[0][1]["message"].endswith("/49 is bad; and 8950 more")
