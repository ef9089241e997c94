import pytest

from waffles.cells.flavors import lists
from waffles.cells.model import Version

V1, V54, V75, V101, V102 = (
    Version(2, minor) for minor in (1, 54, 75, 101, 102)
)
FIELDS = lists.FIELDS


def listed(listing, *records, home=()):
    found = lists.arranged(records, listing, home)
    return "".join(record["id"] for record in found)


def by(key, version=V101, direction="asc"):
    query = [("sort_key", key), ("sort_dir", direction)]
    found = lists.listing(query, version)
    assert found
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([], {}),
        ([("limit", "2")], {"limit": 2}),
        ([("limit", "0")], {"limit": 0}),
        ([("limit", "1001")], {"limit": 1000}),
        ([("limit", "9" * 100)], {"limit": 1000}),
        ([("limit", "2\n")], {"limit": 2}),
        ([("limit", "5"), ("limit", "3")], {"limit": 3}),
        ([("marker", "a")], {"marker": "a"}),
        ([("marker", "")], {"marker": ""}),
        ([("sort_dir", "desc")], {"descending": True}),
        ([("sort_dir", "desc"), ("sort_dir", "asc")], {}),
        ([("sort_key", "name")], {"key": "name", "field": FIELDS["name"]}),
        ([("sort_key", "id")], {"key": "id", "field": None}),
        ([("is_public", "junk"), ("minRam", "x"), ("minDisk", "")], {}),
    ],
)
def test_a_query_is_read_as_nova_reads_it(query, expected):
    kept = tuple(query)

    assert lists.listing(query, V75) == lists.Listing(kept, **expected)


@pytest.mark.parametrize(
    "query",
    [
        [("limit", "-1")],
        [("limit", "")],
        [("limit", "x")],
        [("limit", "\u0661")],
        [("limit", "1 ")],
        [("limit", "x"), ("limit", "1")],
        [("sort_key", "")],
        [("sort_key", "root_gb "), ("sort_key", "id")],
        [("sort_dir", "ASC")],
    ],
)
@pytest.mark.parametrize("version", [V1, V75, V102])
def test_a_query_that_nova_refuses_is_none(query, version):
    assert lists.listing(query, version) is None


@pytest.mark.parametrize(
    ("query", "version", "kept"),
    [
        ([("junk", "1"), ("limit", "1")], V54, ("limit",)),
        ([("name", "a")], V54, ()),
        ([("junk", "1"), ("limit", "1")], V75, None),
        ([("name", "a")], V101, None),
        ([("name", "a")], V102, ("name",)),
        ([("sort_key", "rxtx_factor")], V101, ("sort_key",)),
        ([("sort_key", "rxtx_factor")], V102, None),
    ],
)
def test_what_a_query_may_say_depends_on_the_microversion(
    query, version, kept
):
    found = lists.listing(query, version)

    assert kept == (found and tuple(name for name, _ in found.kept))


def test_cells_are_asked_for_all_that_the_filters_leave():
    query = [
        ("minRam", "1"),
        ("minRam", "2"),
        ("name", "m"),
        ("is_public", "None"),
        ("limit", "2"),
        ("marker", "a"),
        ("sort_key", "name"),
        ("sort_dir", "desc"),
    ]
    found = lists.listing(query, V102)

    assert found
    assert found.asked == {
        "minRam": "2",
        "name": "m",
        "is_public": "None",
        "limit": "1000",
    }


@pytest.mark.parametrize(
    ("key", "version", "shown"),
    [
        ("description", V54, False),
        ("description", V75, True),
        ("disabled", V101, True),
        ("disabled", V102, False),
        ("rxtx_factor", V101, True),
        *((key, V75, False) for key in ("id", "created_at", "updated_at")),
        ("vcpu_weight", V75, False),
        ("vcpus", V102, True),
    ],
)
def test_what_no_body_shows_home_must_sort(key, version, shown):
    assert (by(key, version).field is not None) == shown


@pytest.mark.parametrize(
    ("key", "name", "values"),
    [
        ("flavorid", "id", "ABab"),
        ("name", "name", ["Zeta", "alpha", "alpha2", "\xe4"]),
        ("memory_mb", "ram", [2, 10, 100, 10**30]),
        ("root_gb", "disk", [0, 1, 2, 3]),
        ("vcpus", "vcpus", [1, 2, 3, 10]),
        ("swap", "swap", ["", 1, 2, 10]),
        ("ephemeral_gb", "OS-FLV-EXT-DATA:ephemeral", [0, 1, 2, 3]),
        ("rxtx_factor", "rxtx_factor", ["", 0.5, 1, 2.5]),
        ("description", "description", [None, "", "a", "b"]),
    ],
)
def test_flavors_are_sorted_by_what_their_bodies_show(key, name, values):
    records = [{"id": "wxyz"[at], name: values[at]} for at in (2, 0, 3, 1)]
    ids = "ABab" if key == "flavorid" else "wxyz"

    assert listed(by(key), *records) == ids
    assert listed(by(key, direction="desc"), *records) == ids[::-1]


def test_flavors_of_one_value_are_in_the_order_of_home_and_then_by_id():
    records = [{"id": one, "ram": 1} for one in "abcde"]
    some = {"id": "x", "ram": 0}

    assert listed(by("memory_mb"), *records, some, home="ca") == "xcabde"
    assert (
        listed(by("memory_mb", direction="desc"), *records, some, home="ca")
        == "edbacx"
    )


def test_what_is_hidden_is_sorted_by_home_and_the_rest_comes_behind():
    records = [{"id": one} for one in "abcde"]

    assert listed(by("id"), *records, home="dzac") == "dacbe"
    assert listed(by("id", direction="desc"), *records, home="dac") == "cadeb"


@pytest.mark.parametrize(
    "junk", [None, "9", [], {}, True, 1.5, float("nan"), ...]
)
def test_a_value_that_nova_never_sends_comes_first(junk):
    records = [{"id": "a", "ram": 1}, {"id": "b", "ram": 0}]
    bad = {"id": "z"} if junk is ... else {"id": "z", "ram": junk}

    assert listed(by("memory_mb"), *records, bad) == "zba"


@pytest.mark.parametrize("junk", [float("nan"), 10**400, "1.0"])
def test_a_factor_that_is_no_number_comes_first(junk):
    records = [{"id": "a", "rxtx_factor": 1}, {"id": "b", "rxtx_factor": junk}]

    assert listed(by("rxtx_factor"), *records) == "ba"


def test_a_page_begins_behind_its_marker():
    records = [{"id": one} for one in "abc"]

    assert lists.behind(records, "a") == records[1:]
    assert lists.behind(records, "c") == []


def test_a_list_without_details_keeps_what_nova_shows_there():
    record = {"id": "a", "name": "m", "links": [], "ram": 1}

    assert lists.basic(record) == {"id": "a", "name": "m", "links": []}
    assert "description" in lists.basic({**record, "description": None})
