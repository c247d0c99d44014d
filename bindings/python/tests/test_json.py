"""The JSON writer and the nodes."""

import dataclasses
import datetime
import decimal
import enum
import json
import math
import random
import struct
import uuid
from typing import Any

import pytest

from spikard import _core


class Color(enum.Enum):
    RED = "red"


class Text(str):
    pass


@dataclasses.dataclass
class Plain:
    a: int
    b: Any = None


@dataclasses.dataclass
class Slotted:
    __slots__ = ("a", "b")
    a: int
    b: str


def text(value: Any) -> str:
    return _core.dumps(value).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (0, "0"),
        (-(2**63), "-9223372036854775808"),
        (2**64, "18446744073709551616"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (1234.5678, "1234.5678"),
        (1e300, "1e+300"),
        ("", '""'),
        ('a"\\\n\x00\x1f/é\U0001f600', '"a\\"\\\\\\n\\u0000\\u001f/é\U0001f600"'),
        ([], "[]"),
        ((1, (2,)), "[1,[2]]"),
        ({}, "{}"),
        ({"a": {"b": [None]}}, '{"a":{"b":[null]}}'),
        ({1: 2, None: 3, False: 4, 2.5: 5}, '{"1":2,"null":3,"false":4,"2.5":5}'),
        ({Color.RED: 1}, '{"red":1}'),
        (Plain(1, Plain(2)), '{"a":1,"b":{"a":2,"b":null}}'),
        (Slotted(1, "x"), '{"a":1,"b":"x"}'),
        (Color.RED, '"red"'),
        (Text("x"), '"x"'),
        ({"k": {3}}, '{"k":[3]}'),
        (datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), '"2024-01-02T03:04:05Z"'),
        (datetime.date(2024, 1, 2), '"2024-01-02"'),
        (datetime.timedelta(days=1, seconds=5), '"P1DT5S"'),
        (uuid.UUID(int=0), '"00000000-0000-0000-0000-000000000000"'),
        (decimal.Decimal("1.10"), '"1.10"'),
        ({"raw": b"hi"}, '{"raw":"aGk="}'),
    ],
)
def test_written(value: Any, expected: str) -> None:
    assert text(value) == expected


def test_models() -> None:
    msgspec = pytest.importorskip("msgspec")
    pydantic = pytest.importorskip("pydantic")

    class Struct(msgspec.Struct):
        a: int

    class Model(pydantic.BaseModel):
        b: datetime.date

    assert text([Struct(1), Model(b=datetime.date(2024, 1, 1))]) == '[{"a":1},{"b":"2024-01-01"}]'


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {(1,): 2}, {"a": [object()]}])
def test_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        _core.dumps(value)


def test_a_list_inside_itself_is_an_error() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RecursionError):
        _core.dumps(value)


def test_a_dict_that_changes_while_written_is_an_error() -> None:
    data: dict[str, Any] = {}

    class Evil:
        pass

    @dataclasses.dataclass
    class Grows:
        @property
        def a(self) -> int:
            data[str(len(data))] = 1
            return 1

    Grows.__dataclass_fields__ = Plain.__dataclass_fields__  # type: ignore[attr-defined]
    Grows.b = None  # type: ignore[attr-defined]
    data["x"] = Grows()
    with pytest.raises(RuntimeError):
        _core.dumps(data)


def test_numbers_and_texts_come_back() -> None:
    rng = random.Random(7)
    for _ in range(20000):
        number = struct.unpack("d", struct.pack("Q", rng.getrandbits(64)))[0]
        decimals = rng.randint(-(10**12), 10**12) / 10 ** rng.randint(0, 6)
        for value in (number, decimals):
            if math.isfinite(value):
                assert json.loads(_core.dumps(value)) == value
        word = "".join(chr(rng.choice([rng.randint(0, 127), 34, 92, rng.randint(0, 0x2FF), 0x1F600])) for _ in range(rng.randint(0, 40)))
        assert json.loads(_core.dumps({word: word})) == {word: word}
        assert _core.through_nodes({word: [word]}) == {word: [word]}


def test_nodes_keep_values() -> None:
    value = {"a": [None, True, 1, -1, 2**63, 10**30, 1.5, "x", b"y"], "b": {}, "c": [], "d": {"e": {"f": [[[]]]}}}
    assert _core.through_nodes(value) == value
    with pytest.raises(TypeError):
        _core.through_nodes({"a": object()})
    with pytest.raises(TypeError):
        _core.through_nodes({1: 2})
