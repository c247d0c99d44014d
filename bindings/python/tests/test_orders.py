"""examples/orders_python, by its interface (examples/orders/API.md), as examples/orders/orders_test.cpp has it: everything in memory, on a virtual clock."""

import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from spikard import TestApp

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "orders_python"
ADA = {"customer": "Ada", "items": [{"sku": "ABC-0001", "quantity": 2, "price": 9.5}]}
EVENT = {"ce-specversion": "1.0", "ce-type": "com.example.shipment.sent", "ce-source": "/warehouse", "ce-id": "s-1"}


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> Any:
    if not FOLDER.is_dir():
        pytest.skip("the examples are not here")
    monkeypatch.syspath_prepend(str(FOLDER))
    sys.modules.pop("orders", None)
    import orders  # type: ignore[import-not-found]

    return orders


@pytest.fixture
def test(orders: Any) -> Iterator[TestApp]:
    with TestApp(orders.app) as running:
        yield running


@pytest.fixture
def client(test: TestApp) -> Any:
    return test.client()


def test_create_read_list_patch(test: TestApp, client: Any) -> None:
    made = client.post("/orders", json=ADA)
    assert (made.status, made.headers["location"]) == (201, "/orders/1")
    assert made.content == (
        b'{"id":1,"customer":"Ada","status":"new","items":[{"sku":"ABC-0001","quantity":2,"price":9.5}],"note":null,"total":19.0,"attachment":null}'
    )
    test.settle()
    assert client.get("/orders/1").json()["status"] == "confirmed", "the invoice was rendered"
    client.post("/orders", json=ADA)
    test.settle()
    listed = client.get("/orders", params={"limit": 1}).json()
    assert (listed["total"], [order["id"] for order in listed["orders"]]) == (2, [1])
    assert client.get("/orders", params={"offset": 1}).json()["orders"][0]["id"] == 2
    assert client.get("/orders?status=shipped").content == b'{"orders":[],"total":0}'
    assert client.get("/orders?status=lost").json()["errors"][0]["ctx"] == {"expected": "'new', 'confirmed', 'shipped' or 'cancelled'"}
    assert client.patch("/orders/2", json={"note": "ring twice"}).json()["note"] == "ring twice"
    shipped = client.patch("/orders/2", json={"status": "shipped"}).json()
    assert (shipped["status"], shipped["note"]) == ("shipped", "ring twice")
    late = client.patch("/orders/2", json={"note": None})
    assert late.json() == {"type": "https://spikard.dev/problems/conflict", "title": "Conflict", "status": 409, "detail": "Order 2 is shipped"}
    assert client.patch("/orders/1", json={"note": "x"}).json()["note"] == "x"
    assert client.patch("/orders/1", json={"note": None}).json()["note"] is None
    assert client.get("/orders/7").json() == {"type": "https://spikard.dev/problems/not-found", "title": "Not Found", "status": 404, "detail": "No order 7"}
    assert client.patch("/orders/7", json={}).status == 404


