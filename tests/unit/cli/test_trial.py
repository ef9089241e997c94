import pytest

from waffles.cli import configuration, request_file, trial
from waffles.cli.configuration import Use

SERVER = "11111111-2222-4333-8444-555555555555"
CREATE = {
    "method": "POST",
    "path": "/v2.1/servers",
    "body": {"server": {"name": "web"}},
    "user_name": "ann",
}
META = {
    "method": "POST",
    "path": f"/v2.1/servers/{SERVER}/metadata",
    "body": {"metadata": {"team": "x"}},
}
READ = f"/servers/{SERVER}/metadata"


@pytest.fixture
def answer(tmp_path):
    file = tmp_path / "waffles.conf"

    def answer(waffle, options, given):
        file.write_text(f"[waffles_{waffle}]\n{options}\n")
        use = Use(waffle, (str(file),), f"waffles_{waffle}")
        request = request_file.of_json(given)
        return trial.ask(configuration.build(use), request, request.body)

    return answer


@pytest.mark.parametrize(
    ("waffle", "options", "outcome", "status", "message"),
    [
        ("naming", "pattern = w.*", "passes", None, ""),
        ("naming", "pattern = x\nmode = off", "passes", None, "is off"),
        ("naming", "pattern = x", "refuses", 403, "/server/name must match x"),
        ("naming", "pattern = x\nmode = warn", "warns", None, "must match x"),
        ("naming", "pattern = x\nmode = audit", "passes", None, "must match"),
        ("metadata", "defaults = o={user_name}", "passes changed", None, ""),
        ("metadata", "defaults = o=x\nrequired_keys = p\nmode = warn",
         "warns", None, "/server/metadata/p is required"),
        ("metadata", "defaults = o={project_id}", "refuses", 400, "project"),
    ],
)  # fmt: skip
def test_a_waffle_answers_as_in_the_pipeline(
    answer, waffle, options, outcome, status, message
):
    found = answer(waffle, options, CREATE)

    assert (found.outcome, found.status) == (outcome, status)
    assert message in found.message
    assert found.passes is (outcome != "refuses")


@pytest.mark.parametrize("path", ["/compute/v2.1/servers", "/flavors"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_no_waffle_judges_is_not_said_to_pass(answer, method, path):
    found = answer(
        "naming", "pattern = x", CREATE | {"method": method, "path": path}
    )

    assert found.outcome == trial.NOT_JUDGED
    assert found.message == "no waffle judges this request"
    assert found.passes


def test_a_read_is_not_judged(answer):
    found = answer("naming", "pattern = x", CREATE | {"method": "GET"})

    assert found.outcome == trial.NOT_JUDGED


def test_what_another_waffle_judges_passes(answer):
    assert answer("naming", "pattern = x", META).outcome == "passes"


def test_a_changed_body_is_shown(answer):
    found = answer("metadata", "defaults = o={user_name}", CREATE)

    assert found.body == (
        b'{"server": {"name": "web", "metadata": {"o": "ann"}}}'
    )


def test_a_body_that_is_not_changed_is_not_shown(answer):
    assert answer("naming", "pattern = w.*", CREATE).body is None


@pytest.mark.parametrize("mode", ["enforce", "warn", "audit"])
def test_what_a_waffle_would_read_has_to_be_given(answer, mode):
    options = f"required_keys = owner\nmode = {mode}"
    found = answer("metadata", options, META)

    assert found.outcome == trial.NEEDS
    assert found.message == f"to GET {READ}"
    assert not found.passes


@pytest.mark.parametrize(
    ("before", "outcome"),
    [({"owner": "ann"}, "passes"), ({}, "refuses")],
)
def test_what_is_given_is_what_the_waffle_reads(answer, before, outcome):
    given = META | {"answers": {READ: {"metadata": before}}}

    assert (
        answer("metadata", "required_keys = owner", given).outcome == outcome
    )


@pytest.mark.parametrize(
    ("servers", "outcome"),
    [([], "passes"), ([{"id": "x", "name": "WEB"}], "refuses")],
)
def test_a_path_answers_any_query(answer, servers, outcome):
    answers = {
        "/servers": {"servers": servers},
        "/os-services": {"services": []},
    }
    given = CREATE | {"answers": answers}

    assert answer("naming", "unique = cloud", given).outcome == outcome


def test_what_needs_a_cloud_that_cannot_be_asked_is_not_told(answer):
    away = "auth_type = none\nendpoint = http://127.0.0.1:1"
    found = answer("networks", f"timeout = 2\n[waffles]\n{away}", CREATE)

    assert found.outcome == trial.NEEDS
    assert "cannot be looked up" in found.message


def test_a_second_page_needs_an_answer_of_its_own(answer):
    page = {"servers": [{"id": "x", "name": "y"}], "servers_links": []}
    given = CREATE | {"answers": {"/servers": page}}
    found = answer("naming", "unique = cloud", given)

    assert found.outcome == trial.NEEDS
    assert "marker=x" in found.message


def test_latest_needs_no_answer(answer):
    headers = {"OpenStack-API-Version": "compute latest"}
    found = answer("naming", "pattern = x", CREATE | {"headers": headers})

    assert (found.outcome, found.status) == ("refuses", 403)


def test_a_body_of_the_waffle_above_is_judged(tmp_path, answer):
    file = tmp_path / "waffles.conf"
    file.write_text("[waffles_naming]\npattern = w.*\n")
    build = configuration.build(Use("naming", (str(file),), "waffles_naming"))
    request = request_file.of_json(CREATE)
    found = trial.ask(build, request, b'{"server": {"name": "x"}}')

    assert found.outcome == "refuses"


def test_nobody_is_notified(tmp_path):
    file = tmp_path / "waffles.conf"
    file.write_text("[waffles_naming]\npattern = x\n")
    build = configuration.build(Use("naming", (str(file),), "waffles_naming"))
    made = []
    request = request_file.of_json(CREATE)
    trial.ask(lambda app: made.append(build(app)) or made[0], request, b"{}")

    assert made[0].policy.notify("waffles.violation", {"message": ""}) is None
