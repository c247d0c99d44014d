"""The toolbox from Python, on embedded backends: clients in handlers and out of them, consumers, tasks, schedules, transactions, streams, telemetry."""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime
import decimal
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

import spikard
from spikard import Ack, App, CloudEvent, ConfigError, Depends, ErrorKind, Fatal, Message, Nack, OperationError, Retry, SqlQuery, TaskRun, TestApp, Transaction
from spikard import TaskRun as Run
from spikard._runtime import current


@dataclass
class Order:
    id: int
    note: str = ""


@pytest.fixture
def app() -> App:
    return App("test", config={"log": {"level": "off"}})


@pytest.fixture
def test(app: App) -> Iterator[TestApp]:
    """For what needs no handlers."""
    with TestApp(app) as running:
        yield running


class TestCache:
    def test_a_hit_needs_no_turn_of_the_loop(self, test: TestApp) -> None:
        cache = spikard.Cache()

        async def main() -> None:
            await cache.set("k", b"v")
            coroutine = cache.get("k")
            with pytest.raises(StopIteration) as done:
                coroutine.send(None)  # to its end, without a loop
            assert done.value.value == b"v"

        test.run(main)

    def test_values_times_and_namespaces(self, test: TestApp) -> None:
        cache = spikard.Cache()

        async def fill() -> None:
            assert await cache.get("k") is None
            await cache.set("k", "text", ttl=1.5)
            await cache.set("b", b"\x00\xff", ttl=datetime.timedelta(minutes=1))
            assert await cache.get("k") == b"text"
            assert await cache.ttl("k") == 1.5
            assert await cache.get_many(["k", "x", "b"]) == [b"text", None, b"\x00\xff"]
            other = cache.namespaced("other")
            await other.set("k", "there")
            assert (await other.get("k"), await cache.get("k")) == (b"there", b"text")
            await other.clear()
            assert await other.get("k") is None
            assert await cache.increment("n", by=5) == 5

        test.run(fill)
        test.advance(1501)
        assert test.run(lambda: cache.get("k")) is None
        assert test.run(lambda: cache.get("b")) == b"\x00\xff"

    def test_errors(self, test: TestApp) -> None:
        cache = spikard.Cache()

        async def main() -> None:
            await cache.set("k", "abc")
            with pytest.raises(OperationError) as error:
                await cache.increment("k")
            assert (error.value.kind, error.value.detail) == (ErrorKind.INVALID_ARGUMENT, "not_an_integer")
            with pytest.raises(OperationError) as error:
                await cache.ttl("nothing")
            assert error.value.kind is ErrorKind.NOT_FOUND

        test.run(main)

    def test_get_or_load_loads_once(self, test: TestApp) -> None:
        cache = spikard.Cache()
        loads = 0

        async def load() -> str:
            nonlocal loads
            loads += 1
            await spikard.sleep(0.2)
            return "v"

        async def main() -> None:
            values = await asyncio.gather(*(cache.get_or_load("k", load, ttl=60) for _ in range(10)))
            assert values == [b"v"] * 10 and loads == 1
            assert await cache.get_or_load("k", lambda: pytest.fail("it is there")) == b"v"
            assert await cache.get_or_load("plain", lambda: b"w") == b"w"
            assert await cache.get_or_load("none", lambda: None, negative_ttl=60) is None

            def broken() -> str:
                raise LookupError("no database")

            with pytest.raises(OperationError) as error:
                await cache.get_or_load("broken", broken)
            assert error.value.detail == "load_failed" and isinstance(error.value.__cause__, LookupError)

        test.run(main)

    def test_a_cancelled_loader_hands_its_load_on(self, test: TestApp) -> None:
        cache = spikard.Cache()
        order: list[str] = []

        async def main() -> None:
            async def slow() -> str:
                order.append("slow")
                await spikard.sleep(10)
                return "never"

            async def quick() -> str:
                order.append("quick")
                return "v"

            first = asyncio.ensure_future(cache.get_or_load("k", slow))
            await asyncio.sleep(0)
            second = asyncio.ensure_future(cache.get_or_load("k", quick))
            await spikard.sleep(0.01)
            first.cancel()
            assert await second == b"v"
            with pytest.raises(asyncio.CancelledError):
                await first

        test.run(main)
        assert order == ["slow", "quick"]

    def test_early_refresh_loads_behind_the_answer(self, app: App) -> None:
        cache = app.cache()
        loads: list[int] = []

        async def load() -> str:
            loads.append(len(loads))
            await asyncio.sleep(0)
            return f"v{len(loads)}"

        @app.get("/")
        async def get() -> str:
            value = await cache.get_or_load("k", load, ttl=10, early_refresh=5)
            assert value is not None
            return value.decode()

        with TestApp(app) as test, test.client() as client:
            assert client.get("/").text == "v1"
            test.advance(seconds=6)
            assert client.get("/").text == "v1"  # while it is loaded anew
            while client.get("/").text == "v1":
                pass
            assert loads == [0, 1]

    def test_from_handlers_async_and_plain(self, app: App) -> None:
        cache = app.cache()

        @app.get("/async")
        async def one() -> str:
            await cache.set("k", "async")
            return (await cache.get("k") or b"").decode()

        @app.get("/plain")
        def two() -> str:
            cache.sync.set("k", "plain")
            return (cache.sync.get("k") or b"").decode()

        @app.get("/direct")
        async def three() -> str:
            return (cache.sync.get("k") or b"").decode()  # it completes at once, so it may be asked on the loop too

        with TestApp(app) as test:
            client = test.client()
            assert client.get("/async").text == "async"
            assert client.get("/plain").text == "plain"
            assert client.get("/direct").text == "plain"

    def test_an_unknown_client_is_told(self, test: TestApp) -> None:
        with pytest.raises(spikard.ConfigError, match="no cache client 'nope'"):
            test.run(lambda: spikard.Cache("nope").get("k"))


