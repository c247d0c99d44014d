"""A small orders service: examples/orders/API.md is its interface. Run it with `python -m spikard run orders:app`, or `python orders.py`."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypedDict

from spikard import App, Body, Field, Problem, Query, Request, Response, StreamingResponse, closed, stopping

Status = Literal["new", "confirmed", "shipped", "cancelled"]
Change = Literal["created", "updated", "confirmed", "attached"]
Note = Annotated[str, Field(max_length=500)]


@closed
@dataclass
class Item:
    sku: Annotated[str, Field(pattern="^[A-Z]{3}-[0-9]{4}$")]
    quantity: Annotated[int, Field(ge=1, le=1000)]
    price: Annotated[float, Field(ge=0)]


@closed
@dataclass
class NewOrder:
    customer: Annotated[str, Field(min_length=1, max_length=100)]
    items: Annotated[list[Item], Field(min_length=1, max_length=50)]
    note: Note | None = None


@closed
class OrderPatch(TypedDict, total=False):
    status: Status
    note: Note | None


@dataclass
class Attachment:
    size: int
    sha256: str


@dataclass
class Order:
    id: int
    customer: str
    status: Status
    items: list[Item]
    note: str | None
    total: float
    attachment: Attachment | None = None


class OrderList(TypedDict):
    orders: list[Order]
    total: int


@dataclass
class Store:
    """Orders in memory, and who watches them."""

    orders: dict[int, Order] = field(default_factory=dict)
    watchers: set[asyncio.Queue[tuple[Change, Order] | None]] = field(default_factory=set)

    def find(self, id: int) -> Order:
        order = self.orders.get(id)
        if order is None:
            raise Problem(404, detail=f"No order {id}")
        return order

    def tell(self, change: Change, order: Order) -> None:
        for watcher in self.watchers:
            watcher.put_nowait((change, order))


app = App("orders", config={"http": {"limits": {"body_bytes": 100 * 1024 * 1024}}})


@app.dependency(scope="singleton")
def store() -> Store:
    return Store()


async def confirm(store: Store, order: Order) -> None:
    if order.status == "new":
        order.status = "confirmed"
        store.tell("confirmed", order)


@app.post("/orders", status=201)
async def create(order: NewOrder, store: Store, request: Request) -> Response:
    total = round(sum(item.quantity * item.price for item in order.items), 2)
    made = Order(len(store.orders) + 1, order.customer, "new", order.items, order.note, total)
    store.orders[made.id] = made
    store.tell("created", made)
    request.background(confirm, store, made)
    return Response(made, 201, {"location": f"/orders/{made.id}"})


@app.get("/orders/feed")
async def feed(store: Store) -> StreamingResponse:
    watcher: asyncio.Queue[tuple[Change, Order] | None] = asyncio.Queue()

    async def events() -> AsyncIterator[str]:
        store.watchers.add(watcher)
        ending = asyncio.create_task(stopping().wait())
        ending.add_done_callback(lambda _: watcher.put_nowait(None))
        try:
            yield ": connected\n\n"
            while (event := await watcher.get()) is not None:
                yield f"event: order\ndata: {event_text(*event)}\n\n"
            yield "retry: 1000\n\n"
        finally:
            ending.cancel()
            store.watchers.discard(watcher)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"cache-control": "no-cache"})


@app.get("/orders/{id:int}")
async def read(id: int, store: Store) -> Order:
    return store.find(id)


@app.get("/orders")
async def list_orders(
    store: Store,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> OrderList:
    found = [order for order in store.orders.values() if status is None or order.status == status]
    return {"orders": found[offset : offset + limit], "total": len(found)}


@app.patch("/orders/{id:int}")
async def patch(id: int, change: Annotated[OrderPatch, Body()], store: Store) -> Order:
    order = store.find(id)
    if order.status in ("shipped", "cancelled"):
        raise Problem(409, detail=f"Order {id} is {order.status}")
    if "status" in change:
        order.status = change["status"]
    if "note" in change:
        order.note = change["note"]
    store.tell("updated", order)
    return order


@app.put("/orders/{id:int}/attachment", stream=True)
async def attach(id: int, request: Request, store: Store) -> dict[str, object]:
    order = store.find(id)
    digest = hashlib.sha256()
    size = 0
    async for chunk in request.stream():
        digest.update(chunk)
        size += len(chunk)
    order.attachment = Attachment(size, digest.hexdigest())
    store.tell("attached", order)
    return {"order": id, "size": size, "sha256": order.attachment.sha256}


def event_text(change: Change, order: Order) -> str:
    from dataclasses import asdict

    return json.dumps({"change": change, "order": asdict(order)}, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    app.run()
