"""From validated documents to values of their types. A plan is a function compiled once a type; where a document is the value already there is none."""

from __future__ import annotations

import base64
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import itertools
import json
import re
import sys
import typing
import uuid
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from . import _core
from ._responses import Problem
from ._schema import (
    _DICTS,
    _LISTS,
    _SETS,
    generic_of,
    hints_of,
    is_named_tuple,
    is_pydantic,
    is_pydantic_dataclass,
    is_struct,
    is_typed_dict,
    is_union,
    required_keys,
    substitute,
    unwrap,
)

Convert = Callable[[Any], Any]

_FRACTION = re.compile(r"(\.\d{6})\d+")


def _iso(text: str) -> str:
    """RFC 3339 as `fromisoformat` of 3.10 takes it: no Z, six digits, no leap second."""
    text = text.replace("z", "Z").replace("t", "T").replace(" ", "T")
    if text.endswith("Z"):
        text = text[:-1] + "+00:00"
    text = _FRACTION.sub(r"\1", text)
    if "." in text:
        head, _, tail = text.partition(".")
        digits = re.match(r"\d+", tail)
        if digits is not None and len(digits.group()) < 6:
            text = head + "." + digits.group().ljust(6, "0") + tail[digits.end() :]
    return text.replace(":60", ":59", 1) if re.search(r":\d\d:60", text) else text


