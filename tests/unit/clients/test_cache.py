import json
import sys
import zlib

import pytest

from waffles import config, exceptions
from waffles.clients import cache

ON = "[cache]\nenabled = true\n"
DBM = (
    ON + "backend = dogpile.cache.dbm\n"
    "expiration_time = 1\nbackend_argument = filename:{}/cache.dbm\n"
)


@pytest.fixture
def shared(tmp_path):
    """What a worker shares, as a configuration says."""
    file = tmp_path / "waffles.conf"

    def shared(text=DBM, name="networks"):
        file.write_text(text.format(tmp_path))
        return cache.shared(config.read([str(file)]), name)

    return shared


class Region:
    """A cache in this process, of which several workers may be made."""

    def __init__(self):
        self.items, self.error = {}, None

    def get(self, key, *, ignore_expiration):
        assert ignore_expiration
        self._work()
        return self.items.get(key)

    def set(self, key, value):
        self._work()
        assert len(value) < 1_000_000
        self.items[key] = value

    def _work(self):
        if self.error:
            raise self.error

    def worker(self, **how):
        how.setdefault("sleep", lambda seconds: None)
        return cache.Shared(lambda: self, "networks", **how)

    def key(self, ending):
        (key,) = [key for key in self.items if key.endswith(ending)]
        return key


@pytest.fixture
def region():
    return Region()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[cache]\n",
        "[cache]\nenabled = false\nbackend = dogpile.cache.dbm\n",
        "[cache]\nenabled = true\nenabled = no\n",
    ],
    ids=["nothing", "empty", "off", "the last counts"],
)
def test_nothing_is_shared_unless_caching_is_enabled(shared, text):
    assert shared(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ON, r"\[cache\] backend: dogpile.cache.null keeps nothing"),
        (ON + "backend = dogpile.cache.null\n", "backend: dogpile.cache.null"),
        (
            ON + "backend = no.such\n",
            r"\[cache\] backend: cannot be used: .*, but found 'no.such'",
        ),
        (ON + "backend = dogpile.cache.dbm\n", "backend: .*filename"),
        ("[cache]\nenabled = perhaps\n", r"\[cache\] enabled: .*perhaps"),
        ("[Cache]\nenabled = perhaps\n", r"\[cache\] enabled: .*perhaps"),
    ],
    ids=["none", "null", "unknown", "argument", "enabled", "case"],
)
def test_a_cache_that_cannot_be_had_stops_the_start(
    shared, tmp_path, text, reason
):
    with pytest.raises(exceptions.ConfigError, match=reason) as caught:
        shared(text)

    assert str(tmp_path / "waffles.conf") in str(caught.value)


def test_a_cache_without_oslo_cache_stops_the_start(shared, monkeypatch):
    monkeypatch.setitem(sys.modules, "oslo_cache.core", None)

    assert shared("[cache]\nenabled = off\n") is None
    with pytest.raises(exceptions.ConfigError, match="needs oslo.cache"):
        shared(ON)


def test_what_one_worker_writes_another_reads(shared):
    facts = {"networks": [{"id": "ä", "free": 5}], "hosts": []}

    assert shared().read() is None
    shared().write(12.5, facts)
    assert shared().read() == (12.5, facts)
    assert shared(name="other").read() is None


def test_the_facts_of_a_large_cloud_fit(region):
    facts = {
        "networks": [
            {"id": f"{one * 7919**9:040x}", "name": f"network-{one}"}
            for one in range(5_000)
        ],
        "hosts": {
            f"{one * 104729**7:040x}": ["rack", one] * 20
            for one in range(30_000)
        },
    }
    region.worker().write(1.0, facts)

    assert len(region.items) > 2
    assert region.worker().read() == (1.0, facts)


def _facts(number):
    return {"network": [number, *range(200_000)]}


@pytest.mark.parametrize(
    "damage",
    [
        lambda items, key: items.clear(),
        lambda items, key: items.pop(key("1:0")),
        lambda items, key: items.pop(key("head")),
        lambda items, key: items.update({key("1:0"): None}),
        lambda items, key: items.update({key("1:0"): "text"}),
        lambda items, key: items.update({key("1:0"): b"garbage"}),
        lambda items, key: items.update({key("1:0"): items[key("1:0")][1:]}),
        lambda items, key: items.update({key("head"): b"[]"}),
        lambda items, key: items.update({key("head"): b"{}"}),
        lambda items, key: items.update({key("head"): b"\xff"}),
        lambda items, key: items.update({key("head"): b"[" * 10**6}),
        lambda items, key: items.update(
            {key("head"): items[key("head")].replace(b"12.5", b'"now"')}
        ),
        lambda items, key: items.update(
            {key("head"): items[key("head")].replace(b"12.5", b"null")}
        ),
    ],
)
def test_what_is_not_whole_is_not_there(region, damage):
    region.worker().write(12.5, {"networks": []})
    damage(region.items, region.key)

    assert region.worker().read() is None


