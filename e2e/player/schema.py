"""The part of JSON Schema 2020-12 that fixture.schema.json uses; a keyword beyond it is an error, not a pass."""
from __future__ import annotations

import re
from typing import Any, Callable

from .jsonio import is_number, pointer

_KNOWN = {
    "$schema", "$id", "title", "description", "default", "contentEncoding", "$defs",
    "$ref", "type", "const", "enum", "required", "properties", "patternProperties", "additionalProperties", "minProperties",
    "maxProperties", "items", "prefixItems", "minItems", "maxItems", "minLength", "pattern", "minimum", "maximum", "oneOf", "allOf", "if", "then",
}
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict), "array": lambda v: isinstance(v, list), "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool), "null": lambda v: v is None, "number": is_number,
    "integer": lambda v: is_number(v) and (isinstance(v, int) or v.is_integer()),
}


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    return bool(a == b)


class Schema:
    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root

    def errors(self, value: Any) -> list[str]:
        """One line a fault; empty: it fits."""
        out: list[str] = []
        self._check(self.root, value, "", out)
        return out

    def _fits(self, schema: Any, value: Any) -> bool:
        out: list[str] = []
        self._check(schema, value, "", out)
        return not out

    def _check(self, s: Any, v: Any, at: str, out: list[str]) -> None:
        if s is True:
            return
        if s is False:
            out.append(f"{at or '/'}: nothing is allowed here")
            return
        for key in s:
            if key not in _KNOWN:
                raise NotImplementedError(f"fixture.schema.json uses the keyword {key!r}, which player/schema.py does not know")

        def no(what: str) -> None:
            out.append(f"{at or '/'}: {what}")

        if "$ref" in s:
            self._check(pointer(self.root, s["$ref"].removeprefix("#")), v, at, out)
        if "type" in s:
            types = s["type"] if isinstance(s["type"], list) else [s["type"]]
            if not any(_TYPES[t](v) for t in types):
                no(f"should be {' or '.join(types)}")
        if "const" in s and not equal(s["const"], v):
            no(f"should be {s['const']!r}")
        if "enum" in s and not any(equal(e, v) for e in s["enum"]):
            no(f"{v!r} is none of {s['enum']}")
        if isinstance(v, str):
            if len(v) < s.get("minLength", 0):
                no("is too short")
            if "pattern" in s and not re.search(s["pattern"], v):
                no(f"{v!r} does not match {s['pattern']}")
        if is_number(v):
            if "minimum" in s and v < s["minimum"]:
                no(f"is under {s['minimum']}")
            if "maximum" in s and v > s["maximum"]:
                no(f"is over {s['maximum']}")
        if isinstance(v, list):
            if len(v) < s.get("minItems", 0) or len(v) > s.get("maxItems", len(v)):
                no(f"has {len(v)} items")
            prefix = s.get("prefixItems", [])
            for i, item in enumerate(v):
                if i < len(prefix):
                    self._check(prefix[i], item, f"{at}/{i}", out)
                elif "items" in s:
                    self._check(s["items"], item, f"{at}/{i}", out)
        if isinstance(v, dict):
            if len(v) < s.get("minProperties", 0) or len(v) > s.get("maxProperties", len(v)):
                no(f"has {len(v)} members")
            for name in s.get("required", []):
                if name not in v:
                    no(f"lacks {name!r}")
            for name, member in v.items():
                known = False
                if name in s.get("properties", {}):
                    known = True
                    self._check(s["properties"][name], member, f"{at}/{name}", out)
                for pattern, sub in s.get("patternProperties", {}).items():
                    if re.search(pattern, name):
                        known = True
                        self._check(sub, member, f"{at}/{name}", out)
                if not known and "additionalProperties" in s:
                    if s["additionalProperties"] is False:
                        no(f"unknown key {name!r}")
                    else:
                        self._check(s["additionalProperties"], member, f"{at}/{name}", out)
        for sub in s.get("allOf", []):
            self._check(sub, v, at, out)
        if "if" in s and "then" in s and self._fits(s["if"], v):
            self._check(s["then"], v, at, out)
        if "oneOf" in s:
            fitting = [sub for sub in s["oneOf"] if self._fits(sub, v)]
            if len(fitting) != 1:
                no(f"fits {len(fitting)} of the {len(s['oneOf'])} forms" + self._why(s["oneOf"], v))

    def _why(self, forms: list[Any], v: Any) -> str:
        """For objects told apart by `kind`: what is wrong with the form that has that kind."""
        if isinstance(v, dict):
            for sub in forms:
                kind = sub.get("properties", {}).get("kind", {}).get("const") if isinstance(sub, dict) else None
                if kind is not None and kind == v.get("kind"):
                    out: list[str] = []
                    self._check(sub, v, "", out)
                    return f" ({'; '.join(out)})"
        return ""
