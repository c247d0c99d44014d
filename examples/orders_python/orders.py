"""The orders service: ../orders/API.md is its interface, docs/guide/orders.md its story. Run it with `make run IN=python`, or `python orders.py`."""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import logging
import math
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from spikard import (
    App,
    Body,
    BodyStream,
    CloudEvent,
    Database,
    Field,
    Nack,
    Problem,
    Query,
    Response,
    StreamingResponse,
    TaskRun,
    Transaction,
    closed,
    convert,
    stopping,
    to_json,
)

# One file for rows, messages and tasks, so that a transaction holds all three; a folder for objects.
FILE = "sqlite:data/orders.db"
MIGRATIONS = Path(__file__).resolve().parents[1] / "orders" / "migrations"

log = logging.getLogger("orders")
log.setLevel(logging.INFO)
app = App("orders", config={"http": {"limits": {"body_bytes": 100 * 1024 * 1024}}})
db = app.db(url=FILE, migrations=str(MIGRATIONS), migrate_on_start=True)
messages = app.messaging(url=FILE)
tasks = app.tasks(url=FILE)
files = app.storage(url="file:data/objects")
cache = app.cache()

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
    attachment: Attachment | None


class OrderList(TypedDict):
    orders: list[Order]
    total: int


# ---- the orders in SQL

COLUMNS = "id, customer, status, items, note, total, attachment"


async def find(where: Database | Transaction, id: int) -> Order | None:
    row = await where.first(f"SELECT {COLUMNS} FROM orders WHERE id = ?", [id])
    return None if row is None else convert(Order, row)


async def cached(id: int) -> Order | None:
    """By the cache: of many who ask at once one loads."""

    async def load() -> bytes | None:
        order = await find(db, id)
        return None if order is None else to_json(order)

    text = await cache.get_or_load(f"order:{id}", load, ttl=600)
    return None if text is None else convert(Order, json.loads(text))


async def save(tx: Transaction, change: Change, order: Order) -> None:
    """What every change does, in its transaction: the row, a message that says so, and the order out of the cache."""
    await tx.execute("UPDATE orders SET status = ?, note = ?, attachment = ? WHERE id = ?", [order.status, order.note, order.attachment, order.id])
    await tx.publish(f"orders.{'updated' if change == 'attached' else change}", order, key=str(order.id))
    await tx.invalidate(f"order:{order.id}")


def none(id: int) -> Problem:
    return Problem(404, detail=f"No order {id}")


# ---- HTTP


# The row, the message and the task are one transaction: all of them, or none.
@app.post("/orders", status=201)
async def create(new: NewOrder) -> Response:
    total = math.floor(sum(item.quantity * item.price for item in new.items) * 100 + 0.5) / 100
    async with db.transaction() as tx:
        row = await tx.first(
            f"INSERT INTO orders (customer, items, note, total, placed_at) VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP) RETURNING {COLUMNS}",
            [new.customer, new.items, new.note, total],
        )
        order = convert(Order, row)
        await tx.publish("orders.created", order, key=str(order.id))
        await tx.enqueue(invoice, order.id)
    tell("created", order)
    return Response(order, 201, {"location": f"/orders/{order.id}"})


@app.get("/orders")
async def list_orders(
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> OrderList:
    rows = await db.query(f"SELECT {COLUMNS} FROM orders WHERE status = COALESCE($1, status) ORDER BY id LIMIT $2 OFFSET $3", [status, limit, offset])
    total = await db.value("SELECT count(*) FROM orders WHERE status = COALESCE($1, status)", [status])
    return {"orders": convert(list[Order], rows), "total": total}


@app.get("/orders/{id:int}")
async def read(id: int) -> Order:
    order = await cached(id)
    if order is None:
        raise none(id)
    return order


@app.patch("/orders/{id:int}")
async def patch(id: int, change: Annotated[OrderPatch, Body()]) -> Order:
    async with db.transaction() as tx:
        order = await find(tx, id)
        if order is None:
            raise none(id)
        if order.status in ("shipped", "cancelled"):
            raise Problem(409, detail=f"Order {id} is {order.status}")
        order.status = change.get("status", order.status)
        order.note = change.get("note", order.note)
        await save(tx, "updated", order)
    tell("updated", order)
    return order


# Streamed into the store; nothing of it is seen before all of it is there.
@app.put("/orders/{id:int}/attachment")
async def attach(id: int, body: BodyStream) -> dict[str, Any]:
    if await cached(id) is None:
        raise none(id)
    digest, size = hashlib.sha256(), 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal size
        async for chunk in body:
            digest.update(chunk)
            size += len(chunk)
            yield chunk

    await files.write_stream(f"attachments/{id}", chunks())
    async with db.transaction() as tx:
        order = await find(tx, id)
        if order is None:
            raise none(id)
        order.attachment = Attachment(size, digest.hexdigest())
        await save(tx, "attached", order)
    tell("attached", order)
    return {"order": id, "size": size, "sha256": digest.hexdigest()}


# A link that works for fifteen minutes without any credentials.
@app.get("/orders/{id:int}/invoice")
async def invoice_link(id: int) -> dict[str, str]:
    if not await files.exists(invoice_key(id)):
        raise Problem(404, detail=f"No invoice for order {id} yet")
    return {"url": (await files.presign("GET", invoice_key(id), expires_s=900)).url}


@app.get("/customers/{name}")
async def customer(name: str) -> dict[str, Any]:
    row = await db.first("SELECT name, orders, spent FROM customers WHERE name = ?", [name])
    if row is None:
        raise Problem(404, detail=f"No customer {name}")
    return row


watchers: set[asyncio.Queue[str | None]] = set()


def tell(change: Change, order: Order) -> None:
    """To everyone who follows the feed of this process. One that falls a thousand events behind is closed."""
    if not watchers:
        return
    event = f"event: order\ndata: {to_json({'change': change, 'order': order}).decode()}\n\n"
    for watcher in watchers:
        watcher.put_nowait(event if watcher.qsize() < 1000 else None)


@app.get("/orders/feed")
async def feed() -> StreamingResponse:
    watcher: asyncio.Queue[str | None] = asyncio.Queue()

    async def events() -> AsyncIterator[str]:
        watchers.add(watcher)
        ending = asyncio.create_task(stopping().wait())
        ending.add_done_callback(lambda _: watcher.put_nowait(None))
        try:
            yield ": connected\n\n"
            while (event := await watcher.get()) is not None:
                yield event
            yield "retry: 1000\n\n"
        finally:
            ending.cancel()
            watchers.discard(watcher)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"cache-control": "no-cache"})


