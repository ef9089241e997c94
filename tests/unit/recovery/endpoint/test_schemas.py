import json

import jsonschema
import pytest

from waffles import exceptions
from waffles.recovery.endpoint import schemas
from waffles.recovery.model import Assertion

NOW = 1_795_168_800.0  # 2026-11-20T10:00:00Z

WHOLE = {
    "host": "c1.example-2.com",
    "fenced": True,
    "fenced_by": "ipmi",
    "fenced_at": "2026-11-20T09:59:00Z",
    "evidence": "Chassis Power is off\n\tsince é 🧇",
    "reason": "no ping",
    "kdump": False,
    "dry_run": False,
}


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_each_schema_is_one(name):
    schema = schemas.SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)

    (inner,) = schema["properties"].values()
    assert schema["additionalProperties"] is False
    assert inner["additionalProperties"] is False


@pytest.mark.parametrize(
    "said",
    [
        {"host": "c1"},
        {"host": "C_1"},
        {"host": "c" * 255},
        WHOLE,
        {"host": "c1", "evidence": "e" * 4096, "reason": "r" * 255},
    ],
    ids=["least", "any_case", "longest_host", "whole", "longest_texts"],
)
def test_a_host_can_be_declared_dead(said):
    assert schemas.checked("force_down", {"force_down": said}) == said


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"host": ""},
        {"host": "c" * 256},
        {"host": "c 1"},
        {"host": "c1\n"},
        {"host": "c1/2"},
        {"host": "é"},
        {"host": None},
        {"host": ["c1"]},
        {"host": "c1", "fenced": "true"},
        {"host": "c1", "fenced": 1},
        {"host": "c1", "fenced": None},
        {"host": "c1", "kdump": "no"},
        {"host": "c1", "dry_run": 0},
        {"host": "c1", "fenced_by": "f" * 256},
        {"host": "c1", "fenced_by": None},
        {"host": "c1", "fenced_at": 1},
        {"host": "c1", "fenced_at": ""},
        {"host": "c1", "fenced_at": "2" * 65},
        {"host": "c1", "evidence": "e" * 4097},
        {"host": "c1", "evidence": {"a": "b"}},
        {"host": "c1", "evidence": "\x00"},
        {"host": "c1", "evidence": "\x1b[31m"},
        {"host": "c1", "reason": "r" * 256},
        {"host": "c1", "other": 1},
        {"host": "c1", "Host": "c2"},
        None,
        [],
        "c1",
        True,
    ],
    ids=lambda said: json.dumps(said)[:40],
)
def test_what_is_not_as_the_schema_says_is_malformed(said):
    with pytest.raises(exceptions.Malformed, match="/force_down"):
        schemas.checked("force_down", {"force_down": said})


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "force_down",
        1,
        {},
        {"force-down": {"host": "c1"}},
        {"force_down": {"host": "c1"}, "host": "c1"},
    ],
    ids=repr,
)
def test_a_body_of_another_form_is_malformed(body):
    with pytest.raises(exceptions.Malformed, match="Invalid input"):
        schemas.checked("force_down", body)


