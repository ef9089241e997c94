"""Modes, exemptions, ``when`` and ``unique``, on a real Nova."""

import uuid

import pytest
from nova.tests import fixtures as nova_fixtures

from waffles.demo import cloud as demo

NAMES = "[waffles_naming]\npattern = [a-z-]+[0-9a-f-]*\nmode = {mode}\n"
OWNED = """
[waffles_metadata]
mode = {mode}
required_keys = owner, team
defaults = owner={{user_name}}
"""


def _create(name, **fields):
    server = {"name": name, "imageRef": demo.IMAGE, "flavorRef": "1"}
    return {"server": server | fields}


def test_warn_lets_a_bad_name_pass_with_a_warning(configured, nova):
    api = configured(NAMES.format(mode="warn"))
    answer = api.call("POST", "/v2.1/servers", _create('B"ä'))

    assert answer.status_int == 202, answer.text
    assert nova.show(answer.json["server"]["id"])["name"] == 'B"ä'
    assert answer.headers["Warning"].startswith('299 waffles "Server name ')
    assert r"must match [a-z-]+" in answer.headers["Warning"]
    assert answer.headers["Warning"].isascii()


def test_warn_fills_in_defaults(configured, nova):
    api = configured(OWNED.format(mode="warn"))
    answer = api.call("POST", "/v2.1/servers", _create("w"))

    assert "/server/metadata/team is required" in answer.headers["Warning"]
    metadata = nova.show(answer.json["server"]["id"])["metadata"]
    assert metadata == {"owner": "demo"}


@pytest.mark.parametrize("rules", [NAMES, OWNED], ids=["naming", "metadata"])
def test_audit_lets_a_breach_pass_and_leaves_a_line(
    configured, nova, caplog, rules
):
    api = configured(rules.format(mode="audit"))
    answer = api.call("POST", "/v2.1/servers", _create("B"))

    assert answer.status_int == 202, answer.text
    assert "Warning" not in answer.headers
    assert nova.show(answer.json["server"]["id"])["metadata"] == {}
    (line,) = [
        record.getMessage()
        for record in caplog.records
        if record.name == "waffles.policy"
    ]
    assert " passed servers:create (mode audit, req-" in line
    assert "user demo" in line


def test_enforce_leaves_a_line(configured, caplog):
    api = configured(NAMES.format(mode="enforce"))
    answer = api.call("POST", "/v2.1/servers", _create("B"))

    (line,) = [
        record.getMessage()
        for record in caplog.records
        if record.name == "waffles.policy"
    ]
    assert line.startswith("naming refused servers:create (mode enforce, ")
    assert answer.headers["x-openstack-request-id"] in line


@pytest.mark.parametrize(
    ("when", "fields", "status"),
    [
        ("'1':%(flavor)s", {}, 403),
        ("'2':%(flavor)s", {}, 202),
        ("'1':%(flavor)s", {"flavorRef": "http://any/flavors/1"}, 403),
        ("'1':%(flavor)s", {"flavorRef": "http://any/flavors/1?a=2"}, 403),
        (f"'{demo.IMAGE}':%(image)s", {}, 403),
        ("'':%(image)s", {}, 202),
        ("'nova':%(availability_zone)s", {}, 202),
        (
            "'nova':%(availability_zone)s",
            {"availability_zone": "nova"},
            403,
        ),
        ("role:member", {}, 403),
        ("role:admin", {}, 202),
        ("not role:member or '1':%(flavor)s", {}, 403),
    ],
)
def test_when_says_which_creates_are_judged(configured, when, fields, status):
    api = configured(f"[waffles_naming]\npattern = x\nwhen = {when}\n")
    answer = api.call("POST", "/v2.1/servers", _create("B", **fields))

    assert answer.status_int == status, answer.text


@pytest.mark.parametrize("base", ["/v2.1", "/v2"])
@pytest.mark.parametrize(
    ("when", "status"),
    [
        ("'1':%(flavor)s", 403),
        ("'2':%(flavor)s", 200),
        (f"'{demo.IMAGE}':%(image)s", 403),
        ("'nova':%(availability_zone)s", 403),
        ("'other':%(availability_zone)s", 200),
    ],
)
def test_when_asks_nova_what_a_server_is(configured, nova, base, when, status):
    api = configured(f"[waffles_naming]\npattern = x\nwhen = {when}\n")
    server = nova.server()["id"]
    answer = api.call(
        "PUT", f"{base}/servers/{server}", {"server": {"name": "B"}}
    )

    assert answer.status_int == status, answer.text


def test_who_is_exempt_is_not_judged(configured, nova):
    api = configured(
        "[waffles_naming]\npattern = x\nexempt = role:admin\n"
        "help_url = https://example.com/n\n"
    )
    refused = api.call("POST", "/v2.1/servers", _create("B"))
    passed = api.call("POST", "/v2.1/servers", _create("B"), user=demo.ADMIN)

    assert refused.status_int == 403
    assert refused.json["forbidden"]["message"].endswith(
        "must match x . See https://example.com/n"
    )
    assert passed.status_int == 202


@pytest.fixture
def name():
    return f"u-{uuid.uuid4()}"


