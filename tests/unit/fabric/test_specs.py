import pytest

from waffles.fabric import specs


@pytest.mark.parametrize(
    ("value", "requirement", "expected"),
    [
        ("true", "true", True),
        ("true", "false", False),
        ("a b", "a b", True),
        ("", "", True),
        ("2", "= 2", True),
        ("3", "= 2", True),
        ("1", "= 2", False),
        ("2.0", "== 2", True),
        ("3", "!= 2", True),
        ("10", ">= 9", True),
        ("10", "<= 9", False),
        ("a", "s== a", True),
        ("b", "s!= a", True),
        ("10", "s< 9", True),
        ("ssd fast", "<in> ssd", True),
        ("ssd", "<all-in> ssd fast", False),
        ("fast ssd", "<all-in> ssd fast", True),
        ("b", "<or> a <or> b", True),
        ("<or>", "<or> a <or> b", False),
        ("x", ">= 2", False),
        ("2", ">=", False),
    ],
)
def test_a_requirement_is_met(value, requirement, expected):
    assert specs.fits(value, requirement) is expected


def test_an_or_without_a_word_is_met_by_nothing():
    """Nova's scheduler fails there."""
    assert not specs.fits("a", "<or>")


def test_only_what_has_the_scope_is_asked_of_host_aggregates():
    extra = {
        "hw:cpu_policy": "dedicated",
        "quota": "1",
        "aggregate_instance_extra_specs:ssd": "true",
        "aggregate_instance_extra_specs:gen": ">= 2",
    }

    assert specs.requirements(extra) == (("gen", ">= 2"), ("ssd", "true"))


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({"ssd": {"true"}, "gen": {"3"}}, True),
        ({"ssd": {"false", "true"}, "gen": {"1", "2"}}, True),
        ({"ssd": {"true"}, "gen": {"1"}}, False),
        ({"ssd": {"true"}}, False),
        ({}, False),
    ],
    ids=["both", "any_value", "one_not", "one_missing", "none"],
)
def test_all_requirements_must_be_met(has, expected):
    assert specs.met((("gen", ">= 2"), ("ssd", "true")), has) is expected
