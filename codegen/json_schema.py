"""The manifest as JSON Schema 2020-12, for editors and for `check-jsonschema`."""

from __future__ import annotations

import json
from typing import Any

from model import Field, Services, Struct, Type


def _type(t: Type, services: Services) -> dict[str, Any]:
    if t.kind == "struct":
        return {"$ref": f"#/$defs/{t.name}"}
    if t.kind == "enum":
        return {"$ref": f"#/$defs/{t.name}"}
    if t.kind == "list":
        assert t.item
        return {"type": "array", "items": _type(t.item, services)}
    if t.kind == "map":
        assert t.item
        return {"type": "object", "additionalProperties": _type(t.item, services)}
    return {"string": {"type": "string"}, "bool": {"type": "boolean"}, "json": {}}.get(t.name, {"type": "integer"})


def _field(f: Field, services: Services) -> dict[str, Any]:
    schema = _type(f.type, services)
    if f.min is not None:
        schema["minimum"], schema["maximum"] = f.min, f.max
    if f.min_length:
        schema["minLength"] = f.min_length
    if f.max_length:
        schema["maxLength"] = f.max_length
    if f.nullable:
        if "$ref" in schema:
            schema = {"anyOf": [schema, {"type": "null"}]}
        else:
            schema["type"] = [schema["type"], "null"]
    schema["description"] = f.doc + (f" Unit: {f.unit}." if f.unit else "")
    if f.has_default:
        schema["default"] = f.default
    return schema


def _struct(s: Struct, services: Services) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "description": s.doc,
        "properties": {f.name: _field(f, services) for f in s.fields},
        "additionalProperties": False,
    }
    if required := [f.name for f in s.fields if f.required]:
        schema["required"] = required
    return schema


def manifest_schema(services: Services, root: Struct) -> str:
    defs: dict[str, Any] = {}
    for enum in services.enums.values():
        defs[enum.name] = {"enum": [v.name for v in enum.values], "description": enum.doc}
    for struct in services.structs.values():
        if struct is not root:
            defs[struct.name] = _struct(struct, services)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://spikard.dev/schemas/{root.name.lower()}.schema.json",
        "$comment": "Generated from spec/services by codegen. Do not edit.",
        "title": root.name,
        **_struct(root, services),
        "$defs": defs,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
