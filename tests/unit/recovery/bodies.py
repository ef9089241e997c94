"""Bodies made of JSON Schemas, and what a mean client makes of them."""

import json
from typing import Any

from hypothesis import strategies as st

ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["c2", "C2", "c2\n", "a" * 5000, 10**400, "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)

#: Texts that are no text, or are one too many.
_INSERTED = st.sampled_from(
    [
        b"\x00", b"\xff", b"\xed\xa0\x80", b"NaN", b"-Infinity", b"1e999",
        b"[" * 5000, b'{"a":' * 3000, b"9" * 5000, b'"\\ud800"', b",", b"}",
        b'"host": "c3", ', b" " * 70_000, b"\xef\xbb\xbf",
    ]
)  # fmt: skip


def of_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What is valid by a schema, of those keywords that ours have."""
    kinds = schema["type"]
    if isinstance(kinds, list):
        return st.one_of(*(of_schema({**schema, "type": k}) for k in kinds))
    if kinds == "null":
        return st.none()
    if kinds == "boolean":
        return st.booleans()
    if kinds == "array":
        return st.lists(of_schema(schema["items"]), min_size=1, max_size=4)
    if kinds == "object":
        known = {k: of_schema(v) for k, v in schema["properties"].items()}
        needed = {key: known.pop(key) for key in schema["required"]}
        return st.fixed_dictionaries(needed, optional=known)
    return _texts(schema)


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    likely = st.sampled_from(["c2", "dead", "2026-01-01T00:00:00Z", "alive"])
    if "pattern" not in schema:
        return likely
    some = st.from_regex(schema["pattern"], fullmatch=True)
    return likely | some.filter(lambda text: len(text) <= schema["maxLength"])


def sent(schema: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A body: valid, nearly valid, or nothing of the kind."""
    return _sent(of_schema(schema) | ANY)


@st.composite
def _sent(draw: Any, bodies: st.SearchStrategy[Any]) -> bytes:
    body = draw(bodies)
    for _ in range(draw(st.integers(0, 2))):
        body = draw(_spoilt(body))
    text = json.dumps(body).encode()
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(_INSERTED | st.binary(max_size=4)) + text[at:]
    return text[: draw(st.integers(0, len(text)))] if draw(_SELDOM) else text


_SELDOM = st.integers(0, 9).map(lambda number: number == 0)


@st.composite
def _spoilt(draw: Any, value: Any) -> Any:
    """A value of which one part is another."""
    if not isinstance(value, dict) or not value or draw(_SELDOM):
        return draw(ANY)
    key = draw(st.sampled_from(sorted(value)))
    rest = {name: held for name, held in value.items() if name != key}
    kept = draw(st.integers(0, 3))
    if kept == 0:
        return rest
    if kept == 1:
        return {**rest, draw(st.sampled_from([key.upper(), "x"])): value[key]}
    return {**rest, key: draw(_spoilt(value[key]))}
