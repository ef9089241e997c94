import pytest

from waffles import pins

ID = "3cb9bc59-5699-4588-a4b1-b87f96708bc6"
SPELLINGS = [
    ID.upper(),
    ID.replace("-", ""),
    f"{{{ID}}}",
    f"urn:uuid:{ID}",
]


@pytest.mark.parametrize(
    ("value", "networks"),
    [
        ("", []),
        (" , ,", []),
        ("blue", ["blue"]),
        ("blue,red", ["blue", "red"]),
        (" blue,\tred\n green ,", ["blue", "red", "green"]),
        (f"Blue {ID}", ["Blue", ID]),
        *((spelling, [ID]) for spelling in SPELLINGS),
    ],
)
def test_metadata_names_networks_by_ids_and_names(value, networks):
    assert pins.named(value) == networks


@pytest.mark.parametrize(
    "value", [ID, "blue", "red,blue", *SPELLINGS], ids=repr
)
@pytest.mark.parametrize("network_id", [ID, *SPELLINGS], ids=repr)
def test_a_network_is_found_by_its_id_and_by_its_name(network_id, value):
    pin = pins.pin(pins.hint("networks", network_id, "blue"))

    assert pin.key == "networks"
    assert pin.holds(value)


@pytest.mark.parametrize(
    "value", ["", "Blue", "blues", "networks", ID[:-1], ID[:-1] + "7"]
)
def test_another_network_is_not_taken_for_it(value):
    assert not pins.pin(pins.hint("networks", ID, "blue")).holds(value)


def test_a_network_without_a_name_is_found_by_its_id_only():
    pin = pins.pin(pins.hint("networks", ID, ""))

    assert pin.holds(ID)
    assert not pin.holds("")


@pytest.mark.parametrize("name", ["blue red", "blue,red", " blue"])
def test_a_name_of_several_words_names_nothing(name):
    assert not pins.pin(pins.hint("networks", ID, name)).holds(name)


@pytest.mark.parametrize("spelling", [ID, *SPELLINGS])
def test_a_name_does_not_pass_for_an_id(spelling):
    other = "1b70879f-fd00-411e-8ea9-143e7820e61d"

    assert not pins.pin(pins.hint("networks", other, spelling)).holds(ID)


@pytest.mark.parametrize(
    "given",
    [None, "", "networks", [], ["networks"], ["", ID], ["networks", ""],
     ["networks", None], {"networks": ID}, (ID, ID)],
    ids=repr,
)  # fmt: skip
def test_what_is_no_hint_of_ours_pins_to_nothing(given):
    with pytest.raises(ValueError, match="is not a key and the names of"):
        pins.pin(given)
