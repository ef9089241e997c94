import gc

import pytest

from tests import fakes
from waffles import exceptions
from waffles.clients import session
from waffles.fabric import options

ACCESS = "[waffles]\nauth_type = none\nendpoint = http://127.0.0.1:1\n"


@pytest.fixture
def keeper(tmp_path):
    """Makes a keeper of a configuration."""

    def keeper(text="", name="x", group="g", build=lambda facts, *_: facts):
        lines = f"{text}\n{ACCESS}"
        section = fakes.section(group, lines, tmp_path, options.OPTS)
        session.load(section.conf)
        return options.keeper(name, section, lambda: "fact", build)

    return keeper


def test_what_is_configured_alike_is_kept_once(keeper):
    one = keeper()

    assert keeper() is one
    assert one.get() == "fact"


@pytest.mark.parametrize(
    "how",
    [{"text": "timeout = 3"}, {"name": "y"}, {"group": "h"}],
    ids=["options", "waffle", "group"],
)
def test_what_differs_is_kept_apart(keeper, how):
    one = keeper()

    assert keeper(**how) is not one


def test_what_no_waffle_uses_any_more_is_not_kept(keeper):
    gc.collect()  # keepers of other tests
    keys = set(options._KEEPERS)
    one = keeper("timeout = 4")
    assert set(options._KEEPERS) > keys
    del one
    gc.collect()

    assert set(options._KEEPERS) <= keys


def test_a_request_is_told_of_networks_whatever_the_waffle_is_called(keeper):
    def build(*facts):
        raise ZeroDivisionError

    with pytest.raises(exceptions.Unavailable) as caught:
        keeper(build=build).get()

    assert str(caught.value) == (
        "The networks of this cloud cannot be looked up now."
    )


def test_what_would_never_be_known_is_an_error(keeper):
    with pytest.raises(exceptions.ConfigError) as caught:
        keeper("refresh_interval = 20\nstale_after = 10")

    assert "[g] stale_after: it is below refresh_interval" in str(caught.value)
