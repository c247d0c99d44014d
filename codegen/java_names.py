"""Names, types and expressions of Java for the templates."""

from __future__ import annotations

import re
from typing import Any

from abi import Operation, OperationGroup
from model import Field, Services, Type

CLIENTS = {"cloudevents": "CloudEvents", "db": "Database"}
KEYWORDS = set(
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends final finally float for goto if implements import instanceof int interface long "
    "native new package private protected public return short static strictfp super switch synchronized this throw throws transient try void volatile while true false null _".split()
)


def java_client(group: str) -> str:
    return CLIENTS.get(group, group.capitalize())


def camel(text: str) -> str:
    first, *rest = text.split("_")
    name = first + "".join(part.capitalize() for part in rest)
    return f"{name}_" if name in KEYWORDS else name


def title(text: str) -> str:
    return "".join(part.capitalize() for part in text.split("_"))


def constant(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).upper().strip("_")
    return f"_{name}" if name[:1].isdigit() else name or "NONE"


def javadoc(text: str, indent: int = 0) -> str:
    """Text for the inside of a documentation comment: Markdown's code becomes {@code}, what would be HTML or a tag is escaped."""
    out: list[str] = []
    for i, part in enumerate(re.split(r"```(.*?)```", text.strip(), flags=re.S)):
        if i % 2:
            body = re.sub(r"^\w*\n", "", part).strip("\n")
            out.append("<pre>" + _escape(body) + "</pre>")
            continue
        for j, piece in enumerate(re.split(r"`([^`]*)`", part)):
            balanced = piece.count("{") == piece.count("}")
            out.append(("{@code " + piece.replace("*/", "* /").replace("@", "@") + "}" if balanced else "<code>" + _escape(piece) + "</code>") if j % 2 else _escape(piece))
    joined = re.sub(r"\n\s*\n", "\n<p>", "".join(out))
    return ("\n" + " " * indent + " * ").join(line.rstrip() for line in joined.split("\n"))


