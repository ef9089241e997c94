import dataclasses

import pytest
from oslo_config import cfg

from waffles.recovery import opts
from waffles.recovery.planning import wishes

BY_NAME = {opt.name: opt for opt in opts.OPTS}


@pytest.mark.parametrize("opt", opts.OPTS, ids=lambda opt: opt.name)
def test_every_option_has_help_and_a_value_to_show(opt):
    assert opt.help.endswith(".")
    assert opt.default is not None
    if opt.default == "" and opt.name != "webhook_secret":
        assert opt.sample_default


def test_no_option_is_there_twice():
    assert len(BY_NAME) == len(opts.OPTS)


@pytest.mark.parametrize(
    "name",
    [opt.name for opt in opts.OPTS if isinstance(opt, cfg.FloatOpt)],
)
def test_no_time_is_below_nothing(name):
    assert BY_NAME[name].type.min >= 0


@pytest.mark.parametrize(
    "name", ["connection", "webhook_url", "webhook_secret"]
)
def test_what_may_be_a_password_is_not_logged(name):
    assert BY_NAME[name].secret


@pytest.mark.parametrize(
    "field", dataclasses.fields(wishes.Rules), ids=lambda field: field.name
)
def test_the_defaults_of_the_rules_are_those_of_the_options(field):
    assert BY_NAME[field.name].default == field.default