# ---- what follows from an order, after the answer


# Who has ordered what. The inbox makes it once, however often the message comes.
@app.consumer("orders.created", group="customers", start_from="earliest", dead_letter="orders.dead")
async def count_customer(order: Order) -> None:
    async with db.transaction() as tx:
        if await tx.inbox("customers", str(order.id)):
            await tx.execute(
                "INSERT INTO customers (name, orders, spent) VALUES ($1, 1, $2)"
                " ON CONFLICT (name) DO UPDATE SET orders = customers.orders + 1, spent = customers.spent + excluded.spent",
                [order.customer, order.total],
            )


def invoice_key(id: int) -> str:
    return f"invoices/{id}.html"


def render(order: Order) -> str:
    title = f"Invoice {order.id}"
    rows = "".join(f"<tr><td>{html.escape(i.sku)}</td><td>{i.quantity}</td><td>{i.price:.2f}</td></tr>\n" for i in order.items)
    return (
        f'<!doctype html><meta charset="utf-8"><title>{title}</title>\n<h1>{title}</h1>\n'
        f"<p>{html.escape(order.customer)}</p>\n<table>\n{rows}</table>\n<p>Total: {order.total:.2f}</p>\n"
    )


# Renders the invoice, then confirms the order. Run twice it does the same again.
@app.task
async def invoice(order: int) -> str:
    key = invoice_key(order)
    found = await cached(order)
    if found is None:
        raise LookupError(f"no order {order}")
    await files.write(key, render(found), content_type="text/html; charset=utf-8", cache_control="private, max-age=3600")
    async with db.transaction() as tx:
        found = await find(tx, order)
        if found is None or found.status != "new":
            return key
        found.status = "confirmed"
        await save(tx, "confirmed", found)
    tell("confirmed", found)
    log.info("the invoice was rendered", extra={"order.id": order, "order.invoice": key})
    return key


# Every night: what was sold, by customer, as an object of its own.
@app.schedule("0 3 * * *", name="nightly")
@app.task
async def report(run: TaskRun) -> str:
    rows = await db.query("SELECT name, orders, spent FROM customers ORDER BY spent DESC, name")
    key = f"reports/{run.scheduled_at or datetime.now(timezone.utc):%Y-%m-%d}.json"
    await files.write(key, to_json(rows), content_type="application/json")
    return key


@app.event("com.example.shipment.sent")
async def shipped(event: CloudEvent) -> None:
    match event.data:
        case {"order": int(id)} if not isinstance(id, bool):
            pass
        case _:
            raise Nack(requeue=False)  # expected {"order": id}: it comes to nothing, however often it is sent
    async with db.transaction() as tx:
        order = await find(tx, id)
        if order is None or order.status == "shipped":
            return
        order.status = "shipped"
        await save(tx, "updated", order)
    tell("updated", order)


# `orders.confirmed` goes to whoever listens there, as a CloudEvent.
if url := os.environ.get("ORDERS_EVENTS_URL"):
    events = app.cloudevents(url=url, source="/orders")

    @app.consumer("orders.confirmed", group="events", dead_letter="orders.dead")
    async def tell_others(order: Order) -> None:
        await events.send(CloudEvent("com.example.order.confirmed", "/orders", f"order-{order.id}-confirmed", order, subject=f"orders/{order.id}"))


if __name__ == "__main__":
    app.run()
