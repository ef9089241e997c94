"""The naming waffle, on a real Nova: what it refuses does not happen."""

import uuid

import pytest

from waffles.demo import cloud as demo

RULES = """
[waffles_naming]
pattern = [a-z]{3}-(prd|dev)-[a-z0-9-]+
max_length = 30
hostname_pattern = [a-z]+
image_pattern = img-[a-z0-9-]+
"""
PROJECT = demo.DEMO.project_id
BASES = ["/v2.1", f"/v2.1/{PROJECT}", "/v2", f"/v2/{PROJECT}"]

#: Ways to rename a server: id, method, path below the base, body.
RENAMES = {
    "update": ("PUT", "/servers/{id}", '{"server": {"name": "Bad"}}'),
    "newline": ("PUT", "/servers/{id}%0A", '{"server": {"name": "Bad"}}'),
    "percent_encoded": (
        "PUT",
        "/%73ervers/{id}",
        '{"server": {"name": "Bad"}}',
    ),
    "two_slashes": ("PUT", "//servers/{id}", '{"server": {"name": "Bad"}}'),
    "method_override": (
        "POST",
        "/servers/{id}?_method=PUT",
        '{"server": {"name": "Bad"}}',
    ),
    "method_override_in_lower_case": (
        "POST",
        "/servers/{id}?_method=put",
        '{"server": {"name": "Bad"}}',
    ),
    "last_method_override": (
        "POST",
        "/servers/{id}?_method=GET&_method=PUT",
        '{"server": {"name": "Bad"}}',
    ),
    "escaped_method_override": (
        "POST",
        "/servers/{id}?x=_method&%5Fmethod=PUT",
        '{"server": {"name": "Bad"}}',
    ),
    "volumes_boot": (
        "PUT",
        "/os-volumes_boot/{id}",
        '{"server": {"name": "Bad"}}',
    ),
    "second_name": (
        "PUT",
        "/servers/{id}",
        '{"server": {"name": "web-prd-2", "name": "Bad"}}',
    ),
    "second_server": (
        "PUT",
        "/servers/{id}",
        '{"server": {"name": "web-prd-2"}, "server": {"name": "Bad"}}',
    ),
    "escaped_keys": (
        "PUT",
        "/servers/{id}",
        r'{"\u0073erver": {"\u006eame": "Bad"}}',
    ),
    "too_long": (
        "PUT",
        "/servers/{id}",
        '{"server": {"name": "web-prd-%s"}}' % ("x" * 30),
    ),
    "rebuild": (
        "POST",
        "/servers/{id}/action",
        '{"rebuild": {"imageRef": "IMAGE", "name": "Bad"}}',
    ),
    "rebuild_newline": (
        "POST",
        "/servers/{id}/action%0A",
        '{"rebuild": {"imageRef": "IMAGE", "name": "Bad"}}',
    ),
    "rebuild_method_override": (
        "PUT",
        "/servers/{id}/action?_method=POST",
        '{"rebuild": {"imageRef": "IMAGE", "name": "Bad"}}',
    ),
    "second_rebuild": (
        "POST",
        "/servers/{id}/action",
        '{"rebuild": {"imageRef": "IMAGE"}, "rebuild": {"imageRef": "IMAGE",'
        ' "name": "Bad"}}',
    ),
    "volumes_boot_rebuild": (
        "POST",
        "/os-volumes_boot/{id}/action",
        '{"rebuild": {"imageRef": "IMAGE", "name": "Bad"}}',
    ),
}


@pytest.fixture(scope="module")
def api(configured):
    return configured(RULES)


@pytest.fixture(scope="module")
def server(nova):
    return nova.server(name="web-prd-1")["id"]


