"""JSON without loss: numbers keep their value, and those read from a fixture keep their text when they are sent."""
from __future__ import annotations

import json
import math
import sys
from decimal import Decimal
from typing import Any

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)


class Real(float):
    """A number with a fraction or an exponent, and how it was written (`1.0`, `1e400`)."""

    text: str

    def __new__(cls, text: str) -> "Real":
        self = super().__new__(cls, text)
        self.text = text
        return self


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        names = [k for k, _ in pairs]
        raise ValueError(f"member {next(k for k in names if names.count(k) > 1)!r} is there twice")
    return out


def loads(text: str | bytes) -> Any:
    """Strict: no NaN, no member twice, UTF-8 only."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    return json.loads(text, parse_float=Real, parse_constant=_refuse, object_pairs_hook=_pairs)


def dumps(value: Any) -> str:
    out: list[str] = []
    _write(value, out)
    return "".join(out)


def _write(value: Any, out: list[str]) -> None:
    if isinstance(value, Real):
        out.append(value.text)
    elif isinstance(value, dict):
        out.append("{")
        for i, (k, v) in enumerate(value.items()):
            if i:
                out.append(",")
            out.append(_string(k) + ":")
            _write(v, out)
        out.append("}")
    elif isinstance(value, (list, tuple)):
        out.append("[")
        for i, v in enumerate(value):
            if i:
                out.append(",")
            _write(v, out)
        out.append("]")
    elif isinstance(value, str):
        out.append(_string(value))
    else:
        out.append(json.dumps(value, allow_nan=False))


def _string(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    try:
        quoted.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate can only be written as an escape
        return json.dumps(text)
    return quoted


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same_number(a: Any, b: Any) -> bool:
    """By value and exactly: an integer of any size is not equal to the double next to it."""
    if isinstance(a, float) and isinstance(b, float) and math.isinf(a) and math.isinf(b):
        return Decimal(getattr(a, "text", repr(a))) == Decimal(getattr(b, "text", repr(b)))
    return bool(a == b)


def pointer(document: Any, path: str) -> Any:
    """RFC 6901. Raises KeyError when there is nothing there."""
    if path == "":
        return document
    if not path.startswith("/"):
        raise KeyError(path)
    for raw in path[1:].split("/"):
        key = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isascii() and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            raise KeyError(path)
    return document
