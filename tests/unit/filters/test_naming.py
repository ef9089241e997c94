import pytest

from tests import fakes
from waffles import exceptions, patterns
from waffles.filters import naming
from waffles.filters.naming import Rule

PATH = f"/servers/{fakes.SERVER}"
WEB = (patterns.compiled("web-[a-z0-9-]+"),)


def _over(app, text, tmp_path):
    """The waffle over an application, configured by the text of its group."""
    section = fakes.section("waffles_naming", text, tmp_path, naming.OPTS)
    return naming.configured(section)(app)


def _others(*names):
    return lambda regex: names


@pytest.mark.parametrize(
    ("rule", "possible", "reasons"),
    [
        (Rule(), ["anything"], []),
        (Rule(patterns=WEB), ["web-1"], []),
        (Rule(patterns=WEB), ["xweb-1"], ["must match web-[a-z0-9-]+"]),
        (Rule(patterns=WEB), ["web-1\n"], ["must match web-[a-z0-9-]+"]),
        (
            Rule(patterns=(*WEB, patterns.compiled("db.*"))),
            ["x"],
            ["must match web-[a-z0-9-]+ or db.*"],
        ),
        (Rule(patterns=(*WEB, patterns.compiled("db.*"))), ["db1"], []),
        (Rule(denied=WEB), ["web-1"], ["must not match web-[a-z0-9-]+"]),
        (Rule(denied=WEB), ["xweb-1"], []),
        (Rule(min_length=3), ["ab"], ["must have at least 3 characters"]),
        (Rule(max_length=3), ["abcd"], ["must have at most 3 characters"]),
        (
            Rule(max_length=4),
            ["abc", "abc-1", "abc-2"],
            ['becomes "abc-1", which must have at most 4 characters'],
        ),
        (
            Rule(patterns=WEB, max_length=2),
            ["abc", "abc-1"],
            ["must match web-[a-z0-9-]+", "must have at most 2 characters"],
        ),
    ],
)
def test_a_name_is_told_all_that_is_wrong_with_it(rule, possible, reasons):
    found = naming.violations("/server/name", possible, rule, _others())

    assert [v.reason for v in found] == reasons
    assert all(v.pointer == "/server/name" for v in found)


@pytest.mark.parametrize(
    ("others", "reasons"),
    [
        ([], []),
        (["web-10"], []),
        (["WEB"], ["is the name of another server of this cloud"]),
        (
            ["x", "Web-2"],
            ['becomes "web-2", which is the name of another server of this'
             " cloud"],
        ),
    ],
)  # fmt: skip
def test_a_unique_name_is_nobody_elses(others, reasons):
    found = naming.violations(
        "/name",
        ["web", "web-1", "web-2"],
        Rule(unique="cloud"),
        _others(*others),
    )

    assert [v.reason for v in found] == reasons


@pytest.mark.parametrize(
    ("many", "expected"),
    [(0, ["a"]), (1, ["a"]), (3, ["a", "a-1", "a-2", "a-3"])],
)
def test_names_are_all_that_nova_may_give(many, expected):
    assert naming.names("a", many) == expected


def test_names_of_too_many_servers_are_not_judged():
    assert len(naming.names("a", 1000)) == 1001
    with pytest.raises(exceptions.Malformed):
        naming.names("a", 1001)


@pytest.mark.parametrize(
    ("name", "regex"),
    [
        ("Web-1", "^[wW][eE][bB].1(-[0-9]+)?$"),
        ("ä.b", "^..[bB](-[0-9]+)?$"),
        ("ok", "^[oO][kK\u212a](-[0-9]+)?$"),
    ],
)
def test_the_filter_finds_more_rather_than_less(name, regex):
    assert naming.name_filter(name) == regex


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/servers", {"server": {"name": "web-1"}}, 202),
        ("POST", "/servers", {"server": {"name": " web-1 "}}, 202),
        ("POST", "/servers", {"server": {"name": "db"}}, 403),
        ("POST", "/servers", {"server": {}}, 400),
        ("POST", "/servers", {"server": {"name": None}}, 400),
        ("POST", "/servers", {"server": {"name": ["web-1"]}}, 400),
        ("POST", "/servers", {"server": {"name": "web-" + "x" * 255}}, 400),
        ("POST", "/servers", {"server": "web-1"}, 400),
        ("POST", "/servers", {}, 400),
        ("POST", "/servers", [], 400),
        ("POST", "/servers", b"{", 400),
        ("POST", "/servers", rb'{"server": {"name": "\ud800"}}', 400),
        ("PUT", PATH, {"server": {"name": "db"}}, 403),
        ("PUT", PATH, {"server": {"description": "x"}}, 202),
        ("PUT", PATH, {"server": {"hostname": "h"}}, 202),
        ("PUT", PATH, {"server": {"hostname": "h1"}}, 403),
        ("PUT", PATH, {"server": {"hostname": None}}, 400),
        ("PUT", PATH, {"server": {}}, 202),
        ("POST", f"{PATH}/action", {"rebuild": {"imageRef": "i"}}, 202),
        ("POST", f"{PATH}/action", {"rebuild": {"name": "db"}}, 403),
        ("POST", f"{PATH}/action", {"rebuild": None}, 400),
        ("POST", f"{PATH}/action", {"reboot": {"type": "HARD"}}, 202),
        ("POST", f"{PATH}/action", {"rename": "db"}, 400),
        ("POST", f"{PATH}/action", {"createImage": {"name": "db"}}, 403),
        ("POST", f"{PATH}/action", {"createImage": {"name": "i"}}, 202),
        ("POST", f"{PATH}/action", {"createImage": {"name": " i "}}, 202),
        ("POST", f"{PATH}/action", {"createImage": {}}, 400),
        ("POST", f"{PATH}/action", {"createBackup": {"name": "db"}}, 403),
        ("DELETE", PATH, None, 202),
        ("POST", "/flavors", {"flavor": {"name": "db"}}, 202),
    ],
)
def test_what_is_judged(tmp_path, method, path, body, status):
    nova = fakes.FakeNova()
    rules = "pattern = web-.+\nhostname_pattern = h\nimage_pattern = i"
    app = _over(nova, rules, tmp_path)
    answer = fakes.send(app, method, path, body)

    assert answer.status_int == status, answer.text
    assert len(nova.writes) == (status == 202)


