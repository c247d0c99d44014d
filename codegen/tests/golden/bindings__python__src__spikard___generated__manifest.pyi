# Generated from spec/services by codegen. Do not edit.
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

Colour = Literal["red", "null"]

@dataclass
class Wheel:
    in_: int
    spokes: int = ...
    def to_dict(self) -> dict[str, Any]: ...

@dataclass
class Shop:
    name: str = ...
    open: bool = ...
    colour: Colour = ...
    colours: list[Colour] = ...
    tags: list[str] = ...
    wheels: list[Wheel] = ...
    best: Wheel | None = ...
    by_name: dict[str, Wheel] = ...
    any: Any = ...
    limit: int | None = ...
    def to_dict(self) -> dict[str, Any]: ...

WheelDict = TypedDict(
    "WheelDict",
    {
        "in": int,
        "spokes": int,
    },
    total=False,
)

class ShopDict(TypedDict, total=False):
    name: str
    open: bool
    colour: Colour
    colours: list[Colour]
    tags: list[str]
    wheels: list[WheelDict]
    best: WheelDict | None
    by_name: dict[str, WheelDict]
    any: Any
    limit: int | None