class TestStorage:
    def test_objects(self, test: TestApp) -> None:
        storage = spikard.Storage()

        async def main() -> None:
            await storage.write("a/1", b"0123456789", content_type="text/plain", metadata={"Owner": "me"})
            assert await storage.read("a/1", offset=2, length=3) == b"234"
            assert (await storage.stat("a/1"))["metadata"] == {"owner": "me"}
            assert await storage.exists("a/1") and not await storage.exists("a/2")
            await storage.copy("a/1", "b")
            assert [entry["key"] async for entry in storage.iterate()] == ["a/1", "b"]
            assert (await storage.list(delimiter="/")).prefixes == ["a/"]
            with pytest.raises(OperationError) as error:
                await storage.read("nothing")
            assert error.value.kind is ErrorKind.NOT_FOUND
            with pytest.raises(OperationError) as error:
                await storage.write("../x", b"")
            assert error.value.detail == "invalid_key"

        test.run(main)

    def test_streams_both_ways(self, test: TestApp) -> None:
        storage = spikard.Storage()
        data = bytes(range(256)) * 4096  # 1 MiB

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(data), 100_003):
                yield data[at : at + 100_003]

        async def main() -> None:
            written = await storage.write_stream("big", pieces(), content_type="x/y")
            assert written["size"] == len(data)
            chunks = []
            async with storage.read_stream("big", offset=10) as stream:
                async for chunk in stream:
                    chunks.append(chunk)
            assert b"".join(chunks) == data[10:] and len(chunks) > 1
            assert stream.result.size == len(data) - 10
            await storage.write_stream("lines", ["a\n", "b\n"])
            assert await storage.read_stream("lines").read() == b"a\nb\n"
            with pytest.raises(OperationError):
                await storage.read_stream("nothing").read()

        test.run(main)

    def test_a_writer_that_fails_leaves_what_was_there(self, test: TestApp) -> None:
        storage = spikard.Storage()

        async def fails() -> AsyncIterator[bytes]:
            yield b"x" * 100_000
            raise LookupError("half way")

        async def main() -> None:
            await storage.write("k", "old")
            with pytest.raises(LookupError):
                await storage.write_stream("k", fails())
            assert await storage.read("k") == b"old"

        test.run(main)

    def test_a_reader_that_stops_early(self, test: TestApp) -> None:
        storage = spikard.Storage()

        async def main() -> None:
            await storage.write("big", b"x" * 1_000_000)
            async with storage.read_stream("big") as stream:
                async for _ in stream:
                    break
            with pytest.raises(spikard.SpikardError, match="read to its end"):
                _ = stream.result
            assert not current.get().streams  # the operation is over, not forgotten

        test.run(main)

    def test_objects_as_answers(self, app: App) -> None:
        storage = app.storage()

        @app.get("/files/{key:path}")
        async def read(key: str) -> Any:
            return storage.object(key, cache_control="max-age=60")

        @app.get("/plain/{key:path}")
        def read_plain(key: str) -> Any:
            return storage.object(key)

        with TestApp(app) as test:
            client = test.client()
            data = bytes(range(256)) * 1000
            test.run(lambda: storage.write("a/b", data, content_type="x/y"))
            whole = client.get("/files/a/b")
            assert (whole.status, whole.content == data, whole.headers["content-type"], whole.headers["cache-control"]) == (200, True, "x/y", "max-age=60")
            part = client.get("/files/a/b", headers={"range": "bytes=10-19"})
            assert (part.status, part.content, part.headers["content-range"]) == (206, data[10:20], f"bytes 10-19/{len(data)}")
            assert client.get("/files/a/b", headers={"if-none-match": whole.headers["etag"]}).status == 304
            assert client.head("/files/a/b").headers["content-length"] == str(len(data))
            assert client.get("/files/nothing").status == 404
            assert client.get("/plain/a/b").content == data

    def test_bodies_as_objects(self, app: App) -> None:
        storage = app.storage()
        go = asyncio.Event()

        @app.put("/files/{key:path}", stream=True)
        async def write(key: str) -> Any:
            return storage.accept(key, content_type="x/y")

        @app.put("/later/{key:path}", stream=True)
        async def write_later(key: str) -> Any:
            await go.wait()  # while its body comes
            go.clear()
            return storage.accept(key, status=200)

        @app.post("/go")
        async def release() -> None:
            go.set()

        with TestApp(app) as test:
            client = test.client()
            data = bytes(range(256)) * 1000
            made = client.put("/files/a/b", content=data)
            assert made.status == 201 and made.json() == {"key": "a/b", "size": len(data), "etag": made.headers["etag"]}
            assert test.run(lambda: storage.read("a/b")) == data
            for headers, status in (({}, 200), ({"if-none-match": '"x"'}, 400), ({"if-none-match": "*"}, 412)):
                with concurrent.futures.ThreadPoolExecutor(1) as pool:
                    answer = pool.submit(test.client().put, "/later/c", content=b"late", headers=headers)
                    while not answer.done():
                        client.post("/go")
                    assert answer.result().status == status, answer.result()
            assert test.run(lambda: storage.read("c")) == b"late"

    def test_uploads_in_parts_by_others(self, app: App) -> None:
        storage = app.storage()

        @app.post("/plans/{key:path}")
        async def plan(key: str, size: int) -> spikard.UploadPlan:
            return await storage.plan_upload(key, size, part_bytes=5 << 20, content_type="x/y", metadata={"by": "test"}, if_none_match="*")

        with TestApp(app) as test:
            client = test.client()
            data = bytes(range(256)) * 4 * 6000  # 6,144,000 bytes: two parts
            made = client.post(f"/plans/a/b?size={len(data)}").json()
            assert [(part["number"], part["method"], part["offset"], part["size"]) for part in made["parts"]] == [(1, "PUT", 0, 5 << 20), (2, "PUT", 5 << 20, len(data) - (5 << 20))]
            assert (made["key"], made["ordered"]) == ("a/b", False)
            etags = {}
            for part in reversed(made["parts"]):
                url = part["url"][part["url"].index("/_spikard") :]
                sent = client.put(url, content=data[part["offset"] : part["offset"] + part["size"]], headers=part["headers"])
                assert sent.status == 200, sent.text
                etags[part["number"]] = sent.headers["etag"]
            with pytest.raises(OperationError) as error:
                test.run(lambda: storage.complete_upload("other", made["upload"]))
            assert (error.value.kind, error.value.detail) == (ErrorKind.INVALID_ARGUMENT, "invalid_upload")
            done = test.run(lambda: storage.complete_upload("a/b", made["upload"], etags=[etags[1], etags[2]]))
            assert (done["size"], done["content_type"], done["metadata"]) == (len(data), "x/y", {"by": "test"})
            assert test.run(lambda: storage.read("a/b")) == data
            with pytest.raises(OperationError) as error:
                test.run(lambda: storage.complete_upload("a/b", made["upload"]))
            assert error.value.detail == "no_such_upload"
            left = test.run(lambda: storage.plan_upload("c", 5))
            assert left.parts[0].size == 5
            with pytest.raises(OperationError, match="part 1 of 1 is missing") as error:
                test.run(lambda: storage.complete_upload("c", left.upload))
            assert (error.value.kind, error.value.detail) == (ErrorKind.CONFLICT, "invalid_part")
            test.run(lambda: storage.abort_upload("c", left.upload))
            with pytest.raises(OperationError, match="size: expected"):
                test.run(lambda: storage.plan_upload("c", 0))

    def test_plain_functions(self, app: App) -> None:
        storage = app.storage().sync

        @app.get("/")
        def all_of_it() -> list[Any]:
            storage.write("k", b"abc")
            storage.write_stream("s", [b"1" * 70_000, b"2"])
            with storage.read_stream("s") as stream:
                size = sum(len(chunk) for chunk in stream)
            return [storage.read("k").decode(), size, stream.result.size]

        with TestApp(app) as test:
            assert test.client().get("/").json() == ["abc", 70_001, 70_001]


