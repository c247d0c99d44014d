"""Reads spec/ into the model that the templates see, and checks it: a mistake in the spec is an error here, with its place, not odd output."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import yaml


class SpecError(Exception):
    """A fault in spec/, with the place."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2 booleans only (`on`, `off`, `yes`, `no` are names here) and no duplicate keys."""


_Loader.yaml_implicit_resolvers = {
    key: [(tag, regexp) for tag, regexp in resolvers if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")]
    for key, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node)
        if key in result:
            raise SpecError(f"{key_node.start_mark.name}:{key_node.start_mark.line + 1}: '{key}' twice")
        result[key] = loader.construct_object(value_node, deep=True)
        if node.flow_style and result[key] is None and isinstance(value_node, yaml.ScalarNode) and value_node.value == "":
            # `{doc: One, two}` is a key `two` without a value in YAML: always a forgotten quote here.
            raise SpecError(f"{key_node.start_mark.name}:{key_node.start_mark.line + 1}: '{key}' has no value; quote the text before it")
    return result


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as stream:
        data = yaml.load(stream, Loader=_Loader)
    if not isinstance(data, dict):
        raise SpecError(f"{path}: expected a mapping")
    return data


INT_RANGES = {
    "uint8": (0, 2**8 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}
# bytes and text_or_bytes: in operations only.
SCALARS = {"string", "bool", "json", "bytes", "text_or_bytes", *INT_RANGES}
_MISSING = object()


@dataclass
class EnumValue:
    name: str  # as in JSON
    cpp: str
    doc: str


@dataclass
class Enum:
    name: str
    doc: str
    values: list[EnumValue]
    file: str


@dataclass
class Type:
    kind: str  # scalar, enum, struct, list, map
    name: str = ""
    item: "Type | None" = None
    nullable: bool = False  # an item that may be null, written `list<bytes?>`; in operations only

    def __str__(self) -> str:
        return f"{self.kind}<{self.item}>" if self.item else self.name


@dataclass
class Field:
    name: str
    type: Type
    doc: str
    required: bool = False
    nullable: bool = False
    default: Any = None
    has_default: bool = False
    min: int | None = None
    max: int | None = None
    min_length: int = 0
    max_length: int | None = None
    unit: str = ""
    clash: bool = False  # without its `_ms` it would have the name of another argument


@dataclass
class Struct:
    name: str
    doc: str
    fields: list[Field]
    file: str
    root: bool = False


@dataclass
class ServiceFile:
    name: str
    doc: str
    include: list[str]
    enums: list[Enum] = field(default_factory=list)
    structs: list[Struct] = field(default_factory=list)


@dataclass
class Services:
    files: list[ServiceFile]
    enums: dict[str, Enum]
    structs: dict[str, Struct]

    @property
    def roots(self) -> list[Struct]:
        return [s for s in self.structs.values() if s.root]


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _keys(where: str, data: dict[str, Any], allowed: set[str]) -> None:
    for key in data:
        if key not in allowed:
            raise SpecError(f"{where}: unknown key '{key}'; known: {', '.join(sorted(allowed))}")


FIELD_KEYS = {"type", "doc", "required", "nullable", "default", "min", "max", "min_length", "max_length", "unit"}


def _parse_type(where: str, text: str, enums: dict[str, Enum], names: set[str], operation: bool = False) -> Type:
    match = re.fullmatch(r"(list|map)<(.+?)(\??)>", text)
    if match:
        item = _parse_type(where, match[2], enums, names, operation)
        if match[3] and not operation:
            raise SpecError(f"{where}: items that may be null are for operations")
        item.nullable = bool(match[3])
        return Type(match[1], item=item)
    if text in ("bytes", "text_or_bytes") and not operation:
        raise SpecError(f"{where}: {text} is for operations")
    if text in SCALARS:
        return Type("scalar", text)
    if text in enums:
        return Type("enum", text)
    if text in names:
        return Type("struct", text)
    raise SpecError(f"{where}: unknown type '{text}'")


def _check_default(where: str, f: Field, enums: dict[str, Enum]) -> None:
    value, kind = f.default, f.type.kind
    if value is None:
        if not (f.nullable or f.type.name == "json"):
            raise SpecError(f"{where}: default null of a type that has no null")
        return
    ok = {
        "list": isinstance(value, list),
        "map": isinstance(value, dict),
        "enum": kind == "enum" and value in [v.name for v in enums[f.type.name].values],
        "scalar": (f.type.name == "string" and isinstance(value, str))
        or (f.type.name == "text_or_bytes" and isinstance(value, str))
        or (f.type.name == "bool" and isinstance(value, bool))
        or (f.type.name in INT_RANGES and isinstance(value, int) and not isinstance(value, bool)),
    }.get(kind, False)
    if not ok:
        raise SpecError(f"{where}: default {value!r} does not fit type {f.type}")
    if f.min is not None and f.max is not None and not f.min <= value <= f.max:
        raise SpecError(f"{where}: default {value} outside {f.min} to {f.max}")


def _field(where: str, name: str, data: dict[str, Any], enums: dict[str, Enum], names: set[str], operation: bool = False) -> Field:
    _keys(where, data, FIELD_KEYS)
    if not data.get("doc"):
        raise SpecError(f"{where}: no doc")
    if "type" not in data:
        raise SpecError(f"{where}: no type")
    f = Field(name=name, type=_parse_type(where, data["type"], enums, names, operation), doc=data["doc"])
    f.required = data.get("required", False)
    f.nullable = data.get("nullable", False)
    f.unit = data.get("unit", "")
    f.min_length = data.get("min_length", 0)
    f.max_length = data.get("max_length")
    if f.type.name in INT_RANGES:
        low, high = INT_RANGES[f.type.name]
        f.min, f.max = data.get("min", low), data.get("max", high)
        if not low <= f.min <= f.max <= high:
            raise SpecError(f"{where}: range {f.min} to {f.max} does not fit {f.type.name}")
    elif "min" in data or "max" in data:
        raise SpecError(f"{where}: min and max are for integers")
    if (f.min_length or f.max_length) and f.type.name != "string":
        raise SpecError(f"{where}: min_length and max_length are for strings")
    f.has_default = "default" in data
    f.default = data.get("default")
    if f.required and f.has_default:
        raise SpecError(f"{where}: required and a default")
    if f.type.kind == "struct" and not f.nullable and f.has_default:
        raise SpecError(f"{where}: an object's defaults are its fields'")
    if not f.required and not f.has_default and f.type.kind != "struct":
        raise SpecError(f"{where}: neither required nor a default")
    if f.has_default:
        _check_default(where, f, enums)
    return f


def load_services(folder: Path) -> Services:
    """All spec/services/*.yaml, files in the order of their includes, structs before those that use them."""
    raw = {path.stem: load(path) for path in sorted(folder.glob("*.yaml"))}
    order: list[str] = []

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            raise SpecError(f"services: include cycle {' -> '.join((*trail, name))}")
        if name not in raw:
            raise SpecError(f"services/{trail[-1]}.yaml: include of '{name}', which is not there")
        for other in raw[name].get("include", []):
            visit(other, (*trail, name))
        if name not in order:
            order.append(name)

    for name in raw:
        visit(name, ())

    services = Services([], {}, {})
    for name in order:
        data = raw[name]
        where = f"services/{name}.yaml"
        _keys(where, data, {"doc", "include", "enums", "types"})
        file = ServiceFile(name, data.get("doc", ""), data.get("include", []))
        for enum_name, enum_data in (data.get("enums") or {}).items():
            _keys(f"{where}: {enum_name}", enum_data, {"doc", "values"})
            values = [EnumValue(str(v), (d or {}).get("cpp", str(v)), (d or {}).get("doc", "")) for v, d in enum_data["values"].items()]
            enum = Enum(enum_name, enum_data["doc"], values, name)
            services.enums[enum_name] = enum
            file.enums.append(enum)
        names = set(services.structs)
        for struct_name, struct_data in (data.get("types") or {}).items():
            _keys(f"{where}: {struct_name}", struct_data, {"doc", "fields", "root"})
            if struct_name in services.structs:
                raise SpecError(f"{where}: {struct_name} is there already")
            fields = [
                _field(f"{where}: {struct_name}.{f}", f, d, services.enums, names) for f, d in struct_data["fields"].items()
            ]
            struct = Struct(struct_name, struct_data["doc"], fields, name, struct_data.get("root", False))
            services.structs[struct_name] = struct
            names.add(struct_name)
            file.structs.append(struct)
        services.files.append(file)
    return services


def walk(t: Type) -> Iterator[Type]:
    yield t
    if t.item:
        yield from walk(t.item)
