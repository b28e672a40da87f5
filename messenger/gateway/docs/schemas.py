"""The JSON schemas of all frames, and Markdown tables of them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from messenger.gateway import protocol

PREFIX = "#/components/schemas/"
Schema = dict[str, Any]


@cache
def definitions() -> dict[str, Schema]:
    """Class name → JSON schema, for every frame and every nested object."""
    models: list[type[BaseModel]] = [*protocol.FRAMES, *protocol.command_frames().values()]
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template=PREFIX + "{model}"
    )
    found: dict[str, Schema] = schemas["$defs"]
    for schema in found.values():
        fields = schema["properties"]
        # `type` first, `ref` last, for readability.
        schema["properties"] = {
            name: {key: value for key, value in fields[name].items() if key != "title"}
            for name in sorted(fields, key=lambda name: (name != "type", name == "ref"))
        }
    return found


def table(name: str) -> str:
    """A Markdown table of the fields of the class `name`."""
    schema = definitions()[name]
    required = schema.get("required", ())
    lines = ["| field | type | description |", "|---|---|---|"]
    for field, of in schema["properties"].items():
        optional = "" if field in required else ", optional"
        lines.append(f"| `{field}` | {type_name(of)}{optional} | {of.get('description', '')} |")
    return "\n".join(lines)


def parts(name: str) -> list[str]:
    """The classes that the fields of the class `name` refer to."""
    text = json.dumps(definitions()[name])
    return [other for other in definitions() if f'"{PREFIX}{other}"' in text]


def type_name(schema: Schema) -> str:
    """The type of a value, for readers."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PREFIX)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(type_name(one) for one in schema["anyOf"])
    for key in ("const", "enum"):
        if key in schema:
            values = schema[key] if key == "enum" else [schema[key]]
            return " or ".join(f"`{json.dumps(value)}`" for value in values)
    kind = schema.get("type", "string")
    return _NAMES.get(kind, lambda _: kind)(schema)


def _array(schema: Schema) -> str:
    return f"list of {type_name(schema['items'])}{_range(schema, 'minItems', 'maxItems', 'items')}"


def _object(schema: Schema) -> str:
    if "propertyNames" not in schema:
        return "object"
    of = f"{type_name(schema['propertyNames'])} → {type_name(schema['additionalProperties'])}"
    return f"object: {of}{_range(schema, 'minProperties', 'maxProperties', 'keys')}"


def _string(schema: Schema) -> str:
    name = {"uuid": "UUID", "date-time": "time"}.get(schema.get("format", ""), "string")
    return name + _range(schema, "minLength", "maxLength", "characters")


def _integer(schema: Schema) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    if low is None:
        return "integer"
    return f"integer {'over' if 'exclusiveMinimum' in schema else 'from'} {low}"


def _range(schema: Schema, low: str, high: str, of: str) -> str:
    if high not in schema:
        return ""
    return (
        f", {schema[low]} to {schema[high]} {of}" if low in schema else f", to {schema[high]} {of}"
    )


_NAMES = {"array": _array, "object": _object, "string": _string, "integer": _integer}
