# Generated from spec/services by codegen. Do not edit.
"""The application manifest as dataclasses (made here, checked by the core) and as typed dictionaries (for configuration that users write)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

Colour = Literal["red", "null"]
"""A colour."""


@dataclass
class Wheel:
    """A wheel."""

    in_: int
    """Its size, in inches."""
    spokes: int = -1
    """Spokes; -1: not counted."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        out["in"] = self.in_
        if self.spokes != -1:
            out["spokes"] = self.spokes
        return out


@dataclass
class Shop:
    """A shop of bikes."""

    name: str = "the \"shop\""
    """Its name."""
    open: bool = True
    """It is open."""
    colour: Colour = "red"
    """Of the door."""
    colours: list[Colour] = field(default_factory=list)
    """Of the bikes."""
    tags: list[str] = field(default_factory=lambda: ["a", "b"])
    """Words."""
    wheels: list[Wheel] = field(default_factory=list)
    """In store."""
    best: Wheel | None = None
    """The best one."""
    by_name: dict[str, Wheel] = field(default_factory=dict)
    """Named ones."""
    any: Any = None
    """Anything."""
    limit: int | None = 5
    """How many; null: any number."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; members that have their default are left out."""
        out: dict[str, Any] = {}
        if self.name != "the \"shop\"":
            out["name"] = self.name
        if not self.open:
            out["open"] = self.open
        if self.colour != "red":
            out["colour"] = self.colour
        if self.colours:
            out["colours"] = list(self.colours)
        if self.tags != ["a", "b"]:
            out["tags"] = list(self.tags)
        if self.wheels:
            out["wheels"] = [v.to_dict() for v in self.wheels]
        if self.best is not None:
            out["best"] = self.best.to_dict()
        if self.by_name:
            out["by_name"] = {k: v.to_dict() for k, v in self.by_name.items()}
        if self.any is not None:
            out["any"] = self.any
        if self.limit != 5:
            out["limit"] = self.limit
        return out


WheelDict = TypedDict(
    "WheelDict",
    {
        "in": "int",
        "spokes": "int",
    },
    total=False,
)
"""A wheel."""

class ShopDict(TypedDict, total=False):
    """A shop of bikes."""

    name: str
    """Its name."""
    open: bool
    """It is open."""
    colour: Colour
    """Of the door."""
    colours: list[Colour]
    """Of the bikes."""
    tags: list[str]
    """Words."""
    wheels: list[WheelDict]
    """In store."""
    best: WheelDict | None
    """The best one."""
    by_name: dict[str, WheelDict]
    """Named ones."""
    any: Any
    """Anything."""
    limit: int | None
    """How many; null: any number."""