def parse_datetime(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(_iso(text))


def parse_time(text: str) -> datetime.time:
    return datetime.time.fromisoformat(_iso("T" + text)[1:])


_DURATION = re.compile(r"P(?:(\d+)W|(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?)$", re.IGNORECASE)


def parse_duration(text: str) -> datetime.timedelta:
    """Years and months have no fixed length: a year is 365 days, a month 30."""
    match = _DURATION.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration")
    weeks, years, months, days, hours, minutes = (int(part or 0) for part in match.groups()[:6])
    return datetime.timedelta(days=weeks * 7 + years * 365 + months * 30 + days, hours=hours, minutes=minutes, seconds=float(match.group(7) or 0))


_SCALARS: dict[Any, tuple[str, Any]] = {
    datetime.datetime: ("_datetime", parse_datetime),
    datetime.date: ("_date", datetime.date.fromisoformat),
    datetime.time: ("_time", parse_time),
    datetime.timedelta: ("_timedelta", parse_duration),
    uuid.UUID: ("_uuid", uuid.UUID),
    decimal.Decimal: ("_decimal", decimal.Decimal),
    bytes: ("_bytes", base64.b64decode),
    set: ("set", set),
    frozenset: ("frozenset", frozenset),
    tuple: ("tuple", tuple),
}


def _constraint_error(error: Exception) -> Problem:
    """What a model's own validators refuse, as the core reports a bad body."""
    errors: list[dict[str, Any]] = []
    details = getattr(error, "errors", None)
    if callable(details):
        for item in json.loads(_core.dumps(details(include_url=False, include_context=False))):
            errors.append(
                {
                    "type": item.get("type", "validation_error"),
                    "loc": ["body", *(str(part) for part in item.get("loc", ()))],
                    "msg": item.get("msg", ""),
                    "input": item.get("input"),
                }
            )
    else:
        errors.append({"type": "validation_error", "loc": ["body"], "msg": str(error), "input": None})
    count = len(errors)
    return Problem(
        422,
        "Request Validation Failed",
        f"{count} validation error{'' if count == 1 else 's'} in request",
        type="validation-error",
        errors=errors,
    )


def _refused(error: ValueError) -> None:
    raise _constraint_error(error) from error


def _is_plain(kind: Any, fields: list[dataclasses.Field[Any]]) -> bool:
    """Whether the constructor only sets the fields: it is the one that `dataclass` generates, and nothing else has a say in an instance's making."""
    try:
        if type(kind).__call__ is not type.__call__ or kind.__new__ is not object.__new__ or hasattr(kind, "__post_init__"):
            return False
        if len(fields) != len(dataclasses.fields(kind)):
            return False
        frozen = kind.__dataclass_params__.frozen
        if kind.__setattr__ is not object.__setattr__ and not frozen:
            return False
        members: list[Any] = []
        for f in fields:
            if f.default is not dataclasses.MISSING:
                members.append((f.name, Any, dataclasses.field(default=None, kw_only=f.kw_only)))
            elif f.default_factory is not dataclasses.MISSING:
                members.append((f.name, Any, dataclasses.field(default_factory=list, kw_only=f.kw_only)))
            else:
                members.append((f.name, Any, dataclasses.field(kw_only=f.kw_only)))
        probe: Any = dataclasses.make_dataclass("Probe", members, frozen=frozen)
        ours, theirs = kind.__init__.__code__, probe.__init__.__code__
        return all(getattr(ours, part) == getattr(theirs, part) for part in ("co_code", "co_consts", "co_names", "co_varnames", "co_freevars"))
    except Exception:  # noqa: BLE001 - a class that cannot be told is constructed as it says
        return False


class Plans:
    """Compiles plans; types that mention each other share one."""

    def __init__(self) -> None:
        self._env: dict[str, Any] = {name: fn for name, fn in _SCALARS.values()}
        self._functions: dict[Any, str] = {}
        self._makers: dict[Any, Any] = {}
        self._counter = itertools.count()

    # -- what callers ask for

    def document(self, hint: Any) -> Convert | None:
        """For a JSON body: the value as JSON has it. Errors of constructors are the client's (422)."""
        convert = self._callable(hint, exact=True)
        if convert is None:
            return None

        def checked(value: Any) -> Any:
            try:
                return convert(value)
            except ValueError as error:
                raise _constraint_error(error) from error

        refusing = self._may_refuse(hint)
        plan = checked if refusing else convert
        native = self._native(hint)
        return plan if callable(native) else _core.Reader(native, plan, _refused if refusing else None)

    def value(self, hint: Any) -> Convert | None:
        """For plain data that is there already; what the type refuses is raised as it is."""
        return self._callable(hint, exact=True)

    def parameter(self, hint: Any) -> Convert | None:
        """For a parameter that was coerced from text to its schema's type."""
        return self._callable(hint, exact=False)

    def raw(self, hint: Any) -> Convert | None:
        """For a JSON body as bytes, where the type has a parser of its own (msgspec, pydantic)."""
        base, metadata = unwrap(hint)
        decode: Convert
        if metadata and not is_struct(base) and not is_pydantic(base):
            return None
        if is_struct(base):
            import msgspec

            decode = msgspec.json.Decoder(base).decode
        elif is_pydantic(base) or is_pydantic_dataclass(base):
            import pydantic

            decode = base.model_validate_json if is_pydantic(base) else pydantic.TypeAdapter(base).validate_json
        else:
            return None

        def checked(value: bytes) -> Any:
            if not value:
                return None
            try:
                return decode(value)
            except ValueError as error:
                raise _constraint_error(error) from error

        return checked

    # -- compilation

    def _may_refuse(self, hint: Any) -> bool:
        seen: set[Any] = set()

        def walk(item: Any) -> bool:
            base, _ = unwrap(item)
            try:
                if base in seen:
                    return False
                seen.add(base)
            except TypeError:
                return False
            kind, _ = generic_of(base)
            if is_struct(kind) or is_pydantic(kind) or is_pydantic_dataclass(kind):
                return True
            if isinstance(kind, type) and dataclasses.is_dataclass(kind):
                return hasattr(kind, "__post_init__") or any(walk(h) for h in hints_of(kind).values())
            if is_typed_dict(kind):
                return any(walk(h) for h in hints_of(kind).values())
            return any(walk(arg) for arg in get_args(base) if not isinstance(arg, (str, bytes, int)))

        return walk(hint)

    def _callable(self, hint: Any, *, exact: bool) -> Convert | None:
        base, _ = unwrap(hint)
        if not exact and base in (int, float, bool, str):
            return None
        expression = self._expression(hint, "v", exact)
        if expression is None:
            return None
        match = re.fullmatch(r"(\w+)\(v\)", expression)
        if match is not None and match.group(1) in self._env:
            return typing.cast(Convert, self._env[match.group(1)])
        return typing.cast(Convert, self._define("plan", ["v"], [f"return {expression}"]))

    def _native(self, hint: Any) -> Any:
        """How the extension makes a value of `hint` from the core's nodes: None as it stands, "int", "float", ("list", of what), ("some", what, or None),
        a Maker, or a function for everything that has no such form."""
        base, _ = unwrap(hint)
        if base is int:
            return "int"
        if base is float:
            return "float"
        if is_union(base):
            arms = get_args(base)
            others = [arm for arm in arms if arm is not type(None)]
            if len(others) == 1 and len(others) < len(arms):
                inner = self._native(others[0])
                return None if inner is None else ("some", inner)
        elif get_origin(base) in _LISTS and get_origin(base) is not collections.deque and get_args(base):
            inner = self._native(get_args(base)[0])
            return None if inner is None else ("list", inner)
        else:
            kind, variables = generic_of(base)
            if isinstance(kind, type) and dataclasses.is_dataclass(kind) and not is_pydantic_dataclass(kind) and not is_pydantic(kind):
                return self._maker(base, kind, variables)
        return self._callable(hint, exact=True)

    def _maker(self, hint: Any, kind: Any, variables: dict[Any, Any]) -> Any:
        known = self._makers.get(hint)
        if known is not None:
            return known
        plan = self._callable(hint, exact=True)
        fields = [f for f in dataclasses.fields(kind) if f.init]
        if plan is None or len(fields) > 64:
            return plan
        self._makers[hint] = maker = _core.Maker(kind, _is_plain(kind, fields), plan)
        hints = hints_of(kind)
        described: list[tuple[str, str, Any, int, Any]] = []
        keywords: list[str] = []
        for f in fields:
            if f.kw_only is True or keywords:
                keywords.append(f.name)
            native = self._native(substitute(hints[f.name], variables))
            missing, default = 0, None
            if f.default is not dataclasses.MISSING:
                missing, default = 1, f.default
            elif f.default_factory is not dataclasses.MISSING:
                missing, default = 2, f.default_factory
            described.append((f.name, f.metadata.get("name", f.name), native, missing, default))
        maker.fill(tuple(described), tuple(keywords) or None)
        return maker

    def _name(self, prefix: str) -> str:
        return f"_{re.sub(r'[^A-Za-z0-9_]', '_', prefix)}_{next(self._counter)}"

    def _keep(self, prefix: str, value: Any) -> str:
        name = self._name(prefix)
        self._env[name] = value
        return name

    def _define(self, prefix: str, arguments: list[str], body: list[str], name: str | None = None) -> Any:
        name = name or self._name(prefix)
        source = f"def {name}({', '.join(arguments)}):\n" + "".join(f"    {line}\n" for line in body)
        exec(compile(source, f"<spikard plan {prefix}>", "exec"), self._env)  # noqa: S102 - our own text
        return self._env[name]

    def _expression(self, hint: Any, value: str, exact: bool) -> str | None:
        """Python text that makes a value of `hint` from the JSON value `value` (an expression); None where it is it."""
        base, _ = unwrap(hint)
        if base is int and exact:
            x = self._name("x")
            return f"({x} if ({x} := {value}).__class__ is int else int({x}))"
        if base is float and exact:
            x = self._name("x")
            return f"({x} if ({x} := {value}).__class__ is float else float({x}))"
        try:
            if base in _SCALARS:
                return f"{_SCALARS[base][0]}({value})"
        except TypeError:
            pass
        if is_union(base):
            return self._union(base, value, exact)
        origin, args = get_origin(base), get_args(base)
        if origin is Literal:
            if any(isinstance(arg, enum.Enum) for arg in args):
                table = self._keep("literal", {(a.value if isinstance(a, enum.Enum) else a): a for a in args})
                return f"{table}[{value}]"
            return None
        kind, variables = generic_of(base)
        if isinstance(kind, type):
            if issubclass(kind, enum.Enum):
                table = self._keep(kind.__name__, {member.value: member for member in kind})
                return f"{table}[{value}]"
            if is_struct(kind):
                import msgspec

                return f"{self._keep(kind.__name__, lambda v, _t=kind: msgspec.convert(v, _t))}({value})"
            if is_pydantic(kind) or is_pydantic_dataclass(kind):
                import pydantic

                validate = pydantic.TypeAdapter(kind).validate_json
                return f"{self._keep(kind.__name__, lambda v, _f=validate: _f(_core.dumps(v)))}({value})"
            if dataclasses.is_dataclass(kind):
                return f"{self._dataclass(base, kind, variables)}({value})"
            if is_typed_dict(kind):
                function = self._typed_dict(base, kind, variables)
                return None if function is None else f"{function}({value})"
            if is_named_tuple(kind):
                hints = hints_of(kind)
                names = kind._fields  # type: ignore[attr-defined]
                return self._sequence(value, [hints.get(name, Any) for name in names], self._keep(kind.__name__, kind), exact, spread=True)
        if origin is not None:
            if origin in _LISTS:
                inner = self._each(args[0], value, exact) if args else None
                if origin is collections.deque:
                    return f"{self._keep('deque', collections.deque)}({inner or value})"
                return inner
            if origin in _SETS:
                name = "frozenset" if origin is frozenset else "set"
                return f"{name}({self._each(args[0], value, exact) or value})"
            if origin is tuple:
                if len(args) == 2 and args[1] is Ellipsis:
                    return f"tuple({self._each(args[0], value, exact) or value})"
                return self._sequence(value, list(args), "tuple", exact, spread=False)
            if origin in _DICTS and args:
                return self._mapping(args, value, exact)
        if isinstance(base, type) and base not in (str, int, float, bool, dict, list, object, type(None)):
            for builtin in (str, int, float):
                if issubclass(base, builtin):
                    return f"{self._keep(base.__name__, base)}({value})"
        return None

    def _each(self, hint: Any, value: str, exact: bool) -> str | None:
        item = self._name("i")
        inner = self._expression(hint, item, exact)
        if inner is None:
            return None
        if ":=" in inner:  # a comprehension may not bind in its own iterable; a function of its own keeps it plain
            function = self._define("item", [item], [f"return {inner}"]).__name__
            return f"[{function}({item}) for {item} in {value}]"
        return f"[{inner} for {item} in {value}]"

    def _sequence(self, value: str, hints: list[Any], make: str, exact: bool, *, spread: bool) -> str:
        source = self._name("s")
        parts = [self._expression(hint, f"{source}[{i}]", exact) or f"{source}[{i}]" for i, hint in enumerate(hints)]
        call = f"{make}({', '.join(parts)})" if spread else f"({', '.join(parts)}{',' if parts else ''})"
        function = self._define("sequence", [source], [f"return {call}"]).__name__
        return f"{function}({value})"

    def _mapping(self, args: tuple[Any, ...], value: str, exact: bool) -> str | None:
        key_name, item_name = self._name("k"), self._name("i")
        key_hint, _ = unwrap(args[0])
        key = f"int({key_name})" if key_hint is int else self._expression(args[0], key_name, exact)
        item = self._expression(args[1], item_name, exact)
        if key is None and item is None:
            return None
        body = f"return {{{key or key_name}: {item or item_name} for {key_name}, {item_name} in m.items()}}"
        if ":=" in body:
            loop = [f"    r[{key or key_name}] = {item or item_name}"]
            function = self._define("mapping", ["m"], ["r = {}", f"for {key_name}, {item_name} in m.items():", *loop, "return r"]).__name__
        else:
            function = self._define("mapping", ["m"], [body]).__name__
        return f"{function}({value})"

    def _dataclass(self, hint: Any, kind: Any, variables: dict[Any, Any]) -> str:
        known = self._functions.get(hint)
        if known is not None:
            return known
        name = self._name(kind.__name__)
        self._functions[hint] = name
        hints = hints_of(kind)
        arguments: list[str] = []
        keyword_only = False
        for field in dataclasses.fields(kind):
            if not field.init:
                continue
            key = repr(field.metadata.get("name", field.name))
            item = f"d[{key}]"
            part = self._expression(substitute(hints[field.name], variables), item, exact=True) or item
            if field.default is not dataclasses.MISSING:
                part = f"({part} if {key} in d else {self._keep('default', field.default)})"
            elif field.default_factory is not dataclasses.MISSING:
                part = f"({part} if {key} in d else {self._keep('factory', field.default_factory)}())"
            keyword_only = keyword_only or field.kw_only is True
            arguments.append(f"{field.name}={part}" if keyword_only else part)
        self._define(kind.__name__, ["d"], [f"return {self._keep(kind.__name__, kind)}({', '.join(arguments)})"], name)
        return name

    def _typed_dict(self, hint: Any, kind: Any, variables: dict[Any, Any]) -> str | None:
        known = self._functions.get(hint)
        if known is not None:
            return known
        name = self._name(kind.__name__)
        self._functions[hint] = name
        hints = hints_of(kind)
        required = required_keys(kind)
        lines: list[str] = []
        for key, item_hint in hints.items():
            part = self._expression(substitute(item_hint, variables), f"d[{key!r}]", exact=True)
            if part is None:
                continue
            line = f"d[{key!r}] = {part}"
            lines.append(line if key in required else f"if {key!r} in d: {line}")
        if not lines:
            del self._functions[hint]
            return None
        self._define(kind.__name__, ["d"], [*lines, "return d"], name)
        return name

    # -- unions: the first arm whose shape the value has

    def _union(self, hint: Any, value: str, exact: bool) -> str | None:
        arms = get_args(hint)
        others = [arm for arm in arms if arm is not type(None)]
        if len(others) == 1 and len(others) < len(arms):
            function = self._callable(others[0], exact=exact)
            if function is None:
                return None
            x = self._name("x")
            return f"(None if ({x} := {value}) is None else {self._keep('some', function)}({x}))"
        cases: list[tuple[Callable[[Any], bool], Convert | None]] = [(self._shape(arm), self._callable(arm, exact=exact)) for arm in arms]
        if all(convert is None for _, convert in cases):
            return None

        def choose(document: Any) -> Any:
            last: ValueError | None = None
            for fits, convert in cases:
                if fits(document):
                    if convert is None:
                        return document
                    try:
                        return convert(document)
                    except ValueError as error:
                        last = error
            if last is not None:
                raise last
            return document

        return f"{self._keep('union', choose)}({value})"

    def _shape(self, hint: Any) -> Callable[[Any], bool]:
        base, _ = unwrap(hint)
        kind, _ = generic_of(base)
        if base is type(None):
            return lambda v: v is None
        if base is bool:
            return lambda v: isinstance(v, bool)
        if base is int:
            return lambda v: isinstance(v, int) and not isinstance(v, bool) or isinstance(v, float) and v.is_integer()
        if base is float:
            return lambda v: isinstance(v, (int, float)) and not isinstance(v, bool)
        if get_origin(base) is Literal:
            values = [a.value if isinstance(a, enum.Enum) else a for a in get_args(base)]
            return lambda v: any(v == a and type(v) is type(a) for a in values)
        if isinstance(kind, type):
            if issubclass(kind, enum.Enum):
                known = [member.value for member in kind]
                return lambda v: v in known
            if dataclasses.is_dataclass(kind) or is_typed_dict(kind):
                return self._object_shape(kind)
            if is_struct(kind) or is_pydantic(kind):
                return lambda v: isinstance(v, dict)
            if kind in _SCALARS and kind not in (set, frozenset, tuple) or issubclass(kind, str):
                return lambda v: isinstance(v, str)
        origin = get_origin(base) or base
        if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
            return lambda v: isinstance(v, dict)
        if isinstance(origin, type) and issubclass(origin, collections.abc.Iterable):
            return lambda v: isinstance(v, list)
        return lambda v: True

    def _object_shape(self, kind: Any) -> Callable[[Any], bool]:
        hints = hints_of(kind)
        if dataclasses.is_dataclass(kind):
            fields = [f for f in dataclasses.fields(kind) if f.init]
            names = {f.metadata.get("name", f.name): f.name for f in fields}
            required = {
                f.metadata.get("name", f.name) for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
            }
        else:
            names = {name: name for name in hints}
            required = set(required_keys(kind))
        tags = {}
        for key, name in names.items():
            base, _ = unwrap(hints[name])
            if get_origin(base) is Literal:
                tags[key] = get_args(base)
        only = getattr(kind, "__closed__", None) is True

        def fits(value: Any) -> bool:
            if not isinstance(value, dict) or not required <= value.keys() or only and not value.keys() <= names.keys():
                return False
            return all(key not in value or value[key] in allowed for key, allowed in tags.items())

        return fits


assert sys.version_info >= (3, 10)
