"""Our messaging from Python with the defaults: URL is the argument, `GET /run?messages=N` answers µs of CPU time a message, published, handled and acknowledged."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass

from spikard import App

app = App("bench-messaging")
broker = app.messaging(url=sys.argv[1])
handled = 0
wanted = 0
done = asyncio.Event()


@dataclass
class Order:
    id: int
    note: str = ""


def count() -> None:
    global handled
    handled += 1
    if handled == wanted:
        done.set()


@app.consumer("orders.created", group="typed")
async def take(order: Order) -> None:
    if order.id >= 0:
        count()


@app.consumer("orders.raw", group="raw")
async def take_raw(body: str) -> None:
    if body:
        count()


async def flow(messages: int, topic: str, payload: object) -> None:
    """Published one after the other, handled as they come."""
    for _ in range(messages):
        await broker.publish(topic, payload)
    await done.wait()


async def one_by_one(messages: int, topic: str, payload: object) -> None:
    """The next is published when the one before was handled, which is what FastStream's does."""
    global wanted
    last = wanted
    for at in range(last - messages + 1, last + 1):
        wanted = at
        done.clear()
        await broker.publish(topic, payload)
        await done.wait()


@app.get("/run")
async def run(messages: int) -> dict[str, float]:
    global wanted
    out = {}
    for name, way, topic, payload in (
        ("typed", flow, "orders.created", {"id": 7, "note": "leave it at the door"}),
        ("text", flow, "orders.raw", "leave it at the door"),
        ("typed, one by one", one_by_one, "orders.created", {"id": 7, "note": "leave it at the door"}),
    ):
        for number in (messages // 10, messages):
            wanted = handled + number
            done.clear()
            before = time.process_time()
            await way(number, topic, payload)
            await asyncio.sleep(0.05)  # the last acknowledgements
            spent = time.process_time() - before
        out[name] = spent * 1e6 / messages
    return out


if __name__ == "__main__":
    app.run()