def test_an_order_is_counted_and_invoiced_after_the_answer(test: TestApp, client: Any) -> None:
    assert client.get("/orders/1/invoice").status == 404
    client.post("/orders", json=ADA)
    client.post("/orders", json=ADA)
    test.settle()
    assert client.get("/customers/Ada").content == b'{"name":"Ada","orders":2,"spent":38.0}'
    assert client.get("/customers/Bob").json()["detail"] == "No customer Bob"
    link = client.get("/orders/1/invoice").json()["url"]
    invoice = client.get(link)
    assert (invoice.status, invoice.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<p>Total: 19.00</p>" in invoice.text
    assert client.get(link + "0").status == 403, "another signature"
    test.advance(minutes=16)
    assert client.get(link).status == 403, "expired"


def test_a_message_that_comes_again_counts_once(test: TestApp, client: Any, orders: Any) -> None:
    made = client.post("/orders", json=ADA).json()
    test.settle()
    test.run(lambda: orders.messages.publish("orders.created", made))
    test.settle()
    assert client.get("/customers/Ada").json()["orders"] == 1


def test_a_shipment_comes_as_a_cloudevent(test: TestApp, client: Any) -> None:
    client.post("/orders", json=ADA)
    test.settle()
    assert client.get("/orders/1").json()["status"] == "confirmed"
    assert client.post("/events", json={"order": 1}, headers=EVENT).status == 204
    assert client.get("/orders/1").json()["status"] == "shipped", "not what the cache held"
    for data in ({"parcel": 1}, {"order": "1"}, {"order": 1.5}, {"order": True}, [1], None):
        assert client.post("/events", json=data, headers=EVENT).status == 400, data
    structured = {"specversion": "1.0", "type": "com.example.shipment.sent", "source": "/warehouse", "id": "s-2", "data": {"order": 1}}
    kind = {"content-type": "application/cloudevents+json"}
    assert client.post("/events", content=json.dumps(structured), headers=kind).status == 204
    batch = {"content-type": "application/cloudevents-batch+json"}
    assert client.post("/events", content=json.dumps([structured, {**structured, "id": "s-3"}]), headers=batch).status == 204
    assert client.post("/events", content=json.dumps({**structured, "type": "com.example.other"}), headers=kind).status == 400


def test_confirmed_orders_go_out_as_cloudevents(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    got: list[tuple[dict[str, str], Any]] = []
    came = threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(({k.lower(): v for k, v in self.headers.items()}, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            self.send_response(204)
            self.end_headers()
            came.set()

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        monkeypatch.setenv("ORDERS_EVENTS_URL", f"http://127.0.0.1:{receiver.server_port}/")
        with TestApp(request.getfixturevalue("orders").app) as test:
            test.client().post("/orders", json=ADA)
            assert came.wait(10)
        receiver.shutdown()
    headers, data = got[0]
    assert {name: headers[f"ce-{name}"] for name in ("type", "source", "id", "subject")} == {
        "type": "com.example.order.confirmed",
        "source": "/orders",
        "id": "order-1-confirmed",
        "subject": "orders/1",
    }
    assert (data["id"], data["status"], data["items"]) == (1, "confirmed", ADA["items"])


def test_a_month_of_nightly_reports(test: TestApp, client: Any, orders: Any) -> None:
    client.post("/orders", json=ADA)
    test.settle()
    test.advance(days=30)

    async def reports() -> dict[str, bytes]:
        return {entry["key"]: await orders.files.read(entry["key"]) async for entry in orders.files.iterate("reports/")}

    assert test.run(reports) == {f"reports/2026-01-{day:02}.json": b'[{"name":"Ada","orders":1,"spent":19.0}]' for day in range(1, 31)}


def test_validation_names_every_violation(client: Any) -> None:
    bad = client.post("/orders", json={"customer": "", "items": [{"sku": "x", "quantity": 0, "price": -1}], "more": 1})
    assert bad.status == 422
    assert [(error["type"], error["loc"]) for error in bad.json()["errors"]] == [
        ("string_too_short", ["body", "customer"]),
        ("greater_than_equal", ["body", "items", "0", "price"]),
        ("greater_than_equal", ["body", "items", "0", "quantity"]),
        ("string_pattern_mismatch", ["body", "items", "0", "sku"]),
        ("validation_error", ["body", "more"]),
    ]
    assert client.patch("/orders/1", json={"status": None}).status == 422, "may be left out, but is not nullable"
    assert client.get("/orders", params={"limit": 101}).status == 422
    assert client.patch("/orders/x", json={}).status == 422
    assert client.delete("/orders/1").status == 405


def test_an_attachment_is_streamed(test: TestApp, client: Any, orders: Any) -> None:
    client.post("/orders", json=ADA)
    data = b"0123456789abcdef" * 65536 * 2
    attached = client.put("/orders/1/attachment", content=data, headers={"content-type": "application/octet-stream"})
    assert attached.json() == {"order": 1, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert test.run(lambda: orders.files.read("attachments/1")) == data
    assert client.get("/orders/1").json()["attachment"] == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert client.put("/orders/1/attachment", content=b"abc").json()["size"] == 3
    assert client.get("/orders/1").json()["attachment"]["size"] == 3
    assert client.put("/orders/9/attachment", content=b"abc").status == 404


def test_the_feed_tells_changes_and_ends_with_the_service(test: TestApp, client: Any) -> None:
    with client.stream("GET", "/orders/feed") as feed:
        lines = feed.lines()
        assert (feed.headers["content-type"], feed.headers["cache-control"]) == ("text/event-stream", "no-cache")
        assert next(lines) == ": connected"
        made = client.post("/orders", json=ADA).json()
        events = [json.loads(line[6:]) for _ in range(6) if (line := next(lines)).startswith("data: ")]
        assert events == [{"change": "created", "order": made}, {"change": "confirmed", "order": {**made, "status": "confirmed"}}]
        assert test.stop()["exit_code"] == 0
        assert [line for line in lines if line] == ["retry: 1000"]
