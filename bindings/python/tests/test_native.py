"""The extension's plans make what the Python plans make."""

import dataclasses
import datetime
import decimal
import enum
import gc
import sys
import uuid
from typing import Any, ClassVar, Dict, Generic, List, Literal, Mapping, Optional, Sequence, Set, Tuple, TypedDict, TypeVar, Union

import pytest

from spikard import Problem, _core
from spikard._plans import Plans, _is_plain

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"


class Row(TypedDict, total=False):
    when: datetime.date


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


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int
    b: float = 2.5


@dataclasses.dataclass(frozen=True)
class FrozenSlots:
    __slots__ = ("a",)
    a: int


@dataclasses.dataclass(slots=True)
class Slots:
    a: int
    item: Item


@dataclasses.dataclass
class Page(Generic[T]):
    items: List[T]
    next: Optional[T] = None


@dataclasses.dataclass
class Renamed:
    class_: str = dataclasses.field(metadata={"name": "class"})
    größe: int = dataclasses.field(default=1, metadata={"name": "größe in mm"})
    count: int = dataclasses.field(default=2, kw_only=True)
    last: str = "x"


@dataclasses.dataclass
class Base:
    one: int
    kind: ClassVar[str] = "base"


@dataclasses.dataclass
class Derived(Base):
    two: float = 0.0


class Undecorated(Derived):
    pass


@dataclasses.dataclass
class OwnInit:
    a: int

    def __init__(self, a: int) -> None:
        self.a = a * 10


class LateInit(Base):
    def __init__(self, one: int) -> None:
        self.one = one + 1


@dataclasses.dataclass
class OwnNew:
    a: int

    def __new__(cls, *args: Any, **kwargs: Any) -> "OwnNew":
        made = super().__new__(cls)
        made.made = True  # type: ignore[attr-defined]
        return made


@dataclasses.dataclass
class OwnSetattr:
    a: int

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value * 2)


@dataclasses.dataclass
class Post:
    a: int
    doubled: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.doubled = self.a * 2


@dataclasses.dataclass
class Uninitialised:
    a: int
    b: List[int] = dataclasses.field(init=False, default_factory=lambda: [7])


@dataclasses.dataclass
class Counted:
    a: int
    extra: dataclasses.InitVar[int] = 3


class Meta(type):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__call__(*args, **kwargs)
        made.a += 100
        return made


@dataclasses.dataclass
class WithMeta(metaclass=Meta):
    a: int