class TestDatabase:
    @pytest.fixture
    def db(self, test: TestApp) -> spikard.Database:
        db = spikard.Database()
        test.run(lambda: db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, d DECIMAL_TEXT, at TIMESTAMP, b BLOB, ok BOOLEAN, note TEXT)"))
        return db

    def test_types(self, test: TestApp, db: spikard.Database) -> None:
        when = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)

        async def main() -> None:
            values = [1, decimal.Decimal("1.10"), when, b"\x00", True, "x"]
            assert await db.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", values) == 1
            rows = await db.query("SELECT * FROM t")
            assert rows == [{"id": 1, "d": decimal.Decimal("1.10"), "at": when, "b": b"\x00", "ok": True, "note": "x"}]
            assert rows.columns == ["id", "d", "at", "b", "ok", "note"]
            assert await db.first("SELECT note FROM t WHERE id = :id", {"id": 1}) == {"note": "x"}
            assert await db.first("SELECT note FROM t WHERE id = $1", [2]) is None
            assert await db.value("SELECT COUNT(*) FROM t") == 1
            with pytest.raises(OperationError) as error:
                await db.execute("INSERT INTO t (id) VALUES (1)")
            assert (error.value.kind, error.value.detail) == (ErrorKind.ALREADY_EXISTS, "unique_violation")

        test.run(main)

    def test_transactions(self, test: TestApp, db: spikard.Database) -> None:
        async def main() -> None:
            async with db.transaction() as tx:
                await tx.execute("INSERT INTO t (id) VALUES (1)")
                with pytest.raises(LookupError):
                    async with tx.savepoint() as inner:
                        await inner.execute("INSERT INTO t (id) VALUES (2)")
                        raise LookupError
                await tx.batch("INSERT INTO t (id) VALUES (?)", [[3], [4]])
            with pytest.raises(LookupError):
                async with db.transaction() as tx:
                    await tx.execute("INSERT INTO t (id) VALUES (5)")
                    raise LookupError
            assert [row["id"] for row in await db.query("SELECT id FROM t ORDER BY id")] == [1, 3, 4]
            with pytest.raises(OperationError) as error:
                await tx.execute("SELECT 1")
            assert error.value.kind is ErrorKind.NOT_FOUND

        test.run(main)

    def test_many_rows_come_as_they_are_taken(self, test: TestApp, db: spikard.Database) -> None:
        async def main() -> None:
            await db.batch("INSERT INTO t (id) VALUES (?)", [[i] for i in range(1000)])
            assert [row["id"] async for row in db.iterate("SELECT id FROM t ORDER BY id", at_once=64)] == list(range(1000))
            async for _ in db.iterate("SELECT id FROM t"):
                break
            text = await db.query_stream("SELECT id FROM t WHERE id < 3 ORDER BY id", format="ndjson").read()
            assert text == b'{"id":0}\n{"id":1}\n{"id":2}\n'

        test.run(main)

    def test_scopes_ended_by_hand(self, test: TestApp) -> None:
        db = spikard.Database()

        async def main() -> None:
            await db.execute("CREATE TABLE t (id INTEGER)")
            async with db.transaction() as tx:
                async with tx.savepoint() as outer:
                    await outer.execute("INSERT INTO t VALUES (1)")
                    async with tx.savepoint() as inner:
                        await inner.execute("INSERT INTO t VALUES (2)")
                        await inner.rollback()
                    await outer.execute("INSERT INTO t VALUES (3)")
                    await outer.commit()
                await tx.execute("INSERT INTO t VALUES (4)")
            assert [row["id"] for row in await db.query("SELECT id FROM t ORDER BY id")] == [1, 3, 4]

        test.run(main)

    def test_a_query_is_an_answer(self, app: App) -> None:
        db = app.db()

        async def transaction() -> AsyncIterator[Transaction]:
            async with db.transaction() as tx:
                yield tx

        @app.get("/rows")
        def rows() -> Any:
            return db.query("SELECT 1 AS a UNION SELECT 2 ORDER BY a")

        @app.get("/async")
        async def later() -> SqlQuery:
            return db.query("SELECT 'x' AS s")

        @app.get("/wrong")
        async def wrong() -> Any:
            return db.query("SELECT nonsense")

        @app.get("/many")
        async def many() -> Any:
            return db.query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n", [50000], timeout=30)

        @app.get("/within")
        async def within(tx: Annotated[Transaction, Depends(transaction)]) -> Any:
            await tx.execute("CREATE TABLE w (a INTEGER)")
            await tx.execute("INSERT INTO w VALUES (7)")
            return tx.query("SELECT a FROM w")

        with TestApp(app) as test:
            client = test.client()
            assert client.get("/many").json() == [{"i": i} for i in range(1, 50001)]
            assert client.get("/within").json() == [{"a": 7}]
            answer = client.get("/rows")
            assert answer.headers["content-type"] == "application/json"
            assert answer.json() == [{"a": 1}, {"a": 2}]
            assert client.get("/async").json() == [{"s": "x"}]
            assert client.get("/wrong").status == 500

    def test_plain_functions(self, app: App) -> None:
        db = app.db().sync

        @app.get("/")
        def all_of_it() -> Any:
            db.execute("CREATE TABLE IF NOT EXISTS p (a INTEGER)")
            with db.transaction() as tx:
                tx.execute("INSERT INTO p VALUES (?)", [1])
            return [db.query("SELECT a FROM p"), db.first("SELECT a FROM p"), list(db.iterate("SELECT a FROM p"))]

        with TestApp(app) as test:
            assert test.client().get("/").json() == [[{"a": 1}], {"a": 1}, [{"a": 1}]]


