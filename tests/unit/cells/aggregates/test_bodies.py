import pytest

from tests.unit.cells import fakes
from waffles import exceptions
from waffles.cells.aggregates import bodies

REGISTRY = fakes.registry("c1", "c2")
C1, C2 = REGISTRY.cells


def inward(data):
    return bodies.inward(data, C2, REGISTRY)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"aggregate": {"name": "c2@a", "waffles:cell": "c2"}},
            {"aggregate": {"name": "a"}},
        ),
        (
            {"aggregate": {"availability_zone": "c2@z"}},
            {"aggregate": {"availability_zone": "c2@z"}},
        ),
        ({"add_host": {"host": "c2@n"}}, {"add_host": {"host": "n"}}),
        (
            {"remove_host": {"host": "n", "x": 1}},
            {"remove_host": {"host": "n", "x": 1}},
        ),
        (
            {"set_metadata": {"metadata": {"waffles:cell": "c2", "a": None}}},
            {"set_metadata": {"metadata": {"a": None}}},
        ),
        ({"cache": [{"id": "c2@x"}]}, {"cache": [{"id": "c2@x"}]}),
    ],
)
def test_what_we_have_added_is_taken_off(data, expected):
    assert inward(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {},
        {"aggregate": None},
        {"aggregate": {"name": None}},
        {"add_host": "c1@n"},
        {"add_host": {"host": 7}},
        {"add_host": {}},
        {"set_metadata": {"metadata": []}},
        {"set_metadata": []},
    ],
)
def test_what_nova_will_refuse_is_left_for_it(data):
    assert inward(data) == data


def test_a_body_is_not_changed_in_its_place():
    data = {"aggregate": {"name": "c2@a", "waffles:cell": "c2"}}
    inward(data)

    assert data == {"aggregate": {"name": "c2@a", "waffles:cell": "c2"}}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"aggregate": {"name": "c1@a"}}, exceptions.Malformed),
        ({"add_host": {"host": "c1@n"}}, exceptions.Conflict),
        ({"remove_host": {"host": "c1@n"}}, exceptions.Conflict),
    ],
)
def test_what_is_of_another_cell_is_refused(data, error):
    with pytest.raises(error):
        inward(data)


def test_a_cell_shows_in_what_comes_out():
    data = {"aggregate": {"id": 7, "name": "a", "new": 1}, "more": 2}

    assert bodies.outward(data, C2, REGISTRY) == {
        "aggregate": {
            "id": 20000000007,
            "name": "c2@a",
            "new": 1,
            "waffles:cell": "c2",
        },
        "more": 2,
    }


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"itemNotFound": {"code": 404}},
        {"aggregate": None},
        {"aggregate": {"id": "x", "name": "a"}},
    ],
)
def test_what_has_no_aggregate_comes_out_as_it_is(data):
    assert bodies.outward(data, C2, REGISTRY) == data
