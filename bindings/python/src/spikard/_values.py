"""Typed values of plain data and back, outside of handlers: rows, what a cache holds, the members of an event."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

from . import _core
from ._plans import Convert, Plans

T = TypeVar("T")


@functools.lru_cache(maxsize=1024)
def _plan(kind: Any) -> Convert | None:
    return Plans().value(kind)


def convert(kind: type[T], value: Any) -> T:
    """A value of this type, made of plain data as a handler's arguments are: `convert(Order, row)`, `convert(list[Order], rows)`. It converts and does not validate: constraints
    are not looked at, members that the type does not have are left out. ValueError, TypeError or KeyError where nothing can be made of it."""
    hint: Any = kind
    try:
        plan = _plan(hint)
    except TypeError:  # a type that cannot be hashed: nothing is kept
        plan = Plans().value(hint)
    made: T = value if plan is None else plan(value)
    return made


def to_json(value: Any) -> bytes:
    """JSON as answers and messages have it: dataclasses, models, datetimes and the like included."""
    return _core.dumps(value)


__all__ = ["convert", "to_json"]
