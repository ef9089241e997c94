import pytest
from oslo_config import cfg

from tests import fakes
from waffles import config, exceptions
from waffles.recovery import options
from waffles.recovery.endpoint import means

ACCESS = "[waffles]\nauth_type = none\nendpoint = http://127.0.0.1:1\n"


def _made(tmp_path, text="", access=ACCESS):
    url = f"sqlite:///{tmp_path}/recovery.db"
    text = text or f"connection = {url}"
    section = fakes.section(
        options.GROUP, f"{text}\n{access}", tmp_path, options.OPTS
    )
    return means.of_section(section)


def test_the_store_is_made_when_it_is_needed(tmp_path):
    made = _made(tmp_path)
    assert not (tmp_path / "recovery.db").exists()
    found = made.store()

    assert found.recoveries(limit=1) == []
    assert made.store() is found
    found.close()


def test_pages_and_links_are_as_without_a_nova(tmp_path):
    made = _made(tmp_path)

    assert (made.most, made.prefix) == (1000, "")


@pytest.fixture
def nova(monkeypatch):
    """The configuration of a process of Nova's."""
    conf = cfg.ConfigOpts()
    conf.register_opts(
        [cfg.IntOpt("max_limit"), cfg.StrOpt("compute_link_prefix")], "api"
    )
    conf([], default_config_files=[], default_config_dirs=[])
    monkeypatch.setattr(config.cfg, "CONF", conf)
    return conf


def test_pages_and_links_are_as_novas(tmp_path, nova):
    nova.set_override("max_limit", 7, "api")
    nova.set_override("compute_link_prefix", "https://api", "api")
    made = _made(tmp_path)

    assert (made.most, made.prefix) == (7, "https://api")


@pytest.mark.parametrize(
    ("text", "option", "why"),
    [
        ("connection = nonsense", "connection", "not a URL"),
        ("connection = oracle://a/b", "connection", "none of the databases"),
        ("connection = sqlite:///relative.db", "connection", "whole path"),
        ("connection = sqlite:////no/such/a.db", "connection", "no folder"),
        ("timeout = 20", "lease_time", "twice timeout"),
    ],
)
def test_an_option_that_is_wrong_stops_the_start(tmp_path, text, option, why):
    with pytest.raises(exceptions.ConfigError, match=why) as error:
        _made(tmp_path, text)

    assert error.value.group == "waffles_recovery"
    assert error.value.option == option


def test_without_a_way_into_the_cloud_it_does_not_start(tmp_path):
    with pytest.raises(exceptions.ConfigError, match="auth_type"):
        _made(tmp_path, access="")


def test_a_database_that_is_away_holds_up_no_start(tmp_path, caplog):
    """Nova serves on; only what needs the database is refused."""
    made = _made(tmp_path, "connection = mysql://u:secret@127.0.0.1:1/w")
    with pytest.raises(exceptions.Unavailable):
        made.store()

    assert "[waffles_recovery] connection" in caplog.text
    assert "secret" not in caplog.text
