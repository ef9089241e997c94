import pytest

from waffles import texts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", '"a"'),
        ('"\n', '"\\"\\n"'),
        ("ä", '"ä"'),
        ("x" * 400, '"' + "x" * 299 + "…"),
    ],
)
def test_a_value_in_a_message_is_of_one_line_and_not_too_long(value, expected):
    assert texts.quoted(value) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [("owner", "/owner"), ("a/b~c", "/a~1b~0c"), ("", "/")],
)
def test_a_key_is_a_step_of_a_json_pointer(key, expected):
    assert texts.token(key) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a é", "a é"), ("a\nb\x1b[0m", r"a\nb\x1b[0m"), ("\u2028", r"\u2028")],
)
def test_a_text_in_the_log_is_of_one_line(text, expected):
    assert texts.one_line(text) == expected
