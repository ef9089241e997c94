import pytest

from tests import fakes
from waffles import schemas
from waffles.filters import metadata
from waffles.filters.metadata import Rule

PATH = f"/servers/{fakes.SERVER}"
NO_TEXT = {"properties": {"a~/": {"const": ""}}}
GUARDED = {"owner": "owner", "cost": "Cost"}


def _over(app, text, tmp_path):
    """The waffle over an application, configured by the text of its group."""
    section = fakes.section("waffles_metadata", text, tmp_path, metadata.OPTS)
    return metadata.configured(section)(app)


@pytest.mark.parametrize(
    ("rule", "found", "violations"),
    [
        (Rule(), {"any": "thing"}, []),
        (Rule(required=("a", "b")), {"a": ""}, ["/m/b is required"]),
        (Rule(allowed=frozenset("ab")), {"a": ""}, []),
        (
            Rule(allowed=frozenset("ab")),
            {"c": ""},
            ["/m/c is not one of a, b"],
        ),
        (Rule(guarded=GUARDED), {"owner": "", "Cost": ""}, []),
        (
            Rule(guarded=GUARDED),
            {"OWNER": ""},
            ["/m/OWNER must be spelled owner: databases take both for one"
             " key"],
        ),
        (
            Rule(guarded=GUARDED),
            {"cost ": ""},
            ["/m/cost  must be spelled Cost: databases take both for one"
             " key"],
        ),
        (
            Rule(guarded=GUARDED),
            {"öwner": ""},
            ["/m/öwner has other characters than a-z A-Z 0-9 - _ : . and"
             " space"],
        ),
        (
            Rule(guarded=GUARDED),
            {"owner\n": ""},
            ["/m/owner\n has other characters than a-z A-Z 0-9 - _ : . and"
             " space"],
        ),
        (
            Rule(schema=schemas.validator({"required": ["a"]})),
            {},
            ["/m breaks its schema: 'a' is a required property"],
        ),
        (
            Rule(schema=schemas.validator(NO_TEXT)),
            {"a~/": "x"},
            [
                "/m/a~0~1 has other characters than a-z A-Z 0-9 - _ : . and"
                " space",
                "/m/a~0~1 breaks its schema: '' was expected",
            ],
        ),
    ],
)  # fmt: skip
def test_metadata_is_told_all_that_is_wrong_with_it(rule, found, violations):
    told = metadata.violations("/m", found, found, rule)

    assert [str(violation) for violation in told] == violations


@pytest.mark.parametrize(
    ("before", "after", "violations"),
    [
        ({}, {"fixed": "1"}, []),
        ({"fixed": "1"}, {"fixed": "1", "any": "2"}, []),
        (
            {"fixed": "1"},
            {"fixed": "2"},
            ['/fixed is immutable and may not be changed from "1" to "2"'],
        ),
        ({"fixed": "1"}, {}, ["/fixed is immutable and may not be removed"]),
        ({}, {"kept": "1"}, ["/kept is protected and may not be set"]),
        ({"kept": ""}, {}, ["/kept is protected and may not be removed"]),
        (
            {"kept": "1"},
            {"kept": "2"},
            ['/kept is protected and may not be changed from "1" to "2"'],
        ),
    ],
)
def test_a_change_is_told_what_it_may_not_change(before, after, violations):
    rule = Rule(immutable=("fixed",), protected=("kept",))
    told = metadata.violations("", before, after, rule)

    assert [str(violation) for violation in told] == violations


def test_a_caller_of_the_protected_rule_may_change_it():
    rule = Rule(protected=("kept",))

    assert metadata.violations("", {"kept": "1"}, {}, rule, False) == []


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("servers:create", {"a": "1", "b": "2"}),
        ("servers:rebuild", {"b": "2"}),
        ("server-metadata:create", {"a": "1", "b": "2"}),
        ("server-metadata:update_all", {"b": "2"}),
        ("server-metadata:update", {"a": "1", "b": "2"}),
    ],
)
def test_an_operation_merges_or_replaces(operation, expected):
    assert metadata.after(operation, {"a": "1"}, {"b": "2"}) == expected


@pytest.mark.parametrize("key", ["owner", "OWNER", "Owner  "])
def test_a_key_goes_with_all_its_spellings(key):
    before = {"owner": "1", "Owner": "2", "owners": "3"}

    assert metadata.without(before, key) == {"owners": "3"}


