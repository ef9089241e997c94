import pytest

from tests.unit.cells import writing_fakes as fakes
from waffles.cells import canonical
from waffles.cells.model import Version

BODY = {"id": "1", "name": "m1", "ram": 512, "vcpus": 1, "disk": 10}


def nova(version, **more):
    """How a Nova shows a flavor that was made at 2.55."""
    flavor = fakes.Flavor.made({**BODY, "swap": 0, **more})
    return flavor.shown(Version(2, version))


@pytest.mark.parametrize("other", [1, 54, 55, 60, 61, 74, 75, 101, 102])
@pytest.mark.parametrize("one", [1, 54, 55, 60, 61, 74, 75, 101, 102])
def test_one_flavor_is_equal_at_all_microversions(one, other):
    assert not canonical.differences(
        canonical.canonical(nova(one)), canonical.canonical(nova(other))
    )


@pytest.mark.parametrize(
    ("field", "more", "since"),
    [
        ("name", {"name": "m2"}, 1),
        ("ram", {"ram": 513}, 1),
        ("vcpus", {"vcpus": 2}, 1),
        ("disk", {"disk": 0}, 1),
        ("swap", {"swap": 1}, 1),
        ("ephemeral", {"OS-FLV-EXT-DATA:ephemeral": 1}, 1),
        ("rxtx_factor", {"rxtx_factor": 1.5}, 1),
        ("is_public", {"os-flavor-access:is_public": False}, 1),
        ("description", {"description": "x"}, 55),
    ],
)
def test_a_difference_is_found_where_both_show_it(field, more, since):
    one = canonical.canonical(nova(max(since, 61)))

    other = canonical.canonical(nova(max(since, 61), **more))

    assert canonical.differences(one, other) == (field,)
    assert canonical.differences(other, one) == (field,)
    if since > 1:
        old = canonical.canonical(nova(since - 1, **more))
        assert canonical.differences(one, old) == ()


def test_absent_extra_specs_are_not_empty():
    specs = {"extra_specs": {"hw:mem": "1"}}

    assert canonical.differences(specs, {"ram": 1}) == ()
    assert canonical.differences(specs, {"extra_specs": {}})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ram": "512"}, {"ram": 512}),
        ({"swap": ""}, {"swap": 0}),
        ({"rxtx_factor": "1"}, {"rxtx_factor": 1.0}),
        ({"name": " m1 "}, {"name": "m1"}),
        ({"description": None}, {"description": ""}),
        ({"extra_specs": {"a": 1}}, {"extra_specs": {"a": "1"}}),
        ({"os-flavor-access:is_public": "Yes"},
         {"os-flavor-access:is_public": True}),
        ({"os-flavor-access:is_public": "off"},
         {"os-flavor-access:is_public": False}),
    ],
    ids=str,
)  # fmt: skip
def test_spellings_are_equal(one, other):
    assert canonical.canonical(one) == canonical.canonical(other)


@pytest.mark.parametrize(
    "value", [None, [], {}, "x", "1e999", float("inf"), float("nan"), [[]]]
)
@pytest.mark.parametrize("key", sorted(nova(61)))
def test_nonsense_of_a_cell_differs_and_raises_nothing(key, value):
    good = canonical.canonical(nova(61))

    bad = canonical.canonical({**nova(61), key: value})

    same = [("description", None), ("extra_specs", {})]
    is_same = key in ("id", "links") or (key, value) in same
    assert len(canonical.differences(good, bad)) == (0 if is_same else 1)


@pytest.mark.parametrize("version", [1, 55, 61, 75, 102])
def test_what_a_create_makes_is_known_before(version):
    body = dict(BODY)
    if version >= 55:
        body["description"] = "x"

    found = fakes.Flavor.made(body).shown(Version(2, version))

    want = canonical.wanted(body)
    assert canonical.differences(want, canonical.canonical(found)) == ()
    assert canonical.canonical(found).keys() <= want.keys()


@pytest.mark.parametrize("version", [1, 55, 61, 75, 101, 102])
def test_a_flavor_makes_its_equal_in_another_cell(version):
    there = nova(version, ram=7, swap=3 if version > 60 else 0)

    body = canonical.creating(there)

    assert fakes.Flavor.made(body).shown(Version(2, version)) == there
    assert "swap" not in body or body["swap"] != ""
    assert "rxtx_factor" not in body if version == 102 else body
    assert "OS-FLV-DISABLED:disabled" not in body


def test_an_empty_factor_is_none():
    assert canonical.canonical({"ram": 1, "rxtx_factor": ""}) == {"ram": 1}


def test_no_empty_factor_is_sent():
    assert canonical.creating({"id": "1", "rxtx_factor": ""}) == {"id": "1"}