class TestMessages:
    def test_handlers_and_outcomes(self, app: App) -> None:
        messaging = app.messaging()
        seen: list[Any] = []

        @app.consumer("orders", group="a", max_retries=2, backoff={"initial_ms": 1000}, dead_letter="dead")
        async def typed(order: Order, message: Message) -> Any:
            seen.append((order, message.delivery_count, message.key, message.headers.get("h")))
            if order.note == "retry" and message.delivery_count == 1:
                return Retry(after=5)
            if order.note == "again" and message.delivery_count == 1:
                raise Nack(requeue=True)
            if order.note == "no":
                raise Fatal("no use")
            if order.note == "throw":
                raise LookupError("broken")
            return Ack()

        @app.consumer("orders", group="b")
        def plain(payload: bytes) -> None:
            threads.add(threading.current_thread().name)

        threads: set[str] = set()
        with TestApp(app) as test:
            test.run(lambda: messaging.publish("orders", Order(1), key="k", headers={"h": "1"}))
            test.settle()
            assert seen == [(Order(1), 1, "k", "1")]
            assert all(name.startswith("spikard-work") for name in threads) and threads
            seen.clear()
            test.run(lambda: messaging.publish("orders", {"id": 2, "note": "retry"}))
            test.advance(4999)
            assert len(seen) == 1
            test.advance(1)
            assert [count for _, count, _, _ in seen] == [1, 2]
            seen.clear()
            test.run(lambda: messaging.publish("orders", Order(3, "again")))
            test.settle()
            assert [count for _, count, _, _ in seen] == [1, 2]
            seen.clear()
            test.run(lambda: messaging.publish("orders", Order(4, "no")))
            test.run(lambda: messaging.publish("orders", Order(5, "throw")))
            test.run(lambda: messaging.publish("orders", b"no JSON at all"))
            test.advance(minutes=1)
            letters = test.run(lambda: messaging.list_dead_letters("dead", payloads=True)).messages
            assert sorted(letter["payload"] for letter in letters) == [b"no JSON at all", b'{"id":4,"note":"no"}', b'{"id":5,"note":"throw"}']

    def test_a_consumer_at_run_time(self, test: TestApp) -> None:
        messaging = spikard.Messaging()
        got: list[bytes] = []

        async def main() -> None:
            async def handle(message: Message) -> None:
                got.append(message.payload)

            async with await messaging.consume("t.*", handle, group="g"):
                await messaging.publish("t.a", "1")
                await spikard.sleep(0.01)
            await messaging.publish("t.b", "2")

        test.run(main)
        assert got == [b"1"]

    def test_a_handler_that_is_cut_off(self, app: App) -> None:
        messaging = app.messaging()
        told: list[Any] = []

        @app.consumer("slow", handler_timeout=1, max_retries=0)
        async def slow(message: Message) -> None:
            try:
                await spikard.sleep(60)
            except asyncio.CancelledError as error:
                told.append(error.args)
                raise

        with TestApp(app) as test:
            test.run(lambda: messaging.publish("slow", "x"))
            test.advance(seconds=2)
            assert told == [("deadline",)]


