"""How the JSON writer treats types that JSON does not know. Asked once a type; the writer keeps the answer."""

from __future__ import annotations

import base64
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import sys
import uuid
from typing import Any

FIELDS, TEXT, RAW, CONVERT, BASE = 1, 2, 3, 4, 5


def duration(value: datetime.timedelta) -> str:
    """ISO 8601, as RFC 3339 appendix A has it."""
    seconds = value.days * 86400 + value.seconds
    micros = value.microseconds
    if seconds < 0:
        raise ValueError("a negative timedelta has no RFC 3339 duration")
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"P{days}D" if days else "P"
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes or (hours and (rest or micros)) else "")
    if rest or micros:
        time += f"{rest}S" if not micros else f"{rest}.{micros:06d}".rstrip("0") + "S"
    return text + ("T" + time if time else "") if text != "P" or time else "PT0S"


def _isoformat(value: datetime.datetime | datetime.time) -> str:
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def fields_of(names: list[tuple[str, str]]) -> tuple[tuple[str, bytes], ...]:
    """(attribute, key) pairs as the writer wants them: the key's JSON text with what stands before it."""
    return tuple(
        (sys.intern(attribute), ("," if i else "").encode() + json.dumps(key, ensure_ascii=False).encode() + b":")
        for i, (attribute, key) in enumerate(names)
    )


def classify(kind: type) -> tuple[int, Any] | None:
    if issubclass(kind, enum.Enum):
        return CONVERT, lambda value: value.value
    if dataclasses.is_dataclass(kind):
        return FIELDS, fields_of([(f.name, f.metadata.get("name", f.name)) for f in dataclasses.fields(kind)])
    if hasattr(kind, "__struct_fields__") and "msgspec" in sys.modules:
        import msgspec

        return RAW, msgspec.json.encode
    serializer = getattr(kind, "__pydantic_serializer__", None)
    if serializer is not None:
        return RAW, lambda value: type(value).__pydantic_serializer__.to_json(value, by_alias=True)
    if issubclass(kind, (str, int, float, dict, list, tuple)):
        return BASE, None
    if issubclass(kind, (datetime.datetime, datetime.time)):
        return TEXT, _isoformat
    if issubclass(kind, datetime.date):
        return TEXT, kind.isoformat
    if issubclass(kind, datetime.timedelta):
        return TEXT, duration
    if issubclass(kind, (uuid.UUID, decimal.Decimal, pathlib.PurePath)):
        return TEXT, str
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return TEXT, lambda value: base64.b64encode(value).decode("ascii")
    if issubclass(kind, collections.abc.Mapping):
        return CONVERT, dict
    if issubclass(kind, (set, frozenset, collections.abc.KeysView, collections.abc.ValuesView, collections.deque)):
        return CONVERT, list
    return None
