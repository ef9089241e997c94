import re
import socket
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from waffles import exceptions
from waffles.recovery.engine import metrics
from waffles.recovery.engine.counters import Counters
from waffles.recovery.model import Notice, Phase
from waffles.recovery.store import store

ROOT = Path(__file__).parents[4]
ALERTS = yaml.safe_load((ROOT / "etc/prometheus-alerts.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
MANUAL = (ROOT / "docs/recovery-notices.rst").read_text()

#: What a metric's name has behind that of its family.
SUFFIX = re.compile("_(total|bucket|count|sum)$")


@pytest.fixture
def rows(tmp_path):
    made = store.open(f"sqlite:///{tmp_path}/recovery.db")
    yield made
    made.close()


def _read(port, accept="text/plain"):
    url = f"http://127.0.0.1:{port}/metrics"
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return answer.read().decode()


@pytest.fixture
def names(rows):
    """Every name that an engine shows."""
    counted = Counters()
    counted.told(Notice("recovery.held", "webhook", {}), "failed")
    with metrics.served("127.0.0.1:0", rows, counted) as port:
        found = list(parser.text_string_to_metric_families(_read(port)))
    samples = {one.name for family in found for one in family.samples}
    return samples | {family.name for family in found}


def test_the_figures_are_what_prometheus_reads(rows):
    counted = Counters()
    counted.ended(Phase.DONE)
    with metrics.served(
        "127.0.0.1:0", rows, counted, lambda: {"POST evacuate": 7}
    ) as port:
        text = _read(port)

    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["waffles_recovery_store_up",] == 1
    assert values["waffles_recovery_recoveries_total", "done"] == 1
    calls = "waffles_recovery_nova_calls_total"
    assert values[calls, "POST", "evacuate"] == 7
    assert values["waffles_recovery_evacuation_seconds_count",] == 0
    assert "# TYPE waffles_recovery_evacuation_seconds histogram" in text


def test_the_figures_are_what_openmetrics_reads(rows):
    accept = "application/openmetrics-text; version=1.0.0"
    with metrics.served("127.0.0.1:0", rows) as port:
        text = _read(port, accept)

    found = list(openmetrics.text_string_to_metric_families(text))
    assert {family.type for family in found} == {
        "gauge",
        "counter",
        "histogram",
    }


def test_the_store_is_read_at_each_scrape(rows):
    with metrics.served("127.0.0.1:0", rows) as port:
        assert "waffles_recovery_engines 0.0" in _read(port)
        rows.beat("engine", "node-1", 4711)
        assert "waffles_recovery_engines 1.0" in _read(port)


class Rows:
    """A store that does something else when it is asked how much there is."""

    takeovers = 0

    def __init__(self, totals):
        self.totals = totals


def _away():
    raise exceptions.Unavailable("the database is away")


@pytest.mark.parametrize("hangs", [True, False])
def test_a_store_that_is_away_hides_nothing_else(monkeypatch, hangs):
    monkeypatch.setattr(metrics, "PATIENCE", 0.1)
    free = threading.Event()
    rows = Rows((lambda: free.wait(10) and _away()) if hangs else _away)
    with metrics.served("127.0.0.1:0", rows) as port:
        for _ in range(2):
            text = _read(port)
            assert "waffles_recovery_store_up 0.0" in text
            assert "waffles_recovery_lease_takeovers_total 0.0" in text
            assert "waffles_recovery_held" not in text
        assert not free.is_set()
        free.set()


def test_nothing_is_left_behind(rows):
    before = threading.active_count()
    with metrics.served("127.0.0.1:0", rows) as port:
        _read(port)
    with pytest.raises(urllib.error.URLError):
        _read(port)
    assert threading.active_count() <= before


def test_without_an_address_nothing_is_shown(rows):
    before = threading.active_count()
    with metrics.served("", rows) as port:
        assert port == 0
        assert threading.active_count() == before


def test_an_address_that_is_taken_stops_the_start(rows):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(exceptions.ConfigError) as caught,
            metrics.served(address, rows),
        ):
            pytest.fail("two have one address")
    assert caught.value.option == "metrics_address"
    assert "in use" in str(caught.value)


def test_that_prometheus_client_is_not_there_stops_the_start(
    rows, monkeypatch
):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with (
        pytest.raises(exceptions.ConfigError, match="prometheus-client"),
        metrics.served("127.0.0.1:0", rows),
    ):
        pytest.fail("nothing could be shown")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:9790", ("127.0.0.1", 9790)),
        ("[::1]:9790", ("::1", 9790)),
        ("node-1:9790", ("node-1", 9790)),
    ],
)
def test_an_address_is_a_host_and_a_port(address, expected):
    assert metrics.place(address) == expected


def _metrics_in(text):
    return set(re.findall(r"waffles_recovery_\w+", text))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_on_metrics_that_exist(rule, names):
    used = _metrics_in(rule["expr"])

    assert used
    assert used <= names
    assert rule["expr"].count("(") == rule["expr"].count(")")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule):
    assert rule["alert"].startswith("WafflesRecovery")
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    text = rule["annotations"]["description"]
    assert len(text) > 80
    assert "\n" not in text.strip()
    if "for" in rule:
        assert re.fullmatch(r"\d+[smh]", rule["for"])


@pytest.mark.parametrize(
    "what",
    "Held Stuck Failed Undelivered GivenUp NoEngine TooLong Absent".split(),
)
def test_there_is_an_alert_for(what):
    assert [rule for rule in RULES if what in rule["alert"]]


def test_alerts_have_names_of_their_own():
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))


def test_the_manual_has_each_metric_and_no_other(names):
    shown = {SUFFIX.sub("", name) for name in names}
    table = {SUFFIX.sub("", name) for name in _metrics_in(MANUAL)}

    assert table == shown


def test_the_manual_has_each_alert():
    for rule in RULES:
        assert f"``{rule['alert']}``" in MANUAL
