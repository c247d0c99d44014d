"""Names, types and literals of Go for the templates. What they write is as gofmt has it: every field has a comment above it, so that nothing is aligned."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from abi import Layout, LayoutField, Operation
from model import Field, Services, Type

INITIALISMS = {"id": "ID", "url": "URL", "uri": "URI", "http": "HTTP", "json": "JSON", "sql": "SQL", "ttl": "TTL", "tls": "TLS", "db": "DB", "api": "API", "etag": "ETag", "ids": "IDs", "uuid": "UUID", "utf": "UTF", "cpu": "CPU", "alpn": "ALPN", "cors": "CORS", "jwt": "JWT", "ip": "IP", "s3": "S3", "gcs": "GCS", "abi": "ABI"}
CLIENTS = {"cloudevents": "CloudEvents", "db": "Database"}
# `json` of a result is decoded where it is asked for.
VALUE = "Value"


def exported(text: str) -> str:
    parts = re.split(r"[^A-Za-z0-9]+", text)
    return "".join(INITIALISMS.get(part.lower(), part[:1].upper() + part[1:]) for part in parts if part)


def constant(text: str) -> str:
    """`NOT_FOUND` as `NotFound`."""
    return exported(text.lower())


def doc(text: str, indent: int = 0) -> str:
    """Text as comment lines."""
    tabs = "\t" * indent
    lines: list[str] = []
    for paragraph in text.strip().split("\n"):
        if not paragraph.strip():
            lines.append(f"{tabs}//")
            continue
        margin = len(paragraph) - len(paragraph.lstrip())
        if margin >= 2:  # as it stands
            lines.append(f"{tabs}//\t{paragraph[2:]}")
            continue
        lines += [f"{tabs}// {line}" for line in textwrap.wrap(paragraph.strip(), 150 - 4 * indent, break_long_words=False, break_on_hyphens=False)]
    return "\n".join(lines)


def named_doc(name: str, text: str, indent: int = 0) -> str:
    """A comment that begins with the name, as Go's do."""
    text = text.strip() or "see the core's documentation."
    return doc(f"{name}: {text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == ' ' else text}", indent)


def literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "nil" if value is None else str(value)


# ---- layouts of the port


def layout_name(name: str) -> str:
    return "Span" if name == "spk_bytes" else exported(name.removeprefix("spk_"))  # Bytes is a type of nodes


def layout_type(f: LayoutField, layout: Layout) -> str:
    c = f.c_type.removesuffix("_t")
    if c.startswith("spk_") and c != "spk_id":
        return layout_name(c)
    if f.name == "u" and "union" in f.c_type:
        return "uint64"
    return {"spk_id": "uint64", "const void *": "uintptr"}.get(c, c)


# ---- the manifest


def _zero(f: Field) -> bool:
    """The default is Go's zero value."""
    return f.default in (None, False, 0, "", [], {})


def go_type(t: Type) -> str:
    if t.kind == "list":
        assert t.item
        return f"[]{go_type(t.item)}"
    if t.kind == "map":
        assert t.item
        return f"map[string]{go_type(t.item)}"
    if t.kind in ("struct", "enum"):
        return t.name
    return {"json": "any"}.get(t.name, t.name)


def field_type(f: Field) -> str:
    """Nil, or the zero value, is the default. What can also be null without that being the default is an Optional of a pointer."""
    text = go_type(f.type)
    if f.type.kind in ("list", "map") or f.type.name == "json":
        return f"Optional[{text}]" if not _zero(f) else text
    if f.required:
        return text
    if f.nullable:
        return f"*{text}" if f.default is None else f"Optional[*{text}]"
    if f.type.kind == "struct":
        return text
    if f.type.kind == "enum" or f.type.name == "string" and (f.default == "" or f.min_length > 0) or _zero(f):
        return text
    if f.min is not None and f.min > 0:
        return text  # nought is no value
    return f"*{text}"


def field_tag(f: Field) -> str:
    if f.required:
        return f'`json:"{f.name}"`'
    return f'`json:"{f.name},omitzero"`'


# ---- clients of the toolbox


def client_name(group: str) -> str:
    return CLIENTS.get(group, exported(group))


def method_name(operation: Operation) -> str:
    return exported(operation.method)


def operation_name(operation: Operation) -> str:
    group, method = operation.name.split(".", 1)
    return client_name(group) + exported(method)


def is_span(f: Field) -> bool:
    """A span of time: a time.Duration. Instants (signed) stay as they are."""
    return f.unit == "ms" and f.type.name.startswith("uint") and not f.clash


def argument_name(f: Field) -> str:
    return exported(f.name.removesuffix("_ms") if is_span(f) else f.name)


GO_KEYWORDS = {"type", "range", "map", "func", "var", "interface", "select", "case", "default", "go", "package", "import", "return", "len", "string", "client", "options", "c", "a", "ctx", "chunks"}


def parameter_name(f: Field) -> str:
    text = argument_name(f)
    lower = text.lower() if text.isupper() else re.sub(r"^[A-Z]+(?=[A-Z][a-z])|^[A-Z]", lambda m: m[0].lower(), text)
    return f"{lower}_" if lower in GO_KEYWORDS else lower


def _operation_type(t: Type) -> str:
    if t.item is not None:
        inner = _operation_type(t.item)
        if t.kind == "list":
            return f"[]{inner}"
        return f"map[string]{inner}"
    return {"json": "any", "bytes": "[]byte", "text_or_bytes": "[]byte"}.get(t.name, t.name)


