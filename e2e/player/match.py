"""Compares an answer's parts with what a fixture expects. Every function returns None, or one line that says what differs."""
from __future__ import annotations

import re
from typing import Any, Callable

from . import jsonio

_UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict), "array": lambda v: isinstance(v, list), "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool), "null": lambda v: v is None, "number": jsonio.is_number,
    "integer": lambda v: jsonio.is_number(v) and (isinstance(v, int) or v.is_integer()),
}


def show(value: Any) -> str:
    text = jsonio.dumps(value) if not isinstance(value, (bytes, set)) else repr(value)
    return text if len(text) <= 300 else text[:297] + "..."


def search(pattern: str, text: str) -> bool:
    """ECMA-262 reading of the few things that Python reads otherwise: `$` is the very end, `\\d` and `\\w` are ASCII."""
    out, i, in_class = [], 0, False
    while i < len(pattern):
        c = pattern[i]
        if c == "\\":
            out.append(pattern[i:i + 2])
            i += 2
            continue
        if c == "[":
            in_class = True
        elif c == "]":
            in_class = False
        if c == "$" and not in_class:
            out.append(r"\Z")
        elif pattern.startswith("(?<", i) and pattern[i + 3:i + 4] not in ("=", "!") and not in_class:
            out.append("(?P<")
            i += 3
            continue
        else:
            out.append(c)
        i += 1
    return re.search("".join(out), text, re.ASCII) is not None


def json(want: Any, got: Any, subset: bool = False, at: str = "") -> str | None:
    """Equal JSON, with the matchers of README.md section 1. `subset`: members of objects may be missing in `want`."""
    here = at or "/"
    if isinstance(want, dict) and len(want) == 1:
        key, arg = next(iter(want.items()))
        if key == "$any":
            return None
        if key == "$type":
            types = arg if isinstance(arg, list) else [arg]
            return None if any(_TYPES[t](got) for t in types) else f"{here}: {show(got)} is not of type {arg}"
        if key == "$uuid":
            return None if isinstance(got, str) and _UUID.fullmatch(got) else f"{here}: {show(got)} is not a UUID"
        if key == "$regex":
            return None if isinstance(got, str) and search(arg, got) else f"{here}: {show(got)} does not match {arg}"
        if key == "$not":
            return f"{here}: {show(got)} is what it should not be" if json(arg, got, subset) is None else None
        if key == "$unordered":
            if not isinstance(got, list):
                return f"{here}: {show(got)} is not an array"
            why = as_set(arg, got, lambda w, g: json(w, g, subset) is None)
            return f"{here}: {why}" if why else None
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return f"{here}: wanted {show(want)}, got {show(got)}"
        for k, v in want.items():
            if k not in got:
                return f"{at}/{k}: is not there, wanted {show(v)}"
            if why := json(v, got[k], subset, f"{at}/{k}"):
                return why
        if not subset:
            for k in got:
                if k not in want:
                    return f"{at}/{k}: should not be there ({show(got[k])})"
        return None
    if isinstance(want, list):
        if not isinstance(got, list):
            return f"{here}: wanted {show(want)}, got {show(got)}"
        if len(want) != len(got):
            return f"{here}: wanted {len(want)} items, got {len(got)}: {show(got)}"
        for i, (w, g) in enumerate(zip(want, got)):
            if why := json(w, g, subset, f"{at}/{i}"):
                return why
        return None
    if jsonio.is_number(want):
        same = jsonio.is_number(got) and jsonio.same_number(want, got)
    else:
        same = type(want) is type(got) and want == got
    return None if same else f"{here}: wanted {show(want)}, got {show(got)}"


def null_is_absent(want: Any, got: Any) -> Any:
    """`got` with a null for every null that is wanted of a member that is not there."""
    if isinstance(want, dict) and isinstance(got, dict):
        return {**{k: None for k, v in want.items() if v is None}, **{k: null_is_absent(want.get(k), v) for k, v in got.items()}}
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return [null_is_absent(w, g) for w, g in zip(want, got)]
    return got


def as_set(want: list[Any], got: list[Any], fits: Callable[[Any, Any], bool]) -> str | None:
    """Pairs each wanted item with one of its own (maximum bipartite matching, for a wildcard may fit several)."""
    if len(want) != len(got):
        return f"wanted {len(want)} items, got {len(got)}: {show(got)}"
    table = [[fits(w, g) for g in got] for w in want]
    taken_by: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j, ok in enumerate(table[i]):
            if ok and j not in tried:
                tried.add(j)
                if j not in taken_by or place(taken_by[j], tried):
                    taken_by[j] = i
                    return True
        return False

    for i, w in enumerate(want):
        if not place(i, set()):
            return f"no item for {show(w)} in {show(got)}"
    return None


