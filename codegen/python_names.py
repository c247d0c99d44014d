"""Names, types and literals of Python for the templates."""

from __future__ import annotations

import keyword
from typing import Any

from model import Enum, Field, Services, Type


def name(text: str) -> str:
    return f"{text}_" if keyword.iskeyword(text) else text


def enum_literal(enum: Enum) -> str:
    return "Literal[" + ", ".join(f'"{v.name}"' for v in enum.values) + "]"


def py_type(t: Type, dicts: bool = False) -> str:
    if t.kind == "list":
        assert t.item
        return f"list[{py_type(t.item, dicts)}]"
    if t.kind == "map":
        assert t.item
        return f"dict[str, {py_type(t.item, dicts)}]"
    if t.kind == "struct":
        return f"{t.name}Dict" if dicts else t.name
    if t.kind == "enum":
        return t.name
    return {"string": "str", "bool": "bool", "json": "Any"}.get(t.name, "int")


def field_type(f: Field, dicts: bool = False) -> str:
    text = py_type(f.type, dicts)
    return f"{text} | None" if f.nullable else text


def default(f: Field) -> str:
    """What follows the type in a dataclass."""
    if f.required:
        return ""
    if f.type.kind == "struct" and not f.nullable:
        return f" = field(default_factory={f.type.name})"
    if f.type.kind in ("list", "map") and f.default is not None:
        if not f.default:
            return f" = field(default_factory={'list' if f.type.kind == 'list' else 'dict'})"
        return f" = field(default_factory=lambda: {literal(f.default)})"
    return f" = {literal(f.default)}"


def literal(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def to_json(t: Type, value: str) -> str:
    """An expression for the plain data of `value`."""
    if t.kind == "struct":
        return f"{value}.to_dict()"
    if t.kind == "list":
        assert t.item
        inner = to_json(t.item, "v")
        return f"list({value})" if inner == "v" else f"[{inner} for v in {value}]"
    if t.kind == "map":
        assert t.item
        inner = to_json(t.item, "v")
        return f"dict({value})" if inner == "v" else f"{{k: {inner} for k, v in {value}.items()}}"
    return value


def differs(f: Field) -> str:
    """A condition: the member is not its default. `value` is the member."""
    if f.nullable or f.default is None and f.type.name == "json":
        return "value is not None" if f.default is None else f"value != {literal(f.default)}"
    if f.type.name == "bool":
        return "not value" if f.default else "value"
    if f.default in ([], {}, ""):
        return "value"
    return f"value != {literal(f.default)}"


def filters(services: Services) -> dict[str, Any]:
    return {
        "py_name": name,
        "py_enum": enum_literal,
        "py_type": field_type,
        "py_dict_type": lambda f: field_type(f, dicts=True),
        "py_default": default,
        "py_to_json": to_json,
        "py_differs": differs,
        "needs_functional": lambda s: any(keyword.iskeyword(f.name) for f in s.fields),
    }
