"""What clients read through a proxy over real cells that are not equal."""

import contextlib
import itertools
import time

import pytest

from tests import realcells
from tests.realcells import asking
from tests.realcells.proxying import proxied
from tests.realcells.script.calls import EPHEMERAL, PUBLIC
from tests.realcells.script.flavor_lists import SORT_KEYS
from waffles.cells.model import SPAN

#: Flavors of both cells, made in another order in each.
COMMON = {
    "b": {"name": "Tiny", "ram": 64, "vcpus": 2, "disk": 5},
    "a": {"name": "tiny", "ram": 64, "vcpus": 1, "disk": 0},
    "d": {"name": "Zeta", "ram": 512, "vcpus": 8, "swap": 64},
    "c": {"name": "alpha", "ram": 64, "vcpus": 4, "disk": 5},
    "p": {"name": "private", "ram": 32, PUBLIC: False},
}

#: Flavors of one cell only, and one that is another in each.
FIRST = {"f1": {"name": "first", "ram": 64}, "x": {"name": "x", "ram": 1}}
SECOND = {"f2": {"name": "2nd", "ram": 64}, "x": {"name": "x", "ram": 2}}

ALL = {*COMMON, *FIRST, *SECOND}

#: Where a list with details has the value that it is sorted by.
SHOWN = {
    "flavorid": "id",
    "name": "name",
    "memory_mb": "ram",
    "vcpus": "vcpus",
    "root_gb": "disk",
    "swap": "swap",
    "is_public": PUBLIC,
    "ephemeral_gb": EPHEMERAL,
}

LIST = "/flavors/detail?is_public=None"

OK = "c1=ok;c2=ok"

#: The header that says how the cells have answered.
STATES = "X-Waffles-Cells"


def furnish(cell, flavors):
    """Make what a cell has in these tests."""
    for flavor_id, fields in flavors.items():
        cell.flavor(flavor_id, **fields)
    tenant = {"addTenantAccess": {"tenant": asking.USERS}}
    cell.done("POST", "/flavors/p/action", tenant)
    specs = {"extra_specs": {"of": cell.name}}
    cell.done("POST", "/flavors/x/os-extra_specs", specs)
    for name in ("ssd", cell.name):
        wanted = {"name": name, "availability_zone": name}
        cell.done("POST", "/os-aggregates", {"aggregate": wanted})
    host = {"add_host": {"host": f"{cell.name}-host1"}}
    cell.done("POST", "/os-aggregates/1/action", host)


#: Each Nova gives its flavors in pages, whatever it is asked for.
PAGES = "[api]\nmax_limit = 3\n"


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    with realcells.running(2, folder, more=PAGES) as (c1, c2):
        furnish(c1, COMMON | FIRST)
        furnish(c2, dict(reversed(COMMON.items())) | SECOND)
        yield c1, c2


@pytest.fixture(scope="module")
def proxy(cells, tmp_path_factory):
    """A proxy over both cells, which are well."""
    with proxied(cells, tmp_path_factory.mktemp("proxy")) as api:
        yield api


@pytest.fixture
def fresh(cells, tmp_path):
    """Makes proxies that know of no trouble yet; it gives two seconds."""
    with contextlib.ExitStack() as stack:

        def fresh(**options):
            folder = tmp_path / "proxy"
            made = proxied(cells, folder, timeout=2, **options)
            return stack.enter_context(made)

        yield fresh


@pytest.fixture
def stopped(cells):
    """Stops cells, by their numbers, until the end of the test."""
    down = []

    def stopped(*numbers):
        down.extend(cells[number - 1] for number in numbers)
        for cell in down:
            cell.stop()

    yield stopped
    for cell in down:
        cell.stop()
        cell.start()


def pages(api, path):
    """The ids of each page of a list, as its links lead."""
    while path:
        answer = api.call("GET", path)
        assert answer.status == 200, answer
        yield [flavor["id"] for flavor in answer.data["flavors"]]
        links = answer.data.get("flavors_links", [])
        assert all(link["href"].startswith(api.url) for link in links)
        path = links[0]["href"].removeprefix(api.url) if links else None


