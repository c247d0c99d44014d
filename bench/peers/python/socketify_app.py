"""The workloads of bench/README.md on socketify with msgspec."""

import os
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from socketify import App, AppListenOptions


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
BOOLEANS = {"true": True, "false": False}
decoder = msgspec.json.Decoder(Order)
encoder = msgspec.json.Encoder()


def answer(res: Any, status: bytes, value: Any) -> None:
    res.cork_send(encoder.encode(value), b"application/json", status)


def plain(res: Any, req: Any) -> None:
    res.send(b"Hello, World!", b"text/plain; charset=utf-8")


def user(res: Any, req: Any) -> None:
    text = req.get_parameter(0)
    verbose = BOOLEANS.get(req.get_query("verbose") or "false")
    if not text.isdecimal() or int(text) < 1 or verbose is None:
        res.send(b'{"error":"malformed parameter"}', b"application/json", b"422 Unprocessable Content")
        return
    res.send(encoder.encode({"id": int(text), "verbose": verbose, "name": f"user {int(text)}"}), b"application/json")


def create(res: Any, req: Any) -> None:
    parts: list[bytes] = []

    def on_data(res: Any, chunk: bytes | None, is_end: bool) -> None:
        if chunk:
            parts.append(chunk)
        if not is_end:
            return
        try:
            order = decoder.decode(b"".join(parts))
        except msgspec.MsgspecError as error:
            answer(res, b"422 Unprocessable Content", {"error": str(error)})
            return
        answer(res, b"201 Created", {"customer": order.customer, "items": len(order.items), "total": sum(item.quantity * item.price for item in order.items)})

    res.on_data(on_data)


def articles(res: Any, req: Any) -> None:
    answer(res, b"200 OK", ARTICLES)


app = App()
app.get("/plain", plain)
app.get("/users/:id", user)
app.post("/orders", create)
app.get("/list", articles)
app.listen(AppListenOptions(port=int(os.environ.get("PORT", "8000")), host="127.0.0.1"))
app.run()
