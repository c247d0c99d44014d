"""Type hints to JSON Schema."""

import dataclasses
import datetime
import decimal
import enum
import uuid
from typing import Annotated, Any, Dict, Generic, List, Literal, NamedTuple, NewType, Optional, Tuple, TypedDict, TypeVar, Union

import pytest

from spikard import ConfigError, Field, closed, json_schema

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Point(NamedTuple):
    x: int
    y: float


@dataclasses.dataclass
class Item:
    sku: Annotated[str, Field(pattern="^[A-Z]+$")]
    quantity: int = 1
    tags: List[str] = dataclasses.field(default_factory=list)
    secret: int = dataclasses.field(default=0, init=False)


@dataclasses.dataclass
class Tree:
    name: str
    children: List["Tree"] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Page(Generic[T]):
    items: List[T]
    next: Optional[int] = None


class Patch(TypedDict, total=False):
    status: Literal["new", "old"]
    note: Optional[str]


UserId = NewType("UserId", int)


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (str, {"type": "string"}),
        (None, {"type": "null"}),
        (Any, {}),
        (UserId, {"type": "integer"}),
        (datetime.datetime, {"type": "string", "format": "date-time"}),
        (datetime.date, {"type": "string", "format": "date"}),
        (datetime.time, {"type": "string", "format": "time"}),
        (datetime.timedelta, {"type": "string", "format": "duration"}),
        (uuid.UUID, {"type": "string", "format": "uuid"}),
        (Optional[int], {"type": ["integer", "null"]}),
        (Union[int, str], {"type": ["integer", "string"]}),
        (Union[int, str, None], {"type": ["integer", "string", "null"]}),
        (Union[int, float], {"type": "number"}),
        (Union[List[int], str], {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "string"}]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal[1, "b"], {"enum": [1, "b"]}),
        (Optional[Literal["a"]], {"type": ["string", "null"], "enum": ["a", None]}),
        (Color, {"type": "string", "enum": ["red", "blue"]}),
        (Level, {"type": "integer", "enum": [1, 2]}),
        (List[int], {"type": "array", "items": {"type": "integer"}}),
        (list, {"type": "array"}),
        (Dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Dict[int, Any], {"type": "object", "propertyNames": {"pattern": "^-?[0-9]+$"}}),
        (Dict[Color, int], {"type": "object", "propertyNames": {"type": "string", "enum": ["red", "blue"]}, "additionalProperties": {"type": "integer"}}),
        (Tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (Tuple[int, str], {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False, "minItems": 2}),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (Point, {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "number"}], "items": False, "minItems": 2}),
        (Annotated[int, Field(ge=1, lt=10, multiple_of=3)], {"type": "integer", "minimum": 1, "exclusiveMaximum": 10, "multipleOf": 3}),
        (Annotated[str, Field(min_length=1, max_length=3, pattern="^a")], {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^a"}),
        (Annotated[List[int], Field(min_length=1, unique=True)], {"type": "array", "items": {"type": "integer"}, "minItems": 1, "uniqueItems": True}),
        (Annotated[Dict[str, Any], Field(max_length=2)], {"type": "object", "maxProperties": 2}),
        (Annotated[Optional[str], Field(max_length=2)], {"type": ["string", "null"], "maxLength": 2}),
        (Annotated[Annotated[int, Field(ge=1)], Field(le=2)], {"type": "integer", "minimum": 1, "maximum": 2}),
    ],
)
def test_builtins(hint: Any, schema: Any) -> None:
    assert json_schema(hint) == schema


def test_dataclass() -> None:
    assert json_schema(Item) == {
        "type": "object",
        "properties": {
            "sku": {"type": "string", "pattern": "^[A-Z]+$"},
            "quantity": {"type": "integer", "default": 1},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["sku"],
    }


def test_recursive_types_use_references() -> None:
    schema = json_schema(Tree)
    assert schema["$ref"] == "#/$defs/Tree"
    assert schema["$defs"]["Tree"]["properties"]["children"] == {"type": "array", "items": {"$ref": "#/$defs/Tree"}}


def test_generic_dataclass() -> None:
    schema = json_schema(Page[Item])
    assert schema["properties"]["items"] == {"type": "array", "items": {"$ref": "#/$defs/Item"}}
    assert set(schema["$defs"]) == {"Item"}


def test_typed_dict_and_closed() -> None:
    assert json_schema(Patch) == {
        "type": "object",
        "properties": {"status": {"type": "string", "enum": ["new", "old"]}, "note": {"type": ["string", "null"]}},
    }

    @closed
    @dataclasses.dataclass
    class Small:
        a: int

    assert json_schema(Small)["additionalProperties"] is False


def test_annotated_types() -> None:
    at = pytest.importorskip("annotated_types")
    assert json_schema(Annotated[int, at.Ge(1), at.Lt(5)]) == {"type": "integer", "minimum": 1, "exclusiveMaximum": 5}
    assert json_schema(Annotated[int, at.Interval(ge=1, le=5)]) == {"type": "integer", "minimum": 1, "maximum": 5}
    assert json_schema(Annotated[str, at.Len(1, 5)]) == {"type": "string", "minLength": 1, "maxLength": 5}
    assert json_schema(Annotated[int, at.MultipleOf(4)]) == {"type": "integer", "multipleOf": 4}


def test_msgspec_and_pydantic() -> None:
    msgspec = pytest.importorskip("msgspec")
    pydantic = pytest.importorskip("pydantic")

    class Struct(msgspec.Struct):
        a: Annotated[int, msgspec.Meta(ge=1)]
        b: str = "x"

    schema = json_schema(Struct)
    assert schema["properties"]["a"] == {"type": "integer", "minimum": 1} and schema["required"] == ["a"]

    class Inner(pydantic.BaseModel):
        n: int = pydantic.Field(gt=0)

    class Model(pydantic.BaseModel):
        inner: Inner
        when: datetime.datetime

    schema = json_schema(Model)
    assert schema["$defs"]["Inner"]["properties"]["n"]["exclusiveMinimum"] == 0
    assert schema["properties"]["when"]["format"] == "date-time"
    assert json_schema(Annotated[int, pydantic.Field(ge=3)]) == {"type": "integer", "minimum": 3}
    nested = json_schema(List[Model])
    assert nested["items"] == {"$ref": "#/$defs/Model"} and set(nested["$defs"]) == {"Model", "Inner"}


def test_decimal_and_bytes_are_exact_texts() -> None:
    import re

    pattern = json_schema(decimal.Decimal)["pattern"]
    assert re.search(pattern, "-1.10") and not re.search(pattern, "1e5")
    assert re.search(json_schema(bytes)["pattern"], "aGk=") and not re.search(json_schema(bytes)["pattern"], "aGk")


def test_unknown_types_are_refused_by_name() -> None:
    class Strange:
        pass

    with pytest.raises(ConfigError, match="Strange"):
        json_schema(Strange)