@pytest.mark.parametrize(
    ("unique", "user", "status"),
    [
        ("off", demo.DEMO, 202),
        ("project", demo.DEMO, 403),
        ("project", demo.OTHER, 202),
        ("cloud", demo.DEMO, 403),
        ("cloud", demo.OTHER, 403),
    ],
)
@pytest.mark.parametrize("spelled", [str, str.upper, " {} ".format])
def test_a_name_is_unique_where_it_has_to_be(
    configured, nova, name, unique, user, status, spelled
):
    nova.server(name=name)
    api = configured(f"[waffles_naming]\nunique = {unique}\n")
    answer = api.call("POST", "/v2/servers", _create(spelled(name)), user=user)

    assert answer.status_int == status, answer.text
    if status == 403:
        assert f"another server of this {unique}" in answer.text


@pytest.mark.parametrize(
    "taken", ["{}", "{}-2"], ids=["the_bare_one", "a_derived_one"]
)
def test_all_names_of_several_servers_are_unique(
    configured, nova, name, taken
):
    nova.server(name=taken.format(name))
    api = configured("[waffles_naming]\nunique = project\n")
    answer = api.call("POST", "/v2.1/servers", _create(name, max_count=3))

    assert answer.status_int == 403, answer.text


@pytest.mark.parametrize(
    "spelled", ["ünicode-{}", "a.b+c({})", "50%-{}", "a&all_tenants=0-{}"]
)
def test_unique_finds_names_of_any_characters(configured, nova, name, spelled):
    name = spelled.format(name)
    nova.server(name=name)
    api = configured("[waffles_naming]\nunique = cloud\n")
    answer = api.call("POST", "/v2.1/servers", _create(name.upper()))

    assert answer.status_int == 403, answer.text


def test_the_name_of_a_server_that_can_come_back_is_taken(
    configured, cloud, nova, name
):
    cloud.flags(reclaim_instance_interval=1000)
    server = nova.server(name=name)["id"]
    try:
        nova.call("DELETE", f"/v2.1/servers/{server}")
        nova.wait(server, "SOFT_DELETED")
        api = configured("[waffles_naming]\nunique = project\n")
        answer = api.call("POST", "/v2.1/servers", _create(name))
    finally:
        cloud.flags(reclaim_instance_interval=0)

    assert answer.status_int == 403, answer.text


def test_two_images_of_one_server_are_no_way_round_when(configured):
    api = configured(
        f"[waffles_naming]\npattern = x\nwhen = '{demo.IMAGE}':%(image)s\n"
    )
    disk = {
        "boot_index": 0,
        "source_type": "image",
        "uuid": demo.IMAGE,
        "destination_type": "volume",
        "volume_size": 1,
    }
    other = "a2459075-d96c-40d5-893e-577ff92e721c"
    answer = api.call(
        "POST",
        "/v2.1/servers",
        _create("B", imageRef=other, block_device_mapping_v2=[disk]),
    )

    assert answer.status_int == 400, answer.text
    assert "of one image" in answer.text


def test_a_server_keeps_its_own_unique_name(configured, nova, name):
    server = nova.server(name=name)["id"]
    api = configured("[waffles_naming]\nunique = cloud\n")
    answer = api.call(
        "PUT", f"/v2.1/servers/{server}", {"server": {"name": name.upper()}}
    )

    assert answer.status_int == 200, answer.text


def test_an_administrator_renames_within_the_servers_project(
    configured, nova, name
):
    nova.server(name=name)
    server = nova.server()["id"]
    api = configured("[waffles_naming]\nunique = project\n")
    answer = api.call(
        "PUT",
        f"/v2.1/servers/{server}",
        {"server": {"name": name}},
        user=demo.ADMIN,
    )

    assert answer.status_int == 403, answer.text


def test_unique_looks_at_every_page(configured, cloud, nova, name):
    cloud.flags(max_limit=1, group="api")
    for number in range(3):
        nova.server(name=f"{name}-{number}")
    api = configured("[waffles_naming]\nunique = project\n")
    try:
        answer = api.call("POST", "/v2.1/servers", _create(name, max_count=2))
    finally:
        cloud.flags(max_limit=1000, group="api")

    assert answer.status_int == 403, answer.text


def test_a_cell_that_is_down_makes_no_name_unique(configured, cloud, name):
    api = configured("[waffles_naming]\nunique = project\n")
    with nova_fixtures.DownCellFixture([cloud.cell_mappings["cell1"]]):
        answer = api.call("POST", "/v2.1/servers", _create(name))

    assert answer.status_int == 503, answer.text
    assert "cell" in answer.json["serviceUnavailable"]["message"]
    assert answer.headers["Retry-After"] == "5"


def test_metadata_in_a_cell_that_is_down_is_not_judged(
    configured, cloud, nova
):
    api = configured(OWNED.format(mode="enforce"))
    present = {"owner": "ann", "team": "red", "a": "b"}
    server = nova.server(metadata=present)["id"]
    with nova_fixtures.DownCellFixture([cloud.cell_mappings["cell1"]]):
        answer = api.call("DELETE", f"/v2.1/servers/{server}/metadata/a")

    assert answer.status_int == 503, answer.text
    assert nova.show(server)["metadata"] == present
