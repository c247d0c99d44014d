"""The model of the port: constants, layouts, functions, events, commands, operations, errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model import INT_RANGES, Field, SpecError, _field, _keys, load

LIFECYCLES = ("unstable", "stable", "deprecated")
PRIMITIVES = {
    **{name: (f"{name}_t", int(name.strip("uint")) // 8) for name in INT_RANGES},
    "pointer": ("const void *", 8),
    "spk_id": ("spk_id", 8),
    "node_union": ("union { int64_t i; double f; uint64_t off; }", 8),
}


@dataclass
class Number:
    name: str
    id: int
    doc: str = ""


@dataclass
class ConstantGroup:
    doc: str
    prefix: str
    flags: bool
    values: list[Number]


@dataclass
class LayoutField:
    name: str
    c_type: str
    offset: int
    size: int
    doc: str


@dataclass
class Layout:
    name: str
    doc: str
    size: int
    fields: list[LayoutField]


@dataclass
class Param:
    name: str
    type: str
    doc: str

    @property
    def declaration(self) -> str:
        return f"{self.type}{'' if self.type.endswith('*') else ' '}{self.name}"


@dataclass
class Function:
    name: str
    returns: str
    doc: str
    thread: str
    lifecycle: str
    params: list[Param]
    errors: list[str]

    @property
    def declaration(self) -> str:
        params = ", ".join(p.declaration for p in self.params) or "void"
        return f"{self.returns} {self.name}({params})"


@dataclass
class Event:
    name: str
    id: int
    doc: str
    lifecycle: str
    record: str = ""
    owed: str = ""
    final: bool = False


@dataclass
class Operation:
    name: str
    id: int
    doc: str
    lifecycle: str
    args: list[Field]
    result: list[Field]
    errors: list[str]
    stream: str = ""  # in: its last argument is chunks of bytes; out: its result is
    now: bool = False  # completes at once, on any thread

    @property
    def method(self) -> str:
        return self.name.split(".", 1)[1]

    @property
    def constant(self) -> str:
        return self.name.replace(".", "_")


@dataclass
class OperationGroup:
    name: str
    doc: str
    operations: list[Operation]

    @property
    def has_client(self) -> bool:
        """Those below 32 are the port's own."""
        return any(o.id >= 32 for o in self.operations)


@dataclass
class ErrorKind:
    name: str
    id: int
    retry: str
    doc: str


@dataclass
class Detail:
    name: str
    kind: str
    doc: str


@dataclass
class Errors:
    retry: list[Number]
    kinds: list[ErrorKind]
    details: dict[str, list[Detail]]


@dataclass
class Abi:
    abi: int
    version: str
    doc: str
    constants: list[ConstantGroup]
    defines: dict[str, dict[str, str]]
    layouts: list[Layout]
    functions: list[Function]
    events: list[Event]
    commands: list[Event]
    groups: list[OperationGroup] = field(default_factory=list)

    @property
    def operations(self) -> list[Operation]:
        return sorted((o for g in self.groups for o in g.operations), key=lambda o: o.id)

    def group(self, prefix: str) -> ConstantGroup:
        return next(g for g in self.constants if g.prefix == prefix)


def _unique(where: str, items: list[Any]) -> None:
    seen: dict[int, str] = {}
    for item in items:
        if item.id in seen:
            raise SpecError(f"{where}: {item.name} and {seen[item.id]} have the same number {item.id}")
        seen[item.id] = item.name


def _lifecycle(where: str, data: dict[str, Any]) -> str:
    value = data.get("lifecycle", "")
    if value not in LIFECYCLES:
        raise SpecError(f"{where}: lifecycle must be one of {', '.join(LIFECYCLES)}")
    return str(value)


def _layout(name: str, data: dict[str, Any], known: dict[str, Layout]) -> Layout:
    where = f"abi/abi.yaml: {name}"
    offset, widest, fields = 0, 1, []
    for field_name, f in data["fields"].items():
        if f["type"] in PRIMITIVES:
            c_type, size = PRIMITIVES[f["type"]]
            align = size
        elif f["type"] in known:
            c_type, size = f["type"], known[f["type"]].size
            align = 4 if f["type"] in ("spk_view", "spk_pair") else 8
        else:
            raise SpecError(f"{where}.{field_name}: unknown type '{f['type']}'")
        if offset % align:
            raise SpecError(f"{where}.{field_name}: at offset {offset} it would be padded; say what fills the gap")
        fields.append(LayoutField(field_name, c_type, offset, size, f.get("doc", "")))
        offset += size
        widest = max(widest, align)
    if offset != data["size"] or offset % widest:
        raise SpecError(f"{where}: the fields take {offset} bytes, size says {data['size']}")
    return Layout(name, data["doc"], offset, fields)


