"""FastStream's in-memory broker (TestNatsBroker, no server): `faststream_app.py MESSAGES`; one JSON line. `publish` returns when the handler has run."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time

from faststream.nats import NatsBroker, TestNatsBroker
from pydantic import BaseModel

logging.disable(logging.CRITICAL)  # a line a message otherwise
broker = NatsBroker(logger=None)
handled = 0


class Order(BaseModel):
    id: int
    note: str = ""




@broker.subscriber("orders.created")
async def take(order: Order) -> None:
    global handled
    handled += order.id >= 0


@broker.subscriber("orders.raw")
async def take_raw(body: str) -> None:
    global handled
    handled += len(body) > 0


async def main(messages: int) -> None:
    global handled
    out = {}
    async with TestNatsBroker(broker) as memory:
        for name, topic, payload in (("typed", "orders.created", {"id": 7, "note": "leave it at the door"}), ("text", "orders.raw", "leave it at the door")):
            for count in (messages // 10, messages):
                handled = 0
                before = time.process_time()
                for _ in range(count):
                    await memory.publish(payload, topic)
                spent = time.process_time() - before
                assert handled == count
            out[name] = spent * 1e6 / messages
    print(json.dumps(out))


asyncio.run(main(int(sys.argv[1])))