class Upper:
    """A data descriptor that changes what is set."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = "_" + name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            raise AttributeError(self.name)
        return getattr(instance, self.name)

    def __set__(self, instance: Any, value: str) -> None:
        setattr(instance, self.name, value.upper())


@dataclasses.dataclass
class Described:
    text: Upper = Upper()  # type: ignore[assignment]


Described.__annotations__["text"] = str


@dataclasses.dataclass
class Cat:
    kind: Literal["cat"]
    lives: int


@dataclasses.dataclass
class Dog:
    kind: Literal["dog"]
    tricks: List[str]


@dataclasses.dataclass
class Everything:
    when: datetime.datetime
    id: uuid.UUID
    cost: decimal.Decimal
    pet: Union[Cat, Dog]
    row: Row
    pair: Tuple[int, str]
    names: Set[str]
    by_name: Dict[str, Item]
    lists: List[List[int]]
    maybe: List[Optional[Item]]
    any: Any = None
    raw: bytes = b""


Wide = dataclasses.make_dataclass("Wide", [(f"f{i}", int, dataclasses.field(default=i)) for i in range(64)])
Wider = dataclasses.make_dataclass("Wider", [(f"f{i}", int, dataclasses.field(default=i)) for i in range(65)])

EVERYTHING = {
    "when": "2024-02-29T10:00:00Z",
    "id": "12345678-1234-5678-1234-567812345678",
    "cost": "1.10",
    "pet": {"kind": "dog", "tricks": ["sit"]},
    "row": {"when": "2024-01-01"},
    "pair": [1.0, "a"],
    "names": ["a", "b"],
    "by_name": {"x": {"sku": "A", "price": 1}},
    "lists": [[1, 2.0], []],
    "maybe": [None, {"sku": "B", "price": 2}],
    "any": {"a": [1, {"b": None}]},
    "raw": "aGk=",
}


@pytest.mark.parametrize(
    ("hint", "document"),
    [
        (Item, {"sku": "A", "price": 1}),
        (Item, {"color": "red", "tags": [], "quantity": 3.0, "price": 1.5, "sku": "Ä\u20ac", "unknown": {"a": [1, {}]}}),
        (Item, {"unknown": [[1], {}], "quantity": 1 << 63, "sku": "", "price": 1 << 63}),
        (Item, {"quantity": 1 << 80, "sku": "", "price": 0}),
        (List[int], [1, 2.0, True]),
        (List[float], [1, 2.0]),
        (List[Item], []),
        (Sequence[Item], [{"sku": "A", "price": 2}] * 3),
        (Mapping[str, Item], {"a": {"sku": "A", "price": 2}}),
        (Tree, {"name": "a", "child": {"name": "b", "child": None}, "children": [{"name": "c", "children": [{"name": "d"}]}]}),
        (Optional[Item], {"sku": "A", "price": 2}),
        (Frozen, {"a": 1}),
        (FrozenSlots, {"a": 1.0}),
        (Slots, {"item": {"price": 1, "sku": ""}, "a": 1}),
        (Page[Item], {"items": [{"sku": "A", "price": 2}], "next": {"sku": "B", "price": 2}}),
        (Page[int], {"items": [1.0]}),
        (Renamed, {"class": "a", "count": 3, "größe in mm": 9}),
        (Renamed, {"class": "a", "class_": "b", "last": "y"}),
        (Derived, {"one": 1, "two": 2}),
        (Undecorated, {"one": 1, "two": 2}),
        (OwnInit, {"a": 1}),
        (LateInit, {"one": 1}),
        (OwnNew, {"a": 1}),
        (OwnSetattr, {"a": 1}),
        (Post, {"a": 1}),
        (Uninitialised, {"a": 1}),
        (Counted, {"a": 1}),
        (WithMeta, {"a": 1}),
        (Described, {"text": "abc"}),
        (Everything, EVERYTHING),
        (Wide, {f"f{i}": i * 2 for i in reversed(range(64))}),
        (Wider, {"f64": 1}),
    ],
)
def test_both_plans_make_the_same(hint: Any, document: Any) -> None:
    reader = Plans().document(hint)
    assert reader is not None
    expected = reader(_core.through_nodes(document))
    if hint in (Mapping[str, Item], Wider):
        assert not isinstance(reader, _core.Reader)
        return
    assert isinstance(reader, _core.Reader)
    for _ in range(3):
        made = reader.through_nodes(document)
        assert made == expected and type(made) is type(expected)
        assert repr(made) == repr(expected)
        if hasattr(made, "__dict__"):
            assert made.__dict__ == expected.__dict__ and list(made.__dict__) == list(expected.__dict__)


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (Item, True), (Tree, True), (Frozen, True), (FrozenSlots, True), (Slots, True), (Page, True), (Renamed, True), (Derived, True), (Undecorated, True),
        (Described, True), (Wide, True), (OwnInit, False), (LateInit, False), (OwnNew, False), (OwnSetattr, False), (Post, False), (Uninitialised, False),
        (Counted, False), (WithMeta, False),
    ],
)  # fmt: skip
def test_what_is_made_without_its_constructor(kind: Any, plain: bool) -> None:
    assert _is_plain(kind, [f for f in dataclasses.fields(kind) if f.init]) is plain


def test_an_own_constructor_in_text_is_not_taken_for_a_generated_one() -> None:
    scope: Dict[str, Any] = {}
    exec("def __init__(self, one):\n    self.one = one\n    self.two = 2", scope)
    kind = type("Kind", (Base,), {"__init__": scope["__init__"]})
    assert not _is_plain(kind, list(dataclasses.fields(kind)))


@pytest.mark.parametrize("document", [{"sku": "A"}, {"sku": "A", "price": None}, 3, [1], {"sku": "A", "price": 1, "color": "blue"}, {"sku": "A", "price": "x"}])
def test_both_plans_fail_alike(document: Any) -> None:
    reader = Plans().document(Item)
    assert isinstance(reader, _core.Reader)
    with pytest.raises(Exception) as expected:
        reader(document)
    with pytest.raises(type(expected.value)) as caught:
        reader.through_nodes(document)
    assert str(caught.value) == str(expected.value)


def test_what_a_constructor_refuses_is_the_clients_error() -> None:
    @dataclasses.dataclass
    class Even:
        n: int

        def __post_init__(self) -> None:
            if self.n % 2:
                raise ValueError("n must be even")

    reader = Plans().document(List[Even])
    assert isinstance(reader, _core.Reader) and reader.through_nodes([{"n": 2}]) == [Even(2)]
    with pytest.raises(Problem) as caught:
        reader.through_nodes([{"n": 2}, {"n": 1}])
    assert caught.value.status == 422 and caught.value.document["errors"][0]["msg"] == "n must be even"
    assert isinstance(caught.value.__cause__, ValueError)


def test_defaults_are_made_anew_or_shared_as_a_dataclass_does() -> None:
    reader = Plans().document(Item)
    assert isinstance(reader, _core.Reader)
    one, two = (reader.through_nodes({"sku": "A", "price": 1}) for _ in range(2))
    assert one.tags == two.tags and one.tags is not two.tags


def test_nothing_is_leaked() -> None:
    reader = Plans().document(Everything)
    assert isinstance(reader, _core.Reader)
    broken = {**EVERYTHING, "maybe": [{"sku": "B", "price": 2}, {"sku": "B"}]}

    def work() -> None:
        for _ in range(2000):
            reader.through_nodes(EVERYTHING)
            try:
                reader.through_nodes(broken)
            except KeyError:
                continue
            raise AssertionError("a member that is missing was not noticed")

    work()
    gc.collect()
    before = sys.getallocatedblocks()
    work()
    gc.collect()
    # One block a round would be 2000; what the interpreter and pytest keep for themselves is far less.
    assert sys.getallocatedblocks() - before < 1000
    counted = sys.getrefcount(Item)
    work()
    gc.collect()
    assert sys.getrefcount(Item) == counted


def test_plans_of_types_that_mention_themselves_are_collected() -> None:
    @dataclasses.dataclass
    class Mine:
        a: int

    import weakref

    kind = dataclasses.make_dataclass("Kind", [("mine", Mine), ("again", Optional[Tree])])
    reader = Plans().document(kind)
    assert isinstance(reader, _core.Reader) and reader.through_nodes({"mine": {"a": 1}, "again": None}).mine == Mine(1)
    gone = weakref.ref(kind)
    del kind, reader
    gc.collect()
    assert gone() is None
