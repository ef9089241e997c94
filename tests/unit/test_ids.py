import pytest
from oslo_utils import uuidutils

from waffles import ids

ID = "3cb9bc59-5699-4588-a4b1-b87f96708bc6"

SPELLINGS = [
    ID,
    ID.upper(),
    ID.replace("-", ""),
    f"{{{ID}}}",
    f"urn:uuid:{ID}",
    f"urn:uuid:{{{ID.upper()}}}",
    ID.replace("-", "", 2),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_that_nova_takes_is_one_id(spelling):
    assert uuidutils.is_uuid_like(spelling)
    assert ids.canonical(spelling) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "blue",
        ID[:-1],
        f"{ID}0",
        ID.replace("b", "g"),
        f" {ID}",
        f"{ID}\n",
        "0x" + "a" * 30,
        "+" + "a" * 31,
        "1_" + "1" * 30,
        "\u0663" * 32,
    ],
)
def test_what_is_no_uuid_is_no_id(text):
    assert not uuidutils.is_uuid_like(text)
    assert ids.canonical(text) is None
