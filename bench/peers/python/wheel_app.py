"""The workloads of bench/README.md on the published spikard wheel, with msgspec. It listens on port 8000 whatever its configuration says."""

from typing import Annotated, Any

from msgspec import Meta, Struct
from spikard import App, Response, ServerConfig


class Item(Struct):
    sku: Annotated[str, Meta(pattern="^[A-Z]{3}-[0-9]{4}$")]
    quantity: Annotated[int, Meta(ge=1, le=1000)]
    price: Annotated[float, Meta(ge=0)]


class Order(Struct):
    customer: Annotated[str, Meta(min_length=1, max_length=100)]
    items: Annotated[list[Item], Meta(min_length=1, max_length=50)]
    note: Annotated[str, Meta(max_length=500)] | None = None


class Article(Struct):
    id: int
    name: str
    sku: str
    price: float
    quantity: int
    active: bool
    note: str | None


ARTICLES = [Article(i, f"Item number {i}", f"ABC-{1000 + i}", 9.99 + i, i % 17, i % 2 == 0, None) for i in range(200)]

app = App(ServerConfig(host="127.0.0.1", port=8000, workers=1))


@app.get("/plain")
async def plain() -> Any:
    return Response(content="Hello, World!", headers={"content-type": "text/plain; charset=utf-8"})


@app.get("/users/{id:int}")
async def user(id: int, verbose: bool = False) -> Any:
    if id < 1:  # neither Meta(ge=1) nor Path(schema=...) is checked for a path parameter
        return Response(content={"error": "id must be at least 1"}, status_code=422)
    return {"id": id, "verbose": verbose, "name": f"user {id}"}


@app.post("/orders")
async def create(order: Order) -> Any:
    receipt = {"customer": order.customer, "items": len(order.items), "total": sum(item.quantity * item.price for item in order.items)}
    return Response(content=receipt, status_code=201)


@app.get("/list")
async def articles() -> list[Article]:
    return ARTICLES


if __name__ == "__main__":
    app.run()