def walked(api, query, limit):
    """The ids of a list that is read in pages."""
    found = list(pages(api, f"{LIST}&limit={limit}&{query}"))
    assert all(len(page) == limit for page in found[:-1])
    return list(itertools.chain.from_iterable(found))


@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize("key", SORT_KEYS)
def test_a_walk_gives_each_flavor_once_by_every_sort_key(proxy, key, way):
    query = f"sort_key={key}&sort_dir={way}"
    (whole,) = pages(proxy, f"{LIST}&{query}")

    assert sorted(whole) == sorted(ALL)
    assert walked(proxy, query, 3) == whole


@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize("limit", range(1, len(ALL) + 2))
def test_a_walk_gives_each_flavor_once_by_every_page_size(proxy, limit, way):
    query = f"sort_key=memory_mb&sort_dir={way}"
    (whole,) = pages(proxy, f"{LIST}&{query}")

    assert walked(proxy, query, limit) == whole


@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize("key", SHOWN)
def test_flavors_of_all_cells_are_in_one_order(proxy, key, way):
    query = f"sort_key={key}&sort_dir={way}"
    flavors = proxy.done("GET", f"{LIST}&{query}")["flavors"]
    values = [flavor[SHOWN[key]] for flavor in flavors]

    assert len(flavors) == len(ALL)
    assert values == sorted(values, reverse=way == "desc")


def test_the_short_list_is_the_list_with_details(proxy):
    short = proxy.done("GET", "/flavors?is_public=None")["flavors"]
    whole = proxy.done("GET", LIST)["flavors"]

    fields = ("id", "name", "links", "description")
    assert short == [{name: one[name] for name in fields} for one in whole]


def test_a_user_sees_what_he_may_use(proxy):
    def listed(token):
        flavors = proxy.call("GET", "/flavors", token=token).data["flavors"]
        return {flavor["id"] for flavor in flavors}

    assert listed(asking.USER) == ALL
    assert listed(asking.OTHER) == ALL - {"p"}


@pytest.mark.parametrize("path", ["/flavors/x", LIST])
def test_homes_record_counts_where_cells_differ(proxy, path):
    found = proxy.done("GET", path)
    flavors = found.get("flavors") or [found["flavor"]]
    (flavor,) = (one for one in flavors if one["id"] == "x")

    assert flavor["ram"] == 1
    assert flavor["extra_specs"] == {"of": "c1"}


@pytest.mark.parametrize("path", ["", "/os-extra_specs"])
@pytest.mark.parametrize("flavor_id", sorted(ALL))
def test_a_flavor_is_found_in_whichever_cell_has_it(proxy, flavor_id, path):
    assert proxy.call("GET", f"/flavors/{flavor_id}{path}").status == 200


def test_a_flavor_may_be_asked_of_one_cell(proxy):
    header = {"X-Waffles-Cell": "c2"}

    found = proxy.call("GET", "/flavors/x", **header)
    assert found.data["flavor"]["ram"] == 2
    assert found.headers[STATES] == "c2=ok"
    assert proxy.done("GET", "/flavors/c2@x")["flavor"]["ram"] == 2
    assert proxy.call("GET", "/flavors/f1", **header).status == 404


@pytest.mark.parametrize(
    ("cell", "token", "status"),
    [
        ("c2", asking.USER, 403),
        ("none", asking.ADMIN, 400),
        ("c1, c2", asking.ADMIN, 200),
    ],
    ids=["of_a_user", "unknown", "several"],
)
def test_who_may_chooses_cells(proxy, cell, token, status):
    header = {"X-Waffles-Cell": cell}
    answer = proxy.call("GET", "/flavors", token=token, **header)

    assert answer.status == status


