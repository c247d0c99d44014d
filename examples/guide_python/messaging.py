from dataclasses import dataclass
from typing import Annotated

from spikard import App, Body, Fatal, Field, Message

app = App("messaging")
broker = app.messaging(url="memory:")
packed: list[str] = []


@dataclass
class Order:
    id: str
    quantity: Annotated[int, Field(ge=1)] = 1


# Done when the broker has it.
@app.post("/orders", status=202)
async def take(body: bytes = Body()) -> str:
    await broker.publish("orders.created", body)
    return "published"


# One consumer of the group gets each message. What does not fit Order goes to the dead letters before the handler sees it.
@app.consumer("orders.*", group="packing", max_retries=2, backoff={"initial_ms": 10}, dead_letter="dead.orders")
async def pack(order: Order, message: Message) -> None:
    if order.id == "flaky" and message.delivery_count < 3:
        raise RuntimeError("the printer is out of paper")
    if order.id == "unknown":
        raise Fatal("no such article")
    packed.append(f"{order.quantity} x {order.id}, delivery {message.delivery_count}\n")


@app.get("/packed")
def show() -> str:
    return "".join(packed)


@app.get("/dead")
async def dead() -> str:
    letters = await broker.list_dead_letters("dead.orders")
    return "".join(f"{one['reason']}: {one['error']}\n" for one in letters.messages)


if __name__ == "__main__":
    app.run()
