"""JSON Schemas of operators that no request can make slow or send astray.

A schema is checked when it is loaded: that it is one, that its references
lead somewhere within it (nothing is ever fetched), that it ends, and that its
patterns are admitted by :mod:`waffles.patterns`.
"""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import referencing
import referencing.exceptions
import referencing.jsonschema
from jsonschema import validators

from waffles import patterns

_2020 = referencing.jsonschema.DRAFT202012


def load(file: str) -> Any:
    """A validator for the schema in a file.

    :raises ValueError: with the reason, when it is none or none for us
    """
    try:
        with open(file, "rb") as stream:
            schema = json.load(stream)
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not JSON: {error}") from None
    try:
        return validator(schema)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def validator(schema: Any) -> Any:
    """A jsonschema validator that matches patterns in bounded time.

    :raises ValueError: with the reason, when this is no schema or none for us
    """
    if not isinstance(schema, dict):
        raise ValueError("a schema must be a JSON object")
    kind = validators.validator_for(
        schema, default=jsonschema.Draft202012Validator
    )
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"not a JSON Schema: {error.message}") from None
    _refuse_references(schema)
    compiled = dict(_patterns(schema))
    bounded = validators.extend(  # type: ignore[no-untyped-call]
        kind, {"pattern": _matching(compiled)}
    )
    made = bounded(schema, registry=referencing.Registry())
    try:
        for part in _schemas(schema):
            within = made.evolve(schema=part)
            list(within.iter_errors({}))
            list(within.iter_errors(""))
    except RecursionError:
        raise ValueError("the schema refers to itself without end") from None
    return made


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema, and every object in it that leads to another."""
    yield schema
    for node in _objects(schema):
        if isinstance(node.get("$ref") or node.get("$dynamicRef"), str):
            yield node


def names(validator: Any) -> set[str]:
    """The properties that a schema names, in whatever part of it."""
    found: set[str] = set()
    for node in _objects(validator.schema):
        for keyword in ("properties", "required", "dependentRequired"):
            held = node.get(keyword)
            if isinstance(held, dict | list):
                found.update(name for name in held if isinstance(name, str))
    return found


def _matching(compiled: dict[str, patterns.Pattern]) -> Any:
    def pattern(
        validator: Any, text: str, instance: Any, schema: Any
    ) -> Iterator[jsonschema.ValidationError]:
        if isinstance(instance, str) and not compiled[text].search(instance):
            yield jsonschema.ValidationError(
                f"{instance!r} does not match {text!r}"
            )

    return pattern


def _patterns(schema: Any) -> Iterator[tuple[str, patterns.Pattern]]:
    """Every pattern there is.

    Those of patternProperties are matched by jsonschema itself, which uses
    ``re``, in several keywords.
    """
    for node in _objects(schema):
        found = node.get("pattern")
        if isinstance(found, str):
            yield found, _admitted(found, patterns.ENGINE)
        by_name = node.get("patternProperties")
        for text in by_name if isinstance(by_name, dict) else ():
            _admitted(text, None)


def _admitted(text: str, engine: Any) -> patterns.Pattern:
    try:
        return patterns.compiled(text, searched=True, engine=engine)
    except ValueError as error:
        raise ValueError(f"pattern {text}: {error}") from None


def _refuse_references(schema: Any) -> None:
    resource = referencing.Resource.from_contents(
        schema, default_specification=_2020
    )
    root = referencing.Registry().with_resource("", resource).resolver("")
    for node in _objects(schema):
        for key in ("$ref", "$dynamicRef"):
            if isinstance(node.get(key), str):
                try:
                    root.lookup(node[key])
                except referencing.exceptions.Unresolvable:
                    raise ValueError(
                        f"{key} {node[key]} leads nowhere within the file"
                    ) from None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from _objects(child)
