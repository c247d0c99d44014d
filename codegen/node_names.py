"""Names, types and literals of TypeScript for the templates."""

from __future__ import annotations

import json
from typing import Any

from abi import Operation
from model import Enum, Field, Services, Type
from python_names import client_name, result_name

# Numbers that the core gives out and takes back: whatever their size, they are only handed on.
HANDLES = {"flight", "cursor", "transaction", "span", "consumer", "lease", "user"}


def camel(text: str) -> str:
    first, *rest = text.split("_")
    return first + "".join(part.capitalize() for part in rest)


def enum_literal(enum: Enum) -> str:
    return " | ".join(f"'{v.name}'" for v in enum.values)


def config_type(t: Type) -> str:
    if t.kind == "list":
        assert t.item
        inner = config_type(t.item)
        return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
    if t.kind == "map":
        assert t.item
        return f"Readonly<Record<string, {config_type(t.item)}>>"
    if t.kind in ("struct", "enum"):
        return t.name
    return {"string": "string", "bool": "boolean", "json": "unknown"}.get(t.name, "number")


def field_type(f: Field) -> str:
    text = config_type(f.type)
    return f"{text} | null" if f.nullable and text != "unknown" else text


def _operation_type(t: Type, f: Field, argument: bool) -> str:
    if t.item is not None:
        inner = _operation_type(t.item, f, argument) + (" | null" if t.item.nullable else "")
        if t.kind == "list":
            return f"{'readonly ' if argument else ''}{f'({inner})' if ' ' in inner else inner}[]"
        return f"{'Readonly<' if argument else ''}Record<string, {inner}>{'>' if argument else ''}"
    if t.name in ("uint64", "int64") and f.name in HANDLES:
        return "Handle"
    if t.name == "int64" and not f.unit:
        return "number | bigint"
    if t.name == "json":
        return "unknown" if argument else "any"
    return {"string": "string", "bool": "boolean", "bytes": "Uint8Array" if argument else "Buffer", "text_or_bytes": "string | Uint8Array"}.get(t.name, "number")


def operation_type(f: Field, argument: bool) -> str:
    text = _operation_type(f.type, f, argument)
    return f"{text} | null" if f.nullable and text not in ("unknown", "any") else text


def returns(operation: Operation) -> str:
    if not operation.result:
        return "void"
    if len(operation.result) == 1:
        return operation_type(operation.result[0], False)
    return result_name(operation)


def literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def received(f: Field) -> str:
    text = f"result.{f.name}"
    return text if f.required else f"{text} ?? {literal(f.default)}"


def options_name(operation: Operation) -> str:
    return result_name(operation).removesuffix("Result") + "Options"


def signature(operation: Operation) -> str:
    parts = [f"{camel(f.name)}: {operation_type(f, True)}" for f in operation.args if f.required]
    if operation.stream == "in":
        parts.append("chunks: Chunks")
    if any(not f.required for f in operation.args):
        parts.append(f"options: {options_name(operation)} = {{}}")
    elif operation.stream != "out":
        parts.append("options: CallOptions = {}")
    return ", ".join(parts)


def jsdoc(text: str, indent: int = 0) -> str:
    """The inside of a comment, each line behind ` * `."""
    lines = text.strip().replace("*/", "* /").split("\n")
    return f"\n{' ' * indent} * ".join(line.rstrip() for line in lines)


def filters(services: Services) -> dict[str, Any]:
    return {
        "camel": camel,
        "ts_enum": enum_literal,
        "ts_type": field_type,
        "ts_argument": lambda f: operation_type(f, True),
        "ts_result": lambda f: operation_type(f, False),
        "ts_returns": returns,
        "ts_received": received,
        "ts_signature": signature,
        "ts_options": options_name,
        "ts_literal": literal,
        "jsdoc": jsdoc,
        "client_name": client_name,
        "result_name": result_name,
    }
