"""The metadata waffle, on a real Nova: what it refuses does not happen."""

import uuid

import pytest

from waffles.demo import cloud as demo

RULES = """
[waffles_metadata]
required_keys = owner
allowed_keys = team, ticket
immutable_keys = owner
protected_keys = cost-center
protected_rule = role:admin
"""
DEFAULTS = """
[waffles_metadata]
required_keys = owner
defaults = owner={user_name}/{user_id}
defaults = project={project_name}/{project_id}
defaults = request={request_id}
protected_keys = project
"""
PROJECT = demo.DEMO.project_id
BASES = ["/v2.1", f"/v2.1/{PROJECT}", "/v2", f"/v2/{PROJECT}"]
PRESENT = {"owner": "ann", "team": "red", "cost-center": "7"}

#: Requests that would leave a server with metadata that breaks the rules.
CHANGES = {
    "delete_required": ("DELETE", "/metadata/owner", None),
    "delete_newline": ("DELETE", "/metadata/owner%0A", None),
    "delete_by_get": ("GET", "/metadata/owner?_method=DELETE", None),
    "delete_by_head": ("HEAD", "/metadata/owner?_method=delete", None),
    "delete_by_get_newline": (
        "GET",
        "/metadata/owner%0A?_method=DELETE",
        None,
    ),
    "delete_protected": ("DELETE", "/metadata/cost-center", None),
    "replace_without_required": (
        "PUT",
        "/metadata",
        {"metadata": {"team": "red", "cost-center": "7"}},
    ),
    "replace_with_nothing": ("PUT", "/metadata", {"metadata": {}}),
    "replace_by_post": ("POST", "/metadata?_method=PUT", {"metadata": {}}),
    "replace_newline": ("PUT", "/metadata%0A", {"metadata": {}}),
    "replace_without_protected": (
        "PUT",
        "/metadata",
        {"metadata": {"owner": "ann"}},
    ),
    "rebuild_with_nothing": (
        "POST",
        "/action",
        {"rebuild": {"imageRef": demo.IMAGE, "metadata": {}}},
    ),
    "rebuild_by_put": (
        "PUT",
        "/action?_method=POST",
        {"rebuild": {"imageRef": demo.IMAGE, "metadata": {"team": "red"}}},
    ),
    "rebuild_with_other_owner": (
        "POST",
        "/action",
        {
            "rebuild": {
                "imageRef": demo.IMAGE,
                "metadata": {**PRESENT, "owner": "bob"},
            }
        },
    ),
    "merge_immutable": (
        "POST",
        "/metadata",
        {"metadata": {"owner": "bob"}},
    ),
    "set_immutable": (
        "PUT",
        "/metadata/owner",
        {"meta": {"owner": "bob"}},
    ),
    "set_immutable_newline": (
        "PUT",
        "/metadata/owner%0A",
        {"meta": {"owner": "bob"}},
    ),
    "merge_protected": (
        "POST",
        "/metadata",
        {"metadata": {"cost-center": "8"}},
    ),
    "set_protected": (
        "PUT",
        "/metadata/cost-center",
        {"meta": {"cost-center": "8"}},
    ),
    "merge_other_case": ("POST", "/metadata", {"metadata": {"OWNER": "x"}}),
    "set_other_case": ("PUT", "/metadata/Owner", {"meta": {"Owner": "x"}}),
    "merge_trailing_space": (
        "POST",
        "/metadata",
        {"metadata": {"owner ": "x"}},
    ),
    "merge_newline_in_key": (
        "POST",
        "/metadata",
        {"metadata": {"owner\n": "x"}},
    ),
    "merge_protected_in_other_case": (
        "POST",
        "/metadata",
        {"metadata": {"Cost-Center": "8"}},
    ),
    "merge_not_allowed": ("POST", "/metadata", {"metadata": {"color": "x"}}),
    "set_not_allowed": ("PUT", "/metadata/color", {"meta": {"color": "x"}}),
}


@pytest.fixture(scope="module")
def api(configured):
    return configured(RULES)


