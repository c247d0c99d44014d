"""The workloads of bench/README.md on Robyn with pydantic."""

import os
from dataclasses import dataclass

from pydantic import BaseModel, Field
from robyn import Request, Response, Robyn, jsonify


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
JSON = {"Content-Type": "application/json"}

app = Robyn(__file__)


@app.get("/plain")
async def plain() -> str:
    return "Hello, World!"


@app.get("/users/:id")
async def user(request: Request) -> Response:
    try:
        id = int(request.path_params["id"])
        verbose = {"true": True, "false": False}[request.query_params.get("verbose", "false")]
    except (ValueError, KeyError):
        return Response(422, JSON, '{"error":"malformed parameter"}')
    if id < 1:
        return Response(422, JSON, '{"error":"id must be at least 1"}')
    return Response(200, JSON, jsonify({"id": id, "verbose": verbose, "name": f"user {id}"}))


@app.post("/orders")
async def create(order: Order) -> Response:
    return Response(201, JSON, jsonify({"customer": order.customer, "items": len(order.items), "total": sum(item.quantity * item.price for item in order.items)}))


@app.get("/list")
async def articles() -> Response:
    return Response(200, JSON, jsonify(ARTICLES))


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=int(os.environ.get("PORT", "8000")), _check_port=False)
