"""JSON Schema 2020-12 from type hints."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import re
import sys
import types
import typing
import uuid
from typing import Any, Literal, Union, get_args, get_origin

from ._errors import ConfigError
from .params import Marker, constraints_of

Schema = "dict[str, Any]"

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    None: {"type": "null"},
    Any: {},
    object: {},
    bytes: {
        "type": "string",
        "contentEncoding": "base64",
        "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    },
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.time: {"type": "string", "format": "time"},
    datetime.timedelta: {"type": "string", "format": "duration"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    decimal.Decimal: {"type": "string", "format": "decimal", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
    list: {"type": "array"},
    tuple: {"type": "array"},
    set: {"type": "array", "uniqueItems": True},
    frozenset: {"type": "array", "uniqueItems": True},
    dict: {"type": "object"},
}

_KEYWORDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
    "format": "format",
    "title": "title",
    "description": "description",
    "examples": "examples",
    "unique": "uniqueItems",
}

_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection, collections.abc.MutableSequence, collections.deque)
_SETS = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)
_DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping, collections.OrderedDict, collections.defaultdict)


def unwrap(hint: Any) -> tuple[Any, list[Any]]:
    """The type behind Annotated, NewType, Required, Final and `type X = ...`, with all their metadata, innermost first."""
    metadata: list[Any] = []
    while True:
        origin = get_origin(hint)
        if origin is typing.Annotated:
            args = get_args(hint)
            metadata = [*args[1:], *metadata]
            hint = args[0]
        elif getattr(origin, "__name__", None) in ("Required", "NotRequired", "ReadOnly") or origin in (typing.Final, typing.ClassVar):
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        elif type(origin).__name__ == "TypeAliasType":
            hint = substitute(origin.__value__, dict(zip(origin.__type_params__, get_args(hint))))
        elif isinstance(hint, typing.TypeVar):
            hint = hint.__bound__ if hint.__bound__ is not None else Union[hint.__constraints__] if hint.__constraints__ else Any
        else:
            return hint, metadata


def is_union(hint: Any) -> bool:
    origin = get_origin(hint)
    return origin is Union or origin is types.UnionType


def is_typed_dict(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, dict) and hasattr(hint, "__total__") and hasattr(hint, "__required_keys__")


def is_named_tuple(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


def is_struct(hint: Any) -> bool:
    """A msgspec Struct."""
    return isinstance(hint, type) and hasattr(hint, "__struct_fields__") and hasattr(hint, "__struct_config__")


def is_pydantic(hint: Any) -> bool:
    return isinstance(hint, type) and hasattr(hint, "__pydantic_validator__") and hasattr(hint, "model_json_schema")


def is_pydantic_dataclass(hint: Any) -> bool:
    return isinstance(hint, type) and hasattr(hint, "__pydantic_validator__") and dataclasses.is_dataclass(hint)


def is_structured(hint: Any) -> bool:
    """What FastAPI would take from the body: not a scalar."""
    hint, _ = unwrap(hint)
    if is_union(hint):
        return any(is_structured(arm) for arm in get_args(hint))
    origin = get_origin(hint) or hint
    if not isinstance(origin, type):
        return False
    if issubclass(origin, (str, int, float, bytes, enum.Enum)) or origin in _PLAIN and _PLAIN[origin].get("type") not in ("array", "object"):
        return False
    return True


def substitute(hint: Any, mapping: dict[Any, Any]) -> Any:
    """`hint` with type variables replaced."""
    if not mapping:
        return hint
    if isinstance(hint, typing.TypeVar):
        return mapping.get(hint, hint)
    args = get_args(hint)
    if not args or get_origin(hint) is Literal:
        return hint
    new = tuple(substitute(arg, mapping) if not isinstance(arg, list) else arg for arg in args)
    if new == args:
        return hint
    if get_origin(hint) is typing.Annotated:
        return typing.Annotated.__class_getitem__(new)  # type: ignore[attr-defined,unused-ignore]
    if is_union(hint):
        return Union[new]
    return hint.copy_with(new) if hasattr(hint, "copy_with") else get_origin(hint)[new]


def generic_of(hint: Any) -> tuple[Any, dict[Any, Any]]:
    """`Page[Item]` as Page and what its variables are."""
    origin = get_origin(hint)
    if isinstance(origin, type) and (dataclasses.is_dataclass(origin) or is_typed_dict(origin)):
        return origin, dict(zip(getattr(origin, "__parameters__", ()), get_args(hint)))
    return hint, {}


def hints_of(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise ConfigError(f"{kind.__qualname__}: {error}; types of fields must be names of its module") from error


def jsonable(value: Any) -> bool:
    """A default that a schema can state as it stands."""
    if value is None or isinstance(value, (bool, int, str)) and not isinstance(value, enum.Enum):
        return True
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    if type(value) in (list, tuple):
        return all(jsonable(item) for item in value)
    if type(value) is dict:
        return all(isinstance(key, str) and jsonable(item) for key, item in value.items())
    return False


class Schemas:
    """Derives the schema of one document; named types go to `$defs`."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self._names: dict[Any, str] = {}

    def document(self, hint: Any) -> dict[str, Any]:
        """A schema that stands alone."""
        schema = self.of(hint)
        if self.definitions:
            if schema.keys() == {"$ref"}:
                # Its own members at the root where nothing points back to it: shorter, and the same.
                name = schema["$ref"].rsplit("/", 1)[1]
                if not _mentions(self.definitions, schema["$ref"]):
                    schema = self.definitions.pop(name)
            if self.definitions:
                schema = {**schema, "$defs": self.definitions}
        return schema

    def of(self, hint: Any) -> dict[str, Any]:
        base, metadata = unwrap(hint)
        schema = self._base(base)
        for item in metadata:
            schema = constrain(schema, constraints_of(item))
        return schema

    def _named(self, hint: Any, kind: type, make: typing.Callable[[], dict[str, Any]]) -> dict[str, Any]:
        name = self._names.get(hint)
        if name is None:
            name = re.sub(r"[^A-Za-z0-9_.-]", "_", kind.__name__)
            while name in self.definitions:
                name += "_"
            self._names[hint] = name
            self.definitions[name] = {}
            self.definitions[name] = make()
        return {"$ref": f"#/$defs/{name}"}

    def _base(self, hint: Any) -> dict[str, Any]:
        try:
            if hint in _PLAIN:
                return dict(_PLAIN[hint])
        except TypeError:
            pass
        if is_union(hint):
            return self._union(get_args(hint))
        origin, args = get_origin(hint), get_args(hint)
        if origin is Literal:
            return _enumeration([value.value if isinstance(value, enum.Enum) else value for value in args])
        kind, variables = generic_of(hint)
        if isinstance(kind, type):
            if issubclass(kind, enum.Enum):
                return _enumeration([member.value for member in kind])
            if is_struct(kind):
                return self._struct(kind)
            if is_pydantic(kind):
                return self._merge(kind.model_json_schema(ref_template="#/$defs/{model}"), kind)  # type: ignore[attr-defined]
            if is_pydantic_dataclass(kind):
                import pydantic

                return self._merge(pydantic.TypeAdapter(kind).json_schema(ref_template="#/$defs/{model}"), kind)
            if dataclasses.is_dataclass(kind):
                return self._named(hint, kind, lambda: self._dataclass(kind, variables))
            if is_typed_dict(kind):
                return self._named(hint, kind, lambda: self._typed_dict(kind, variables))
            if is_named_tuple(kind):
                return self._tuple([hints_of(kind).get(name, Any) for name in kind._fields])  # type: ignore[attr-defined]
        if origin is not None:
            if origin in _LISTS:
                return {"type": "array", "items": self.of(args[0])} if args else {"type": "array"}
            if origin in _SETS:
                return {"type": "array", "items": self.of(args[0]), "uniqueItems": True}
            if origin is tuple:
                if len(args) == 2 and args[1] is Ellipsis:
                    return {"type": "array", "items": self.of(args[0])}
                return self._tuple([] if args == ((),) else list(args))
            if origin in _DICTS:
                return self._mapping(args)
        if isinstance(hint, type):
            for base in (bool, int, float, str):  # subclasses of builtins are their base in JSON
                if issubclass(hint, base):
                    return dict(_PLAIN[base])
            if issubclass(hint, _DICTS):
                return {"type": "object"}
            if issubclass(hint, (*_LISTS, *_SETS)):
                return {"type": "array"}
        raise ConfigError(
            f"{getattr(hint, '__qualname__', hint)!s}: no JSON Schema is known for this type; expected a builtin, dataclass, TypedDict, NamedTuple, "
            "Enum, Literal, datetime, UUID, Decimal, msgspec Struct or pydantic model"
        )

    def _union(self, args: tuple[Any, ...]) -> dict[str, Any]:
        arms = [self.of(arm) for arm in args]
        nullable = {"type": "null"} in arms
        arms = [arm for arm in arms if arm != {"type": "null"}]
        if len(arms) == 1 and nullable:
            arm = arms[0]
            if not arm:
                return {}
            if isinstance(arm.get("type"), str) and "enum" not in arm:
                return {**arm, "type": [arm["type"], "null"]}
            if "enum" in arm and isinstance(arm.get("type"), str):
                return {**arm, "type": [arm["type"], "null"], "enum": [*arm["enum"], None]}
            return {"anyOf": [arm, {"type": "null"}]}
        if all(arm.keys() == {"type"} and isinstance(arm["type"], str) for arm in arms):
            names = [arm["type"] for arm in arms]
            if "number" in names and "integer" in names:
                names.remove("integer")
            names = list(dict.fromkeys(names)) + (["null"] if nullable else [])
            return {"type": names if len(names) > 1 else names[0]}
        return {"anyOf": arms + ([{"type": "null"}] if nullable else [])}

    def _tuple(self, args: list[Any]) -> dict[str, Any]:
        return {"type": "array", "prefixItems": [self.of(arg) for arg in args], "items": False, "minItems": len(args)}

    def _mapping(self, args: tuple[Any, ...]) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object"}
        if not args:
            return schema
        key, _ = unwrap(args[0])
        if key is int:
            schema["propertyNames"] = {"pattern": "^-?[0-9]+$"}
        elif key is not str and key is not Any:
            names = self.of(args[0])
            if names != {"type": "string"}:
                schema["propertyNames"] = names
        elif self.of(args[0]) not in ({"type": "string"}, {}):
            schema["propertyNames"] = self.of(args[0])
        values = self.of(args[1])
        if values:
            schema["additionalProperties"] = values
        return schema

    def _object(self, kind: type, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if getattr(kind, "__closed__", None) is True:
            schema["additionalProperties"] = False
        return schema

    def _dataclass(self, kind: Any, variables: dict[Any, Any]) -> dict[str, Any]:
        hints = hints_of(kind)
        properties: dict[str, Any] = {}
        required: list[str] = []
        for item in dataclasses.fields(kind):
            if not item.init:
                continue
            name = item.metadata.get("name", item.name)
            schema = self.of(substitute(hints[item.name], variables))
            constraints = {key: value for key, value in item.metadata.items() if key in _KEYWORDS or key in ("min_length", "max_length")}
            schema = constrain(schema, constraints)
            if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
                required.append(name)
            elif item.default is not dataclasses.MISSING:
                default = item.default.value if isinstance(item.default, enum.Enum) else item.default
                if jsonable(default):
                    schema = {**schema, "default": default}
            properties[name] = schema
        return self._object(kind, properties, required)

    def _typed_dict(self, kind: Any, variables: dict[Any, Any]) -> dict[str, Any]:
        hints = hints_of(kind)
        properties = {name: self.of(substitute(hint, variables)) for name, hint in hints.items()}
        return self._object(kind, properties, [name for name in hints if name in required_keys(kind)])

    def _struct(self, kind: Any) -> dict[str, Any]:
        import msgspec

        (schema,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
        return self._merge({**schema, "$defs": components}, kind)

    def _merge(self, schema: dict[str, Any], kind: type) -> dict[str, Any]:
        """A foreign schema, its definitions moved to ours."""
        for name, definition in schema.pop("$defs", {}).items():
            self.definitions[name] = definition
        if "$ref" in schema and len(schema) == 1:
            return schema
        return self._named(kind, kind, lambda: schema)


def required_keys(kind: Any) -> frozenset[str]:
    """Of a TypedDict; with postponed annotations the class itself does not know its Required and NotRequired."""
    required = set(kind.__required_keys__)
    for base in kind.__mro__ if hasattr(kind, "__mro__") else (kind,):
        for name, hint in getattr(base, "__annotations__", {}).items():
            text = hint if isinstance(hint, str) else getattr(hint, "__forward_arg__", "")
            if re.match(r"^(typing\.|t\.|typing_extensions\.)?NotRequired\[", text):
                required.discard(name)
            elif re.match(r"^(typing\.|t\.|typing_extensions\.)?Required\[", text):
                required.add(name)
    return frozenset(required)


def _mentions(value: Any, reference: str) -> bool:
    if isinstance(value, dict):
        return value.get("$ref") == reference or any(_mentions(item, reference) for item in value.values())
    if isinstance(value, list):
        return any(_mentions(item, reference) for item in value)
    return False


def _enumeration(values: list[Any]) -> dict[str, Any]:
    kinds = {
        "boolean" if isinstance(v, bool) else "integer" if isinstance(v, int) else "number" if isinstance(v, float) else "string" if isinstance(v, str) else ""
        for v in values
    }
    if len(kinds) == 1 and kinds != {""}:
        return {"type": kinds.pop(), "enum": values}
    return {"enum": values}


def _types(schema: dict[str, Any]) -> set[str]:
    kind = schema.get("type")
    return {kind} if isinstance(kind, str) else set(kind) if isinstance(kind, list) else set()


def constrain(schema: dict[str, Any], constraints: dict[str, Any]) -> dict[str, Any]:
    """`schema` with more asked of its values."""
    if not constraints:
        return schema
    if "anyOf" in schema and "type" not in schema:
        return {**schema, "anyOf": [arm if arm == {"type": "null"} else constrain(arm, constraints) for arm in schema["anyOf"]]}
    if schema.keys() == {"$ref"} and set(constraints) <= {"title", "description", "examples"}:
        return {**schema, **constraints}
    out = dict(schema)
    kinds = _types(schema)
    for key, value in constraints.items():
        if key in ("min_length", "max_length"):
            side = key[:3]
            keyword = side + ("Items" if "array" in kinds else "Properties" if "object" in kinds else "Length")
            out[keyword] = value
        elif key == "unique":
            out["uniqueItems"] = bool(value)
        elif key in _KEYWORDS:
            out[_KEYWORDS[key]] = float(value) if isinstance(value, decimal.Decimal) else value
    return out


def document(hint: Any) -> dict[str, Any]:
    """The JSON Schema of a type, as a document that stands alone."""
    return Schemas().document(hint)


__all__ = ["ConfigError", "Marker", "Schemas", "constrain", "document", "jsonable", "unwrap"]

assert sys.version_info >= (3, 10)