OPTIONAL = sorted(schemas.SCHEMAS.keys() - {"force_down"})


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("inner", [None, {}], ids=repr)
def test_nothing_need_be_said_to_the_others(name, inner):
    (key,) = schemas.SCHEMAS[name]["properties"]

    assert schemas.checked(name, {key: inner}) == {}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("release", {"release": {"gates": ["threshold:cloud", "alive"]}}),
        ("release", {"release": {"reason": "seen it"}}),
        ("pause", {"pause": {"reason": "wait"}}),
        ("retry", {"retry": {"servers": ["3d9f6a4e-0f5c"]}}),
        ("abandon", {"abandon": {"reason": "by hand"}}),
        ("pause_all", {"pause": {"until": "2026-11-20", "reason": "x"}}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_they_take_what_they_know(name, body):
    (inner,) = body.values()

    assert schemas.checked(name, body) == inner


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("release", {"release": {"gates": []}}),
        ("release", {"release": {"gates": ["alive", "alive"]}}),
        ("release", {"release": {"gates": ["a b"]}}),
        ("release", {"release": {"gates": ["a"] * 21}}),
        ("release", {"release": {"gates": "alive"}}),
        ("pause", {"pause": {"until": "2026-11-20"}}),
        ("resume", {"resume": {"reason": "x"}}),
        ("retry", {"retry": {"servers": ["a/b"]}}),
        ("retry", {"retry": {"servers": [1]}}),
        ("retry", {"retry": {"servers": [str(n) for n in range(1001)]}}),
        ("abandon", {"abandon": []}),
        ("return", {"return": {"host": "c1"}}),
        ("pause_all", {"pause_all": {}}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_they_take_nothing_else(name, body):
    with pytest.raises(exceptions.Malformed):
        schemas.checked(name, body)


def test_a_message_is_of_one_line_and_short():
    body = {"force_down": {"host": "c1", "evil\n\x1b[31m" * 900: 1}}

    with pytest.raises(exceptions.Malformed) as error:
        schemas.checked("force_down", body)

    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1000


def _nested(depth):
    inner: object = "c1"
    for _ in range(depth):
        inner = [inner]
    return {"force_down": {"host": inner}}


@pytest.mark.parametrize("depth", [1, 100, 900, 5000])
def test_what_is_nested_too_deeply_is_malformed(depth):
    with pytest.raises(exceptions.Malformed):
        schemas.checked("force_down", _nested(depth))


def test_an_assertion_has_what_was_said():
    assert schemas.assertion(WHOLE, NOW) == Assertion(
        host="c1.example-2.com",
        fenced=True,
        fenced_by="ipmi",
        fenced_at=NOW - 60,
        evidence=WHOLE["evidence"],
        reason="no ping",
        kdump=False,
    )


def test_what_was_not_said_is_not_asserted():
    assert schemas.assertion({"host": "c1"}, NOW) == Assertion("c1")


@pytest.mark.parametrize("ahead", ["10:00:00Z", "10:01:00Z"])
def test_a_clock_may_be_a_minute_ahead(ahead):
    said = {"host": "c1", "fenced_at": f"2026-11-20T{ahead}"}

    assert schemas.assertion(said, NOW).fenced_at >= NOW


@pytest.mark.parametrize("ahead", ["10:01:01Z", "23:00:00Z", "09:59:00-02:00"])
def test_nothing_was_fenced_in_the_future(ahead):
    said = {"host": "c1", "fenced_at": f"2026-11-20T{ahead}"}

    with pytest.raises(exceptions.Malformed, match="future"):
        schemas.assertion(said, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-20T10:00:00Z", NOW),
        ("2026-11-20T10:00:00", NOW),
        ("2026-11-20 10:00:00.5", NOW + 0.5),
        ("2026-11-20T12:00:00+02:00", NOW),
        ("20261120T100000Z", NOW),
        ("2026-11-20", NOW - 36000),
        ("1970-01-01T00:00:00Z", 0.0),
        ("9999-12-31T23:59:59Z", schemas.LAST),
    ],
)
def test_times_are_iso_8601(text, seconds):
    assert schemas.time("/x", text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "1795168800",
        "2026-13-01",
        "2026-11-20T10:00:60Z",
        "20.11.2026",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-01:00",
        "T10:00",
        "",
    ],
)
def test_other_times_are_malformed(text):
    with pytest.raises(exceptions.Malformed, match="/x"):
        schemas.time("/x", text)


def test_the_same_has_the_same_digest_in_any_order():
    said = dict(reversed(WHOLE.items()))
    del said["dry_run"]  # False is what is meant without it

    assert schemas.digest(said) == schemas.digest(WHOLE)
    assert schemas.digest({**WHOLE, "fenced": False}) != schemas.digest(WHOLE)


def test_the_largest_that_is_valid_is_let_in():
    said = {
        "host": "c" * 255,
        **dict.fromkeys(("fenced_by", "reason"), "🧇" * 255),
        "evidence": "🧇" * 4096,
    }
    text = json.dumps({"force_down": said})  # each of them 12 bytes

    assert schemas.checked("force_down", json.loads(text)) == said
    assert len(text) < schemas.LARGEST