META = {"owner": "ann", "x": "y"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/servers", {"server": {"metadata": META}}, 202),
        ("POST", "/servers", {"server": {"metadata": {}}}, 403),
        ("POST", "/servers", {"server": {}}, 403),
        ("POST", "/servers", {"server": {"metadata": None}}, 400),
        ("POST", "/servers", {"server": {"metadata": {"owner": 1}}}, 400),
        ("POST", "/servers", {"server": {"metadata": {"owner": None}}}, 400),
        (
            "POST",
            "/servers",
            {"server": {"metadata": {"owner": "x" * 256}}},
            400,
        ),
        ("POST", "/servers", {"server": []}, 400),
        ("POST", "/servers", b"", 400),
        ("PUT", PATH, {"server": {"name": "a"}}, 202),
        ("POST", f"{PATH}/action", {"rebuild": {"imageRef": "i"}}, 202),
        ("POST", f"{PATH}/action", {"rebuild": {"metadata": META}}, 202),
        ("POST", f"{PATH}/action", {"rebuild": {"metadata": {}}}, 403),
        ("POST", f"{PATH}/action", {"rebuild": {"metadata": None}}, 400),
        ("POST", f"{PATH}/action", {"rebuild": []}, 400),
        ("POST", f"{PATH}/action", {"createImage": {"metadata": {}}}, 202),
        ("POST", f"{PATH}/metadata", {"metadata": {"a": "b"}}, 202),
        ("POST", f"{PATH}/metadata", {"metadata": {"Owner": "b"}}, 403),
        ("POST", f"{PATH}/metadata", {"metadata": []}, 400),
        ("POST", f"{PATH}/metadata", {}, 400),
        ("PUT", f"{PATH}/metadata", {"metadata": META}, 202),
        ("PUT", f"{PATH}/metadata", {"metadata": {}}, 403),
        ("PUT", f"{PATH}/metadata/x", {"meta": {"x": "z"}}, 202),
        ("PUT", f"{PATH}/metadata/OWNER", {"meta": {"OWNER": "z"}}, 403),
        ("PUT", f"{PATH}/metadata/x", {"meta": None}, 400),
        ("DELETE", f"{PATH}/metadata/x", None, 202),
        ("DELETE", f"{PATH}/metadata/owner", None, 403),
        ("DELETE", f"{PATH}/metadata/OWNER", None, 403),
        ("GET", f"{PATH}/metadata/owner?_method=DELETE", None, 403),
        ("GET", f"{PATH}/metadata", None, 200),
    ],
)
def test_what_is_judged(tmp_path, method, path, body, status):
    nova = fakes.FakeNova({f"{PATH}/metadata": {"metadata": META}})
    app = _over(nova, "required_keys = owner", tmp_path)
    answer = fakes.send(app, method, path, body)

    assert answer.status_int == status, answer.text
    assert len(nova.writes) == (status == 202)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", f"{PATH}/metadata/x", None),
        ("POST", f"{PATH}/metadata", {"metadata": {"a": "b"}}),
        ("PUT", f"{PATH}/metadata/x", {"meta": {"x": "z"}}),
    ],
)
@pytest.mark.parametrize(
    ("present", "status"), [(500, 503), (OSError("gone"), 503), (404, 404)]
)
def test_without_the_present_metadata_nothing_passes(
    tmp_path, method, path, body, present, status
):
    nova = fakes.FakeNova({f"{PATH}/metadata": present})
    app = _over(nova, "required_keys = owner", tmp_path)
    answer = fakes.send(app, method, path, body)

    assert answer.status_int == status
    assert nova.writes == []


def test_a_replacement_is_judged_without_asking(tmp_path):
    nova = fakes.FakeNova()
    app = _over(nova, "required_keys = owner", tmp_path)
    fakes.send(app, "PUT", f"{PATH}/metadata", {"metadata": META})

    assert nova.reads == []


def test_defaults_are_filled_in(tmp_path):
    nova = fakes.FakeNova()
    rules = (
        "defaults = owner={user_name} of {project_name}\n"
        "defaults = b={{x}}={request_id}"
    )
    app = _over(nova, rules, tmp_path)
    fakes.send(app, body={"server": {"name": "a"}})

    assert nova.writes == [
        {
            "server": {
                "name": "a",
                "metadata": {"owner": "ann of red", "b": "{x}=req-1"},
            }
        }
    ]


def test_a_create_that_leaves_nothing_out_is_sent_as_it_came(tmp_path):
    nova = fakes.FakeNova()
    app = _over(nova, "defaults = owner=x", tmp_path)
    body = b'{ "server": {"metadata": {"owner": "ann"}} }'
    fakes.send(app, body=body)

    assert nova.requests[0].body_copy == body


def test_a_default_that_the_token_cannot_fill_is_no_pass(tmp_path):
    nova = fakes.FakeNova()
    app = _over(nova, "defaults = owner={user_name}", tmp_path)
    answer = fakes.send(
        app,
        body={"server": {}},
        context=fakes.FakeContext(user_name=None),
    )

    assert answer.status_int == 400
    assert "'user_name'" in answer.json["badRequest"]["message"]
    assert nova.writes == []


def test_a_default_may_write_what_its_caller_may_not(tmp_path):
    nova = fakes.FakeNova()
    rules = "defaults = cost=7\nprotected_keys = cost"
    app = _over(nova, rules, tmp_path)

    assert fakes.send(app, body={"server": {}}).status_int == 202
    for value in "78":
        own = {"server": {"metadata": {"cost": value}}}
        assert fakes.send(app, body=own).status_int == 403


def test_keys_that_other_options_name_are_allowed(tmp_path):
    rules = "allowed_keys = x\nrequired_keys = owner\ndefaults = team=a"
    app = _over(fakes.FakeNova(), rules, tmp_path)
    body = {"server": {"metadata": META}}

    assert fakes.send(app, body=body).status_int == 202


def test_audit_judges_by_the_same_rules(tmp_path):
    rules = "required_keys = owner\nimmutable_keys = x\nprotected_keys = y"
    app = _over(None, rules, tmp_path)
    finding = app.audit({"metadata": {"x": "1", "y": "2"}}, None)

    assert [str(violation) for violation in finding.violations] == [
        "/metadata/owner is required"
    ]


def test_off_is_not_even_there(tmp_path):
    nova = fakes.FakeNova()

    assert _over(nova, "mode = off", tmp_path) is nova


def test_audit_mode_changes_no_byte(tmp_path):
    nova = fakes.FakeNova()
    rules = "mode = audit\nrequired_keys = a\ndefaults = owner=x"
    app = _over(nova, rules, tmp_path)
    body = b'{ "server": {"metadata": {}} }'
    answer = fakes.send(app, body=body)

    assert answer.headerlist == fakes.send(nova, body=body).headerlist
    assert nova.requests[0].body_copy == body
