"""examples/orders_python, by its interface (examples/orders/API.md)."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from spikard import TestClient

ORDER = {"customer": "Ada", "items": [{"sku": "ABC-0001", "quantity": 2, "price": 9.5}]}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = Path(__file__).resolve().parents[3] / "examples" / "orders_python"
    if not folder.is_dir():
        pytest.skip("the examples are not here")
    monkeypatch.syspath_prepend(str(folder))
    sys.modules.pop("orders", None)
    import orders  # type: ignore[import-not-found]

    with TestClient(orders.app) as made:
        yield made


def test_the_whole_story(client: Any) -> None:
    with client.stream("GET", "/orders/feed") as feed:
        lines = feed.lines()
        assert feed.headers["content-type"].startswith("text/event-stream")
        assert next(lines) == ": connected"
        made = client.post("/orders", json=ORDER)
        assert made.status_code == 201 and made.headers["location"] == "/orders/1"
        assert made.content == (
            b'{"id":1,"customer":"Ada","status":"new","items":[{"sku":"ABC-0001","quantity":2,"price":9.5}],"note":null,"total":19.0,"attachment":null}'
        )
        events = []
        for line in lines:
            if line.startswith("data: "):
                events.append(json.loads(line[6:]))
                if len(events) == 2:
                    break
        assert [event["change"] for event in events] == ["created", "confirmed"]
    assert client.get("/orders/1").json()["status"] == "confirmed"
    patched = client.patch("/orders/1", json={"status": "shipped", "note": "fast"}).json()
    assert (patched["status"], patched["note"]) == ("shipped", "fast")
    conflict = client.patch("/orders/1", json={"note": None})
    assert conflict.status_code == 409 and conflict.json()["detail"] == "Order 1 is shipped"
    missing = client.get("/orders/7")
    assert missing.json() == {"type": "https://spikard.dev/problems/not-found", "title": "Not Found", "status": 404, "detail": "No order 7"}
    data = b"0123456789abcdef" * 65536 * 2
    attached = client.put("/orders/1/attachment", content=data, headers={"content-type": "application/octet-stream"})
    assert attached.json() == {"order": 1, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert client.get("/orders/1").json()["attachment"]["size"] == len(data)
    client.post("/orders", json=ORDER)
    listed = client.get("/orders", params={"limit": 1}).json()
    assert listed["total"] == 2 and [order["id"] for order in listed["orders"]] == [1]
    assert client.get("/orders", params={"status": "shipped"}).json()["total"] == 1


def test_what_is_refused(client: Any) -> None:
    bad = client.post("/orders", json={"customer": "", "items": [{"sku": "x", "quantity": 0, "price": -1}], "more": 1})
    assert bad.status_code == 422
    assert [(error["type"], error["loc"]) for error in bad.json()["errors"]] == [
        ("string_too_short", ["body", "customer"]),
        ("greater_than_equal", ["body", "items", "0", "price"]),
        ("greater_than_equal", ["body", "items", "0", "quantity"]),
        ("string_pattern_mismatch", ["body", "items", "0", "sku"]),
        ("validation_error", ["body", "more"]),
    ]
    assert client.get("/orders", params={"limit": 101}).status_code == 422
    assert client.get("/orders", params={"status": "lost"}).json()["errors"][0]["ctx"] == {"expected": "'new', 'confirmed', 'shipped' or 'cancelled'"}
    assert client.patch("/orders/x", json={}).status_code == 422
    assert client.delete("/orders/1").status_code == 405
