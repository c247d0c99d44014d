"""Names and literals of C++ for the templates."""

from __future__ import annotations

import json
from typing import Any

from model import INT_RANGES, Enum, Field, Services, Type, snake

SCALAR_TYPES = {"string": "std::string", "bool": "bool", "json": "Document", **{name: f"std::{name}_t" for name in INT_RANGES}}


def cpp_type(t: Type) -> str:
    if t.kind == "list":
        assert t.item
        return f"std::vector<{cpp_type(t.item)}>"
    if t.kind == "map":
        assert t.item
        return f"std::map<std::string, {cpp_type(t.item)}>"
    return SCALAR_TYPES.get(t.name, t.name)


def field_type(f: Field) -> str:
    return f"std::optional<{cpp_type(f.type)}>" if f.nullable else cpp_type(f.type)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def literal(t: Type, value: Any, enums: dict[str, Enum]) -> str:
    if t.kind == "enum":
        return f"{t.name}::{next(v.cpp for v in enums[t.name].values if v.name == value)}"
    if t.kind == "list":
        assert t.item
        return "{" + ", ".join(literal(t.item, v, enums) for v in value) + "}"
    if t.name == "bool":
        return "true" if value else "false"
    if t.name == "string":
        return quoted(value)
    return str(value)


def initializer(f: Field, services: Services) -> str:
    """With braces, so that the member is never left without a value."""
    if not f.has_default or f.default is None or f.type.kind == "map" or f.default == [] or f.default == "":
        return "{}"
    text = literal(f.type, f.default, services.enums)
    return f" = {text}"


def int_literal(t: Type, value: int) -> str:
    if t.name.startswith("u"):
        return f"{value}U" if value < 2**32 else f"{value}ULL"
    if value == -(2**63):
        return "INT64_MIN"
    return str(value)


def decode(t: Type, f: Field | None, value: str, out: str, depth: int = 0) -> list[str]:
    """Statements that decode `value` into the lvalue `out`."""
    if t.kind == "struct":
        return [f"decode(d, {value}, {out});"]
    if t.kind == "enum":
        return [f"decode(d, {value}, {out});"]
    if t.kind == "list":
        assert t.item
        item, index = f"item{depth or ''}", f"index{depth or ''}"
        slot = f"slot{depth or ''}"
        inner = [f"auto& {slot} = {out}.emplace_back();", *decode(t.item, None, f"{item}.value()", slot, depth + 1)]
        return [
            f"if (d.array({value})) {{",
            f"  {out}.clear();",
            f"  std::size_t {index} = 0;",
            f"  for (const Value each{depth or ''} : {value}.elements()) {{",
            f"    const auto {item} = d.element(each{depth or ''}, {index}++);",
            *[f"    {line}" for line in inner],
            "  }",
            "}",
        ]
    if t.kind == "map":
        assert t.item
        inner = decode(t.item, None, "entry.value()", "slot", depth + 1)
        return [
            f"if (d.any_object({value})) {{",
            f"  {out}.clear();",
            f"  for (const auto each : {value}.members()) {{",
            "    const auto entry = d.entry(each.value, each.key);",
            f"    auto& slot = {out}[std::string(each.key)];",
            *[f"    {line}" for line in inner],
            "  }",
            "}",
        ]
    if t.name == "string":
        low = f.min_length if f else 0
        high = f.max_length if f else None
        limits = f", {low}, {high}" if high else (f", {low}" if low else "")
        return [f"d.text({value}, {out}{limits});"]
    if t.name == "bool":
        return [f"d.boolean({value}, {out});"]
    if t.name == "json":
        return [f"d.json({value}, {out});"]
    first, last = INT_RANGES[t.name]
    if f and f.min is not None and f.max is not None:
        first, last = f.min, f.max
    return [f"d.integer({value}, {out}, {int_literal(t, first)}, {int_literal(t, last)});"]


def decode_field(f: Field) -> list[str]:
    out = f"out.{f.name}"
    if not f.nullable:
        return decode(f.type, f, "m.value()", out)
    return [
        "if (m.value().is_null()) {",
        f"  {out}.reset();",
        "} else {",
        *[f"  {line}" for line in decode(f.type, f, "m.value()", f"{out}.emplace()")],
        "}",
    ]


def encode(t: Type, value: str, depth: int = 0) -> list[str]:
    if t.kind == "struct":
        return [f"encode({value}, out);"]
    if t.kind == "enum":
        return [f"out.string(name_of({value}));"]
    if t.kind == "list":
        assert t.item
        each = f"each{depth or ''}"
        return [
            "out.begin_array();",
            f"for (const auto& {each} : {value}) {{",
            *[f"  {line}" for line in encode(t.item, each, depth + 1)],
            "}",
            "out.end();",
        ]
    if t.kind == "map":
        assert t.item
        return [
            "out.begin_object();",
            f"for (const auto& [key, each] : {value}) {{",
            "  out.key(key);",
            *[f"  {line}" for line in encode(t.item, "each", depth + 1)],
            "}",
            "out.end();",
        ]
    if t.name == "string":
        return [f"out.string({value});"]
    if t.name == "bool":
        return [f"out.boolean({value});"]
    if t.name == "json":
        return [f"if ({value}.empty()) out.null();", f"else out.copy({value}.root());"]
    return [f"out.{'uinteger' if t.name.startswith('u') else 'integer'}({value});"]


def encode_field(f: Field) -> list[str]:
    return encode(f.type, f"*in.{f.name}" if f.nullable and f.type.kind not in ("list", "map") else (f"(*in.{f.name})" if f.nullable else f"in.{f.name}"))


def differs(f: Field) -> str:
    """True when the member is to be written."""
    if f.required:
        return "true"
    if f.nullable and f.default is None:
        return f"in.{f.name}.has_value()"
    if f.type.name == "json":
        return f"!in.{f.name}.empty()"
    if f.type.name == "bool":
        return f"!in.{f.name}" if f.default else f"in.{f.name}"
    if (f.type.kind in ("list", "map") and not f.default) or (f.type.name == "string" and f.default == ""):
        return f"!in.{f.name}.empty()"
    return f"!(in.{f.name} == defaults.{f.name})"


def needs_defaults(fields: list[Field]) -> bool:
    return any("defaults." in differs(f) for f in fields)


def equal(f: Field) -> str:
    if f.type.name == "json":
        return f"detail::same(a.{f.name}, b.{f.name})"
    return f"a.{f.name} == b.{f.name}"


def config_type(t: Type) -> str:
    return {"enum": "string", "struct": "object", "list": "list", "map": "map"}.get(t.kind) or {"string": "string", "bool": "boolean", "json": "json"}.get(t.name, "integer")


def config_row(f: Field) -> str:
    item = f.type.item
    target = item or f.type
    pointer = f"&{snake(target.name)}_config" if target.kind == "struct" else "nullptr"
    return f'{{{quoted(f.name)}, {config_type(f.type)}, {"true" if f.nullable else "false"}, {config_type(item) if item else "json"}, {pointer}}}'


def filters(services: Services) -> dict[str, Any]:
    return {
        "cpp_type": cpp_type,
        "field_type": field_type,
        "initializer": lambda f: initializer(f, services),
        "quoted": quoted,
        "decode_field": decode_field,
        "encode_field": encode_field,
        "differs": differs,
        "needs_defaults": needs_defaults,
        "equal": equal,
        "config_row": config_row,
        "snake": snake,
    }
