import pytest

from waffles import patterns

ENGINES = [
    pytest.param(None, id="re"),
    pytest.param(
        patterns.ENGINE,
        id="re2",
        marks=pytest.mark.skipif(not patterns.ENGINE, reason="no RE2"),
    ),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("[a-z]{3}-(prd|dev)-[a-z0-9-]+", "web-prd-1", True),
        ("[a-z]{3}-(prd|dev)-[a-z0-9-]+", "web-prd-1\n", False),
        ("^web$", "web\n", False),
        (r"\d+", "\u0663", False),
        (r"\w+", "ä", False),
        ("(?i)web", "WEB", True),
        (".*", "a\nb", False),
        (".*-(test|tmp)", "web-tmp", True),
        ("", "", True),
    ],
)
def test_both_engines_agree(engine, pattern, text, matches):
    found = patterns.compiled(pattern, engine=engine)

    assert bool(found.fullmatch(text)) is matches


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "pattern", ["[", "(", "*", "a{2,1}", r"(a)\1", "(?=a)b", "(?!a)b"]
)
def test_what_is_no_pattern_says_why(engine, pattern):
    with pytest.raises(ValueError, match="pattern|RE2|bound"):
        patterns.compiled(pattern, engine=engine)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        "(a|aa)+",
        "(a|b|ab)*c",
        "([a-z]+)*",
        "(a?){50}",
        "a?" * 30,
        "a*a*a*b",
        ".*.*.*x",
        "[a-z]+-[a-z]+-[a-z]+",
        "(x+x+)+y",
        "((a{1,9}){1,9}){1,9}",
        "(a|b)?" * 20 + "(ab|a)?" * 20,
    ],
)
def test_without_re2_a_pattern_that_could_be_slow_is_refused(pattern):
    with pytest.raises(ValueError, match="could make it slow"):
        patterns.compiled(pattern, engine=None)


@pytest.mark.skipif(not patterns.ENGINE, reason="no RE2")
def test_with_re2_it_is_admitted():
    pattern = patterns.compiled("(a+)+", engine=patterns.ENGINE)

    assert not pattern.fullmatch("a" * 254 + "!")


@pytest.mark.parametrize(
    ("pattern", "searched", "admitted"),
    [
        ("a*b*", False, True),
        ("^a*b*$", True, True),
        ("a*b*", True, False),
        ("[a-z]+", True, True),
    ],
)
def test_a_pattern_that_is_looked_for_has_to_be_simpler(
    pattern, searched, admitted
):
    try:
        patterns.compiled(pattern, searched=searched, engine=None)
    except ValueError:
        assert not admitted
    else:
        assert admitted


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("pattern", [".{,5}", "[[:digit:]]+"])
def test_what_means_two_things_is_refused(engine, pattern):
    with pytest.raises(ValueError, match="differ"):
        patterns.compiled(pattern, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_end_is_the_end(engine):
    pattern = patterns.compiled("^(dev|prd)$", searched=True, engine=engine)

    assert pattern.search("dev")
    assert not pattern.search("dev\n")


def test_without_re2_an_end_in_the_middle_is_refused():
    with pytest.raises(ValueError, match="before a newline"):
        patterns.compiled("(a$|b)", engine=None)
