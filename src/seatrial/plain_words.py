"""What a field of ``system.yaml`` takes, in plain words; error messages and the reference both say it so.

The words come from the JSON schema of :class:`seatrial.system.System`. Its ``noun`` names the kind of value, its
``base`` is what to give, to which bounds are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from seatrial.located_yaml import Loc
from seatrial.system import System

Schema = Mapping[str, Any]
TYPES = {
    "integer": "an integer",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


@cache
def whole_schema() -> Schema:
    """Return the JSON schema of the whole file."""
    return System.model_json_schema()


def schema_of(loc: Loc) -> Schema:
    """Return the schema of the field at a location; empty where anything is allowed, or nothing is known."""
    schema = whole_schema()
    for part in loc:
        inner = schema.get("items") if isinstance(part, int) else schema.get("properties", {}).get(part)
        schema = resolve(inner or {})
    return schema


def resolve(schema: Schema) -> Schema:
    """Return the schema behind a reference, and of a value that may be left out the schema of the value."""
    if "$ref" in schema:
        found: Schema = whole_schema()["$defs"][_target(schema)]
        return found
    given = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    return resolve(given[0]) if given else schema


def definition_name(schema: Schema) -> str:
    """Return the name of the part that a field, or each item of it, is described by; empty for plain values."""
    inner = [schema, schema.get("items", {}), *schema.get("anyOf", ())]
    return next((_target(each) for each in inner if "$ref" in each), "")


def noun(schema: Schema) -> str:
    """Return what a value of the field is called: ``a port``."""
    if "enum" in schema:
        return "known"
    return str(schema.get("noun") or TYPES.get(schema.get("type", ""), "a value"))


def right(schema: Schema) -> str:
    """Return what to give: ``an integer from 1 to 65535``."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema.get("properties"):
        return f"a mapping with {', '.join(required(schema))}" if required(schema) else "a mapping of its fields"
    if schema.get("minItems") or (schema.get("minLength") and schema.get("type") == "string"):
        return f"{TYPES[schema['type']]} that is not empty"
    if "type" not in schema:
        return "any value"
    return f"{schema.get('base') or TYPES[schema['type']]}{_bounds(schema)}"


def required(schema: Schema) -> list[str]:
    """Return the fields that must be given."""
    return list(schema.get("required", ()))


def _target(schema: Schema) -> str:
    return str(schema["$ref"].rsplit("/", 1)[1])


def _bounds(schema: Schema) -> str:
    """Return the range of a number in words: `` from 0 to 1``, `` above 0 and at most 3600``."""
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']:g} to {schema['maximum']:g}"
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    told = [f"{word} {schema[name]:g}" for name, word in words.items() if name in schema]
    return f" {' and '.join(told)}" if told else ""