class TestTasks:
    def test_enqueued_run_and_told(self, app: App) -> None:
        tasks = app.tasks()
        runs: list[Any] = []

        @app.task(queue="mail", max_attempts=3, backoff={"initial_ms": 1000, "factor": 1, "max_ms": 1000, "jitter_percent": 0})
        async def send(to: str, n: int = 1, *, run: TaskRun) -> dict[str, Any]:
            runs.append((to, n, run.attempt, run.queue))
            if to == "flaky" and run.attempt == 1:
                raise LookupError("no")
            if to == "bad":
                raise Fatal("no such address")
            return {"sent": to}

        @app.task
        def blocking(order: Order) -> int:
            return order.id

        with TestApp(app) as test:
            created = test.run(lambda: send.enqueue("ann", n=2))
            test.settle()
            assert created.created and runs == [("ann", 2, 1, "mail")]
            job = test.run(lambda: tasks.job(created.id))
            assert (job.state, job.result) == ("completed", {"sent": "ann"})
            runs.clear()
            test.run(lambda: send.options(delay=60).enqueue("later"))
            test.advance(59_999)
            assert runs == []
            test.advance(1)
            assert runs == [("later", 1, 1, "mail")]
            runs.clear()
            test.run(lambda: send.enqueue("flaky"))
            test.advance(seconds=2)
            assert [attempt for _, _, attempt, _ in runs] == [1, 2]
            bad = test.run(lambda: send.enqueue("bad"))
            test.settle()
            assert test.run(lambda: tasks.job(bad.id)).state == "discarded"
            one = test.run(lambda: blocking.enqueue(Order(7)))
            test.settle()
            assert test.run(lambda: tasks.job(one.id)).result == 7
            many = test.run(lambda: send.enqueue_many([("a",), {"to": "b", "n": 3}]))
            test.settle()
            assert len(many) == 2 and runs[-2:] == [("a", 1, 1, "mail"), ("b", 3, 1, "mail")]

    def test_an_outcome_that_cannot_be_told_fails_its_job(self, app: App) -> None:
        @app.task(max_attempts=1)
        async def send(run: Run) -> None:
            await spikard.sleep(0.001)
            raise Retry(float("nan"))

        with TestApp(app) as test:
            job = test.run(lambda: send.enqueue())
            test.advance(seconds=1)
            assert test.run(lambda: spikard.Tasks().job(job.id)).state == "discarded"

    def test_two_of_one_name(self, app: App) -> None:
        @app.schedule("0 3 * * *", name="nightly")
        async def first() -> None: ...

        with pytest.raises(ConfigError, match="two tasks 'nightly'"):

            @app.schedule("0 4 * * *", name="nightly")
            async def second() -> None: ...

    def test_a_worker_serves_no_http(self, app: App) -> None:
        @app.task
        async def one() -> None: ...

        with pytest.raises(ConfigError, match=r"host, port: .*serves HTTP"):
            app.run(port=8000)

    def test_a_month_of_a_schedule(self, app: App) -> None:
        times: list[datetime.datetime] = []

        @app.schedule("0 3 * * *")
        async def nightly(run: TaskRun) -> None:
            assert run.scheduled_at is not None
            times.append(run.scheduled_at)

        with TestApp(app) as test:
            test.advance(days=30)
        assert len(times) == 30
        assert times[0] == datetime.datetime(2026, 1, 1, 3, tzinfo=datetime.timezone.utc)

    def test_a_worker_at_run_time(self, test: TestApp) -> None:
        tasks = spikard.Tasks()
        names: list[str] = []

        async def main() -> None:
            async def handle(run: TaskRun) -> None:
                names.append(run.name)

            async with await tasks.work(handle, queue="q"):
                await tasks.enqueue("anything", queue="q")
                await spikard.sleep(0.01)

        test.run(main)
        assert names == ["anything"]


