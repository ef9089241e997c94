import pytest

from waffles import config, exceptions
from waffles.cells import options


def registry(tmp_path, text):
    file = tmp_path / "waffles.conf"
    file.write_text(text)
    section = config.section(
        config.read([str(file)]), options.GROUP, options.OPTS
    )
    return options.registry(section)


def cells(*groups, names=None):
    named = [group.splitlines()[0] for group in groups]
    text = f"[waffles_cells]\nenabled_cells = {names or ', '.join(named)}\n"
    for group in groups:
        name, *lines = group.splitlines()
        text += "\n".join([f"[waffles_cell_{name}]", *lines, ""])
    return text


ONE = "c1\nendpoint = http://10.0.0.1:8774/v2.1/\nnumber = 1\nhome = true"
TWO = "c2\nendpoint = https://c2.example.com/compute/v2.1\nnumber = 2"


def test_home_comes_first_then_the_others_by_number(tmp_path):
    home = "c3\nendpoint = local\nnumber = 7\nhome = true"
    one = ONE.replace("home = true", "timeout = 9")
    found = registry(tmp_path, cells(TWO, one, home))

    assert found.names == ("c3", "c1", "c2")
    assert found.home.local
    assert found.named("c1").endpoint == "http://10.0.0.1:8774/v2.1"
    assert (found.named("c1").timeout, found.named("c2").timeout) == (9, 5)
    assert found.numbered(2).name == "c2"
    assert not found.single


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[waffles_cells]\n", "enabled_cells: names no cell"),
        (cells(ONE, names="c1, C2"), "'C2' is no name of a cell"),
        (cells(ONE, names="c1, c@2"), "'c@2' is no name of a cell"),
        (cells(ONE, names="c1, c1"), "c1 is there twice"),
        (cells(ONE, names="c1, c2"), r"there is no group \[waffles_cell_c2\]"),
        (cells(ONE, "c2\nnumber = 2"), r"c2\] endpoint: is required"),
        (cells(ONE, "c2\nendpoint = local"), r"c2\] number: is required"),
        (cells(ONE, TWO.replace("= 2", "= 1")), "number: c1 has the same: 1"),
        (cells(TWO), "exactly one cell must have home = true: none has"),
        (cells(ONE, TWO + "\nhome = true"), "home = true: c1, c2 has"),
        (
            cells(ONE, "c2\nendpoint = http://10.0.0.1:8774/v2.1\nnumber = 2"),
            "endpoint: c1 has the same",
        ),
        (cells("c1\nendpoint = ftp://x/\nnumber = 1"), "no http or https"),
        (cells("c1\nendpoint = http:///v2\nnumber = 1"), "no http or https"),
        (cells("c1\nendpoint = http://[x/\nnumber = 1"), "endpoint: "),
        (
            cells("c1\nendpoint = http://u:p@h/v2.1\nnumber = 1"),
            "nothing else",
        ),
        (cells(ONE + "\nnumbers = 3"), "numbers: there is no such option"),
        (cells(ONE.replace("= 1", "= 0", 1)), "number"),
    ],
    ids=str,
)
def test_what_is_wrong_stops_the_start(tmp_path, text, said):
    with pytest.raises(exceptions.ConfigError, match=said):
        registry(tmp_path, text)
