import pytest

from waffles import exceptions, operations

PROJECT = "6f70656e-737461636b"


def _environ(method, path, query=""):
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
    }


@pytest.mark.parametrize("prefix", ["", f"/{PROJECT}"])
@pytest.mark.parametrize(
    ("method", "path", "query", "operation", "ids"),
    [
        ("POST", "/servers", "", "servers:create", {}),
        ("POST", "/servers\n", "", "servers:create", {}),
        ("POST", "/os-volumes_boot", "", "servers:create", {}),
        ("PUT", "/servers", "_method=POST", "servers:create", {}),
        ("PUT", "/servers/a", "", "servers:update", {"server_id": "a"}),
        ("PUT", "/servers/detail", "", "servers:update", None),
        ("PUT", "/servers/a\n\n", "", "servers:update", {"server_id": "a\n"}),
        ("PUT", "/servers/\n", "", "servers:update", {"server_id": "\n"}),
        ("POST", "/servers/a", "_method=put", "servers:update", None),
        (
            "POST",
            "/servers/a",
            "x=_method&%5Fmethod=PUT",
            "servers:update",
            None,
        ),
        (
            "POST",
            "/servers/a",
            "_method=GET&_method=PUT",
            "servers:update",
            None,
        ),
        ("POST", "/servers/a", "_method=po%C5%BFt", "unknown", None),
        (
            "POST",
            "/servers/a/action",
            "_method=po%C5%BFt",
            "servers:action",
            None,
        ),
        ("DELETE", "/servers/a", "", "servers:delete", None),
        ("POST", "/servers/a/action\n", "", "servers:action", None),
        ("POST", "/os-volumes_boot/a/action", "", "servers:action", None),
        (
            "GET",
            "/servers/a/metadata/owner\n",
            "_method=DELETE",
            "server-metadata:delete",
            {"server_id": "a", "key": "owner"},
        ),
        (
            "DELETE",
            "/servers/a/metadata/\xc3\xa9",
            "",
            "server-metadata:delete",
            {"server_id": "a", "key": "\xc3\xa9"},
        ),
        ("PUT", "/servers/a/tags/x.json", "", "server-tags:update", None),
        (
            "PUT",
            "/os-services/force-down",
            "",
            "os-services:update",
            {"service_id": "force-down"},
        ),
        ("DELETE", "/os-services/a", "", "os-services:delete", None),
        ("POST", "/os-services", "", "unknown", None),
        ("POST", "/servers/", "", "unknown", None),
        ("POST", "/servers/a/none", "", "unknown", None),
        ("PATCH", "/servers/a", "", "unknown", None),
        ("post", "/servers", "", "unknown", None),
        ("PUT", "/servers", "", "unknown", None),
        ("POST", "/servers/a", "_method=", "unknown", None),
        ("POST", "/servers/a", "_method=%FF", "unknown", None),
    ],
)
def test_a_write_is_named_as_nova_routes_it(
    prefix, method, path, query, operation, ids
):
    match = operations.classify(_environ(method, prefix + path, query))

    assert match.operation == operation
    assert ids is None or match.ids == ids


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/servers", ""),
        ("HEAD", "/servers/a", ""),
        ("GET", "/servers/a/action", "_method=GET"),
        ("GET", "/os-services", ""),
        ("POST", "/flavors", ""),
        ("POST", f"/{PROJECT}/flavors", ""),
        ("POST", f"/{PROJECT}", ""),
        ("POST", "/SERVERS", ""),
        ("POST", "/xyz/servers", ""),
        ("POST", f"/{PROJECT}\n/servers", ""),
        ("POST", "servers", ""),
        ("POST", "//servers", ""),
        ("POST", "", ""),
        ("POST", "/", ""),
    ],
)
def test_what_is_no_write_to_a_server_has_no_name(method, path, query):
    assert operations.classify(_environ(method, path, query)) is None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"REQUEST_METHOD": "GET"}, False),
        ({"REQUEST_METHOD": "HEAD", "QUERY_STRING": "a=b"}, False),
        ({"REQUEST_METHOD": "GET", "QUERY_STRING": "a=_method"}, True),
        ({"REQUEST_METHOD": "get"}, True),
        ({"REQUEST_METHOD": "DELETE"}, True),
    ],
)
def test_a_read_is_told_at_a_glance(environ, expected):
    assert operations.may_write(environ) is expected


def test_an_action_is_named_by_its_key():
    assert operations.of_action({"rebuild": {}}) == "servers:rebuild"


@pytest.mark.parametrize(
    "body",
    [None, [], ["rebuild"], "rebuild", 1, {}, {"rebuild": 1, "x": 2}],
    ids=repr,
)
def test_a_body_that_names_no_action_is_malformed(body):
    with pytest.raises(exceptions.Malformed, match="one key"):
        operations.of_action(body)


@pytest.mark.parametrize("key", ["Rebuild", "rename", "action", ""])
def test_an_action_that_nova_does_not_have_is_malformed(key):
    with pytest.raises(exceptions.Malformed, match="no such action"):
        operations.of_action({key: {}})


def test_every_name_that_a_request_can_get_is_listed():
    assert "servers:rebuild" in operations.NAMES
    assert "server-metadata:update_all" in operations.NAMES
    assert operations.ACTION not in operations.NAMES
