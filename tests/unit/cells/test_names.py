import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cells import fakes
from waffles import exceptions
from waffles.cells import names
from waffles.cells.names import Target

REGISTRY = fakes.registry("c1", "c2", "c3")
C1, C2, C3 = REGISTRY.cells
UUID = "3cb9bc59-5699-4588-a4b1-b87f96708bc6"


@pytest.mark.parametrize(
    ("text", "cells", "expected"),
    [
        ("30000000042", REGISTRY.cells, Target(C3, 42)),
        ("c3@42", REGISTRY.cells, Target(C3, 42)),
        ("top!mid!c3@42", REGISTRY.cells, Target(C3, 42)),
        ("42", (C2,), Target(C2, 42)),
        ("20000000042", (C2,), Target(C2, 42)),
        ("30000000042", (C2,), Target(C2, 30000000042)),
        ("-1", (C2,), Target(C2, -1)),
        (UUID, REGISTRY.cells, Target(None, uuid=UUID)),
        (UUID.upper(), REGISTRY.cells, Target(None, uuid=UUID)),
    ],
)
def test_an_id_says_which_aggregate_of_which_cell(text, cells, expected):
    assert names.target(text, cells) == expected


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        (
            "42",
            404,
            "Aggregate 42 could not be found. With several cells an id says"
            " which it is of: 10000000042 or c1@42 is that of cell c1.",
        ),
        ("0", 404, "Aggregate 0 could not be found."),
        ("-7", 404, "Aggregate -7 could not be found."),
        ("90000000001", 404, "Aggregate 90000000001 could not be found."),
        ("9" * 30, 404, f"Aggregate {'9' * 30} could not be found."),
        ("c9@42", 404, "There is no cell 'c9' here; there is c1, c2, c3."),
        ("@42", 404, "There is no cell '' here; there is c1, c2, c3."),
        ("c1!@42", 404, "There is no cell '' here; there is c1, c2, c3."),
        ("c1@x", 400, "Invalid input received: id must be an integer"),
        ("c1@", 400, "Invalid input received: id must be an integer"),
        ("ssd", 400, "Invalid input received: id must be an integer"),
        ("1 ", 400, "Invalid input received: id must be an integer"),
    ],
)
def test_what_is_no_id_of_an_aggregate_is_refused(text, code, sentence):
    with pytest.raises(exceptions.Unjudged) as caught:
        names.target(text, REGISTRY.cells)

    assert (caught.value.code, str(caught.value)) == (code, sentence)


def test_an_id_of_a_cell_that_the_call_is_not_for_is_not_found():
    with pytest.raises(exceptions.Hidden, match="there is c1, c2"):
        names.target("c3@1", (C1, C2))


@given(st.sampled_from(REGISTRY.cells), st.integers(1, 2**31 - 1))
def test_an_id_that_is_shown_leads_back_to_its_aggregate(cell, local):
    shown = names.shown_id(local, cell, REGISTRY)

    assert names.target(str(shown), REGISTRY.cells) == (cell, local, "")
    assert shown < 2**53


@given(
    st.sampled_from(REGISTRY.cells),
    st.text(max_size=20) | st.sampled_from(["c1@a", "c2@c1@a", "@", "x@y"]),
)
def test_a_name_that_is_shown_comes_back_as_it_was(cell, name):
    shown = names.shown(name, cell, REGISTRY)

    assert shown == f"{cell.name}@{name}"
    assert names.taken_off(shown, cell, REGISTRY) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ssd", "ssd"),
        ("c2@ssd", "ssd"),
        ("top!c2@ssd", "ssd"),
        ("c2@c2@ssd", "c2@ssd"),
        ("ann@example.com", "ann@example.com"),
        ("C2@ssd", "C2@ssd"),
        ("@ssd", "@ssd"),
        ("c2", "c2"),
    ],
)
def test_our_prefix_and_no_other_is_taken_off_a_name_once(name, expected):
    assert names.taken_off(name, C2, REGISTRY) == expected


def test_a_name_with_the_prefix_of_another_cell_is_refused():
    with pytest.raises(exceptions.Malformed) as caught:
        names.taken_off("c1@ssd", C2, REGISTRY)

    assert str(caught.value) == (
        "The name 'c1@ssd' is of cell c1, and this is about cell c2."
    )


@pytest.mark.parametrize(
    "registry",
    [fakes.registry("c1"), fakes.registry("c1", "c2", prefixed=False)],
    ids=["one cell", "no prefixes"],
)
def test_names_are_left_alone_where_they_are_not_prefixed(registry):
    cell = registry.home

    assert names.shown("ssd", cell, registry) == "ssd"
    assert names.taken_off("c1@ssd", cell, registry) == "c1@ssd"
    assert names.taken_off("c2@ssd", cell, registry) == "c2@ssd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("node-1", "node-1"), ("c2@node-1", "node-1"), ("x@node", "x@node")],
)
def test_the_cell_is_taken_off_a_host(text, expected):
    unprefixed = fakes.registry("c1", "c2", prefixed=False)

    assert names.host(text, C2, REGISTRY) == expected
    assert names.host(text, C2, unprefixed) == expected


def test_a_host_of_another_cell_is_a_conflict():
    with pytest.raises(exceptions.Conflict, match="c1.*the aggregate.*c2"):
        names.host("c1@node-1", C2, REGISTRY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m1", (None, "m1")),
        ("c2@m1", (C2, "m1")),
        ("top!c2@m1", (C2, "m1")),
    ],
)
def test_a_flavor_may_be_that_of_one_cell(text, expected):
    assert names.of_flavor(text, REGISTRY.cells) == expected


def test_a_flavor_of_no_cell_is_not_found():
    with pytest.raises(exceptions.Hidden, match="There is no cell 'c9' here"):
        names.of_flavor("c9@m1", REGISTRY.cells)


def test_only_our_keys_are_taken_off_an_object():
    data = {"waffles:cell": "c1", "a": 1, "waffle": 2}

    assert names.without_ours(data) == {"a": 1, "waffle": 2}
