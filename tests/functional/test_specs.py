"""Requirements of flavors are met where Nova finds them met."""

import pytest
from nova.scheduler.filters import extra_specs_ops

from waffles.fabric import specs


@pytest.mark.parametrize("value", ["", "1", "2", "10", "a", "ssd fast", "a b"])
@pytest.mark.parametrize(
    "requirement",
    [
        "",
        " ",
        "1",
        "a",
        "ssd fast",
        "= 2",
        "== 2",
        "!= 2",
        ">= 2",
        "<= 2",
        "s== a",
        "s!= a",
        "s< a",
        "s<= a",
        "s> a",
        "s>= a",
        "<in> ssd",
        "<all-in> fast ssd",
        "<all-in> fast",
        "<or> a <or> 2",
        "<or> a",
        "= ",
        "<in>",
        "<all-in>",
        ">= x",
        "~ 3",
    ],
)
def test_a_requirement_is_met_where_nova_finds_it_met(value, requirement):
    try:
        expected = extra_specs_ops.match(value, requirement)
    except ValueError:  # no number: Nova's scheduler fails
        expected = False

    assert specs.fits(value, requirement) is expected