def _escape(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;").replace("*/", "*&#47;")
    return text.replace("{", "&#123;").replace("}", "&#125;").replace("\\u", "&#92;u")


# ---- the manifest


def config_type(t: Type) -> str:
    if t.item is not None:
        inner = _boxed(config_type(t.item))
        return f"List<{inner}>" if t.kind == "list" else f"Map<String, {inner}>"
    if t.kind in ("struct", "enum"):
        return t.name
    return _scalar(t)


def _scalar(t: Type) -> str:
    if t.name in ("uint8", "uint16", "int32"):
        return "int"
    return {"string": "String", "bool": "boolean", "json": "Object", "bytes": "byte[]", "text_or_bytes": "byte[]"}.get(t.name, "long")


def _boxed(text: str) -> str:
    return {"int": "Integer", "long": "Long", "boolean": "Boolean", "double": "Double"}.get(text, text)


def config_span(f: Field) -> bool:
    return f.unit == "ms" and f.name.endswith("_ms") and f.type.name.startswith("uint")


def config_field_type(f: Field) -> str:
    if config_span(f):
        return "Duration"
    text = config_type(f.type)
    return _boxed(text) if f.nullable else text


def config_name(f: Field) -> str:
    """A setter. `wait(long)` and the like are Object's."""
    name = camel(f.name.removesuffix("_ms") if config_span(f) else f.name)
    return f"{name}_" if name in ("wait", "notify", "notifyAll", "getClass", "hashCode", "toString", "toMap", "put", "clone", "finalize", "equals") else name


# ---- clients of the toolbox


def is_span(f: Field) -> bool:
    """A span of time: a Duration in Java. Instants (signed) stay as they are."""
    return f.unit == "ms" and f.type.name.startswith("uint") and not f.clash


def argument_name(f: Field) -> str:
    return camel(f.name.removesuffix("_ms") if is_span(f) else f.name)


def _operation_type(t: Type) -> str:
    if t.item is not None:
        inner = _boxed(_operation_type(t.item))
        return f"List<{inner}>" if t.kind == "list" else f"Map<String, {inner}>"
    return _scalar(t)


def argument_type(f: Field) -> str:
    if is_span(f):
        return "Duration"
    text = _operation_type(f.type)
    return _boxed(text) if f.nullable else text


def result_type(f: Field) -> str:
    text = argument_type(f)
    return _boxed(text) if not f.required and f.default is None else text


def result_name(o: Operation) -> str:
    return title(o.method) + "Result"


def options_name(o: Operation) -> str:
    return title(o.method) + "Options"


def required(o: Operation) -> list[Field]:
    return [a for a in o.args if a.required]


def optional(o: Operation) -> list[Field]:
    return [a for a in o.args if not a.required]


def returns(o: Operation) -> str:
    if not o.result:
        return "void"
    if len(o.result) == 1:
        return result_type(o.result[0])
    return result_name(o)


def returns_boxed(o: Operation) -> str:
    text = returns(o)
    return "Void" if text == "void" else _boxed(text)


def parameters(o: Operation) -> str:
    return ", ".join(f"{argument_type(a)} {argument_name(a)}" for a in required(o))


def names(o: Operation) -> str:
    return ", ".join(argument_name(a) for a in required(o))


def text_argument(o: Operation) -> Field | None:
    """The one required argument that may be text as well."""
    found = [a for a in required(o) if a.type.name == "text_or_bytes"]
    return found[0] if len(found) == 1 else None


def text_parameters(o: Operation) -> str:
    return ", ".join(f"{'String' if a.type.name == 'text_or_bytes' else argument_type(a)} {argument_name(a)}" for a in required(o))


def text_names(o: Operation) -> str:
    return ", ".join(f"{argument_name(a)}.getBytes(StandardCharsets.UTF_8)" if a.type.name == "text_or_bytes" else argument_name(a) for a in required(o))


def sent(f: Field, own: str) -> str:
    return f"millis({own})" if is_span(f) else own


def _read(t: Type, value: str) -> str:
    if t.item is not None:
        inner = _boxed(_operation_type(t.item))
        reader = _item_reader(t.item)
        kind = "list" if t.kind == "list" else "map"
        return f"Result.{kind}({value}, {reader})" if reader else f"Result.<{inner}>{kind}({value})"
    name = _scalar(t)
    return {"int": f"Result.int32({value})", "long": f"Result.int64({value})", "boolean": f"Result.bool({value})", "String": f"(String) {value}", "byte[]": f"Result.bytes({value})"}.get(name, value)


def _item_reader(t: Type) -> str:
    if t.item is not None:
        return f"v -> {_read(t, 'v')}"
    return {"byte[]": "Result::bytes", "int": "Result::int32", "long": "Result::int64"}.get(_scalar(t), "")


def received(f: Field) -> str:
    value = f'result.get("{f.name}")'
    if is_span(f):
        return f"Result.span({value})"
    text = result_type(f)
    if text in ("Integer", "Long", "Boolean"):
        return f"Result.{'optionalInt32' if text == 'Integer' else 'optionalInt64' if text == 'Long' else 'optionalBool'}({value})"
    if not f.required and f.default is not None:
        value = f'result.getOrDefault("{f.name}", {_literal(f.default)})'
    return _read(f.type, value)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, int):
        return f"{value}L"
    if value == []:
        return "List.of()"
    if value == {}:
        return "Map.of()"
    raise ValueError(f"no literal for {value!r}")


def java_clients(groups: list[OperationGroup]) -> list[OperationGroup]:
    return [g for g in groups if g.has_client]


def filters(services: Services) -> dict[str, Any]:
    return {
        "java_client": java_client,
        "java_camel": camel,
        "java_constant": constant,
        "javadoc": javadoc,
        "java_config_type": config_field_type,
        "java_config_name": config_name,
        "java_config_span": config_span,
        "java_argument_name": argument_name,
        "java_argument_type": argument_type,
        "java_result_type": result_type,
        "java_result": result_name,
        "java_options": options_name,
        "java_required": required,
        "java_optional": optional,
        "java_returns": returns,
        "java_returns_boxed": returns_boxed,
        "java_parameters": parameters,
        "java_names": names,
        "java_text_argument": text_argument,
        "java_text_parameters": text_parameters,
        "java_text_names": text_names,
        "java_sent": sent,
        "java_received": received,
        "java_instant": lambda f: f.unit == "ms" and f.type.name == "int64",
    }
