"""Where a handler's parameters come from, and what is asked of their values.

Markers stand in `Annotated[...]` or as a default: `limit: Annotated[int, Query(ge=1)] = 20` and `limit: int = Query(20, ge=1)` mean the same. Constraints of
annotated-types, msgspec.Meta and pydantic.Field in `Annotated` are understood too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


class _Missing:
    def __repr__(self) -> str:
        return "..."


MISSING: Any = _Missing()


@dataclass(eq=False)
class Marker:
    """What a parameter's marker says. `place`: path, query, header, cookie, body, form, inject, depends, or field for constraints alone."""

    place: str
    default: Any = MISSING
    name: str | None = None
    constraints: dict[str, Any] = field(default_factory=dict)
    style: str | None = None
    explode: bool | None = None
    embed: bool = False
    content_types: Sequence[str] | None = None
    factory: Callable[..., Any] | None = None
    scope: str = "request"


def _constraints(values: dict[str, Any]) -> dict[str, Any]:
    pattern = values.get("pattern")
    if isinstance(pattern, re.Pattern):
        values["pattern"] = pattern.pattern
    return {key: value for key, value in values.items() if value is not None}


def _make(place: str, default: Any, name: str | None, extra: dict[str, Any], **more: Any) -> Any:
    return Marker(place, MISSING if default is ... else default, name, _constraints(extra), **more)


def Query(
    default: Any = ...,
    *,
    name: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    multiple_of: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | re.Pattern[str] | None = None,
    format: str | None = None,
    title: str | None = None,
    description: str | None = None,
    examples: list[Any] | None = None,
    style: str | None = None,
    explode: bool | None = None,
) -> Any:
    """A parameter of the query string."""
    return _make(
        "query", default, name, _only(locals()), style=style, explode=explode
    )


def Path(
    default: Any = ...,
    *,
    name: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    multiple_of: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | re.Pattern[str] | None = None,
    format: str | None = None,
    title: str | None = None,
    description: str | None = None,
    examples: list[Any] | None = None,
) -> Any:
    """A segment of the path."""
    return _make("path", default, name, _only(locals()))


def Header(
    default: Any = ...,
    *,
    name: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    multiple_of: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | re.Pattern[str] | None = None,
    format: str | None = None,
    title: str | None = None,
    description: str | None = None,
    examples: list[Any] | None = None,
) -> Any:
    """A header; without `name`, the parameter's name with `-` for `_`."""
    return _make("header", default, name, _only(locals()))


def Cookie(
    default: Any = ...,
    *,
    name: str | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    multiple_of: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | re.Pattern[str] | None = None,
    format: str | None = None,
    title: str | None = None,
    description: str | None = None,
    examples: list[Any] | None = None,
) -> Any:
    """A cookie."""
    return _make("cookie", default, name, _only(locals()))


def Field(
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    multiple_of: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | re.Pattern[str] | None = None,
    format: str | None = None,
    title: str | None = None,
    description: str | None = None,
    examples: list[Any] | None = None,
    unique: bool | None = None,
) -> Any:
    """Constraints of a value, wherever it stands: `Annotated[str, Field(max_length=100)]`."""
    return _make("field", ..., None, _only(locals()))


def Body(default: Any = ..., *, embed: bool = False, content_types: Sequence[str] | None = None) -> Any:
    """The request body. `embed`: the body is an object and this its member."""
    return Marker("body", MISSING if default is ... else default, embed=embed, content_types=content_types)


def Form(default: Any = ..., *, name: str | None = None) -> Any:
    """A field of an urlencoded form; a parameter of a structured type takes the whole form."""
    return Marker("form", MISSING if default is ... else default, name)


def Depends(factory: Callable[..., Any], *, scope: str = "request") -> Any:
    """What `factory` makes: plain, async, a generator or an async generator (what follows the yield is the clean-up)."""
    return Marker("depends", factory=factory, scope=scope)


def Inject(name: str | None = None) -> Any:
    """A dependency by its name; without one, the parameter's name."""
    return Marker("inject", name=name)


_NAMES = (
    "ge",
    "gt",
    "le",
    "lt",
    "multiple_of",
    "min_length",
    "max_length",
    "pattern",
    "format",
    "title",
    "description",
    "examples",
    "unique",
)


def _only(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in _NAMES if values.get(name) is not None}


def constraints_of(metadata: Any) -> dict[str, Any]:
    """What one item of an Annotated asks, whoever's type it is."""
    if isinstance(metadata, Marker):
        return metadata.constraints
    nested = getattr(metadata, "metadata", None)  # pydantic's FieldInfo
    if isinstance(nested, (list, tuple)):
        out: dict[str, Any] = {}
        for item in nested:
            out.update(constraints_of(item))
        for name in ("title", "description", "examples"):
            if getattr(metadata, name, None) is not None:
                out[name] = getattr(metadata, name)
        return out
    if isinstance(metadata, type) or isinstance(metadata, str):
        return {}
    return _constraints({name: getattr(metadata, name, None) for name in _NAMES if not callable(getattr(metadata, name, None))})


C = TypeVar("C", bound=type)


def closed(cls: C) -> C:
    """A dataclass or TypedDict whose documents may have no further members."""
    cls.__closed__ = True  # type: ignore[attr-defined]
    return cls


__all__ = ["MISSING", "Body", "Cookie", "Depends", "Field", "Form", "Header", "Inject", "Marker", "Path", "Query", "closed", "constraints_of"]
