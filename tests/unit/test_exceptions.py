import inspect

import pytest

from waffles import exceptions

CLASSES = dict(inspect.getmembers(exceptions, inspect.isclass))


@pytest.mark.parametrize("name", CLASSES)
def test_the_tree_in_the_manual_has_every_exception(name):
    assert name in exceptions.__doc__


def test_a_hidden_server_is_answered_as_nova_answers():
    assert exceptions.Hidden(404, "no").code == 404


@pytest.mark.parametrize(
    ("error", "code"),
    [(exceptions.Malformed("x"), 400), (exceptions.Unavailable("x"), 503)],
)
def test_what_cannot_be_judged_has_the_code_of_its_kind(error, code):
    assert error.code == code


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ((), "bad"),
        (("/a",), "/a: bad"),
        (("/a", "g", "o"), "/a: [g] o: bad"),
    ],
)
def test_an_option_that_is_wrong_is_one_sentence(where, sentence):
    assert str(exceptions.ConfigError("bad", *where)) == sentence