class TestEvents:
    def test_options_of_a_topic_before_its_handlers(self) -> None:
        app = App()
        app.event_consumer("orders", group="g", client="broker", inbox={"db": "default"})

        @app.event("placed", topic="orders", group="g", client="broker")
        async def placed(event: CloudEvent) -> None: ...

        (consumer,) = app.manifest()["event_consumers"]
        assert consumer["consumer"] == {"name": "events.orders", "topic": "orders", "group": "g", "client": "broker"}
        assert consumer["inbox"] == {"db": "default"} and len(consumer["subscriptions"]) == 1

    def test_over_http(self, app: App) -> None:
        seen: list[CloudEvent] = []

        @app.event("com.example.*")
        async def take(event: CloudEvent) -> None:
            seen.append(event)

        @app.event("ask")
        def answer(data: Order) -> CloudEvent:
            return CloudEvent("answered", "/here", "9", {"id": data.id})

        with TestApp(app) as test:
            client = test.client()
            headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "com.example.a", "ce-ext": "v"}
            assert client.post("/events", json={"a": 1}, headers=headers).status == 204
            assert seen == [CloudEvent("com.example.a", "/s", "1", {"a": 1}, datacontenttype="application/json", extensions={"ext": "v"})]
            reply = client.post("/events", json={"id": 5, "note": ""}, headers={**headers, "ce-type": "ask"})
            assert reply.headers["ce-type"] == "answered" and reply.json() == {"id": 5}

    def test_codec(self, test: TestApp) -> None:
        events = spikard.CloudEvents()

        async def main() -> None:
            encoded = await events.encode(CloudEvent("t", "/s", "1", {"a": 1}), binding="http", mode="structured")
            decoded = await events.decode(headers=encoded.headers, body=encoded.body)
            assert CloudEvent.from_dict(decoded.events[0]) == CloudEvent("t", "/s", "1", {"a": 1})

        test.run(main)


