"""Names, types and literals of Rust for the templates."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from abi import ConstantGroup, LayoutField, Operation
from model import Field, Services, Type

CLIENTS = {"cloudevents": "CloudEvents", "db": "Database"}
KEYWORDS = {"as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while", "yield", "abstract", "become", "box", "do", "final", "macro", "override", "priv", "try", "typeof", "unsized", "virtual", "gen"}


def pascal(text: str) -> str:
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = "".join(part[:1].upper() + part[1:].lower() for part in re.split(r"[^A-Za-z0-9]+", text) if part)
    return f"V{name}" if name[:1].isdigit() else name


def upper(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).upper()


def ident(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", text)
    if name == "self":
        return "self_"
    return f"r#{name}" if name in KEYWORDS else name


def doc(text: str, indent: int = 0) -> str:
    """Text as documentation comments. What is indented stays as it is, as text."""
    margin = " " * (4 * indent)
    lines: list[str] = []
    fenced = False
    for paragraph in (text.strip() or "See the core's documentation.").split("\n"):
        deep = len(paragraph) - len(paragraph.lstrip()) >= 2 and paragraph.strip() != ""
        if paragraph.strip().startswith("```"):
            fenced = not fenced
            lines.append(f"{margin}/// ```text" if fenced else f"{margin}/// ```")
        elif fenced:
            lines.append(f"{margin}/// {paragraph}".rstrip())
        elif deep:
            lines.append(f"{margin}/// `{paragraph.strip().replace('`', '')}`")
        elif not paragraph.strip():
            lines.append(f"{margin}///")
        else:
            escaped = re.sub(r"(`[^`]*`)|[\[\]<>]", lambda m: m[0] if m[1] else "\\" + m[0], paragraph.strip())
            lines += [f"{margin}/// {line}" for line in textwrap.wrap(escaped, 150 - 4 * indent, break_long_words=False, break_on_hyphens=False)]
    return "\n".join(lines)


# ---- the port


def constant_type(group: ConstantGroup) -> str:
    return {"F_": "u16", "BODY_": "u16", "E_": "i32", "METHOD_": "u8", "CANCEL_": "u64", "HOOK_": "u64"}.get(group.prefix, "u64" if "States" in group.doc else "u32")


C_TYPES = {"int": "c_int", "char": "c_char", "void": "c_void", "size_t": "usize", "int32_t": "i32", "int64_t": "i64", "uint8_t": "u8", "uint16_t": "u16", "uint32_t": "u32", "uint64_t": "u64", "double": "f64"}


def c_type(text: str) -> str:
    """`const spk_record **` as `*mut *const spk_record`."""
    if "union" in text:
        return "u64"
    words = text.replace("*", " * ").split()
    const = words[0] == "const"
    if const:
        words = words[1:]
    out = C_TYPES.get(words[0], words[0])
    for i in range(words.count("*")):
        out = ("*const " if const and i == 0 else "*mut ") + out
    return out


def returns_c(text: str) -> str:
    return "" if text == "void" else f" -> {c_type(text)}"


def layout_type(f: LayoutField) -> str:
    return c_type(f.c_type)


# ---- the manifest

SCALARS = {"string": "String", "bool": "bool", "json": "Value", "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64", "int32": "i32", "int64": "i64", "bytes": "Vec<u8>", "text_or_bytes": "Vec<u8>"}


def rust_type(t: Type) -> str:
    if t.kind == "list":
        assert t.item
        return f"Vec<{rust_type(t.item)}>"
    if t.kind == "map":
        assert t.item
        return f"BTreeMap<String, {rust_type(t.item)}>"
    return pascal(t.name) if t.kind in ("struct", "enum") else SCALARS[t.name]


def field_type(f: Field) -> str:
    """None is the default, Some(None) a null that is not the default."""
    text = rust_type(f.type)
    if f.required:
        return text
    if f.nullable and f.default is not None:
        return f"Option<Option<{text}>>"
    return f"Option<{text}>"


# ---- clients of the toolbox


def client_name(group: str) -> str:
    return CLIENTS.get(group, pascal(group))


def operation_name(operation: Operation) -> str:
    group, method = operation.name.split(".", 1)
    return client_name(group) + pascal(method)


def is_span(f: Field) -> bool:
    """A span of time: a Duration. Instants (signed) stay as they are."""
    return f.unit == "ms" and f.type.name.startswith("uint") and not f.clash


def member(f: Field) -> str:
    return ident(f.name.removesuffix("_ms") if is_span(f) else f.name)


def required_type(f: Field) -> str:
    if is_span(f):
        return "Duration"
    if f.type.item is not None:
        return _many(f.type)
    return {"string": "&str", "json": "impl Serialize", "bytes": "impl AsRef<[u8]>", "text_or_bytes": "impl AsRef<[u8]>"}.get(f.type.name, SCALARS[f.type.name])


def _many(t: Type) -> str:
    text = str(t)
    return {
        "list<string>": "impl IntoIterator<Item = impl AsRef<str>>",
        "list<uint64>": "impl IntoIterator<Item = u64>",
        "map<string>": "impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>",
        "map<text_or_bytes>": "impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>",
    }.get(text, "impl Serialize")


def optional_type(f: Field) -> str:
    """A value, or an Option of it: None is the default."""
    if f.type.item is not None or f.type.name in ("json", "bytes", "text_or_bytes"):
        return required_type(f)
    return f"impl Into<Option<{'&str' if f.type.name == 'string' else required_type(f)}>>"


def optional_generics(f: Field) -> str:
    return "<'a>" if f.type.name == "string" and f.type.item is None else ""


def optional_text(f: Field) -> str:
    text = optional_type(f)
    return text.replace("Option<&str>", "Option<&'a str>")


def _writer(f: Field) -> str:
    if is_span(f):
        return "span"
    if f.type.item is not None:
        return {"list<string>": "texts", "list<uint64>": "uints", "map<string>": "text_map", "map<text_or_bytes>": "bytes_map"}.get(str(f.type), "any")
    return {"string": "text", "bool": "bool", "json": "any", "bytes": "bytes", "text_or_bytes": "bytes"}.get(f.type.name, "uint" if f.type.name.startswith("uint") else "int")


def _value(f: Field, value: str) -> str:
    kind = _writer(f)
    if kind == "uint" and f.type.name != "uint64":
        return f"u64::from({value})"
    if kind == "int" and f.type.name != "int64":
        return f"i64::from({value})"
    return f"&{value}" if kind == "any" else value


def sent(f: Field) -> str:
    return f'c.{_writer(f)}("{f.name}", {_value(f, member(f))});'


def option_sent(f: Field) -> str:
    if optional_type(f).startswith("impl Into<Option"):
        return f'if let Some(value) = value.into() {{\n            self.0.{_writer(f)}("{f.name}", {_value(f, "value")});\n        }}'
    if _writer(f) == "any":
        return f'self.0.any_unless_null("{f.name}", &value);'
    return f'self.0.{_writer(f)}("{f.name}", {_value(f, "value")});'


def result_type(f: Field) -> str:
    if f.type.item is not None:
        return {"list<string>": "Vec<String>", "list<uint64>": "Vec<u64>", "list<bytes>": "Vec<Option<Vec<u8>>>"}[str(f.type)]
    if f.type.name == "json":
        return "Value"
    text = "Duration" if is_span(f) else SCALARS[f.type.name]
    return f"Option<{text}>" if f.nullable else text


def received(f: Field) -> str:
    if f.type.item is not None:
        return f'r.{ {"list<string>": "texts", "list<uint64>": "uints", "list<bytes>": "bytes_list"}[str(f.type)] }("{f.name}")'
    if f.type.name == "json":
        return f'r.value("{f.name}")'
    kind = {"span": "span", "text": "text", "bool": "bool", "bytes": "bytes", "uint": "uint", "int": "int"}[_writer(f)]
    text = f'r.{kind}("{f.name}")'
    narrow = f.type.name in ("uint8", "uint16", "uint32", "int32") and kind in ("uint", "int")
    if f.nullable:
        return f"{text}.map(|v| v as {SCALARS[f.type.name]})" if narrow else text
    return f"{text}.unwrap_or_default() as {SCALARS[f.type.name]}" if narrow else f"{text}.unwrap_or_default()"


def optional_args(operation: Operation) -> list[Field]:
    return [f for f in operation.args if not f.required]


def signature(operation: Operation) -> str:
    return "".join(f", {member(f)}: {required_type(f)}" for f in operation.args if f.required)


def returns(operation: Operation) -> str:
    if not operation.result:
        return "()"
    return result_type(operation.result[0]) if len(operation.result) == 1 else f"{operation_name(operation)}Result"


def filters(services: Services) -> dict[str, Any]:
    return {
        "rust_pascal": pascal,
        "rust_upper": upper,
        "rust_ident": ident,
        "rust_doc": doc,
        "rust_constant_type": constant_type,
        "rust_c_type": c_type,
        "rust_returns_c": returns_c,
        "rust_layout_type": layout_type,
        "rust_type": field_type,
        "rust_client": client_name,
        "rust_operation": operation_name,
        "rust_member": member,
        "rust_sent": sent,
        "rust_generics": optional_generics,
        "rust_option_type": optional_text,
        "rust_option_sent": option_sent,
        "rust_result_type": result_type,
        "rust_received": received,
        "rust_optional": optional_args,
        "rust_signature": signature,
        "rust_returns": returns,
    }
