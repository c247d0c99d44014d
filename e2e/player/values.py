"""The value forms of fixtures/README.md section 5, brought to one form before they are sent or compared."""
from __future__ import annotations

import base64
import datetime
import re
import urllib.parse
from decimal import Decimal, InvalidOperation
from typing import Any

from . import jsonio

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")


def as_bytes(data: bytes | str) -> dict[str, str]:
    return {"$bytes": base64.b64encode(data.encode() if isinstance(data, str) else data).decode()}


def instant(text: str) -> str:
    """RFC 3339 in UTC without noughts at the end of its fraction; what is none stays as it is."""
    m = _TIME.fullmatch(text)
    if not m:
        return text
    day, clock, fraction, zone = m.groups()
    try:
        when = datetime.datetime.fromisoformat(f"{day}T{clock}" + ("+00:00" if zone in "Zz" else zone)).astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        return text
    fraction = (fraction or "").rstrip("0")
    return when.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "") + "Z"


def decimal(text: str) -> str:
    """The value, whatever its scale."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return text
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    if not any(digits):
        return "0"
    return f"{'-' if sign else ''}{''.join(map(str, digits)).lstrip('0') or '0'}e{exponent}"


def canonical(value: Any) -> Any:
    """Equal values in equal forms: bytes as `$bytes`, exact integers as numbers, decimals and instants by what they say."""
    if isinstance(value, dict):
        if len(value) == 1:
            key, arg = next(iter(value.items()))
            if isinstance(arg, str):
                if key == "$text":
                    return as_bytes(arg)
                if key == "$bytes":
                    return as_bytes(base64.b64decode(arg, validate=True))
                if key == "$int64":
                    return int(arg)
                if key == "$decimal":
                    return {"$decimal": decimal(arg)}
                if key == "$timestamp":
                    return {"$timestamp": instant(arg)}
        return {k: canonical(v) for k, v in value.items()}
    if isinstance(value, list):
        return [canonical(v) for v in value]
    return value


def message(value: Any) -> Any:
    """A message that is expected: a plain string as its payload is bytes too."""
    if isinstance(value, dict) and isinstance(value.get("payload"), str):
        value = {**value, "payload": {"$text": value["payload"]}}
    return canonical(value)


def sent(value: Any) -> Any:
    """An argument: the harness gets bytes as `$bytes` only."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("$text"), str):
            return as_bytes(value["$text"])
        return {k: sent(v) for k, v in value.items()}
    if isinstance(value, list):
        return [sent(v) for v in value]
    return value


def resolve(value: Any, saved: dict[str, Any]) -> Any:
    """`{"$saved": "name/member"}` replaced by what was kept. Raises AssertionError for what is not there."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("$saved"), str):
            name, slash, path = value["$saved"].partition("/")
            if name not in saved:
                raise AssertionError(f"nothing was saved as {name!r}")
            try:
                return jsonio.pointer(saved[name], slash + path)
            except KeyError:
                raise AssertionError(f"what was saved as {name!r} has no {path!r}") from None
        return {k: resolve(v, saved) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve(v, saved) for v in value]
    return value


def url(want: str, got: Any) -> str | None:
    """Equal, the query as a set."""
    if not isinstance(got, str):
        return f"wanted {want!r}, got {got!r}"
    w, g = urllib.parse.urlsplit(want), urllib.parse.urlsplit(got)
    if (w.scheme, w.netloc, w.path, w.fragment) != (g.scheme, g.netloc, g.path, g.fragment) or sorted(w.query.split("&")) != sorted(g.query.split("&")):
        return f"wanted {want!r}, got {got!r}"
    return None
