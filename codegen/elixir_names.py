"""Names, types and literals of Elixir for the templates."""

from __future__ import annotations

from typing import Any

from abi import Operation
from model import Enum, Field, Services, Type
from python_names import client_name

# Types of the language itself.
BUILT_IN = {"timeout", "node", "module", "list", "map"}
RESERVED = {"after", "and", "catch", "do", "else", "end", "false", "fn", "in", "nil", "not", "or", "rescue", "true", "when"}


def module(name: str) -> str:
    return "CloudEvents" if name == "cloudevents" else client_name(name)


def variable(name: str) -> str:
    return f"{name}_" if name in RESERVED else name


def literal(value: Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("#{", "\\#{")
        return f'"{text}"'
    if isinstance(value, list):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    if isinstance(value, dict):
        return "%{" + ", ".join(f"{literal(k)} => {literal(v)}" for k, v in value.items()) + "}"
    return repr(value)


def heredoc(text: str, indent: int) -> str:
    """The inside of a `~S` heredoc."""
    lines = text.strip().replace('"""', "'''").split("\n")
    return f"\n{' ' * indent}".join(line.rstrip() for line in lines)


def atom(name: str) -> str:
    return f":{name}" if name.replace("_", "a").isalnum() and not name[0].isdigit() else f':"{name}"'


def key(name: str) -> str:
    return f"{name}:" if name.replace("_", "a").isalnum() and not name[0].isdigit() else f'"{name}":'


def _type(t: Type) -> str:
    if t.item is not None:
        inner = _type(t.item) + (" | nil" if t.item.nullable and t.item.name != "json" else "")
        return f"[{inner}]" if t.kind == "list" else f"%{{optional(String.t()) => {inner}}}"
    if t.kind in ("struct", "enum"):
        return f"{snake(t.name)}()"
    return {
        "string": "String.t()",
        "bool": "boolean()",
        "json": "term()",
        "bytes": "binary()",
        "text_or_bytes": "iodata()",
        "double": "float()",
        "uint64": "non_neg_integer()",
        "uint32": "non_neg_integer()",
    }.get(t.name, "integer()")


def field_type(f: Field) -> str:
    text = _type(f.type)
    return f"{text} | nil" if f.nullable and text != "term()" else text


def sent(t: Type) -> str:
    """How an argument is made a value of the port."""
    if t.item is not None:
        inner = sent(t.item)
        return ":any" if inner == ":any" else f"{{:{t.kind}, {inner}}}"
    return ":bytes" if t.name in ("bytes", "text_or_bytes") else ":any"


def arguments(operation: Operation) -> str:
    return "[" + ", ".join(f'{{"{f.name}", {variable(f.name)}, {sent(f.type)}}}' for f in operation.args if f.required) + "]"


def options(operation: Operation) -> str:
    return "[" + ", ".join(f'{key(f.name)} {{"{f.name}", {sent(f.type)}}}' for f in operation.args if not f.required) + "]"


def results(operation: Operation) -> str:
    return "[" + ", ".join(f'{{"{f.name}", {atom(f.name)}, {literal(f.default)}}}' for f in operation.result) + "]"


def returns(operation: Operation) -> str:
    if not operation.result:
        return ""
    if len(operation.result) == 1:
        return field_type(operation.result[0])
    return "%{" + ", ".join(f"{key(f.name)} {field_type(f)}" for f in operation.result) + "}"


def answer(operation: Operation) -> str:
    return ":ok" if not operation.result else f"{{:ok, {returns(operation)}}}"


def parameters(operation: Operation) -> str:
    """Behind the client."""
    names = [variable(f.name) for f in operation.args if f.required]
    return "".join(f", {name}" for name in [*names, *(["chunks"] if operation.stream == "in" else [])])


def specs(operation: Operation) -> str:
    types = [field_type(f) for f in operation.args if f.required]
    return "".join(f", {text}" for text in [*types, *(["Enumerable.t()"] if operation.stream == "in" else [])])


def snake(name: str) -> str:
    text = "".join(("_" if c.isupper() and i else "") + c.lower() for i, c in enumerate(name))
    return f"{text}_config" if text in BUILT_IN else text


def enum_type(enum: Enum) -> str:
    return " | ".join(atom(v.name) for v in enum.values)


def filters(services: Services) -> dict[str, Any]:
    return {
        "ex_module": module,
        "ex_literal": literal,
        "ex_heredoc": heredoc,
        "ex_atom": atom,
        "ex_key": key,
        "ex_type": field_type,
        "ex_enum": enum_type,
        "ex_snake": snake,
        "ex_arguments": arguments,
        "ex_options": options,
        "ex_results": results,
        "ex_returns": returns,
        "ex_answer": answer,
        "ex_parameters": parameters,
        "ex_specs": specs,
    }
