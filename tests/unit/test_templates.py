import pytest

from tests import fakes
from waffles import exceptions, templates
from waffles.request import ComputeRequest


def _fields(**context):
    environ = fakes.environ(context=fakes.FakeContext(**context))
    return templates.fields(ComputeRequest.of(environ))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{user_name}/{user_id}", "ann/ann-id"),
        ("{project_name}/{project_id}", "red/red-id"),
        ("{request_id}", "req-1"),
        ("{{user_name}}", "{user_name}"),
    ],
)
def test_fields_are_filled_in(text, filled):
    assert templates.Template(text).filled(_fields()) == filled


def test_a_value_of_a_field_is_not_a_template():
    fields = _fields(user_name="{user_id}")

    assert templates.Template("{user_name}").filled(fields) == "{user_id}"


@pytest.mark.parametrize(
    "text",
    ["{", "}", "{}", "{0}", "{token}", "{user_id.x}", "{user_id!r}"]
    + ["{user_id:>9}", "{user_id[0]}"],
)
def test_another_field_is_an_error_at_start(text):
    with pytest.raises(ValueError, match=r"."):
        templates.Template(text)


def test_a_field_that_the_token_lacks_is_malformed():
    with pytest.raises(exceptions.Malformed, match="'user_name'"):
        templates.Template("{user_name}").filled(_fields(user_name=None))