@pytest.fixture(scope="module")
def server(nova):
    return nova.server(metadata=PRESENT)["id"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("case", CHANGES)
def test_a_change_that_breaks_a_rule_is_refused(api, nova, server, base, case):
    method, path, body = CHANGES[case]
    answer = api.call(method, f"{base}/servers/{server}{path}", body)

    assert answer.status_int == 403, answer.text
    assert nova.show(server)["metadata"] == PRESENT


@pytest.mark.parametrize(
    "case", [case for case in CHANGES if "rebuild" in case]
)
def test_a_rebuild_by_volumes_boot_is_refused_alike(api, nova, server, case):
    method, path, body = CHANGES[case]
    answer = api.call(method, f"/v2.1/os-volumes_boot/{server}{path}", body)

    assert answer.status_int == 403, answer.text
    assert nova.show(server)["metadata"] == PRESENT


@pytest.mark.parametrize("case", CHANGES)
def test_nova_alone_would_do_it(nova, case):
    """So that the refusals above are refusals of metadata."""
    server = nova.server(metadata=PRESENT)["id"]
    method, path, body = CHANGES[case]
    answer = nova.call(method, f"/v2.1/servers/{server}{path}", body)

    assert answer.status_int in (200, 202, 204), answer.text
    assert nova.wait(server)["metadata"] != PRESENT


ALLOWED = {
    "merge": ("POST", "/metadata", {"metadata": {"team": "blue"}}),
    "set": ("PUT", "/metadata/team", {"meta": {"team": "blue"}}),
    "set_by_post": (
        "POST",
        "/metadata/team?_method=PUT",
        {"meta": {"team": "blue"}},
    ),
    "delete": ("DELETE", "/metadata/team", None),
    "replace": (
        "PUT",
        "/metadata",
        {"metadata": {"owner": "ann", "cost-center": "7", "ticket": "1"}},
    ),
    "rebuild": (
        "POST",
        "/action",
        {
            "rebuild": {
                "imageRef": demo.IMAGE,
                "metadata": {"owner": "ann", "cost-center": "7"},
            }
        },
    ),
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("case", ALLOWED)
def test_a_change_that_keeps_the_rules_passes(api, nova, base, case):
    server = nova.server(metadata=PRESENT)["id"]
    method, path, body = ALLOWED[case]
    answer = api.call(method, f"{base}/servers/{server}{path}", body)

    assert answer.status_int in (200, 202, 204), answer.text
    assert nova.wait(server)["metadata"] != PRESENT


def test_a_rebuild_without_metadata_passes_whatever_is_there(api, nova):
    server = nova.server(metadata={"color": "x"})["id"]
    answer = api.call(
        "POST",
        f"/v2.1/servers/{server}/action",
        {"rebuild": {"imageRef": demo.IMAGE}},
    )

    assert answer.status_int == 202, answer.text
    assert nova.wait(server)["metadata"] == {"color": "x"}


def test_a_caller_of_the_protected_rule_changes_a_protected_key(api, nova):
    server = nova.server(metadata=PRESENT)["id"]
    answer = api.call(
        "POST",
        f"/v2.1/servers/{server}/metadata",
        {"metadata": {"cost-center": "8"}},
        user=demo.ADMIN,
    )

    assert answer.status_int == 200, answer.text
    assert nova.show(server)["metadata"]["cost-center"] == "8"


def test_a_server_that_the_caller_does_not_see_stays_hidden(api, nova, server):
    answer = api.call(
        "DELETE",
        f"/v2.1/servers/{server}/metadata/team",
        user=demo.OTHER,
    )
    native = nova.call(
        "DELETE",
        f"/v2.1/servers/{server}/metadata/team",
        user=demo.OTHER,
    )

    assert answer.status_int == native.status_int == 404
    assert answer.json == native.json


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"team": "red"},
        {"owner": "ann", "color": "x"},
        {"owner": "ann", "cost-center": "7"},
        {"OWNER": "ann"},
        {"owner": "ann", "Owner": "ann"},
    ],
    ids=[
        "none",
        "required_is_missing",
        "not_allowed",
        "protected",
        "other_case",
        "two_cases",
    ],
)
def test_a_create_that_breaks_a_rule_is_refused(api, nova, base, metadata):
    name = f"m-{uuid.uuid4()}"
    answer = api.call("POST", f"{base}/servers", _create(name, metadata))

    assert answer.status_int == 403, answer.text
    assert _named(nova, name) == []


