"""Names, types and literals of Python for the templates."""

from __future__ import annotations

import keyword
from typing import Any

from abi import Operation
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


# ---- clients of the toolbox

CLIENTS = {"cloudevents": "CloudEvents", "db": "Database"}


def client_name(group: str) -> str:
    return CLIENTS.get(group, group.capitalize())


def result_name(operation: Operation) -> str:
    group, method = operation.name.split(".", 1)
    return client_name(group) + "".join(part.capitalize() for part in method.split("_")) + "Result"


def is_span(f: Field) -> bool:
    """A span of time: seconds in Python. Instants (signed) stay as they are."""
    return f.unit == "ms" and f.type.name.startswith("uint") and not f.clash


def argument_name(f: Field) -> str:
    return name(f.name.removesuffix("_ms") if is_span(f) else f.name)


def _operation_type(t: Type, argument: bool) -> str:
    if t.item is not None:
        inner = _operation_type(t.item, argument) + (" | None" if t.item.nullable else "")
        if t.kind == "list":
            return f"{'Sequence' if argument else 'list'}[{inner}]"
        return f"{'Mapping' if argument else 'dict'}[str, {inner}]"
    return {"string": "str", "bool": "bool", "json": "Any", "bytes": "bytes", "text_or_bytes": "str | bytes"}.get(t.name, "int")


def _nullable(f: Field, text: str) -> str:
    return f"{text} | None" if f.nullable and text != "Any" else text


def argument_type(f: Field) -> str:
    return _nullable(f, "Seconds" if is_span(f) else _operation_type(f.type, True))


def result_type(f: Field) -> str:
    return _nullable(f, "float" if is_span(f) else _operation_type(f.type, False))


def _seconds(ms: int) -> str:
    return str(ms // 1000) if ms % 1000 == 0 else str(ms / 1000)


def parameter(f: Field) -> str:
    text = f"{argument_name(f)}: {argument_type(f)}"
    if f.required:
        return text
    if f.type.kind == "list" and f.default == []:
        return f"{text} = ()"
    if f.type.kind == "map" and f.default == {}:
        return f"{text} | None = None"
    if is_span(f) and f.default is not None:
        return f"{text} = {_seconds(f.default)}"
    return f"{text} = {literal(f.default)}"


def given(f: Field) -> str:
    """A condition: the argument is not its default."""
    own = argument_name(f)
    if f.default is None:
        return f"{own} is not None"
    if f.type.name == "bool":
        return f"not {own}" if f.default else own
    if f.default in ([], {}, ""):
        return own
    if is_span(f):
        return f"{own} != {_seconds(f.default)}"
    return f"{own} != {literal(f.default)}"


def sent(f: Field) -> str:
    own = argument_name(f)
    if is_span(f):
        return f"to_ms({own})"
    return f"{f.type.kind.replace('map', 'dict')}({own})" if f.type.kind in ("list", "map") else own


def received(f: Field, source: str = "result") -> str:
    text = f'{source}["{f.name}"]'
    if not f.required:
        text = f'{source}.get("{f.name}"' + (f", {literal(f.default)})" if f.default is not None else ")")
    return f"from_ms({text})" if is_span(f) else text


def signature(operation: Operation, chunks: str = "") -> str:
    """`chunks`: the streamed argument, behind the required ones."""
    required = [parameter(f) for f in operation.args if f.required]
    optional = [parameter(f) for f in operation.args if not f.required]
    return ", ".join(["self", *required, *([chunks] if chunks else []), *(["*", *optional] if optional else [])])


def returns(operation: Operation) -> str:
    if not operation.result:
        return "None"
    if len(operation.result) == 1:
        return result_type(operation.result[0])
    return result_name(operation)


def docstring(text: str) -> str:
    return text.strip().replace("\\", "\\\\").replace('"""', "'''")


def filters(services: Services) -> dict[str, Any]:
    return {
        "py_name": name,
        "py_enum": enum_literal,
        "py_type": field_type,
        "py_dict_type": lambda f: field_type(f, dicts=True),
        "py_default": default,
        "py_to_json": to_json,
        "py_differs": differs,
        "client_name": client_name,
        "result_name": result_name,
        "result_type": result_type,
        "argument_name": argument_name,
        "given": given,
        "sent": sent,
        "received": received,
        "signature": signature,
        "returns": returns,
        "docstring": docstring,
        "is_span": is_span,
        "needs_functional": lambda s: any(keyword.iskeyword(f.name) for f in s.fields),
    }