@pytest.fixture(scope="module")
def another(nova):
    return nova.server(name="web-prd-1")["id"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("way", RENAMES)
def test_a_rename_to_a_bad_name_is_refused(api, nova, server, base, way):
    method, path, body = RENAMES[way]
    answer = api.call(
        method,
        base + path.format(id=server),
        body.replace("IMAGE", demo.IMAGE).encode(),
        CONTENT_TYPE="application/json",
    )

    assert answer.status_int == 403, answer.text
    assert "naming policy" in answer.json["forbidden"]["message"]
    assert nova.show(server)["name"] == "web-prd-1"


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("way", [w for w in RENAMES if "volumes" not in w])
def test_the_same_rename_to_a_good_name_passes(api, nova, another, base, way):
    """So that the refusals above are refusals of names."""
    method, path, body = RENAMES[way]
    name = f"web-dev-{uuid.uuid4().hex[:8]}"
    good = body.replace("Bad", name).replace("web-prd-" + "x" * 30, name)
    answer = api.call(
        method,
        base + path.format(id=another),
        good.replace("IMAGE", demo.IMAGE).encode(),
        CONTENT_TYPE="application/json",
    )

    assert answer.status_int in (200, 202), answer.text
    assert nova.wait(another)["name"] == name


#: What a request may look like in ways that change nothing for Nova.
DISGUISES = {
    "no_content_type": {"CONTENT_TYPE": None},
    "empty_content_type": {"CONTENT_TYPE": ""},
    "text_plain": {"CONTENT_TYPE": "text/plain"},
    "vendor_type": {"CONTENT_TYPE": "application/vnd.openstack.compute+json"},
    "other_charset": {"CONTENT_TYPE": "application/json; charset=utf-16"},
    "chunked": {"CONTENT_LENGTH": None, "wsgi.input_terminated": True},
    "accept_xml": {"HTTP_ACCEPT": "application/xml"},
    "other_override": {"HTTP_X_HTTP_METHOD_OVERRIDE": "GET"},
    "newest": {"HTTP_OPENSTACK_API_VERSION": "compute latest"},
    "other_service": {"HTTP_OPENSTACK_API_VERSION": "nova 2.60"},
    "legacy_header": {"HTTP_X_OPENSTACK_NOVA_API_VERSION": "2.19"},
    "no_query_string": {"QUERY_STRING": None},
}


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("base", BASES)
def test_no_disguise_gets_a_bad_name_through(
    api, nova, server, base, disguise
):
    answer = _put(api, f"{base}/servers/{server}", "Bad", DISGUISES[disguise])

    assert answer.status_int == 403, answer.text
    assert nova.show(server)["name"] == "web-prd-1"


@pytest.mark.parametrize("disguise", DISGUISES)
def test_nova_takes_each_disguise(api, nova, another, disguise):
    """So that the refusals above are refusals of names."""
    name = f"web-dev-{uuid.uuid4().hex[:8]}"
    answer = _put(api, f"/v2.1/servers/{another}", name, DISGUISES[disguise])

    assert answer.status_int == 200, answer.text
    assert nova.show(another)["name"] == name


def _put(api, path, name, environ):
    def app(given, start_response):
        for key, value in environ.items():
            if value is None:
                given.pop(key, None)
            else:
                given[key] = value
        return api.app(given, start_response)

    body = b'{"server": {"name": "%s"}}' % name.encode()
    return type(api)(app).call("PUT", path, body)


@pytest.mark.parametrize("version", ["version=2.1/x", "version=2/x"])
@pytest.mark.parametrize("header", ["CONTENT_TYPE", "HTTP_ACCEPT"])
def test_a_version_in_a_media_type_is_no_way_round(
    api, nova, server, header, version
):
    answer = api.call(
        "PUT",
        f"/servers/{server}",
        b'{"server": {"name": "Bad"}}',
        **{header: f"application/json;{version}"},
    )

    assert answer.status_int == 403, answer.text
    assert nova.show(server)["name"] == "web-prd-1"


#: Bodies of a create that would make servers of bad names.
CREATES = {
    "bad": {"name": "Bad"},
    "spaces_around": {"name": " Bad "},
    "bad_if_several": {"name": "web-prd-" + "x" * 21, "max_count": 3},
    "bad_if_several_at_least": {"name": "web-prd-" + "x" * 21, "min_count": 2},
    "count_in_text": {"name": "web-prd-" + "x" * 21, "max_count": "10"},
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("collection", ["/servers", "/os-volumes_boot"])
@pytest.mark.parametrize(
    "way",
    [
        ("POST", ""),
        ("POST", "%0A"),
        ("PUT", "?_method=POST"),
    ],
    ids=["plain", "newline", "method_override"],
)
@pytest.mark.parametrize("case", CREATES)
def test_a_create_with_a_bad_name_is_refused(
    api, nova, base, collection, way, case
):
    method, more = way
    answer = api.call(
        method, base + collection + more, _create(**CREATES[case])
    )

    assert answer.status_int == 403, answer.text
    assert _named(nova, CREATES[case]["name"].strip()) == []


@pytest.mark.parametrize("base", BASES)
def test_a_create_with_a_good_name_passes(api, nova, base):
    name = f"web-prd-{uuid.uuid4().hex[:8]}"
    spaces = " " if base.startswith("/v2/") or base == "/v2" else ""
    answer = api.call(
        "POST", f"{base}/servers", _create(name=f"{spaces}{name}{spaces}")
    )

    assert answer.status_int == 202, answer.text
    assert nova.show(answer.json["server"]["id"])["name"] == name


def test_several_servers_get_the_names_that_were_judged(api, nova):
    name = f"web-prd-{uuid.uuid4().hex[:8]}"
    answer = api.call(
        "POST", "/v2.1/servers", _create(name=name, min_count="2")
    )

    assert answer.status_int == 202, answer.text
    assert _named(nova, name) == [f"{name}-1", f"{name}-2"]


def test_more_servers_than_can_be_judged_are_refused(api, nova):
    answer = api.call(
        "POST", "/v2.1/servers", _create(name="web-prd-many", max_count=1001)
    )

    assert answer.status_int == 400
    assert "1000" in answer.json["badRequest"]["message"]
    assert _named(nova, "web-prd-many") == []


@pytest.mark.parametrize("base", BASES[:2])
@pytest.mark.parametrize("version", ["2.90", "2.93", "latest"])
def test_a_bad_hostname_is_refused(api, nova, server, base, version):
    before = nova.show(server)
    for method, path, body in (
        ("POST", "/servers", _create(name="web-prd-1", hostname="h1")),
        ("PUT", f"/servers/{server}", {"server": {"hostname": "h1"}}),
        (
            "POST",
            f"/servers/{server}/action",
            {"rebuild": {"imageRef": demo.IMAGE, "hostname": "h1"}},
        ),
    ):
        answer = api.call(method, base + path, body, microversion=version)
        assert answer.status_int == 403, answer.text
        assert "/hostname must match [a-z]+" in answer.text
    assert nova.show(server) == before


def test_a_good_hostname_passes(api, nova):
    server = nova.server(name="web-prd-1")["id"]
    answer = api.call(
        "PUT",
        f"/v2.1/servers/{server}",
        {"server": {"hostname": "web"}},
        microversion="2.90",
    )

    assert answer.status_int == 200, answer.text
    assert nova.show(server)["OS-EXT-SRV-ATTR:hostname"] == "web"


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "body",
    [
        {"createImage": {"name": "Bad"}},
        {"createImage": {"name": " Bad "}},
        {
            "createBackup": {
                "name": "Bad",
                "backup_type": "daily",
                "rotation": 1,
            }
        },
    ],
    ids=["image", "image_in_spaces", "backup"],
)
def test_a_bad_name_of_an_image_is_refused(api, cloud, server, base, body):
    before = set(cloud.glance.images)
    answer = api.call("POST", f"{base}/servers/{server}/action", body)

    assert answer.status_int == 403, answer.text
    assert "Image name" in answer.text
    assert set(cloud.glance.images) == before


def test_a_good_name_of_an_image_passes(api, nova):
    server = nova.server(name="web-prd-1")["id"]
    answer = api.call(
        "POST",
        f"/v2.1/servers/{server}/action",
        {"createImage": {"name": "img-1"}},
    )

    assert answer.status_int == 202, answer.text


def test_every_violation_is_listed_at_once(api):
    answer = api.call(
        "POST",
        "/v2.1/servers",
        _create(name="Bad" * 20, hostname="h1"),
        microversion="2.90",
    )

    message = answer.json["forbidden"]["message"]
    assert "/server/name must match [a-z]{3}" in message
    assert "/server/name must have at most 30 characters" in message
    assert "/server/hostname must match [a-z]+" in message


def _create(**fields):
    return {
        "server": {"imageRef": demo.IMAGE, "flavorRef": "1"} | fields,
    }


def _named(nova, part):
    found = nova.call(
        "GET", f"/v2.1/servers?all_tenants=1&name={part}", user=demo.ADMIN
    )
    return sorted(server["name"] for server in found.json["servers"])
