"""What becomes of consumers, tasks, schedules and events before anything runs: the manifest, arguments, outcomes, values."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

import spikard
from spikard import App, CloudEvent, ConfigError, ErrorKind, Fatal, Message, Nack, OperationError, Request, RetryClass, Task, TaskRun, TestApp
from spikard import _core
from spikard._client import from_ms, to_ms
from spikard._toolbox import _own_types, _parameters, payload_bytes
from spikard._work import wire_options


@dataclass
class Order:
    id: int
    note: str = ""


@dataclass
class Line:
    price: float


@dataclass
class Bill:
    id: int
    lines: list[Line]
    paid: datetime.date | None = None


def message(payload: bytes = b"{}", **more: Any) -> Message:
    return Message("t", payload, None, {}, 1, 0, datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), **more)


def run_of(args: Any) -> TaskRun:
    return TaskRun("t", args, 1, "j", "q")


class TestManifest:
    def test_nothing_of_the_toolbox_leaves_the_manifest_as_it_was(self) -> None:
        manifest = App().manifest()
        assert manifest.keys() == {"name", "handle_signals", "http"}

    def test_clients_are_named_with_their_options(self) -> None:
        app = App()
        assert repr(app.cache()) == "<Cache 'default'>"
        app.cache("sessions", url="memory:", max_entries=10)
        app.db(url="sqlite:x.db")
        app.storage("files")
        assert app.manifest()["services"] == {
            "cache": {"sessions": {"url": "memory:", "max_entries": 10}},
            "db": {"default": {"url": "sqlite:x.db"}},
            "storage": {"files": {}},
        }

    def test_consumers(self) -> None:
        app = App()

        @app.consumer("orders.created", group="mail", max_retries=2, ack_wait=1.5, handler_timeout=datetime.timedelta(seconds=3), dead_letter="dead")
        async def mail(order: Order, message: Message) -> None: ...

        @app.consumer("raw", name="taker", client="other", ordered=True)
        def take(payload: bytes) -> None: ...

        first, second = app.manifest()["consumers"]
        schema = first.pop("schema")
        assert schema["properties"]["id"]["type"] == "integer"
        assert first == {"name": "mail", "topic": "orders.created", "group": "mail", "max_retries": 2, "ack_wait_ms": 1500, "handler_timeout_ms": 3000, "dead_letter": "dead"}
        assert second == {"name": "taker", "topic": "raw", "client": "other", "ordered": True}
        assert "http" not in app.manifest()
        assert app.manifest()["services"]["messaging"] == {"other": {}}

    def test_http_stays_where_it_is_used(self) -> None:
        app = App()

        @app.consumer("t")
        async def take(message: Message) -> None: ...

        @app.get("/")
        async def root() -> str:
            return "x"

        assert "http" in app.manifest()

    def test_tasks_workers_and_schedules(self) -> None:
        app = App()

        @app.task(queue="mail", max_attempts=3)
        async def send(to: str, subject: str = "") -> None: ...

        @app.task
        def render(order: Order) -> str:
            return f"{order.id}"

        @app.schedule("0 3 * * *", timezone="Europe/Berlin", misfire="skip", overlap="forbid", timeout=60)
        async def nightly(run: TaskRun) -> None: ...

        app.schedule("@hourly", name="mails", args={"to": "all"})(send)
        app.worker("mail", concurrency=4, lease=5)
        manifest = app.manifest()
        assert manifest["workers"] == [
            {"name": "mail", "queue": "mail", "tasks": ["send"], "concurrency": 4, "lease_ms": 5000},
            {"name": "default", "queue": "default", "tasks": ["render", "nightly"]},
        ]
        assert manifest["schedules"] == [
            {"name": "nightly", "cron": "0 3 * * *", "task": "nightly", "queue": "default", "timeout_ms": 60000, "misfire": "skip", "overlap": "forbid", "timezone": "Europe/Berlin"},
            {"name": "mails", "cron": "@hourly", "task": "send", "queue": "mail", "args": {"to": "all"}},
        ]
        assert render(Order(7)) == "7"  # a call is a call
        assert isinstance(send, Task) and send.__name__ == "send"

    def test_faults_are_told(self) -> None:
        app = App()

        @app.task("x")
        async def x() -> None: ...

        with pytest.raises(ConfigError, match="two tasks 'x'"):
            app.task("x")(x)
        app.worker("nobody")
        with pytest.raises(ConfigError, match="no task is in queue 'nobody'"):
            app.manifest()

        other = App()

        @other.consumer("t")
        async def two(a: Order, b: Order) -> None: ...

        with pytest.raises(ConfigError, match="takes one payload"):
            other.manifest()

    def test_events(self) -> None:
        app = App()

        @app.event("com.example.*", source="/shop")
        async def one(event: CloudEvent) -> None: ...

        @app.event(path="/in")
        async def rest(data: Order, event: CloudEvent) -> None: ...

        @app.event("a", topic="events", group="g")
        def broker(event: CloudEvent) -> None: ...

        app.event_endpoint("/in", allowed_origins=["*"])
        manifest = app.manifest()
        assert manifest["events"] == [
            {"path": "/events", "subscriptions": [{"handler": 0, "type": "com.example.*", "source": "/shop"}]},
            {"path": "/in", "subscriptions": [{"handler": 1}], "allowed_origins": ["*"]},
        ]
        assert manifest["event_consumers"] == [
            {"consumer": {"name": "events.events", "topic": "events", "group": "g"}, "subscriptions": [{"handler": 2, "type": "a"}]}
        ]
        assert "http" in manifest

    def test_print_manifest(self, tmp_path: Any) -> None:
        program = tmp_path / "program.py"
        program.write_text("import spikard\napp = spikard.App('shop')\napp.cache('c')\napp.run()\nprint('not reached')\n")
        done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, env={**os.environ, "SPIKARD_PRINT_MANIFEST": "1"}, timeout=60)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["services"] == {"cache": {"c": {}}}


class TestArguments:
    def plan(self, fn: Any, kind: str) -> Any:
        app = App()
        if kind == "message":
            app.consumer("t")(fn)
            return app._plan().consumers[0]
        if kind == "event":
            app.event()(fn)
            return app._plan().events[0]
        app.task("t")(fn)
        return app._plan().workers[0].tasks["t"]

    def test_of_messages(self) -> None:
        def typed(order: Order) -> None: ...
        def both(message: Message, *, order: Order) -> None: ...
        def raw(payload: bytes) -> None: ...
        def text(payload: str) -> None: ...
        def anything(payload: Any) -> None: ...
        def untyped(message) -> None: ...  # type: ignore[no-untyped-def]

        m = message(b'{"id": 5}')
        assert self.plan(typed, "message").arguments(m, m.payload) == ((Order(5),), {})
        assert self.plan(both, "message").arguments(m, m.payload) == ((m,), {"order": Order(5)})
        assert self.plan(raw, "message").arguments(m, m.payload) == ((b'{"id": 5}',), {})
        assert self.plan(text, "message").arguments(m, m.payload) == (('{"id": 5}',), {})
        assert self.plan(anything, "message").arguments(m, m.payload) == (({"id": 5},), {})
        assert self.plan(untyped, "message").arguments(m, m.payload) == ((m,), {})

    def test_of_tasks(self) -> None:
        def named(to: str, when: datetime.date, n: int = 3, *, run: TaskRun) -> None: ...
        def whole(order: Order, run: TaskRun) -> None: ...
        def none() -> None: ...

        run = run_of({"to": "a", "when": "2026-01-02"})
        assert self.plan(named, "task").arguments(run, b"") == (("a", datetime.date(2026, 1, 2), 3), {"run": run})
        run = run_of({"id": 1})
        assert self.plan(whole, "task").arguments(run, b"") == ((Order(1), run), {})
        assert self.plan(none, "task").arguments(run_of(None), b"") == ((), {})
        with pytest.raises(Fatal, match="'to' is missing"):
            self.plan(named, "task").arguments(run_of({}), b"")
        with pytest.raises(Fatal, match="invalid arguments"):
            self.plan(named, "task").arguments(run_of({"to": "a", "when": "tomorrow"}), b"")

    def test_of_events(self, caplog: pytest.LogCaptureFixture) -> None:
        def both(data: Order, event: CloudEvent) -> None: ...

        event = CloudEvent("t", "/s", data={"id": 2})
        assert self.plan(both, "event").arguments(event, b"") == ((Order(2), event), {})
        with caplog.at_level("INFO", "spikard"), pytest.raises(Nack) as refused:
            self.plan(both, "event").arguments(CloudEvent("t", "/s", "7", {"parcel": 2}), b"")
        assert not refused.value.requeue and "event '7' of '/s' refused" in caplog.text

    def test_what_is_enqueued(self) -> None:
        app = App()

        @app.task
        def named(to: str, n: int = 3, *, flag: bool = False) -> None: ...

        @app.task
        def whole(order: Order) -> None: ...

        @app.task
        async def with_run(to: str, run: TaskRun) -> None: ...

        assert named.arguments("a", flag=True) == {"to": "a", "flag": True}
        assert whole.arguments(Order(1, "x")) == Order(1, "x")
        assert _core.through_nodes(whole.arguments(Order(1, "x"))) == {"id": 1, "note": "x"}
        assert with_run.arguments("a") == {"to": "a"}
        with pytest.raises(TypeError, match="'to' is missing"):
            named.arguments()
        with pytest.raises(TypeError):
            named.arguments("a", 1, 2)
        assert named.options(delay=5, priority=1)._options == {"delay": 5, "priority": 1}
        assert named._options == {}
        assert wire_options({"delay": 1.5, "priority": 2, "retention": datetime.timedelta(minutes=1)}) == {"delay_ms": 1500, "priority": 2, "retention_ms": 60000}


class TestValues:
    def test_seconds(self) -> None:
        assert [to_ms(v) for v in (0, 1, 0.0001, -0.0001, 1.5, datetime.timedelta(minutes=1), None)] == [0, 1000, 1, -1, 1500, 60000, None]
        assert from_ms(1500) == 1.5 and from_ms(None) is None

    def test_payloads(self) -> None:
        assert payload_bytes("x") == "x"
        assert payload_bytes(bytearray(b"x")) == b"x"
        assert payload_bytes(Order(1)) == b'{"id":1,"note":""}'

    def test_parameters(self) -> None:
        zone = datetime.timezone(datetime.timedelta(hours=2))
        when = datetime.datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=zone)
        own = uuid.UUID(int=7)
        assert _parameters([1, None, "x", b"y", decimal.Decimal("1.10"), when, [1], {"a": 1}, {"$int64": "1"}, own]) == [
            1, None, "x", b"y", {"$decimal": "1.10"}, {"$timestamp": "2026-01-02T03:04:05.000600+02:00"}, {"$json": [1]}, {"$json": {"a": 1}}, {"$int64": "1"}, own,
        ]  # fmt: skip
        assert _core.through_nodes([own]) == [str(own)]
        assert _core.through_nodes(_parameters([Order(1), [Order(2)]])) == [{"$json": {"id": 1, "note": ""}}, {"$json": [{"id": 2, "note": ""}]}]
        assert _parameters({"a": decimal.Decimal(1)}) == {"a": {"$decimal": "1"}}
        assert _parameters(None) is None
        with pytest.raises(TypeError):
            _parameters("x")

    def test_models_as_parameters(self) -> None:
        msgspec = pytest.importorskip("msgspec")
        pydantic = pytest.importorskip("pydantic")
        for made in (msgspec.defstruct("S", [("id", int)])(id=1), pydantic.create_model("M", id=(int, ...))(id=1)):
            assert _core.through_nodes(_parameters([made])) == [{"$json": {"id": 1}}]

    def test_typed_values_of_plain_data(self) -> None:
        row = {"id": 1, "lines": [{"price": 2}], "paid": "2026-01-02", "more": True}
        bill = Bill(1, [Line(2.0)], datetime.date(2026, 1, 2))
        assert spikard.convert(Bill, row) == bill
        assert spikard.convert(list[Bill], [row]) == [bill]
        assert spikard.convert(int, 5) == 5 and spikard.convert(dict, row) is row
        assert spikard.to_json(bill) == b'{"id":1,"lines":[{"price":2.0}],"paid":"2026-01-02"}'
        for wrong in ({"id": 1}, {"id": "x", "lines": []}, None, []):
            with pytest.raises((ValueError, TypeError, KeyError)):
                spikard.convert(Bill, wrong)

    def test_rows(self) -> None:
        rows = [{"d": decimal.Decimal("1.10"), "i": 5, "t": "2026-01-02T03:04:05.123456789Z", "u": str(uuid.UUID(int=1)), "x": "y", "n": None, "day": "2026-01-02"}]
        types = ["decimal", "decimal", "timestamp", "uuid", "text", "decimal", "date"]
        assert _own_types(rows, ["d", "i", "t", "u", "x", "n", "day"], types) == [
            {
                "d": decimal.Decimal("1.10"),
                "i": decimal.Decimal(5),
                "t": datetime.datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=datetime.timezone.utc),
                "u": uuid.UUID(int=1),
                "x": "y",
                "n": None,
                "day": datetime.date(2026, 1, 2),
            }
        ]

    def test_events(self) -> None:
        event = CloudEvent.from_dict({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "ext": 5, "data_base64": "AP8="})
        assert event == CloudEvent("t", "/s", "1", b"\x00\xff", extensions={"ext": 5})
        assert event.to_dict() == {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "ext": 5, "data": b"\x00\xff"}
        assert _core.through_nodes([event]) == [event.to_dict()]

    def test_what_nodes_do_not_know(self) -> None:
        assert _core.through_nodes([bytearray(b"a"), memoryview(b"bc"), datetime.date(2026, 1, 2), {1}, datetime.timedelta(seconds=1)]) == [b"a", b"bc", "2026-01-02", [1], 1000]
        with pytest.raises(TypeError, match="no instant"):
            _core.through_nodes(datetime.datetime(2026, 1, 1))
        with pytest.raises(TypeError, match="cannot be handed to the core"):
            _core.through_nodes(object())

    def test_errors(self) -> None:
        error = OperationError(ErrorKind.INVALID_ARGUMENT, "no such key", "invalid_key")
        assert (str(error), error.message, error.retry) == ("invalid_argument/invalid_key: no such key", "no such key", RetryClass.PERMANENT)
        assert OperationError(ErrorKind.TIMEOUT, "m").retry is RetryClass.TEMPORARY
        assert OperationError(ErrorKind.TIMEOUT, "m", "", 2).retry is RetryClass.EXHAUSTED

    def test_clients_outside_of_an_application(self) -> None:
        with pytest.raises(spikard.SpikardError, match="no application runs here"):
            asyncio.run(spikard.Cache().get("k"))
        with spikard.span("x") as span:
            assert not span.recording
        assert spikard.traceparent() is None


def test_background_work_waits_by_the_virtual_clock() -> None:
    app = App()
    seen: list[str] = []

    @app.get("/")
    async def start(request: Request) -> str:
        async def later() -> None:
            await spikard.sleep(60)
            seen.append("done")

        request.background(later)
        return "begun"

    with TestApp(app) as test:
        assert test.client().get("/").text == "begun"
        test.advance(seconds=59)
        assert seen == []
        test.advance(seconds=1)
        assert seen == ["done"]