def test_what_is_no_json_is_not_there(region):
    packed = zlib.compress(b"{")
    region.worker().write(1, {})
    region.items[region.key("1:0")] = packed
    head = {"taken": 1, "parts": 1, "sha256": cache._sum([packed])}
    region.items[region.key("head")] = json.dumps(head).encode()

    assert region.worker().read() is None


def test_parts_of_two_writes_are_not_mixed(region, monkeypatch):
    monkeypatch.setattr(cache, "PART", 1000)
    region.worker().write(1.0, _facts(1))
    first = dict(region.items)
    region.worker().write(2.0, _facts(2))
    assert region.worker().read() == (2.0, _facts(2))
    differing = [key for key in first if first[key] != region.items[key]]
    assert len(differing) > 1
    for key in differing:
        now = region.items[key]
        region.items[key] = first[key]
        assert region.worker().read() is None
        region.items[key] = now


def test_facts_of_another_version_are_not_there(region, monkeypatch):
    region.worker().write(1.0, {})
    monkeypatch.setattr(cache, "SCHEMA", 2)

    assert region.worker().read() is None


def test_one_worker_gets_the_claim_until_it_ends(region):
    clock = [1000.0]
    first, second = (region.worker(wall=lambda: clock[0]) for _ in range(2))

    assert first.claim(10)
    assert not second.claim(10)
    assert first.claim(10)
    clock[0] += 10
    assert second.claim(10)
    assert not first.claim(10)


def test_of_workers_that_claim_at_once_the_last_to_write_gets_it(region):
    """Both have seen no claim before either wrote one."""
    granted = {}
    second = region.worker()
    second._claimed, seen = lambda: (None, 0.0), second._claimed

    def the_second_writes(seconds):
        granted["second"] = second.claim(10)

    def looks_again(seconds):
        second._claimed = seen

    second._sleep = looks_again
    first = region.worker(sleep=the_second_writes)
    granted["first"] = first.claim(10)

    assert granted == {"first": False, "second": True}


def test_a_claim_that_holds_too_long_is_of_a_wrong_clock(region):
    behind = region.worker(wall=lambda: 1000.0)
    ahead = region.worker(wall=lambda: 9000.0)
    assert ahead.claim(10)

    assert behind.claim(10)


@pytest.mark.parametrize("claim", [b"", b"{", b"[]", b'{"owner": 1}', "text"])
def test_a_claim_that_cannot_be_read_is_none(region, claim):
    region.items["waffles:networks:1:claim"] = claim

    assert region.worker().claim(10)


def test_a_cache_that_is_away_is_said_once_and_holds_up_nobody(region, caplog):
    caplog.set_level("INFO")
    worker = region.worker()
    for _ in range(2):
        region.error = OSError("refused")
        for _ in range(3):
            worker.write(1.0, {})
            assert worker.read() is None
            assert worker.claim(10)
        region.error = None
        worker.write(1.0, {})
        assert worker.read() == (1.0, {})

    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 4
    assert said[0] == said[2]
    assert "refused" in said[0]
    assert said[1] == said[3] == "[cache] works again for networks"


def test_a_cache_that_keeps_nothing_lets_each_worker_refresh(region, caplog):
    region.set = lambda key, value: None
    worker = region.worker()

    for _ in range(2):
        assert worker.claim(10)
    assert region.worker(sleep=lambda seconds: None).claim(10)
    assert caplog.text.count("what is written is not there") == 2


def test_each_process_has_its_own_connection(region, monkeypatch):
    made = []

    def make():
        made.append(1)
        return region

    worker = cache.Shared(make, "networks", sleep=lambda seconds: None)
    worker.write(1.0, {})
    assert worker.claim(10)
    assert made == [1]
    monkeypatch.setattr(cache.os, "getpid", lambda: -1)
    assert worker.read() == (1.0, {})
    assert made == [1, 1]
    assert not worker.claim(10)
