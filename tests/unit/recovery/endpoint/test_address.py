import pytest

from waffles import exceptions
from waffles.caller import Caller
from waffles.recovery.endpoint import address

OURS = "/os-waffles/recoveries/r1"


def _environ(path=OURS, query="", **more):
    return {
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "/v2.1",
        "HTTP_HOST": "nova:8774",
        "SERVER_NAME": "nova",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "https",
        **more,
    }


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        (OURS, ("recoveries", "r1")),
        (f"/abc{OURS}", ("recoveries", "r1")),
        (f"/xyz{OURS}", None),
        (f"/abc/abc{OURS}", None),
        ("/os-waffles", ()),
        ("/os-waffles/", ("",)),
        ("/os-waffles/a//b", ("a", "", "b")),
        ("/os-waffles/os-waffles", ("os-waffles",)),
        ("", None),
        ("/", None),
        ("os-waffles/x", None),
        ("/servers", None),
        ("/a/b/os-waffles", None),
        ("/servers/os-waffles", None),
        ("/flavors/os-waffles", None),
        ("/OS-WAFFLES/x", None),
        ("/os-waffles2/x", None),
    ],
)
def test_what_begins_with_our_name_is_ours(path, parts):
    assert address.parts({"PATH_INFO": path}) == parts


@pytest.mark.parametrize("project_id", [None, "abc"], ids=["plain", "project"])
def test_the_callers_own_project_is_let_pass(project_id):
    path = f"/{project_id}{OURS}" if project_id else OURS
    address.refuse_project(_environ(path), Caller(project_id="abc"))


@pytest.mark.parametrize("caller", ["red", None], ids=str)
def test_another_project_in_the_path_is_refused_as_by_nova(caller):
    with pytest.raises(exceptions.Malformed) as error:
        address.refuse_project(
            _environ(f"/abc{OURS}"), Caller(project_id=caller)
        )

    assert str(error.value) == (
        "Malformed request URL: URL's project_id 'abc' doesn't match"
        f" Context's project_id '{caller}'"
    )


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", {}),
        ("limit=1&marker=a", {"limit": "1", "marker": "a"}),
        ("limit=", {"limit": ""}),
        ("_method=GET&limit=1&_method=PUT", {"limit": "1"}),
        ("marker=%C3%A9", {"marker": "é"}),
    ],
)
def test_the_parameters_are_read(text, query):
    allowed = ("limit", "marker")
    assert address.query(_environ(query=text), allowed) == query


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x=1", "'x' is not allowed"),
        ("limit=1&limit=1", "'limit' is there twice"),
        ("limit[]=1", "not allowed"),
        ("marker=%ff", "Malformed query"),
        ("&".join(["_method=GET"] * 101), "Malformed query"),
        (f"{'x' * 5000}=1", "'x{99}' is not allowed"),
    ],
    ids=lambda text: text[:20],
)
def test_other_parameters_are_malformed(text, why):
    with pytest.raises(exceptions.Malformed, match=why):
        address.query(_environ(query=text), ("limit", "marker"))


@pytest.mark.parametrize(
    ("path", "more", "prefix", "base"),
    [
        (OURS, {}, "", "https://nova:8774/v2.1/os-waffles"),
        (f"/abc{OURS}", {}, "", "https://nova:8774/v2.1/abc/os-waffles"),
        (OURS, {"SCRIPT_NAME": ""}, "", "https://nova:8774/os-waffles"),
        (OURS, {"HTTP_HOST": "["}, "", "https://[/v2.1/os-waffles"),
        (OURS, {}, "http://api/n/", "http://api/n/v2.1/os-waffles"),
        (f"/abc{OURS}", {}, "http://a", "http://a/v2.1/abc/os-waffles"),
        (
            OURS,
            {"SCRIPT_NAME": "/a b"},
            "",
            "https://nova:8774/a%20b/os-waffles",
        ),
    ],
    ids=[
        "plain",
        "project",
        "root",
        "odd_host",
        "prefix",
        "prefix_project",
        "quoted",
    ],
)
def test_addresses_begin_as_the_client_reaches_us(path, more, prefix, base):
    assert address.base(_environ(path, **more), prefix) == base
