import contextlib

import pytest
import webtest

from tests.unit.cells import novas
from tests.unit.cells.novas import Nova
from waffles.cells.proxy import nothing
from waffles.filters import cells

ADMIN = {
    "X-Identity-Status": "Confirmed",
    "X-User-Id": "ann",
    "X-Project-Id": "abc",
    "X-Roles": "admin,member",
}
MEMBER = ADMIN | {"X-Roles": "member"}


@pytest.fixture
def top(tmp_path):
    """Makes the waffle above applications, as the cells that there are."""
    with contextlib.ExitStack() as stack:

        def top(*novas_, app=nothing.not_found, down=0, **more):
            names = [f"c{at + 1}" for at in range(len(novas_) + down)]
            lines = ["[waffles_cells]", f"enabled_cells = {', '.join(names)}"]
            lines += [f"{name} = {value}" for name, value in more.items()]
            for name, nova in zip(
                names, [*novas_, *[None] * down], strict=True
            ):
                url = "http://127.0.0.1:9/v2.1"
                if nova is not None:
                    url = stack.enter_context(novas.served(nova))
                lines += [
                    f"[waffles_cell_{name}]",
                    f"endpoint = {url}",
                    f"number = {name[1:]}",
                    f"home = {name == 'c1'}",
                ]
            file = tmp_path / "waffles.conf"
            file.write_text("\n".join(lines))
            made = cells.filter_factory({}, config_file=str(file))(app)
            return webtest.TestApp(made, extra_environ={})

        yield top


def names(answer):
    return [flavor["id"] for flavor in answer.json["flavors"]]


def test_flavors_of_all_cells_are_one_list(top):
    app = top(Nova("a", "c"), Nova("b"))

    found = app.get("/flavors", headers=MEMBER)

    assert names(found) == ["a", "b", "c"]
    assert found.headers["X-Waffles-Cells"] == "c1=ok;c2=ok"
    assert found.headers["OpenStack-API-Version"] == "compute 2.1"
    assert found.headers.getall("Vary") == [
        "OpenStack-API-Version",
        "X-OpenStack-Nova-API-Version",
    ]
    assert "Warning" not in found.headers


def test_links_are_ours(top):
    app = top(Nova("a"), Nova())

    found = app.get("/abc/flavors/a", headers=MEMBER).json["flavor"]

    assert found["links"][0]["href"] == "http://localhost:80/abc/flavors/a"


def test_a_cell_that_is_down_is_told_of(top):
    app = top(Nova("a"), down=1)

    found = app.get("/flavors", headers=MEMBER)

    assert names(found) == ["a"]
    assert found.headers["X-Waffles-Cells"] == "c1=ok;c2=refused"
    assert found.headers["Warning"] == '199 waffles "c2=refused"'


def test_a_list_may_fail_instead(top):
    app = top(Nova("a"), down=1, on_cell_down="fail")

    found = app.get("/flavors", headers=MEMBER, status=503)

    assert "c2" in found.json["serviceUnavailable"]["message"]
    assert found.headers["Retry-After"]
    assert found.headers["X-Waffles-Cells"] == "c1=ok;c2=refused"


def test_what_only_a_cell_could_know_that_is_down_is_not_404(top):
    app = top(Nova("a"), down=1)

    found = app.get("/flavors/b", headers=MEMBER, status=503)

    assert "c2" in found.json["serviceUnavailable"]["message"]


def test_the_token_goes_to_each_cell(top):
    one, two = Nova("a"), Nova("b")
    top(one, two).get("/flavors", headers=MEMBER | {"X-Auth-Token": "t"})

    for nova in (one, two):
        assert nova.asked[-1].headers["X-Auth-Token"] == "t"
        assert "X-Roles" not in nova.asked[-1].headers


@pytest.mark.parametrize(
    ("asked", "used"),
    [("2.61", "2.61"), ("latest", "2.90"), ("2.90", "2.90")],
)
def test_cells_are_asked_at_one_microversion(top, asked, used):
    one, two = Nova("a"), Nova("b", most="2.90")
    headers = MEMBER | {"OpenStack-API-Version": f"compute {asked}"}
    found = top(one, two).get("/flavors", headers=headers)

    assert found.headers["OpenStack-API-Version"] == f"compute {used}"
    for nova in (one, two):
        sent = nova.asked[-1].headers["OpenStack-API-Version"]
        assert sent == f"compute {used}"


def test_a_microversion_that_one_cell_has_not_is_refused(top):
    headers = MEMBER | {"OpenStack-API-Version": "compute 2.91"}
    app = top(Nova("a"), Nova("b", most="2.90"))

    found = app.get("/flavors", headers=headers, status=406)

    assert "maximum is 2.90" in found.json["computeFault"]["message"]


def test_the_version_document_says_what_all_cells_have(top):
    app = top(Nova("a"), Nova("b", most="2.90"))

    (found,) = app.get("/").json["versions"]

    assert (found["min_version"], found["version"]) == ("2.1", "2.90")


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/flavors/", "GET"),
        ("/flavors/a/b", "GET"),
        ("/flavors", "PATCH"),
        ("/flavors/a%2Fos-extra_specs", "DELETE"),
        ("/os-aggregates/1/2/3", "GET"),
    ],
)
def test_what_no_route_is_for_is_not_found_and_no_cell_is_asked(
    top, path, method
):
    one = Nova("a")
    app = top(one, app=refused)

    app.request(path, method=method, headers=MEMBER, status=404)

    assert one.asked == []


def refused(environ, start_response):
    """An application below that must not be asked."""
    raise AssertionError(environ["PATH_INFO"])


