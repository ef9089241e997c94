import pytest

from waffles import keys


@pytest.mark.parametrize("spelling", ["owner", "OWNER", "Owner ", "owner   "])
def test_a_database_takes_these_for_one_key(spelling):
    assert keys.loose(spelling) == "owner"


@pytest.mark.parametrize("other", [" owner", "owner-", "ow ner", "owners"])
def test_a_database_takes_these_for_others(other):
    assert keys.loose(other) != "owner"


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        ("a-Z_9:. ", True),
        ("", False),
        ("owner\n", False),
        ("öwner", False),
        ("a/b", False),
        ("x" * 256, False),
    ],
)
def test_a_key_is_of_the_characters_of_the_api(key, taken):
    assert bool(keys.KEY.fullmatch(key)) is taken
