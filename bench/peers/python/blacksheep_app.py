"""The workloads of bench/README.md on BlackSheep with pydantic and orjson, under granian."""

from dataclasses import dataclass

import orjson
from blacksheep import Application, FromJSON, Response, get, json, post, text
from blacksheep.exceptions import BadRequest
from blacksheep.settings.json import json_settings
from pydantic import BaseModel, Field


class Item(BaseModel):
    sku: str = Field(pattern="^[A-Z]{3}-[0-9]{4}$")
    quantity: int = Field(ge=1, le=1000)
    price: float = Field(ge=0)


class Order(BaseModel):
    customer: str = Field(min_length=1, max_length=100)
    items: list[Item] = Field(min_length=1, max_length=50)
    note: str | None = Field(default=None, max_length=500)


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

json_settings.use(loads=orjson.loads, dumps=lambda value: orjson.dumps(value).decode())
app = Application()


@get("/plain")
async def plain() -> Response:
    return text("Hello, World!")


@get("/users/{id}")
async def user(id: int, verbose: bool = False) -> Response:
    if id < 1:
        raise BadRequest("id must be at least 1")
    return json({"id": id, "verbose": verbose, "name": f"user {id}"})


@post("/orders")
async def create(data: FromJSON[Order]) -> Response:
    order = data.value
    return json({"customer": order.customer, "items": len(order.items), "total": sum(item.quantity * item.price for item in order.items)}, 201)


@get("/list")
async def articles() -> Response:
    return json(ARTICLES)