def load_errors(path: Path) -> Errors:
    data = load(path)
    retry = [Number(n, d["id"], d["doc"]) for n, d in data["retry"].items()]
    kinds = [ErrorKind(n, d["id"], d["retry"], d["doc"]) for n, d in data["kinds"].items()]
    _unique(path.name, kinds)
    names = {k.name for k in kinds}
    for kind in kinds:
        if kind.retry not in {r.name for r in retry}:
            raise SpecError(f"{path.name}: {kind.name}: unknown retry class '{kind.retry}'")
    details: dict[str, list[Detail]] = {}
    for group, values in (data.get("details") or {}).items():
        details[group] = [Detail(n, d["kind"], d["doc"]) for n, d in values.items()]
        for detail in details[group]:
            if detail.kind not in names:
                raise SpecError(f"{path.name}: {group}.{detail.name}: unknown kind '{detail.kind}'")
    return Errors(retry, kinds, details)


def load_abi(spec: Path, errors: Errors) -> Abi:
    data = load(spec / "abi" / "abi.yaml")
    constants = []
    for group in data["constants"]:
        numbers = [Number(n, d["id"], d.get("doc", "")) for n, d in group["values"].items()]
        _unique("abi/abi.yaml", numbers)
        constants.append(ConstantGroup(group["doc"], group["prefix"], group.get("flags", False), numbers))
    layouts: dict[str, Layout] = {}
    for name, layout in data["layouts"].items():
        layouts[name] = _layout(name, layout, layouts)

    codes = {n.name for g in constants if g.prefix == "E_" for n in g.values}
    functions = []
    for name, f in load(spec / "abi" / "functions.yaml")["functions"].items():
        where = f"abi/functions.yaml: {name}"
        _keys(where, f, {"lifecycle", "returns", "doc", "thread", "params", "errors"})
        for key in ("returns", "doc", "thread"):
            if not f.get(key):
                raise SpecError(f"{where}: no {key}")
        params = [Param(p, d["type"], d["doc"]) for p, d in (f.get("params") or {}).items()]
        for p in params:
            if "*" in p.type and not p.doc:
                raise SpecError(f"{where}.{p.name}: a pointer without its lifetime")
        for code in f.get("errors", []):
            if code not in codes:
                raise SpecError(f"{where}: unknown error '{code}'")
        functions.append(Function(name, f["returns"], f["doc"], f["thread"], _lifecycle(where, f), params, f.get("errors", [])))

    ports: dict[str, list[Event]] = {}
    raw = load(spec / "events.yaml")
    for section in ("events", "commands"):
        ports[section] = []
        for name, e in raw[section].items():
            where = f"events.yaml: {name}"
            _keys(where, e, {"id", "lifecycle", "record", "owed", "final", "doc"})
            if e.get("record") and e["record"] not in layouts:
                raise SpecError(f"{where}: unknown record '{e['record']}'")
            ports[section].append(Event(name, e["id"], e["doc"], _lifecycle(where, e), e.get("record", ""), e.get("owed", ""), e.get("final", False)))
        _unique("events.yaml", ports[section])

    kinds = {k.name for k in errors.kinds}
    abi = Abi(data["abi"], data["version"], data["doc"], constants, data["defines"], list(layouts.values()), functions, ports["events"], ports["commands"])
    for path in sorted((spec / "operations").glob("*.yaml")):
        raw = load(path)
        group = OperationGroup(path.stem, raw["doc"], [])
        for name, o in raw["operations"].items():
            where = f"operations/{path.name}: {name}"
            _keys(where, o, {"id", "lifecycle", "doc", "args", "result", "errors", "stream", "now"})
            if o.get("stream", "in") not in ("in", "out"):
                raise SpecError(f"{where}: stream must be in or out")
            for kind in o.get("errors", []):
                if kind not in kinds:
                    raise SpecError(f"{where}: unknown error kind '{kind}'")
            if not name.startswith(f"{path.stem}."):
                raise SpecError(f"{where}: an operation's name begins with its file's")
            args = [_field(f"{where}.{a}", a, d, {}, set(), True) for a, d in (o.get("args") or {}).items()]
            for a in args:
                a.clash = a.name.endswith("_ms") and a.name.removesuffix("_ms") in [b.name for b in args]
            result = [_field(f"{where}.{a}", a, d, {}, set(), True) for a, d in (o.get("result") or {}).items()]
            operation = Operation(name, o["id"], o["doc"], _lifecycle(where, o), args, result, o.get("errors", []), o.get("stream", ""), o.get("now", False))
            group.operations.append(operation)
        abi.groups.append(group)
    _unique("operations", abi.operations)
    return abi
