"""The workloads of bench/README.md on Litestar with msgspec, under granian."""

from typing import Annotated

from litestar import Litestar, MediaType, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct


class Item(Struct):
    sku: Annotated[str, Meta(pattern="^[A-Z]{3}-[0-9]{4}$")]
    quantity: Annotated[int, Meta(ge=1, le=1000)]
    price: Annotated[float, Meta(ge=0)]


class Order(Struct):
    customer: Annotated[str, Meta(min_length=1, max_length=100)]
    items: Annotated[list[Item], Meta(min_length=1, max_length=50)]
    note: Annotated[str, Meta(max_length=500)] | None = None


class Receipt(Struct):
    customer: str
    items: int
    total: float


class User(Struct):
    id: int
    verbose: bool
    name: str


class Article(Struct):
    id: int
    name: str
    sku: str
    price: float
    quantity: int
    active: bool
    note: str | None


ARTICLES = [Article(i, f"Item number {i}", f"ABC-{1000 + i}", 9.99 + i, i % 17, i % 2 == 0, None) for i in range(200)]


@get("/plain", media_type=MediaType.TEXT)
async def plain() -> str:
    return "Hello, World!"


@get("/users/{id:int}")
async def user(id: Annotated[int, Parameter(ge=1)], verbose: bool = False) -> User:
    return User(id, verbose, f"user {id}")


@post("/orders")
async def create(data: Order) -> Receipt:
    return Receipt(data.customer, len(data.items), sum(item.quantity * item.price for item in data.items))


@get("/list")
async def articles() -> list[Article]:
    return ARTICLES


app = Litestar([plain, user, create, articles], openapi_config=None)
