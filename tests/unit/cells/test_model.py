import pytest

from waffles.cells.model import SPAN, Cell, Registry, Version

ONE, TWO = Cell("c1", 1, "http://c1", home=True), Cell("c2", 2)


def test_cells_are_found_by_name_and_by_number():
    registry = Registry((ONE, TWO))

    assert list(registry) == [ONE, TWO]
    assert registry.names == ("c1", "c2")
    assert registry.home is ONE
    assert registry.named("c2") is registry.numbered(2) is TWO
    assert registry.named("c3") is registry.numbered(3) is None
    assert (len(registry), registry.single) == (2, False)
    assert Registry((ONE,)).single


def test_a_cell_without_an_endpoint_is_the_nova_below():
    assert (ONE.local, TWO.local) == (False, True)


@pytest.mark.parametrize(
    ("version", "is_it"),
    [((2, 55), True), ((2, 100), True), ((2, 54), False), ((3, 0), True)],
)
def test_microversions_are_no_decimals(version, is_it):
    assert Version(*version).at_least(2, 55) is is_it


def test_ids_of_the_highest_number_can_be_decoded_by_clients():
    assert 900_000 * SPAN + SPAN - 1 < 2**53