def test_aggregates_of_all_cells_are_listed(proxy):
    answer = proxy.call("GET", "/os-aggregates")

    assert answer.headers[STATES] == OK
    shown = ("id", "name", "hosts", "availability_zone", "waffles:cell")
    assert [
        tuple(one[name] for name in shown) for one in answer.data["aggregates"]
    ] == [
        (SPAN + 1, "c1@ssd", ["c1-host1"], "ssd", "c1"),
        (SPAN + 2, "c1@c1", [], "c1", "c1"),
        (2 * SPAN + 1, "c2@ssd", ["c2-host1"], "ssd", "c2"),
        (2 * SPAN + 2, "c2@c2", [], "c2", "c2"),
    ]


def test_an_aggregate_is_found_by_each_form_of_its_id(proxy):
    listed = proxy.done("GET", "/os-aggregates")["aggregates"]
    uuid = listed[2]["uuid"]

    for form in (2 * SPAN + 1, "c2@1", "c2%401", "top!c2@1", uuid):
        shown = proxy.done("GET", f"/os-aggregates/{form}")["aggregate"]
        assert shown == listed[2]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("1", 404),
        (SPAN, 404),
        (SPAN + 9, 404),
        (3 * SPAN + 1, 404),
        ("c3@1", 404),
        ("c1@9", 404),
        ("c1@x", 400),
        ("x", 400),
        ("155d900f-4e14-4e4c-a73d-069cbf4541e6", 404),
    ],
)
def test_an_id_of_no_aggregate_is_refused_as_nova_does(proxy, form, status):
    assert proxy.call("GET", f"/os-aggregates/{form}").status == status


def test_a_bare_id_is_answered_with_the_forms_that_are_accepted(proxy):
    message = proxy.call("GET", "/os-aggregates/1").data["itemNotFound"]

    assert f"{SPAN + 1} or c1@1" in message["message"]


def test_aggregates_are_for_administrators_of_the_cells(proxy):
    answer = proxy.call("GET", "/os-aggregates", token=asking.USER)

    assert answer.status == 403
    assert "os_compute_api:os-aggregates:index" in answer.text


def test_zones_of_all_cells_are_merged(proxy):
    zones = proxy.done("GET", "/os-availability-zone")

    assert zones["availabilityZoneInfo"] == [
        {"zoneName": name, "zoneState": {"available": True}, "hosts": None}
        for name in ("nova", "ssd")
    ]


def test_hosts_of_one_name_are_told_apart_in_zones(proxy):
    zones = proxy.done("GET", "/os-availability-zone/detail")
    hosts = {
        zone["zoneName"]: set(zone["hosts"])
        for zone in zones["availabilityZoneInfo"]
    }

    assert hosts["ssd"] == {"c1-host1", "c2-host1"}
    assert hosts["nova"] == {
        "c1-host2",
        "c2-host2",
        "c1@shared-host",
        "c2@shared-host",
    }


def test_the_version_document_shows_what_all_cells_have(proxy, cells):
    ours = proxy.call("GET", "/", microversion=None, token=None)
    theirs = cells[0].call("GET", "/", microversion=None, token=None)

    assert ours.status == theirs.status == 200
    text = theirs.text.replace(cells[0].url, proxy.url)
    assert ours.data == theirs._replace(text=text).data


def test_latest_is_what_all_cells_have(proxy, cells):
    ours = proxy.call("GET", "/flavors", microversion="latest")
    theirs = cells[0].call("GET", "/flavors", microversion="latest")

    name = "OpenStack-API-Version"
    assert ours.headers[name] == theirs.headers[name]


def test_without_a_cell_a_list_is_the_others_and_says_so(fresh, stopped):
    api = fresh()
    stopped(2)

    for path, key, left in (
        (LIST, "flavors", ALL - {"f2"}),
        ("/flavors?is_public=None", "flavors", ALL - {"f2"}),
        ("/os-aggregates", "aggregates", {SPAN + 1, SPAN + 2}),
    ):
        answer = api.call("GET", path)
        assert {one["id"] for one in answer.data[key]} == left
        # After some failures it is left alone for a while.
        state = answer.headers[STATES].removeprefix("c1=ok;")
        assert state in ("c2=refused", "c2=open")
        assert state in answer.headers["Warning"]