@pytest.mark.parametrize("hostname", ["x", None, 1, "x" * 256], ids=repr)
def test_by_v2_there_is_no_hostname(tmp_path, hostname):
    app = _over(fakes.FakeNova(), "hostname_pattern = h", tmp_path)
    body = {"server": {"hostname": hostname}}
    answer = fakes.send(
        app, "PUT", PATH, body, **{"openstack.legacy_v2": True}
    )

    assert answer.status_int == 202


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({"name": "db"}, 'Server name "db" breaks'),
        ({"hostname": "h1"}, "This server breaks"),
    ],
)
def test_the_refusal_begins_with_what_was_given(tmp_path, fields, subject):
    rules = "pattern = web-.+\nhostname_pattern = h"
    app = _over(fakes.FakeNova(), rules, tmp_path)
    answer = fakes.send(app, "PUT", PATH, {"server": fields})

    assert answer.json["forbidden"]["message"].startswith(subject)


@pytest.mark.parametrize("unique", ["project", "cloud"])
def test_unique_asks_for_the_servers_of_the_right_scope(tmp_path, unique):
    nova = fakes.FakeNova(
        {"/servers": {"servers": []}, "/os-services": {"services": []}}
    )
    app = _over(nova, f"unique = {unique}", tmp_path)
    answer = fakes.send(app, body={"server": {"name": "a"}})

    assert answer.status_int == 202
    listing = nova.requests[0]
    assert listing.GET["name"] == "^[aA](-[0-9]+)?$"
    assert listing.GET.get("project_id") == (
        "red-id" if unique == "project" else None
    )


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"/servers": {"servers": []}},
        {"/servers": 500, "/os-services": {"services": []}},
        {"/servers": {"servers": []}, "/os-services": OSError("gone")},
    ],
    ids=["nothing", "no_services", "broken", "gone"],
)
def test_unique_without_an_answer_is_no_pass(tmp_path, answers):
    nova = fakes.FakeNova(answers)
    app = _over(nova, "unique = cloud", tmp_path)
    answer = fakes.send(app, body={"server": {"name": "a"}})

    assert answer.status_int == 503
    assert nova.writes == []


def test_audit_judges_by_the_same_rules(tmp_path):
    app = _over(None, "pattern = web-.+\nunique = project", tmp_path)
    finding = app.audit({"name": "db"}, _others("DB"))

    assert finding.subject == 'Server name "db"'
    assert [str(violation) for violation in finding.violations] == [
        "/name must match web-.+",
        "/name is the name of another server of this project",
    ]


def test_off_is_not_even_there(tmp_path):
    nova = fakes.FakeNova()

    assert _over(nova, "mode = off", tmp_path) is nova


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_audit_mode_changes_no_byte(tmp_path, method):
    body = b'{ "server" : {"name": "db", "name": "db"} }'
    bare, judged = fakes.FakeNova(), fakes.FakeNova()
    app = _over(judged, "pattern = web\nmode = audit", tmp_path)
    answers = [
        fakes.send(target, method, PATH if method == "PUT" else "/servers",
                   body)
        for target in (bare, app)
    ]  # fmt: skip

    assert answers[0].headerlist == answers[1].headerlist
    assert answers[0].body == answers[1].body
    assert judged.requests[0].body_copy == body


def test_only_ascii_and_the_kelvin_sign_fold_to_ascii():
    """What the filter for Nova relies on."""
    others = {
        chr(code)
        for code in range(128, 0x110000)
        if naming.folded(chr(code)).isascii()
    }

    assert others == {"\u212a"}


def test_who_does_not_see_a_server_learns_nothing_of_its_name(tmp_path):
    nova = fakes.FakeNova()
    app = _over(nova, "unique = cloud", tmp_path)
    answer = fakes.send(app, "PUT", PATH, {"server": {"name": "a"}})

    assert answer.status_int == 404
    assert nova.reads == [PATH]
