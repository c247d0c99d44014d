"""The workloads of bench/README.md on our Python binding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from spikard import App, Field, Path


@dataclass
class Item:
    sku: Annotated[str, Field(pattern="^[A-Z]{3}-[0-9]{4}$")]
    quantity: Annotated[int, Field(ge=1, le=1000)]
    price: Annotated[float, Field(ge=0)]


@dataclass
class Order:
    customer: Annotated[str, Field(min_length=1, max_length=100)]
    items: Annotated[list[Item], Field(min_length=1, max_length=50)]
    note: Annotated[str, Field(max_length=500)] | None = None


@dataclass
class FreeItem:
    sku: str
    quantity: int
    price: float


@dataclass
class FreeOrder:
    customer: str
    items: list[FreeItem]
    note: str | None = None


@dataclass
class Article:
    id: int
    name: str
    sku: str
    price: float
    quantity: int
    active: bool
    note: str | None


ARTICLES = [Article(i, f"Item number {i}", f"ABC-{1000 + i}", 9.99 + i, i % 17, i % 2 == 0, None) for i in range(200)]

app = App("bench")


@app.get("/plain")
async def plain() -> str:
    return "Hello, World!"


@app.get("/users/{id:int}")
async def user(id: Annotated[int, Path(ge=1)], verbose: bool = False) -> dict[str, object]:
    return {"id": id, "verbose": verbose, "name": f"user {id}"}


@app.post("/orders", status=201)
async def create(order: Order) -> dict[str, object]:
    return {"customer": order.customer, "items": len(order.items), "total": sum(item.quantity * item.price for item in order.items)}


@app.post("/orders-unchecked", status=201)
async def create_unchecked(order: FreeOrder) -> dict[str, object]:
    return {"customer": order.customer, "items": len(order.items), "total": sum(item.quantity * item.price for item in order.items)}


@app.get("/list")
async def articles() -> list[Article]:
    return ARTICLES


if __name__ == "__main__":
    app.run()
