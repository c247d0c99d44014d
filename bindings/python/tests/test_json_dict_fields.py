"""Objects written from their `__dict__` must come out as attribute access would give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from spikard import App, TestClient


@dataclass
class Point:
    x: int
    y: int = 2
    z: list[int] = field(default_factory=list)


@dataclass
class WithProperty:
    name: str

    @property
    def shout(self) -> str:
        return self.name.upper()


@dataclass
class Lazy:
    a: int

    @cached_property
    def b(self) -> int:
        return self.a + 1


@dataclass(frozen=True)
class Frozen:
    a: int
    b: str


@dataclass
class Computed:
    a: int

    def __getattribute__(self, name: str) -> Any:
        return 99 if name == "a" else super().__getattribute__(name)


def reordered() -> Point:
    point = Point(1)
    del point.x
    point.x = 5  # now the last in its __dict__
    return point


def with_extra() -> Point:
    point = Point(1)
    object.__setattr__(point, "extra", "not a field")
    return point


def without_own() -> Point:
    point = Point(1, 7)
    del point.y  # the class's default is what the attribute gives
    return point


def answer(value: object) -> object:
    app = App("t", config={"log": {"level": "off"}})

    @app.get("/")
    async def get() -> object:
        return value

    with TestClient(app) as client:
        return client.get("/").json()


def test_fields_come_out_whatever_the_order_of_the_dict() -> None:
    assert answer([Point(1), reordered(), with_extra(), without_own()]) == [
        {"x": 1, "y": 2, "z": []},
        {"x": 5, "y": 2, "z": []},
        {"x": 1, "y": 2, "z": []},
        {"x": 1, "y": 2, "z": []},
    ]


def test_other_kinds_of_classes() -> None:
    lazy = Lazy(1)
    assert lazy.b == 2
    assert answer([WithProperty("n"), lazy, Frozen(1, "b"), Computed(1)]) == [{"name": "n"}, {"a": 1}, {"a": 1, "b": "b"}, {"a": 99}]
