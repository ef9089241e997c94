from waffles import opts
from waffles.filters import cells, naming
from waffles.recovery import rules


def test_every_waffle_is_found():
    assert opts.waffles()["naming"] is naming


def test_every_group_is_listed_with_its_options():
    listed = dict(opts.list_opts())

    assert listed["waffles_naming"] == list(naming.OPTS)
    assert "waffles_metadata" in listed
    assert listed["waffles_cell_c1"] == list(cells.GROUPS["waffles_cell_c1"])


def test_every_rule_is_listed():
    assert opts.list_rules() == [*cells.RULES, *rules.RULES]