def header(want: Any, lines: list[str]) -> str | None:
    value = ", ".join(lines) if lines else None
    if isinstance(want, str):
        return None if value == want else f"wanted {want!r}, got {value!r}"
    key, arg = next(iter(want.items()))
    if key == "absent":
        return None if value is None else f"should be absent, is {value!r}"
    if value is None:
        return f"is not there, wanted {want}"
    if key == "present":
        return None
    if key == "regex":
        return None if search(arg, value) else f"{value!r} does not match {arg}"
    if key == "uuid":
        return None if _UUID.fullmatch(value) else f"{value!r} is not a UUID"
    members = [t.strip().lower() for t in value.split(",") if t.strip()]
    if key == "token":
        return None if arg.lower() in members else f"{arg!r} is not in {value!r}"
    if key == "tokens":
        return None if sorted({t.lower() for t in arg}) == sorted(members) else f"wanted exactly {arg}, got {value!r}"
    if key == "media_type":
        return None if media_type(value) == arg.lower() and len(lines) == 1 else f"wanted {arg}, got {value!r}"
    return f"unknown matcher {key!r}"


def media_type(value: str) -> str:
    return value.split(";", 1)[0].strip().lower()


def parse_cookies(lines: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Set-Cookie lines by name; attributes by their names in snake case, `http_only` and `secure` as booleans."""
    out: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        first, *rest = line.split(";")
        name, _, value = first.strip().partition("=")
        cookie: dict[str, Any] = {"value": value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value}
        for attribute in rest:
            k, _, v = attribute.strip().partition("=")
            k = {"max-age": "max_age", "samesite": "same_site", "httponly": "http_only"}.get(k.lower(), k.lower())
            if k == "max_age":
                cookie[k] = int(v) if re.fullmatch(r"-?[0-9]+", v) else v
            elif k == "same_site":
                cookie[k] = v.lower()
            elif k == "domain":
                cookie[k] = v.lower().removeprefix(".")
            else:
                cookie[k] = True if k in ("secure", "http_only") else v
        out.setdefault(name, []).append(cookie)
    return out


def cookie(want: dict[str, Any], got: list[dict[str, Any]]) -> str | None:
    if not got:
        return "is not set"
    if len(got) > 1:
        return f"is set {len(got)} times"
    for k, v in want.items():
        if k == "absent":
            there = [a for a in v if a in got[0]]
            if there:
                return f"should not have {', '.join(there)}"
            continue
        w = v.lower().removeprefix(".") if k == "domain" else v
        have = got[0].get(k, False if isinstance(v, bool) else None)
        if have != w or isinstance(have, bool) != isinstance(w, bool):
            return f"{k}: wanted {v!r}, got {have!r}"
    return None


def problem(want: dict[str, Any], status: int, content_type: str | None, body: Any) -> str | None:
    if media_type(content_type or "") != "application/problem+json":
        return f"Content-Type is {content_type!r}, not application/problem+json"
    if not isinstance(body, dict):
        return f"the problem is not an object: {show(body)}"
    if not jsonio.is_number(body.get("status")) or body["status"] != status:
        return f"status in the problem is {show(body.get('status'))}, of the answer {status}"
    kind = body.get("type")
    if not isinstance(kind, str) or kind.rsplit("/", 1)[-1] != want["slug"]:
        return f"type: wanted .../{want['slug']}, got {show(kind)}"
    for k in ("title", "detail", "instance"):
        if k in want and body.get(k) != want[k]:
            return f"{k}: wanted {want[k]!r}, got {show(body.get(k))}"
    if "errors" not in want:
        return None
    got = body.get("errors")
    if not isinstance(got, list):
        return f"errors: wanted {len(want['errors'])}, got {show(got)}"

    def fits(w: Any, g: Any) -> bool:
        return isinstance(g, dict) and all(k in g and json(v, g[k]) is None for k, v in w.items())

    if want.get("ordered"):
        if len(got) != len(want["errors"]):
            return f"errors: wanted {len(want['errors'])}, got {len(got)}: {show(got)}"
        for i, (w, g) in enumerate(zip(want["errors"], got)):
            if not fits(w, g):
                return f"errors/{i}: wanted {show(w)}, got {show(g)}"
        return None
    why = as_set(want["errors"], got, fits)
    return f"errors: {why}" if why else None


def parse_sse(text: str) -> list[dict[str, Any]]:
    """Events as an EventSource dispatches them (WHATWG HTML 9.2.6), each with the id then in force and the retry of its block."""
    events: list[dict[str, Any]] = []
    last_id = ""
    data: list[str] = []
    name, retry = "", None
    text = text.removeprefix("\ufeff")
    lines = re.split(r"\r\n|\n|\r", text)
    for line in lines[:-1]:  # what follows the last line end is an unfinished line: discarded
        if line == "":
            if data:
                events.append({"event": name or "message", "id": last_id, "data": "\n".join(data), "retry": retry})
            data, name, retry = [], "", None
            continue
        if line.startswith(":"):
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            retry = int(value)
    return events


def sse(want: list[dict[str, Any]], got: list[dict[str, Any]]) -> str | None:
    if len(want) != len(got):
        return f"wanted {len(want)} events, got {len(got)}: {show(got)}"
    for i, (w, g) in enumerate(zip(want, got)):
        for k, v in w.items():
            if k == "json":
                continue
            if k == "data" and w.get("json"):
                try:
                    why = json(jsonio.loads(v), jsonio.loads(g["data"]))
                except ValueError as e:
                    why = f"data is not JSON: {e}"
                if why:
                    return f"event {i}: {why}"
            elif g[k] != v:
                return f"event {i}: {k}: wanted {v!r}, got {g[k]!r}"
    return None