def pointed(f: Field) -> bool:
    """An optional argument whose zero value is something else than its default."""
    if f.required or is_span(f) or f.type.item is not None or f.type.name in ("json", "bytes", "text_or_bytes"):
        return False
    if f.nullable:
        return True
    if f.type.name == "string" or _zero(f):
        return False
    return True


def argument_type(f: Field) -> str:
    text = "time.Duration" if is_span(f) else _operation_type(f.type)
    return f"*{text}" if pointed(f) else text


def given(f: Field) -> str:
    """A condition: the member `o.X` is given."""
    own = f"o.{argument_name(f)}"
    if pointed(f) or f.type.item is not None or f.type.name in ("json", "bytes", "text_or_bytes"):
        return f"{own} != nil"
    if f.type.name == "string":
        return f'{own} != ""'
    return own if f.type.name == "bool" else f"{own} != 0"


WRITERS = {"string": "Text", "bool": "Bool", "json": "Any", "bytes": "Bytes", "text_or_bytes": "Bytes"}


def sent(f: Field, value: str) -> str:
    """A statement that writes the argument."""
    if is_span(f):
        return f'a.Span("{f.name}", {value})'
    if f.type.item is not None:
        kind = {"list<string>": "Texts", "list<uint64>": "Uints", "map<string>": "TextMap", "map<text_or_bytes>": "BytesMap"}.get(str(f.type))
        if kind is None:
            return f'a.Any("{f.name}", {value})'
        return f'a.{kind}("{f.name}", {value})'
    writer = WRITERS.get(f.type.name)
    if writer is not None:
        return f'a.{writer}("{f.name}", {value})'
    if f.type.name.startswith("uint"):
        return f'a.Uint("{f.name}", uint64({value}))'
    return f'a.Int("{f.name}", int64({value}))'


def option_sent(f: Field) -> str:
    own = f"o.{argument_name(f)}"
    return sent(f, f"*{own}" if pointed(f) else own)


def result_type(f: Field) -> str:
    if f.type.item is not None:
        return _operation_type(f.type)
    if f.type.name == "json":
        return VALUE
    text = "time.Duration" if is_span(f) else _operation_type(f.type)
    return f"*{text}" if f.nullable and f.type.name != "bytes" else text


def result_name(f: Field) -> str:
    return exported(f.name.removesuffix("_ms") if is_span(f) else f.name)


def result_padded(f: Field, operation: Operation) -> str:
    """`Name:` as gofmt aligns it among the members of the result."""
    return f"{result_name(f)}:".ljust(1 + max(len(result_name(other)) for other in operation.result))


def received(f: Field) -> str:
    """An expression: the member of `r`."""
    suffix = "OrNil" if f.nullable else ""
    if is_span(f):
        return f'r.Span{suffix}("{f.name}")'
    if f.type.item is not None:
        kind = {"list<string>": "Texts", "list<uint64>": "Uints", "list<bytes>": "BytesList"}[str(f.type)]
        return f'r.{kind}("{f.name}")'
    if f.type.name == "json":
        return f'r.Value("{f.name}")'
    if f.type.name == "bytes":
        return f'r.Bytes("{f.name}")'
    if f.type.name in ("string", "bool"):
        return f'r.{WRITERS[f.type.name]}{suffix}("{f.name}")'
    return f'number{suffix}[{f.type.name}](r, "{f.name}")'


def optional_args(operation: Operation) -> list[Field]:
    return [f for f in operation.args if not f.required]


def signature(operation: Operation, client: str = "") -> str:
    parts = ["ctx context.Context"]
    parts += [f"{parameter_name(f)} {argument_type(f)}" for f in operation.args if f.required]
    if operation.stream == "in":
        parts.append("chunks io.Reader")
    if optional_args(operation):
        parts.append(f"options ...{operation_name(operation)}Options")
    return ", ".join(parts)


def returns(operation: Operation) -> str:
    if not operation.result:
        return ""
    if len(operation.result) == 1:
        return result_type(operation.result[0])
    return f"{operation_name(operation)}Result"


def zero(operation: Operation) -> str:
    kind = returns(operation)
    if kind.startswith(("*", "[]", "map[")):
        return "nil"
    return {"string": '""', "bool": "false"}.get(kind, "0" if kind[:1].islower() and kind != VALUE or kind == "time.Duration" else f"{kind}{{}}")


def filters(services: Services) -> dict[str, Any]:
    return {
        "go_exported": exported,
        "go_constant": constant,
        "go_doc": doc,
        "go_named_doc": lambda text, name, indent=0: named_doc(name, text, indent),
        "go_literal": literal,
        "go_layout": layout_name,
        "go_layout_type": layout_type,
        "go_type": field_type,
        "go_tag": field_tag,
        "go_client": client_name,
        "go_method": method_name,
        "go_operation": operation_name,
        "go_argument": argument_name,
        "go_parameter": parameter_name,
        "go_argument_type": argument_type,
        "go_given": given,
        "go_sent": lambda f: sent(f, parameter_name(f)),
        "go_option_sent": option_sent,
        "go_result_type": result_type,
        "go_result": result_name,
        "go_result_pad": result_padded,
        "go_received": received,
        "go_optional": optional_args,
        "go_signature": signature,
        "go_returns": returns,
        "go_zero": zero,
    }
