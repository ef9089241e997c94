import json

import pytest

from waffles import schemas


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ([], "must be a JSON object"),
        (True, "must be a JSON object"),
        ({"type": "objet"}, "not a JSON Schema"),
        ({"properties": []}, "not a JSON Schema"),
        ({"$ref": "#/$defs/none"}, "leads nowhere"),
        ({"$ref": "https://example.com/schema.json"}, "leads nowhere"),
        ({"$ref": "file:///etc/passwd"}, "leads nowhere"),
        ({"$ref": "#"}, "without end"),
        (
            {
                "properties": {"owner": {"$ref": "#/$defs/a"}},
                "$defs": {
                    "a": {"$ref": "#/$defs/b"},
                    "b": {"$ref": "#/$defs/a"},
                },
            },
            "without end",
        ),
        ({"properties": {"a": {"pattern": "["}}}, "not a JSON Schema"),
        ({"patternProperties": {"(a+)+": {}}}, "could make it slow"),
        ({"allOf": [{"items": {"pattern": "(?=a)"}}]}, "pattern"),
    ],
)
def test_what_is_no_schema_for_us_says_why(schema, reason):
    with pytest.raises(ValueError, match=reason):
        schemas.validator(schema)


@pytest.mark.parametrize(
    ("schema", "instance", "errors"),
    [
        ({"required": ["a"]}, {}, ["'a' is a required property"]),
        (
            {"properties": {"a": {"pattern": "^[a-z]+$"}}},
            {"a": "A"},
            ["'A' does not match '^[a-z]+$'"],
        ),
        ({"properties": {"a": {"pattern": "b"}}}, {"a": "abc"}, []),
        (
            {"$ref": "#/$defs/x", "$defs": {"x": {"maxProperties": 0}}},
            {"a": "b"},
            ["{'a': 'b'} is expected to be empty"],
        ),
        (
            {
                "$schema": "http://json-schema.org/draft-04/schema#",
                "properties": {"a": {"pattern": "^a$"}},
            },
            {"a": "b"},
            ["'b' does not match '^a$'"],
        ),
    ],
)
def test_a_schema_judges(schema, instance, errors):
    found = schemas.validator(schema).iter_errors(instance)

    assert [error.message for error in found] == errors


def test_a_schema_is_read_from_its_file(tmp_path):
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"required": ["a"]}))

    assert not schemas.load(str(file)).is_valid({})


@pytest.mark.parametrize(
    ("text", "reason"),
    [(None, "cannot be read"), ("{", "is not JSON"), ("[]", "JSON object")],
)
def test_a_file_that_is_no_schema_is_named(tmp_path, text, reason):
    file = tmp_path / "schema.json"
    if text:
        file.write_text(text)

    with pytest.raises(ValueError, match=f"{file}.*{reason}"):
        schemas.load(str(file))


def test_every_property_that_a_schema_names_is_known():
    found = schemas.validator(
        {
            "required": ["a"],
            "allOf": [{"properties": {"b": {"type": "string"}}}],
            "dependentRequired": {"c": ["d"]},
            "$defs": {"x": {"required": ["e"]}},
        }
    )

    assert {"a", "b", "c", "e"} <= schemas.names(found)