def test_without_home_a_list_is_the_others_and_says_so(fresh, stopped):
    api = fresh()
    stopped(1)
    answer = api.call("GET", LIST)

    assert {one["id"] for one in answer.data["flavors"]} == {*COMMON, *SECOND}
    assert answer.headers[STATES] == "c1=refused;c2=ok"


@pytest.mark.parametrize("path", [LIST, "/flavors", "/os-aggregates"])
def test_a_cell_that_is_down_fails_lists_where_that_is_wanted(
    fresh, stopped, path
):
    api = fresh(on_cell_down="fail")
    stopped(2)
    answer = api.call("GET", path)

    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert "c2" in answer.data["serviceUnavailable"]["message"]


def test_what_only_a_lost_cell_could_know_is_never_absent(fresh, stopped):
    api = fresh()
    known = api.done("GET", "/os-aggregates")["aggregates"]
    stopped(2)

    for path, status in {
        "/flavors/a": 200,
        "/flavors/f1": 200,
        "/flavors/f2": 503,
        "/flavors/none": 503,
        "/flavors/none/os-extra_specs": 503,
        "/flavors/none/os-extra_specs/key": 503,
        "/flavors/none/os-flavor-access": 503,
        "/flavors/c2@x": 503,
        "/flavors/c1@none": 404,
        f"/os-aggregates/{SPAN + 1}": 200,
        f"/os-aggregates/{SPAN + 9}": 404,
        f"/os-aggregates/{2 * SPAN + 1}": 503,
        "/os-aggregates/c2@9": 503,
        f"/os-aggregates/{known[3]['uuid']}": 503,
        "/os-aggregates/155d900f-4e14-4e4c-a73d-069cbf4541e6": 503,
        "/os-aggregates/1": 404,
    }.items():
        answer = api.call("GET", path)
        assert (path, answer.status) == (path, status)
        assert (status == 503) is ("Retry-After" in answer.headers)


def test_without_home_a_flavor_is_the_other_cells(fresh, stopped):
    api = fresh()
    stopped(1)

    assert api.done("GET", "/flavors/x")["flavor"]["ram"] == 2
    assert api.call("GET", "/flavors/f1").status == 503


def test_where_no_cell_answers_nothing_does(fresh, stopped):
    api = fresh()
    stopped(1, 2)

    for path in (LIST, "/flavors/a", "/os-aggregates", "/os-aggregates/1"):
        answer = api.call("GET", path)
        assert (path, answer.status) == (path, 503)
        assert answer.headers["Retry-After"]


def test_a_cell_that_hangs_costs_its_part_of_the_answer(fresh, cells):
    api = fresh()
    api.done("GET", LIST)
    cells[1].pause()
    try:
        began = time.monotonic()
        answer = api.call("GET", LIST)
        took = time.monotonic() - began
    finally:
        cells[1].cont()

    assert {one["id"] for one in answer.data["flavors"]} == {*COMMON, *FIRST}
    assert answer.headers[STATES] == "c1=ok;c2=late"
    assert 1.5 < took < 10


def test_a_cell_that_is_back_has_its_part_again(fresh, cells, stopped):
    api = fresh()
    stopped(2)
    states = {api.call("GET", LIST).headers[STATES] for _ in range(5)}
    assert states == {"c1=ok;c2=refused", "c1=ok;c2=open"}
    cells[1].start()

    end = time.monotonic() + 30
    while (answer := api.call("GET", LIST)).headers[STATES] != OK:
        assert time.monotonic() < end, answer.headers[STATES]
        time.sleep(0.5)
    assert {one["id"] for one in answer.data["flavors"]} == ALL


def test_the_cells_are_listed(fresh, stopped):
    api = fresh()
    stopped(2)
    found = api.done("GET", "/os-waffles/cells")["cells"]

    assert [(one["name"], one["state"]) for one in found] == [
        ("c1", "ok"),
        ("c2", "refused"),
    ]
    assert found[0]["version"] == "2.104"