@pytest.mark.parametrize("base", BASES)
def test_a_create_gets_the_defaults_of_its_caller(configured, nova, base):
    api = configured(DEFAULTS)
    answer = api.call("POST", f"{base}/servers", _create("d", {"team": "a"}))

    assert answer.status_int == 202, answer.text
    assert nova.show(answer.json["server"]["id"])["metadata"] == {
        "team": "a",
        "owner": "demo/demo",
        "project": f"demo/{PROJECT}",
        "request": answer.headers["x-openstack-request-id"],
    }


def test_what_a_create_says_stands_above_the_default(configured, nova):
    api = configured(DEFAULTS)
    answer = api.call("POST", "/v2.1/servers", _create("d", {"owner": "ann"}))

    metadata = nova.show(answer.json["server"]["id"])["metadata"]
    assert metadata["owner"] == "ann"


def test_a_refused_create_gets_no_defaults(configured, nova):
    api, name = configured(DEFAULTS), f"m-{uuid.uuid4()}"
    answer = api.call(
        "POST", "/v2.1/servers", _create(name, {"project": "mine"})
    )

    assert answer.status_int == 403, answer.text
    assert "/server/metadata/project is protected" in answer.text
    assert _named(nova, name) == []


def test_every_server_of_a_create_gets_the_defaults(configured, nova):
    api, name = configured(DEFAULTS), f"m-{uuid.uuid4()}"
    body = _create(name, None)
    body["server"]["max_count"] = 3
    api.call("POST", "/v2.1/servers", body)

    assert [
        nova.show(server["id"])["metadata"]["owner"]
        for server in _named(nova, name)
    ] == ["demo/demo"] * 3


def test_a_schema_judges_the_whole_object(configured, nova, tmp_path):
    file = tmp_path / "schema.json"
    file.write_text(
        '{"properties": {"env": {"enum": ["prd", "dev"]}},'
        ' "required": ["env"],'
        ' "patternProperties": {"^x-": {"pattern": "^[a-z]+$"}}}'
    )
    api = configured(f"[waffles_metadata]\nschema_file = {file}\n")
    server = nova.server(metadata={"env": "prd", "x-a": "a"})["id"]
    path = f"/v2.1/servers/{server}/metadata"
    present = nova.show(server)["metadata"]

    for method, more, body in (
        ("DELETE", "/env", None),
        ("POST", "", {"metadata": {"env": "test"}}),
        ("POST", "", {"metadata": {"x-b": "B"}}),
        ("PUT", "/ENV", {"meta": {"ENV": "dev"}}),
    ):
        answer = api.call(method, path + more, body)
        assert answer.status_int == 403, answer.text
    assert nova.show(server)["metadata"] == present

    answer = api.call("POST", path, {"metadata": {"env": "dev", "x-b": "b"}})
    assert answer.status_int == 200, answer.text


def test_every_violation_is_listed_at_once(api):
    answer = api.call(
        "POST",
        "/v2.1/servers",
        _create("m", {"color": "x", "cost-center": "7"}),
    )

    message = answer.json["forbidden"]["message"]
    assert "/server/metadata/owner is required" in message
    assert "/server/metadata/color is not one of cost-center, " in message
    assert "/server/metadata/cost-center is protected" in message


def _create(name, metadata):
    server = {"name": name, "imageRef": demo.IMAGE, "flavorRef": "1"}
    if metadata is not None:
        server["metadata"] = metadata
    return {"server": server}


def _named(nova, name):
    answer = nova.call(
        "GET", f"/v2.1/servers?all_tenants=1&name={name}", user=demo.ADMIN
    )
    return answer.json["servers"]
