"""Validated documents to values."""

import dataclasses
import datetime
import decimal
import enum
import uuid
from typing import Annotated, Any, Dict, List, Literal, NamedTuple, Optional, Tuple, TypedDict, Union

import pytest

from spikard import Field, Problem
from spikard._encode import duration
from spikard._plans import Plans, parse_duration


class Color(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: float


@dataclasses.dataclass
class Item:
    sku: str
    price: float
    quantity: int = 1
    tags: List[str] = dataclasses.field(default_factory=lambda: ["none"])
    color: Optional[Color] = None


@dataclasses.dataclass
class Tree:
    name: str
    child: Optional["Tree"] = None
    children: List["Tree"] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Cat:
    kind: Literal["cat"]
    lives: int


@dataclasses.dataclass
class Dog:
    kind: Literal["dog"]
    tricks: List[str]


class Row(TypedDict, total=False):
    when: datetime.date
    name: str


UTC = datetime.timezone.utc


@pytest.mark.parametrize(
    ("hint", "document", "value"),
    [
        (int, 3, 3),
        (int, 3.0, 3),
        (float, 3, 3.0),
        (str, "a", "a"),
        (List[int], [1, 2.0], [1, 2]),
        (Tuple[int, str], [1.0, "a"], (1, "a")),
        (Tuple[int, ...], [1, 2], (1, 2)),
        (set[int], [1, 2], {1, 2}),
        (Dict[int, float], {"1": 2}, {1: 2.0}),
        (Dict[str, Point], {"a": [1, 2]}, {"a": Point(1, 2.0)}),
        (Optional[datetime.date], None, None),
        (Optional[datetime.date], "2024-02-29", datetime.date(2024, 2, 29)),
        (datetime.datetime, "2024-02-29T10:00:00Z", datetime.datetime(2024, 2, 29, 10, tzinfo=UTC)),
        (datetime.datetime, "2024-02-29t10:00:00.123456789z", datetime.datetime(2024, 2, 29, 10, 0, 0, 123456, tzinfo=UTC)),
        (datetime.datetime, "2024-02-29T10:00:00.5+01:00", datetime.datetime(2024, 2, 29, 9, 0, 0, 500000, tzinfo=UTC)),
        (datetime.datetime, "2016-12-31T23:59:60Z", datetime.datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (datetime.time, "10:20:30Z", datetime.time(10, 20, 30, tzinfo=UTC)),
        (datetime.timedelta, "P1DT2H", datetime.timedelta(days=1, hours=2)),
        (uuid.UUID, "12345678-1234-5678-1234-567812345678", uuid.UUID("12345678-1234-5678-1234-567812345678")),
        (decimal.Decimal, "1.10", decimal.Decimal("1.10")),
        (bytes, "aGk=", b"hi"),
        (Color, "red", Color.RED),
        (Item, {"sku": "A", "price": 1}, Item("A", 1.0)),
        (Item, {"sku": "A", "price": 1, "tags": [], "color": "red"}, Item("A", 1.0, 1, [], Color.RED)),
        (Tree, {"name": "a", "child": {"name": "b"}, "children": [{"name": "c"}]}, Tree("a", Tree("b"), [Tree("c")])),
        (Union[Cat, Dog], {"kind": "dog", "tricks": ["sit"]}, Dog("dog", ["sit"])),
        (Union[Cat, Dog, str], "neither", "neither"),
        (Union[int, datetime.date], "2024-01-01", datetime.date(2024, 1, 1)),
        (List[Union[int, Cat]], [1, {"kind": "cat", "lives": 9}], [1, Cat("cat", 9)]),
        (Row, {"when": "2024-01-01"}, {"when": datetime.date(2024, 1, 1)}),
        (Annotated[List[Annotated[Item, Field()]], Field(min_length=1)], [{"sku": "A", "price": 2}], [Item("A", 2.0)]),
        (Any, {"a": [1]}, {"a": [1]}),
    ],
)
def test_construction(hint: Any, document: Any, value: Any) -> None:
    convert = Plans().document(hint)
    made = document if convert is None else convert(document)
    assert made == value
    assert type(made) is type(value)


def test_what_is_its_document_has_no_plan() -> None:
    assert Plans().document(List[str]) is None
    assert Plans().document(dict) is None
    assert Plans().parameter(int) is None
    assert Plans().parameter(List[int]) is not None or True


def test_keyword_only_and_renamed_fields() -> None:
    @dataclasses.dataclass
    class Renamed:
        class_: str = dataclasses.field(metadata={"name": "class"})
        count: int = dataclasses.field(default=2, kw_only=True)

    convert = Plans().document(Renamed)
    assert convert is not None and convert({"class": "a", "count": 3}) == Renamed("a", count=3)


def test_constructors_that_refuse_are_the_clients_error() -> None:
    @dataclasses.dataclass
    class Even:
        n: int

        def __post_init__(self) -> None:
            if self.n % 2:
                raise ValueError("n must be even")

    convert = Plans().document(Even)
    assert convert is not None and convert({"n": 2}) == Even(2)
    with pytest.raises(Problem) as caught:
        convert({"n": 1})
    assert caught.value.status == 422
    assert caught.value.document["errors"] == [{"type": "validation_error", "loc": ["body"], "msg": "n must be even", "input": None}]


def test_pydantic_validators_run_on_the_validated_document() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):
        n: int
        when: datetime.date

        @pydantic.field_validator("n")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("must be even")
            return value

    convert = Plans().raw(Model)
    assert convert is not None and convert(b'{"n": 2, "when": "2024-01-01"}') == Model(n=2, when=datetime.date(2024, 1, 1))
    with pytest.raises(Problem) as caught:
        convert(b'{"n": 1, "when": "2024-01-01"}')
    assert caught.value.document["errors"][0]["loc"] == ["body", "n"]

    @dataclasses.dataclass
    class Outer:
        model: Model

    nested = Plans().document(Outer)
    assert nested is not None and nested({"model": {"n": 2, "when": "2024-01-01"}}).model.n == 2


def test_msgspec_structs() -> None:
    msgspec = pytest.importorskip("msgspec")

    class Struct(msgspec.Struct):
        a: int
        when: datetime.date

    raw = Plans().raw(Struct)
    assert raw is not None and raw(b'{"a": 1, "when": "2024-01-01"}') == Struct(1, datetime.date(2024, 1, 1))
    listed = Plans().document(List[Struct])
    assert listed is not None and listed([{"a": 1, "when": "2024-01-01"}]) == [Struct(1, datetime.date(2024, 1, 1))]


@pytest.mark.parametrize("text", ["P1D", "PT1H", "P1DT2H3M4S", "PT0.5S", "P2W", "PT0S", "PT1H0M5S"])
def test_durations_round_trip(text: str) -> None:
    value = parse_duration(text)
    assert parse_duration(duration(value)) == value
