"""The toolbox's side of the Python harness (e2e/README.md): one case's client through the package's public API, on a TestApp. One class a subsystem."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import datetime
import decimal
import os
import secrets
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import spikard
from spikard import App, CloudEvent, Message, Nack, Retry, TaskRun, TestApp
from spikard.testing import TestServer

Json = dict[str, Any]

class NotBuilt(Exception):
    """A key or a kind of the case that this harness, or the product, does not have."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not built: {what}")


def only(value: Json, known: str, where: str) -> None:
    for key in value:
        if key not in known.split():
            raise NotBuilt(f"{where}.{key}")


# ---- value forms -----------------------------------------------------------------------------------------------------


def unpacked(value: Any) -> Any:
    """`$bytes` as bytes, at any depth; the other forms as they stand."""
    if isinstance(value, dict):
        if len(value) == 1 and "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        return {k: unpacked(v) for k, v in value.items()}
    return [unpacked(v) for v in value] if isinstance(value, list) else value


def packed(value: Any) -> Any:
    """A result as the protocol has it."""
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, decimal.Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime.datetime):
        return {"$timestamp": value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return {"$int64": str(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return packed({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    if isinstance(value, dict):
        return {k: packed(v) for k, v in value.items()}
    return [packed(v) for v in value] if isinstance(value, (list, tuple)) else value


def parameter(value: Any) -> Any:
    """A SQL parameter in Python's own types."""
    if isinstance(value, dict) and len(value) == 1:
        kind, text = next(iter(value.items()))
        if kind == "$int64":
            return int(text)
        if kind == "$decimal":
            return decimal.Decimal(text)
        if kind == "$timestamp":
            try:
                return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
            except ValueError:
                return value  # the core says what is wrong with it
        if kind == "$float":
            return float(text)
    return value


def seconds(args: Json, name: str) -> float | None:
    return None if args.get(name) is None else args[name] / 1000


def instant(ms: int | None) -> str | None:
    if ms is None:
        return None
    when = datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(milliseconds=ms)
    return when.isoformat().replace("+00:00", "Z")


# ---- handler scripts -------------------------------------------------------------------------------------------------


class Script:
    """The nth delivery of a payload, or the nth run of a task, takes the nth entry of its sequence, then the default."""

    def __init__(self, spec: Json) -> None:
        only(spec, "default known outcomes", "handler")
        self.spec = spec
        self.taken: dict[str, int] = {}

    def next(self, name: str) -> Any:
        for one in self.spec.get("outcomes", []):
            if one.get("payload", one.get("task")) == name:
                n = self.taken.get(name, 0)
                self.taken[name] = n + 1
                if n < len(one["sequence"]):
                    return one["sequence"][n]
                break
        return self.spec["default"]


class Handled:
    """What a consumer or worker has done, and how much at once."""

    def __init__(self) -> None:
        self.done: list[Json] = []
        self.now = 0
        self.most = 0
        self.cancellations = 0
        self.dead = False

    async def run(self, entry: Any, what: Json) -> Any:
        await asyncio.sleep(0)  # one that was cut off just before hears of it first
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            while isinstance(entry, dict) and "sleep_ms" in entry:
                await spikard.sleep(entry["sleep_ms"] / 1000)
                entry = entry["then"]
        except asyncio.CancelledError as error:
            self.cancellations += 1
            if error.args == ("deadline",) and not self.dead:
                self.done.append({**what, "outcome": "timeout"})
            raise
        finally:
            self.now -= 1
        if self.dead:
            return None
        return self.end(entry, what)

    def end(self, entry: Any, what: Json) -> Any:
        def settled(outcome: str) -> None:
            self.done.append({**what, "outcome": outcome})

        if entry == "ack":
            settled("ack")
            return None
        if entry == "throw":
            settled("error")
            raise RuntimeError("the script threw")
        kind, argument = next(iter(entry.items()))
        if kind == "nack":
            settled("nack")
            return Nack(requeue=argument["requeue"])
        if kind == "retry":
            settled("retry")
            return Retry(after=argument["after_ms"] / 1000)
        if kind == "fatal":
            settled("fatal")
            raise spikard.Fatal(argument)
        if kind == "result":
            settled("done")
            return argument
        raise NotBuilt(f"outcome {kind}")


# ---- subsystems ------------------------------------------------------------------------------------------------------


class Driver:
    """One client of a case. `ops` are its methods."""

    backends: list[str] = []
    capabilities: list[str] = []
    real_time = False  # a server owns the waits: no virtual clock

    def __init__(self, config: Json) -> None:
        self.config = config
        self.folder = tempfile.TemporaryDirectory(prefix="spikard-e2e-")

    def services(self) -> Json:
        return {}

    async def open(self) -> None:
        """On the application's loop."""

    async def close(self) -> None:
        pass

    async def op(self, name: str, args: Json) -> Any:
        method = getattr(self, f"do_{name}", None)
        if method is None:
            raise NotBuilt(f"op {name}")
        return await method(args)

    def url(self, kind: str, schemes: dict[str, str]) -> str:
        if kind not in schemes:
            raise NotBuilt(f"backend {kind}")
        return schemes[kind].replace("FOLDER", self.folder.name)


POSTGRES = os.environ.get("SPIKARD_TEST_POSTGRES_URL")
REDIS = os.environ.get("SPIKARD_TEST_REDIS_URL")


class Schema:
    """A schema of the case's own on the real server."""

    def __init__(self) -> None:
        self.name = f"spikard_e2e_{uuid.uuid4().hex}"

    def url(self) -> str:
        assert POSTGRES
        return f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}options=-csearch_path%3D{self.name}"

    async def create(self) -> None:
        await spikard.Database().execute(f"CREATE SCHEMA {self.name}")

    async def drop(self) -> None:
        with contextlib.suppress(spikard.SpikardError):  # a case may have closed the database
            await spikard.Database().execute(f"DROP SCHEMA {self.name} CASCADE")


MYSQL = os.environ.get("SPIKARD_TEST_MYSQL_URL")


class MysqlDatabase:
    """A database of the case's own on the real server: there before the application starts, for it connects to it."""

    def __init__(self) -> None:
        self.name = f"spikard_e2e_{uuid.uuid4().hex}"
        self.run(f"CREATE DATABASE {self.name}")

    def url(self) -> str:
        assert MYSQL
        return urlsplit(MYSQL)._replace(path=f"/{self.name}").geturl()

    @staticmethod
    def run(sql: str) -> None:
        assert MYSQL
        at = urlsplit(MYSQL)
        command = ["mariadb", "--no-defaults", f"--host={at.hostname}", f"--port={at.port}", f"--user={at.username}", f"--execute={sql}"]
        subprocess.run(command, check=True, env={**os.environ, "MYSQL_PWD": at.password or ""})

    async def create(self) -> None:
        pass

    async def drop(self) -> None:
        self.run(f"DROP DATABASE {self.name}")


class CacheDriver(Driver):
    backends = ["memory", *(["redis", "tiered"] if REDIS else [])]

    def services(self) -> Json:
        only(self.config, "backend default_ttl_ms max_entries", "cache")
        config = {k: v for k, v in self.config.items() if k != "backend"}
        empty = f"{REDIS}?prefix=e2e:{secrets.token_hex(8)}"
        servers = {"redis": empty, "tiered": f"tiered+{empty}"} if REDIS else {}
        return {"cache": {"default": {"url": self.url(self.config["backend"], {"memory": "memory:", **servers}), **config}}}

    async def open(self) -> None:
        self.cache = spikard.Cache()

    @staticmethod
    def ttl(args: Json) -> Json:
        if "ttl_ms" not in args:
            return {}
        return {"forever": True} if args["ttl_ms"] is None else {"ttl": args["ttl_ms"] / 1000}

    async def do_get(self, args: Json) -> Any:
        return await self.cache.get(args["key"])

    async def do_set(self, args: Json) -> Any:
        await self.cache.set(args["key"], args["value"], **self.ttl(args))

    async def do_delete(self, args: Json) -> Any:
        return await self.cache.delete(args["key"])

    async def do_exists(self, args: Json) -> Any:
        return await self.cache.exists(args["key"])

    async def do_count(self, _: Json) -> Any:
        return await self.cache.count()

    async def do_clear(self, _: Json) -> Any:
        await self.cache.clear()

    async def do_get_many(self, args: Json) -> Any:
        return await self.cache.get_many(args["keys"])

    async def do_set_many(self, args: Json) -> Any:
        await self.cache.set_many(args["items"], **self.ttl(args))

    async def do_set_if_absent(self, args: Json) -> Any:
        return await self.cache.set_if_absent(args["key"], args["value"], **self.ttl(args))

    async def do_delete_if(self, args: Json) -> Any:
        return await self.cache.delete_if(args["key"], args["equals"])

    async def do_increment(self, args: Json) -> Any:
        return await self.cache.increment(args["key"], **({"by": args["by"]} if "by" in args else {}))

    async def do_touch(self, args: Json) -> Any:
        return await self.cache.touch(args["key"], **self.ttl(args))

    async def do_ttl(self, args: Json) -> Any:
        left = await self.cache.ttl(args["key"])
        return None if left is None else round(left * 1000)

    async def do_use_namespace(self, args: Json) -> Any:
        self.cache = spikard.Cache().namespaced(args["namespace"])

    def loader(self, load: Json, counts: list[int]) -> Callable[[], Awaitable[bytes]]:
        only(load, "value fail sleep_ms", "load")

        async def run() -> bytes:
            counts[0] += 1
            if load.get("sleep_ms"):
                await spikard.sleep(load["sleep_ms"] / 1000)
            if "fail" in load:
                raise RuntimeError(load["fail"])
            return load["value"]

        return run

    async def do_get_or_load(self, args: Json) -> Any:
        counts = [0]
        value = await self.cache.get_or_load(args["key"], self.loader(args["load"], counts), **self.ttl(args))
        return {"value": value, "loaded": counts[0] > 0}

    async def do_get_or_load_concurrent(self, args: Json) -> Any:
        counts = [0]
        loader = self.loader(args["load"], counts)
        calls = [self.cache.get_or_load(args["key"], loader, **self.ttl(args)) for _ in range(args["callers"])]
        results = await asyncio.gather(*calls, return_exceptions=True)
        for one in results:
            if isinstance(one, BaseException):
                raise one
        return {"values": results, "loads": counts[0]}


def setting(name: str) -> str:
    """What tools/services says of a server; empty: it is not there."""
    return os.environ.get(f"SPIKARD_TEST_{name}", "")


class StorageDriver(Driver):
    backends = ["memory", "fs", *(kind for kind in ("s3", "gcs", "azblob") if setting(f"{kind.upper()}_URL"))]
    capabilities = ["metadata", "conditional_write", "uploads"]

    @staticmethod
    def on_server(kind: str) -> Json:
        """An empty folder on a real server."""
        folder = f"e2e-{uuid.uuid4().hex}"
        if kind == "s3":
            s3 = {"endpoint": setting("S3_URL"), "addressing": "path", "access_key": setting("S3_ACCESS_KEY"), "secret_key": setting("S3_SECRET_KEY")}
            return {"url": f"s3://{setting('S3_BUCKET')}/{folder}", "s3": s3}
        if kind == "gcs":
            return {"url": f"gcs://{setting('GCS_BUCKET')}/{folder}", "gcs": {"endpoint": setting("GCS_URL"), "anonymous": True}, "presign": {"secret": "of the tokens"}}
        azblob = {"endpoint": setting("AZBLOB_URL"), "account": setting("AZBLOB_ACCOUNT"), "account_key": setting("AZBLOB_KEY")}
        return {"url": f"azblob://{setting('AZBLOB_CONTAINER')}/{folder}", "azblob": azblob}

    def services(self) -> Json:
        kind = self.config["backend"]
        if kind in ("s3", "gcs", "azblob") and "bucket" not in self.config:
            only(self.config, "backend", "storage")
            return {"storage": {"default": self.on_server(kind)}}
        if kind == "s3":
            only(self.config, "backend bucket region endpoint addressing access_key secret_key clock", "storage")
            s3 = {k: v for k, v in self.config.items() if k not in ("backend", "bucket", "clock")}
            return {"storage": {"default": {"url": f"s3://{self.config['bucket']}", "s3": s3}}}
        only(self.config, "backend", "storage")
        return {"storage": {"default": {"url": self.url(kind, {"memory": "memory:", "fs": "file:FOLDER/objects"})}}}

    async def open(self) -> None:
        self.storage = spikard.Storage()

    async def do_write(self, args: Json) -> Any:
        await self.storage.write(**args)

    async def do_write_stream(self, args: Json) -> Any:
        pattern, piece, abort_after = args["pattern"], args["piece"], args.get("abort_after")
        repeat, size = pattern["repeat"].encode(), pattern["bytes"]
        data = (repeat * (size // len(repeat) + 1))[:size]

        class GaveUp(Exception):
            pass

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, size, piece):
                if abort_after is not None and at >= abort_after:
                    raise GaveUp
                yield data[at : at + piece]

        try:
            await self.storage.write_stream(args["key"], pieces())
        except GaveUp:
            raise spikard.OperationError(spikard.ErrorKind.CANCELLED, "the writer gave up", "aborted") from None

    async def do_read(self, args: Json) -> Any:
        return await self.storage.read(**args)

    async def do_stat(self, args: Json) -> Any:
        return await self.storage.stat(args["key"])

    async def do_exists(self, args: Json) -> Any:
        return await self.storage.exists(args["key"])

    async def do_delete(self, args: Json) -> Any:
        await self.storage.delete(args["key"])

    async def do_copy(self, args: Json) -> Any:
        await self.storage.copy(args["source"], args["target"])

    async def do_list(self, args: Json) -> Any:
        return await self.storage.list(**args)

    async def do_presign(self, args: Json) -> Any:
        return (await self.storage.presign(args["method"], args["key"], expires_s=args["expires_s"])).url

    async def do_plan_upload(self, args: Json) -> Any:
        return dataclasses.asdict(await self.storage.plan_upload(**args))

    async def do_complete_upload(self, args: Json) -> Any:
        return await self.storage.complete_upload(**args)

    async def do_abort_upload(self, args: Json) -> Any:
        await self.storage.abort_upload(**args)


class DbDriver(Driver):
    backends = ["sqlite", *(["postgres"] if POSTGRES else []), *(["mysql"] if MYSQL else [])]
    schema: Schema | MysqlDatabase | None = None

    def services(self) -> Json:
        only(self.config, "driver pool", "db")
        urls = {"sqlite": "sqlite:FOLDER/test.db"}
        if self.config["driver"] == "postgres" and POSTGRES:
            self.schema = Schema()
            urls["postgres"] = self.schema.url()
        if self.config["driver"] == "mysql" and MYSQL:
            self.schema = MysqlDatabase()
            urls["mysql"] = self.schema.url()
        config: Json = {"url": self.url(self.config["driver"], urls)}
        if "pool" in self.config:
            config["pool"] = self.config["pool"]
        return {"db": {"default": config}}

    async def open(self) -> None:
        self.db = spikard.Database()
        self.open_transactions: dict[str, Any] = {}
        if self.schema:
            await self.schema.create()

    async def close(self) -> None:
        if self.schema:
            for tx in self.open_transactions.values():
                with contextlib.suppress(spikard.SpikardError):
                    await tx.rollback()
            await self.schema.drop()

    @staticmethod
    def params(args: Json) -> Any:
        given = args.get("params")
        if isinstance(given, dict):
            return {k: parameter(v) for k, v in given.items()}
        return None if given is None else [parameter(v) for v in given]

    def on(self, args: Json) -> Any:
        return self.open_transactions[args["tx"]] if "tx" in args else self.db

    async def do_execute(self, args: Json) -> Any:
        return {"affected": await self.on(args).execute(args["sql"], self.params(args))}

    async def do_query(self, args: Json) -> Any:
        rows = await self.on(args).query(args["sql"], self.params(args))
        return {"rows": list(rows), "columns": rows.columns}

    async def do_begin(self, args: Json) -> Any:
        only(args, "tx isolation read_only", "begin")
        tx = self.db.transaction(**{name: value for name, value in args.items() if name != "tx"})
        await tx.__aenter__()
        self.open_transactions[args["tx"]] = tx

    async def do_commit(self, args: Json) -> Any:
        await self.open_transactions[args["tx"]].commit()

    async def do_rollback(self, args: Json) -> Any:
        await self.open_transactions[args["tx"]].rollback()

    async def do_drop_transaction(self, args: Json) -> Any:
        """As when the block is left by an exception."""
        tx = self.open_transactions.pop(args["tx"])
        await tx.__aexit__(asyncio.CancelledError, asyncio.CancelledError(), None)

    async def do_transaction(self, args: Json) -> Any:
        class Scope(Exception):
            pass

        async def body(tx: Any, statements: list[Json]) -> None:
            for statement in statements:
                if "fail" in statement:
                    raise Scope(statement["fail"])
                if "nested" in statement:
                    try:
                        async with tx.savepoint() as inner:
                            await body(inner, statement["nested"])
                    except Scope:
                        if not statement.get("swallow"):
                            raise
                else:
                    await tx.execute(statement["sql"], self.params(statement))

        try:
            async with self.db.transaction() as tx:
                await body(tx, args["body"])
        except Scope as error:
            raise spikard.OperationError(spikard.ErrorKind.INTERNAL, str(error), "scope_failed") from error

    async def do_close(self, _: Json) -> Any:
        await self.db.close()


MESSAGING_SERVERS = {name: url for name in ("amqp", "kafka", "mqtt", "nats", "redis") if (url := os.environ.get(f"SPIKARD_TEST_{name.upper()}_URL"))}


class MessagingDriver(Driver):
    backends = ["memory", "sqlite", *MESSAGING_SERVERS]
    capabilities = ["replay"]
    places = 0

    def __init__(self, config: Json) -> None:
        super().__init__(config)
        self.real_time = config.get("backend") in ("amqp", "kafka", "nats", "redis")  # of MQTT the delivery store owns the waits
        if self.real_time:
            self.capabilities = ["real_time"] if config.get("backend") == "amqp" else ["replay", "real_time"]
        elif config.get("backend") == "mqtt":
            self.capabilities = []

    def services(self) -> Json:
        only(self.config, "backend", "messaging")
        urls = {"memory": "memory:", "sqlite": "sqlite:FOLDER/test.db"}
        MessagingDriver.places += 1
        name = f"fixture_py_{os.getpid()}_{MessagingDriver.places}"
        if amqp := MESSAGING_SERVERS.get("amqp"):
            urls["amqp"] = f"{amqp}?name={name}"
        if nats := MESSAGING_SERVERS.get("nats"):
            urls["nats"] = f"{nats}?storage=memory&stream={name}"
        if mqtt := MESSAGING_SERVERS.get("mqtt"):
            urls["mqtt"] = f"{mqtt}?session_expiry_s=60&prefix={name}/"
        if kafka := MESSAGING_SERVERS.get("kafka"):
            urls["kafka"] = f"{kafka}?prefix={name}."
        if redis := MESSAGING_SERVERS.get("redis"):
            urls["redis"] = f"{redis}?prefix={name}"
        client = {"url": self.url(self.config["backend"], urls)}
        if self.config["backend"] == "mqtt":
            client["store"] = self.url("mqtt", {"mqtt": "sqlite:FOLDER/deliveries.db"})
        return {"messaging": {"default": client}}

    async def open(self) -> None:
        self.messaging = spikard.Messaging()
        self.consumers: dict[str, Any] = {}
        self.handled: dict[str, Handled] = {}
        self.stopping: list[asyncio.Task[Any]] = []

    async def do_publish(self, args: Json) -> Any:
        await self.messaging.publish(**args)

    async def do_start_consumer(self, args: Json) -> Any:
        known = "name topic group handler max_retries dead_letter backoff ack_wait_ms handler_timeout_ms max_concurrency ordered start_from"
        only(args, known, "start_consumer")
        script, handled = Script(args["handler"]), Handled()
        options: Json = {k: args[k] for k in ("group", "max_retries", "dead_letter", "backoff", "ordered", "start_from") if k in args}
        for name in ("ack_wait", "handler_timeout"):
            if f"{name}_ms" in args:
                options[name] = args[f"{name}_ms"] / 1000
        if "max_concurrency" in args:
            options["concurrency"] = args["max_concurrency"]

        async def handle(message: Message) -> Any:
            what = {"payload": message.payload, "headers": message.headers, "delivery_count": message.delivery_count}
            return await handled.run(script.next(message.payload.decode("utf-8", "replace")), what)

        self.handled[args["name"]] = handled
        self.consumers[args["name"]] = await self.messaging.consume(args["topic"], handle, name=args["name"], **options)

    async def do_stop_consumer(self, args: Json) -> Any:
        await self.consumers.pop(args["consumer"]).stop()

    async def do_kill_consumer(self, args: Json) -> Any:
        self.handled[args["consumer"]].dead = True
        await self.consumers.pop(args["consumer"]).kill()

    async def do_expect_handled(self, args: Json) -> Any:
        return self.handled[args["consumer"]].done

    async def do_max_in_flight(self, args: Json) -> Any:
        return self.handled[args["consumer"]].most

    async def do_expect_dead_letters(self, args: Json) -> Any:
        return (await self.messaging.list_dead_letters(args["topic"], payloads=True)).messages

    async def do_shutdown_begin(self, args: Json) -> Any:
        limit = args["drain_timeout_ms"] / 1000
        self.stopping = [asyncio.ensure_future(c.stop(limit)) for c in self.consumers.values()]
        self.consumers.clear()

    async def do_shutdown_wait(self, _: Json) -> Any:
        results = await asyncio.gather(*self.stopping)
        return {"drained": all(r.drained for r in results), "unfinished": sum(r.unfinished for r in results)}

    async def do_metric(self, args: Json) -> Any:
        return getattr(await self.messaging.stats(), args["name"])

    async def do_topic_match(self, args: Json) -> Any:
        return await self.messaging.topic_match(args["style"], args["pattern"], args["topic"])

    async def close(self) -> None:
        for consumer in self.consumers.values():
            await consumer.kill()


class TasksDriver(Driver):
    backends = ["memory", "sqlite", *(["postgres"] if POSTGRES else []), *(["mysql"] if MYSQL else []), *(["redis"] if REDIS else [])]
    schema: Schema | MysqlDatabase | None = None

    def services(self) -> Json:
        only(self.config, "backend clock", "tasks")
        urls = {"memory": "memory:", "sqlite": "sqlite:FOLDER/test.db"}
        if REDIS:
            urls["redis"] = f"{REDIS}?prefix=e2e:{secrets.token_hex(8)}"
        if self.config["backend"] == "postgres" and POSTGRES:
            self.schema = Schema()
            urls["postgres"] = self.schema.url()
            return {"tasks": {"default": {"url": urls["postgres"]}}, "db": {"default": {"url": POSTGRES}}}
        if self.config["backend"] == "mysql" and MYSQL:
            self.schema = MysqlDatabase()
            urls["mysql"] = self.schema.url()
        return {"tasks": {"default": {"url": self.url(self.config["backend"], urls)}}}

    async def open(self) -> None:
        if self.schema:
            await self.schema.create()
        self.tasks = spikard.Tasks()
        self.workers: dict[str, Any] = {}
        self.handled: dict[str, Handled] = {}
        self.stopping: list[asyncio.Task[Any]] = []
        self.running: set[str] = set()

    async def do_enqueue(self, args: Json) -> Any:
        options: Json = {k: v for k, v in args.items() if k not in ("task", "delay_ms", "timeout_ms")}
        for name in ("delay", "timeout"):
            if f"{name}_ms" in args:
                options[name] = args[f"{name}_ms"] / 1000
        return await self.tasks.enqueue(args["task"], **options)

    async def do_start_worker(self, args: Json) -> Any:
        only(args, "name queue handler max_concurrency lease_ms", "start_worker")
        script, handled = Script(args["handler"]), Handled()

        async def handle(run: TaskRun) -> Any:
            return await handled.run(script.next(run.name), {"task": run.name, "attempt": run.attempt})

        options: Json = {"name": args["name"], "queue": args["queue"]}
        if "lease_ms" in args:
            options["lease"] = args["lease_ms"] / 1000
        if "max_concurrency" in args:
            options["concurrency"] = args["max_concurrency"]
        known = args["handler"].get("known")
        self.handled[args["name"]] = handled
        self.workers[args["name"]] = await self.tasks.work(handle if known is None else {name: handle for name in known}, **options)

    async def do_kill_worker(self, args: Json) -> Any:
        self.handled[args["worker"]].dead = True
        await self.workers.pop(args["worker"]).kill()

    async def do_expect_runs(self, args: Json) -> Any:
        return self.handled[args["worker"]].done

    async def do_max_in_flight(self, args: Json) -> Any:
        return self.handled[args["worker"]].most

    async def do_cancellations_seen(self, args: Json) -> Any:
        return self.handled[args["worker"]].cancellations

    async def do_job(self, args: Json) -> Any:
        return await self.tasks.job(args["id"])

    async def do_retry_job(self, args: Json) -> Any:
        return await self.tasks.retry(args["id"])

    async def do_cancel(self, args: Json) -> Any:
        return await self.tasks.cancel(args["id"])

    async def do_pending_count(self, args: Json) -> Any:
        return await self.tasks.pending_count(queue=args["queue"])

    async def do_schedule(self, args: Json) -> Any:
        only(args, "name cron timezone queue task misfire overlap instance", "schedule")
        options = {k: v for k, v in args.items() if k in ("timezone", "queue", "misfire", "overlap")}
        await self.tasks.schedule(args["name"], args["cron"], args["task"], **options)
        await self.start_scheduler(args.get("instance"))

    async def start_scheduler(self, instance: str | None = None) -> None:
        """Each instance is one scheduler; the first runs at once."""
        name = instance or "default"
        if name in self.running:
            return
        self.running.add(name)
        await self.tasks.start_scheduler(name=name)

    async def do_start_scheduler(self, _: Json) -> Any:
        await self.start_scheduler()

    async def do_stop_scheduler(self, _: Json) -> Any:
        for name in list(self.running):
            self.running.discard(name)
            await self.tasks.stop_scheduler(name=name)

    async def do_expect_scheduled(self, args: Json) -> Any:
        jobs = await self.tasks.list(schedule=args["name"], limit=1000)
        return [instant(job["scheduled_at"]) for job in jobs]

    async def do_shutdown_begin(self, args: Json) -> Any:
        limit = args["drain_timeout_ms"] / 1000
        self.stopping = [asyncio.ensure_future(w.stop(limit)) for w in self.workers.values()]
        self.workers.clear()

    async def do_shutdown_wait(self, _: Json) -> Any:
        results = await asyncio.gather(*self.stopping)
        return {"drained": all(r.drained for r in results), "unfinished": sum(r.unfinished for r in results)}

    async def close(self) -> None:
        for worker in self.workers.values():
            await worker.kill()
        if self.schema:
            await self.schema.drop()


class CronDriver(Driver):
    async def do_next(self, args: Json) -> Any:
        return await spikard.Cron().next(args["expr"], **{k: v for k, v in args.items() if k != "expr"})


class CloudEventsDriver(Driver):
    async def do_encode(self, args: Json) -> Any:
        result = await spikard.CloudEvents().encode(args["event"], **{k: v for k, v in args.items() if k != "event"})
        return {k: v for k, v in packed(result).items() if v is not None}

    async def do_decode(self, args: Json) -> Any:
        options = {k: v for k, v in args.items() if v is not None}
        events = (await spikard.CloudEvents().decode(**options)).events
        return {k: v for k, v in events[0].items() if k != "data" or v is not None}


class TelemetryDriver(Driver):
    async def do_parse_traceparent(self, args: Json) -> Any:
        return await spikard.Telemetry().parse_traceparent(args["value"])

    async def do_parse_tracestate(self, args: Json) -> Any:
        return await spikard.Telemetry().parse_tracestate(args["values"])

    async def do_parse_baggage(self, args: Json) -> Any:
        return await spikard.Telemetry().parse_baggage(args["values"])


DRIVERS: dict[str, type[Driver]] = {
    "cache": CacheDriver, "storage": StorageDriver, "db": DbDriver, "messaging": MessagingDriver, "tasks": TasksDriver, "cron": CronDriver,
    "cloudevents": CloudEventsDriver, "telemetry": TelemetryDriver,
}


# ---- one open client -------------------------------------------------------------------------------------------------


class Toolbox:
    """The client of a case, in an application of its own under a virtual clock, or in real time where a server owns the waits."""

    def __init__(self, client: Json, loop: str) -> None:
        telemetry = client.get("telemetry") if len(client) > 1 else None
        names = [name for name in client if not (name == "telemetry" and len(client) > 1)]
        if len(names) != 1 or names[0] not in DRIVERS:
            raise NotBuilt(f"client {', '.join(client)}")
        config = client[names[0]]
        self.driver = DRIVERS[names[0]](config)
        manifest: Json = {"log": {"level": "error"}, "http": None, "shutdown": {"timeout_ms": 2000}}
        if telemetry is not None:
            manifest["telemetry"] = telemetry
        start = datetime.datetime.fromisoformat(config["clock"].replace("Z", "+00:00")) if "clock" in config else None
        if self.driver.real_time:
            self.test: TestServer = TestServer(App("case", config={**manifest, "services": self.driver.services()}), loop=loop)
        else:
            self.test = TestApp(App("case", config=manifest), loop=loop, services=self.driver.services(), start=start)
        self.test.start()
        try:
            self.test.run(self.driver.open)
        except BaseException:
            self.close()
            raise

    def do(self, op: str, args: Json) -> Any:
        if op == "advance_clock":
            self.test.advance(args["ms"])
            return None
        result = self.test.run(lambda: self.driver.op(op, unpacked(args)))
        return packed(result)

    def close(self) -> None:
        try:
            self.test.run(self.driver.close)
        finally:
            self.test.stop(force=True)
            self.driver.folder.cleanup()


def events_of(event: CloudEvent) -> Json:
    """The JSON format."""
    out = event.to_dict()
    if isinstance(out.get("data"), bytes):
        out["data_base64"] = base64.b64encode(out.pop("data")).decode()
    return out


__all__ = ["DRIVERS", "NotBuilt", "Toolbox", "events_of", "only"]