def test_what_is_of_no_resource_goes_below(top):
    def below(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"below"]

    app = top(Nova("a"), app=below)

    for path in ("/servers", "/abc/servers/1", "/os-waffles/recoveries"):
        assert app.get(path, headers=MEMBER).text == "below"


@pytest.mark.parametrize(
    "headers",
    [{}, ADMIN | {"X-Identity-Status": "Invalid"}],
    ids=["no token", "a token that is none"],
)
def test_who_is_nobody_is_asked_for_a_token(top, headers):
    one = Nova("a")

    found = top(one).get("/flavors", headers=headers, status=401)

    assert found.json["unauthorized"]["code"] == 401
    assert one.asked == []


def test_the_project_of_another_is_refused(top):
    found = top(Nova("a")).get("/def/flavors", headers=MEMBER, status=400)

    assert "project_id 'def'" in found.json["badRequest"]["message"]


def test_administrators_may_choose_cells(top):
    one, two = Nova("a"), Nova("b")
    headers = ADMIN | {"X-Waffles-Cell": "c2"}

    found = top(one, two).get("/flavors", headers=headers)

    assert names(found) == ["b"]
    assert "X-Waffles-Cell" not in two.asked[-1].headers


def test_others_may_not(top):
    headers = MEMBER | {"X-Waffles-Cell": "c2"}

    found = top(Nova("a"), Nova()).get("/flavors", headers=headers, status=403)

    assert "X-Waffles-Cell" in found.json["forbidden"]["message"]


def test_a_cell_that_is_none_is_no_choice(top):
    headers = ADMIN | {"X-Waffles-Cell": "c2, c9"}

    found = top(Nova("a"), Nova()).get("/flavors", headers=headers, status=400)

    assert "'c9'; there is c1, c2" in found.json["badRequest"]["message"]


def test_a_proxy_that_is_its_own_cell_finds_out(tmp_path):
    """The endpoint of c1 is the proxy itself."""
    made = []

    def itself(environ, start_response):
        return made[0](environ, start_response)

    with novas.served(itself) as url:
        file = tmp_path / "waffles.conf"
        file.write_text(
            "[waffles_cells]\nenabled_cells = c1\n[waffles_cell_c1]\n"
            f"number = 1\nhome = true\nendpoint = {url[: -len('/v2.1')]}\n"
        )
        made.append(cells.filter_factory({}, config_file=str(file))(refused))
        app = webtest.TestApp(made[0])
        found = app.get("/flavors", headers=MEMBER, status=503)

    assert "No cell" in found.json["serviceUnavailable"]["message"]


def test_the_cells_are_listed_to_administrators(top):
    app = top(Nova("a"), down=1)

    found = app.get("/os-waffles/cells", headers=ADMIN).json["cells"]

    assert [one["name"] for one in found] == ["c1", "c2"]
    assert [one["state"] for one in found] == ["ok", "refused"]
    assert found[0]["version"] == "2.104"
    assert [one["home"] for one in found] == [True, False]


def test_the_cells_are_not_listed_to_others(top):
    found = top(Nova("a")).get("/os-waffles/cells", headers=MEMBER, status=403)

    assert "waffles:cells:list" in found.json["forbidden"]["message"]


@pytest.mark.parametrize("path", ["/flavors", "/flavors/none", "/def/flavors"])
def test_an_answer_has_the_id_of_the_request_by_novas_name_too(top, path):
    app = top(Nova("a"))
    app.extra_environ["openstack.request_id"] = "req-1"

    found = app.get(path, headers=MEMBER, status="*")

    assert found.headers["X-Compute-Request-Id"] == "req-1"


@pytest.mark.parametrize("asked", ["2.999", "2.0"])
def test_a_refused_microversion_is_shown_as_it_was_asked(top, asked):
    headers = MEMBER | {"OpenStack-API-Version": f"compute {asked}"}
    found = top(Nova("a")).get("/flavors", headers=headers, status=406)

    assert found.headers["OpenStack-API-Version"] == f"compute {asked}"


def test_what_is_no_microversion_is_not_shown(top):
    headers = MEMBER | {"OpenStack-API-Version": "compute x"}
    found = top(Nova("a")).get("/flavors", headers=headers, status=400)

    assert "OpenStack-API-Version" not in found.headers


def test_what_came_by_v2_has_no_microversion(top):
    app = top(Nova("a"))
    app.extra_environ["openstack.legacy_v2"] = True
    found = app.get("/def/flavors", headers=MEMBER, status=400)

    assert "OpenStack-API-Version" not in found.headers


def test_a_method_instead_of_its_own_is_the_one_that_cells_get(top):
    one = Nova("a")
    headers = ADMIN | {"X-Waffles-Cell": "c1"}
    top(one).post("/flavors/a?_method=DELETE", headers=headers)

    assert one.asked[-1].method == "DELETE"
    assert "_method" not in one.asked[-1].query_string


def test_who_may_not_choose_cells_may_not_by_an_id_either(top):
    one, two = Nova("a"), Nova("b")
    path = "/flavors/c2@b"
    found = top(one, two).delete(path, headers=MEMBER, status=403)

    assert "waffles:cells:target" in found.json["forbidden"]["message"]
    assert {request.method for request in two.asked} == {"GET"}


def test_a_query_that_is_too_long_is_refused_here(top):
    one = Nova("a")
    app = top(one)
    app.get("/flavors", headers=MEMBER)
    asked = len(one.asked)
    app.get("/flavors?q=" + "x" * 9000, headers=MEMBER, status=400)

    assert len(one.asked) == asked


def test_a_header_that_is_too_long_is_not_sent_on(top):
    one = Nova("a")
    headers = MEMBER | {"Accept-Language": "x" * 9000}
    top(one).get("/flavors", headers=headers)

    assert "Accept-Language" not in one.asked[-1].headers
