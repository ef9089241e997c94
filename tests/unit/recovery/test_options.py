import dataclasses

import pytest

from tests.unit.recovery.settings import settings
from waffles import exceptions
from waffles.recovery import options, opts


def test_every_option_is_a_setting(tmp_path):
    found = settings(tmp_path)

    assert [field.name for field in dataclasses.fields(found)] == [
        opt.dest for opt in opts.OPTS
    ]
    for opt in opts.OPTS:
        assert getattr(found, opt.dest) == opt.default


def test_rules_and_limits_are_what_the_options_say(tmp_path):
    found = settings(
        tmp_path,
        automatic_tag="ha",
        threshold_zone=77,
        nonevacuable="reset",
        settle_time=21,
        evacuation_timeout=22,
        max_attempts=4,
        retry_delay=5,
        retry_delay_max=6,
    )

    assert found.rules.automatic_tag == "ha"
    assert found.rules.custom_tag == "custom-recovery"
    assert (found.rules.threshold_zone, found.rules.nonevacuable) == (
        77,
        "reset",
    )
    assert found.limits == (21, 22, 4, 5, 6)


@pytest.mark.parametrize(
    "name", ["connection", "webhook_url", "webhook_secret"]
)
def test_secrets_are_not_shown(tmp_path, name):
    assert "hunter2" not in repr(settings(tmp_path, **{name: "hunter2"}))


@pytest.mark.parametrize(
    ("said", "option", "why"),
    [
        ({"lease_time": 24.9}, "lease_time", "twice timeout and 5 s .25."),
        ({"timeout": 13}, "lease_time", "twice timeout and 5 s .31."),
        ({"settle_time": 15}, "settle_time", "not above timeout and 5 s .15"),
        (
            {"settle_time": 1800},
            "evacuation_timeout",
            "not above settle_time .1800",
        ),
        ({"retry_delay": 301}, "retry_delay_max", "below retry_delay .301."),
        ({"no_tag": ""}, "no_tag", "1 to 60 characters"),
        ({"no_tag": "x" * 61}, "no_tag", "1 to 60 characters"),
        ({"priority_tag": "x" * 56}, "priority_tag", "1 to 55 characters"),
        ({"group_tag": "x" * 56}, "group_tag", "1 to 55 characters"),
        ({"custom_tag": "a,b"}, "custom_tag", "Nova takes no tag"),
        ({"custom_tag": "a/b"}, "custom_tag", "Nova takes no tag"),
        ({"custom_tag": "' a'"}, "custom_tag", "Nova takes no tag"),
        ({"custom_tag": "no-recovery"}, "no_tag", "same as custom_tag"),
        ({"metrics_address": "9790"}, "metrics_address", "not an address"),
        ({"metrics_address": ":9790"}, "metrics_address", "not an address"),
        ({"metrics_address": "h:0"}, "metrics_address", "not an address"),
        ({"metrics_address": "h:65536"}, "metrics_address", "not an address"),
        ({"metrics_address": "h:x"}, "metrics_address", "not an address"),
        (
            {"dashboard_auth": "none", "dashboard_address": "0.0.0.0:8790"},
            "dashboard_auth",
            "dashboard_address is for other nodes too",
        ),
        (
            {"dashboard_auth": "none", "dashboard_address": "node-1:8790"},
            "dashboard_auth",
            "dashboard_address is for other nodes too",
        ),
        ({"in_flight": 0}, "in_flight", "."),
        ({"threshold_cloud": 101}, "threshold_cloud", "."),
        ({"local_disk": "keep"}, "local_disk", "."),
        ({"stagger": -1}, "stagger", "."),
    ],
    ids=str,
)
def test_a_wrong_option_stops_the_start(tmp_path, said, option, why):
    place = rf"\[waffles_recovery\] {option}: .*{why}"

    with pytest.raises(exceptions.ConfigError, match=place) as caught:
        settings(tmp_path, **said)

    assert caught.value.option == option


@pytest.mark.parametrize(
    "said",
    [
        {"lease_time": 25},
        {"settle_time": 15.1},
        {"settle_time": 16, "evacuation_timeout": 16.1},
        {"retry_delay": 300},
        {"automatic_tag": "x" * 60, "group_tag": "ü" * 55},
        {"metrics_address": "[::1]:9790"},
        {"metrics_address": "0.0.0.0:1"},
        {"dashboard_auth": "none"},
        {"dashboard_auth": "none", "dashboard_address": "[::1]:8790"},
        {"dashboard_auth": "none", "dashboard_address": "localhost:8790"},
        {"dashboard_auth": "keystone", "dashboard_address": "0.0.0.0:8790"},
    ],
    ids=str,
)
def test_what_just_goes_together_is_taken(tmp_path, said):
    assert settings(tmp_path, **said)


def test_a_thing_that_is_wrong_in_several_ways_is_told_at_once(tmp_path):
    found = dataclasses.replace(
        settings(tmp_path), lease_time=1, settle_time=1, no_tag=""
    )

    assert [name for name, _ in options.problems(found)] == [
        "lease_time",
        "settle_time",
        "no_tag",
    ]