class TestTelemetry:
    def test_spans_logs_and_metrics_join_the_trace(self) -> None:
        app = App("test", config={"log": {"level": "off"}, "telemetry": {"exporter": "memory", "sampler": "always_on"}})
        cache = app.cache()

        @app.get("/")
        async def root() -> str:
            with spikard.span("work", attributes={"n": 1}) as outer:
                outer.add_event("begun")
                with spikard.span("inner"):
                    logging.getLogger("shop").warning("low on %s", "tea", extra={"items": 3})
                await cache.get("k")
            with pytest.raises(LookupError), spikard.span("fails"):
                raise LookupError("gone")
            spikard.Telemetry().sync.add("shop.orders", value=2)
            return spikard.traceparent() or ""

        telemetry = spikard.Telemetry()
        with TestApp(app) as test:
            trace = "4bf92f3577b34da6a3ce929d0e0e4736"
            answer = test.client().get("/", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
            assert answer.text.split("-")[1] == trace
            test.settle()
            spans = {span["name"]: span for span in test.run(telemetry.take_spans)}
            assert all(span["trace_id"] == trace for span in spans.values())
            work, inner = spans["work"], spans["inner"]
            assert inner["parent_span_id"] == work["span_id"]
            assert work["attributes"]["n"] == 1 and work["events"][0]["name"] == "begun"
            assert spans["fails"]["status"] == "error" and spans["fails"]["events"][0]["attributes"]["exception.type"] == "LookupError"
            (log,) = [log for log in test.run(telemetry.take_logs) if log["body"] == "low on tea"]
            assert (log["severity"], log["trace_id"], log["span_id"], log["attributes"]["items"]) == ("WARN", trace, inner["span_id"], 3)
            metrics = {metric["name"]: metric for metric in test.run(telemetry.collect_metrics)}
            assert "shop.orders" in metrics

    def test_opentelemetry_api(self) -> None:
        trace = pytest.importorskip("opentelemetry.trace")
        import subprocess
        import sys

        program = """
import spikard, spikard.otel
from opentelemetry import trace
from spikard import App, TestApp
spikard.otel.install()
app = App("t", config={"log": {"level": "off"}, "telemetry": {"exporter": "memory", "sampler": "always_on"}})
tracer = trace.get_tracer("x")

@app.get("/")
async def root() -> str:
    handler = trace.get_current_span().get_span_context()
    with tracer.start_as_current_span("otel", attributes={"a": 1}) as outer:
        with spikard.span("own"):
            with tracer.start_as_current_span("innermost"):
                pass
        assert trace.get_current_span() is outer
    assert trace.get_current_span().get_span_context().span_id == handler.span_id
    return f"{handler.span_id:016x}"

with TestApp(app) as test:
    server = test.client().get("/").text
    test.settle()
    spans = {s["name"]: s for s in test.run(spikard.Telemetry().take_spans)}
    assert spans["otel"]["parent_span_id"] == server, spans
    assert spans["own"]["parent_span_id"] == spans["otel"]["span_id"]
    assert spans["innermost"]["parent_span_id"] == spans["own"]["span_id"]
    assert spans["otel"]["attributes"]["a"] == 1
print("ok")
"""
        assert trace
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
        assert done.stdout == "ok\n", done.stderr


class TestAcross:
    def test_what_a_transaction_takes_along(self, app: App) -> None:
        db, cache, messaging = app.db(), app.cache(), app.messaging()
        done: list[str] = []

        @app.task
        async def render(id: int) -> None:
            done.append(f"task {id}")

        @app.consumer("orders.created")
        async def project(order: Order) -> None:
            done.append(f"message {order.id}")

        async def main(fail: bool) -> None:
            await cache.set("orders", "old")
            async with db.transaction() as tx:
                await tx.execute("INSERT INTO o VALUES (?)", [1])
                await tx.enqueue(render, 1)
                await tx.publish("orders.created", Order(1))
                await tx.invalidate("orders")
                if fail:
                    raise LookupError

        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:{folder}/app.db"
            services = {"db": {"default": {"url": url}}, "tasks": {"default": {"url": url}}, "messaging": {"default": {"url": url}}}
            with TestApp(app, services=services) as test:
                test.run(lambda: db.execute("CREATE TABLE o (id INTEGER)"))
                with pytest.raises(LookupError):
                    test.run(lambda: main(True))
                test.advance(seconds=5)
                assert done == []
                assert test.run(lambda: cache.get("orders")) == b"old"
                test.run(lambda: main(False))
                test.advance(seconds=5)
                assert sorted(done) == ["message 1", "task 1"]
                assert test.run(lambda: cache.get("orders")) is None

    def test_what_shares_a_file_shares_it_in_memory_too(self, app: App) -> None:
        file = "sqlite:nowhere/app.db"
        db, done = app.db(url=file), []
        app.messaging(url=file)
        app.tasks(url=file)

        @app.task
        async def render(order: Order) -> None:
            done.append(f"task {order.id}")

        @app.consumer("orders.created")
        async def project(order: Order) -> None:
            done.append(f"message {order.id}")

        async def main() -> None:
            async with db.transaction() as tx:
                await tx.execute("CREATE TABLE o (id INTEGER, whole JSON)")
                await tx.execute("INSERT INTO o VALUES (?, ?)", [1, Order(1, "x")])
                await tx.publish("orders.created", Order(1))
                await tx.enqueue(render, Order(1))
            assert spikard.convert(Order, await db.value("SELECT whole FROM o")) == Order(1, "x")

        with TestApp(app) as test:
            test.run(main)
            assert sorted(done) == ["message 1", "task 1"]
