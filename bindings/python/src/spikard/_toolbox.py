"""The toolbox as applications use it: the generated clients with what is native to Python laid over them. No protocol is here: every method ends in operations of the core."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import decimal
import inspect
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, Union

from . import _core
from ._client import BlockingStream, Client, Seconds, Stream, from_ms, to_ms
from ._errors import OperationError
from ._generated.clients import (
    BlockingCacheClient,
    BlockingCloudEventsClient,
    BlockingCronClient,
    BlockingDatabaseClient,
    BlockingMessagingClient,
    BlockingStorageClient,
    BlockingTasksClient,
    CacheClient,
    CacheGetOrBeginLoadResult,
    CloudEventsClient,
    CronClient,
    DatabaseClient,
    MessagingClient,
    MessagingStopConsumerResult,
    StorageClient,
    StoragePlanUploadResult,
    StorageReadResult,
    TasksClient,
    TasksEnqueueResult,
    TasksStopWorkerResult,
)
from ._generated.constants import Operation
from ._generated.errors import ErrorKind
from ._plans import Plans
from ._responses import Served, StreamingResponse
from ._work import Workers, hints_of, is_async, message_plan, task_plan

if TYPE_CHECKING:
    from ._work import Task

T = TypeVar("T")
Params = Union[Sequence[Any], Mapping[str, Any], None]
Row = dict[str, Any]
Loaded = Union[str, bytes, None]


def payload_bytes(payload: Any) -> str | bytes:
    """What a message carries: text and bytes as they are, everything else as JSON."""
    if isinstance(payload, (str, bytes)):
        return payload
    if isinstance(payload, (bytearray, memoryview)):
        return bytes(payload)
    return _core.dumps(payload)


# ---- cache


class Cache(CacheClient):
    """A cache. Values are bytes; text is its UTF-8. A hit is there without a turn of the event loop."""

    __slots__ = ()

    def namespaced(self, namespace: str) -> Cache:
        """The same cache, with keys that are other keys than those of another namespace."""
        return _NamespacedCache(self._name, namespace)

    @property
    def sync(self) -> BlockingCache:
        """For plain functions."""
        return BlockingCache(self._name)

    async def get_or_load(
        self,
        key: str,
        loader: Callable[[], Loaded | Awaitable[Loaded]],
        *,
        ttl: Seconds | None = None,
        forever: bool = False,
        negative_ttl: Seconds = 0,
        stale_if_error: Seconds = 0,
        early_refresh: Seconds = 0,
        wait: Seconds | None = None,
        load_timeout: Seconds = 30,
        tags: Sequence[str] = (),
        weight: int = 0,
    ) -> bytes | None:
        """The value, loaded when it is not there. One caller loads a key at a time, the others wait for it.

        loader: gives the value, or None when there is nothing to find. Plain or async; it runs in the task of this call.
        negative_ttl: how long it is remembered that there is nothing. stale_if_error: how long past its time the old value may stand in for a load that failed.
        early_refresh: with less than this left, one caller loads in the background while all get the old value.
        """
        begun = await self.get_or_begin_load(
            key,
            ttl=ttl,
            forever=forever,
            negative_ttl=negative_ttl,
            stale_if_error=stale_if_error,
            early_refresh=early_refresh,
            wait=wait,
            load_timeout=load_timeout,
            tags=tags,
            weight=weight,
        )
        if begun.state != "value":
            assert begun.flight is not None
            return await self._load(begun.flight, loader)
        if begun.flight is not None:
            flight = begun.flight

            async def refresh() -> None:
                try:
                    await self._load(flight, loader)
                except OperationError:
                    pass

            self._where()[0].spawn(refresh())
        return begun.value

    async def _load(self, flight: int, loader: Callable[[], Loaded | Awaitable[Loaded]]) -> bytes | None:
        try:
            value = loader()
            if inspect.isawaitable(value):
                value = await value
        except asyncio.CancelledError:
            await self.end_load(flight, "given_up")
            raise
        except Exception as error:
            try:
                return await self.end_load(flight, "failed", message=str(error) or type(error).__name__)
            except OperationError as failed:
                raise failed from error
        except BaseException:
            await self.end_load(flight, "given_up")
            raise
        return await self.end_load(flight, "absent") if value is None else await self.end_load(flight, "value", value=value)


_WITHOUT_NAMESPACE = frozenset({Operation.CACHE_INVALIDATE_TAGS, Operation.CACHE_END_LOAD, Operation.CACHE_STATS})


class _NamespacedCache(Cache):
    __slots__ = ("_namespace",)

    def __init__(self, name: str, namespace: str) -> None:
        super().__init__(name)
        self._namespace = namespace

    @property
    def sync(self) -> BlockingCache:
        return BlockingCache(self._name, self._namespace)

    def _call(self, operation: int, arguments: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        if "namespace" not in arguments and operation not in _WITHOUT_NAMESPACE:
            arguments["namespace"] = self._namespace
        return super()._call(operation, arguments)


class BlockingCache(BlockingCacheClient):
    """`Cache` for plain functions."""

    __slots__ = ("_namespace",)

    def __init__(self, name: str = "default", namespace: str = "") -> None:
        super().__init__(name)
        self._namespace = namespace

    def _call(self, operation: int, arguments: dict[str, Any]) -> dict[str, Any]:
        if self._namespace and "namespace" not in arguments and operation not in _WITHOUT_NAMESPACE:
            arguments["namespace"] = self._namespace
        return super()._call(operation, arguments)

    def get_or_load(self, key: str, loader: Callable[[], Loaded], **options: Any) -> bytes | None:
        """As `Cache.get_or_load`, with a plain loader. An early refresh is done by the caller that it falls to."""
        begun: CacheGetOrBeginLoadResult = self.get_or_begin_load(key, **options)
        if begun.flight is None:
            return begun.value
        try:
            value = loader()
        except Exception as error:
            try:
                loaded = self.end_load(begun.flight, "failed", message=str(error) or type(error).__name__)
            except OperationError as failed:
                if begun.state == "value":
                    return begun.value
                raise failed from error
            return begun.value if begun.state == "value" else loaded
        except BaseException:
            self.end_load(begun.flight, "given_up")
            raise
        return self.end_load(begun.flight, "absent") if value is None else self.end_load(begun.flight, "value", value=value)


# ---- storage


@dataclasses.dataclass(slots=True, frozen=True)
class UploadPart:
    """One request that the uploader makes: this method, URL and headers, and the `size` bytes of the object from `offset`."""

    number: int
    """From 1."""
    method: str
    url: str
    headers: dict[str, str]
    offset: int
    size: int


@dataclasses.dataclass(slots=True, frozen=True)
class UploadPlan:
    """How others upload an object in parts (`Storage.plan_upload`). `dataclasses.asdict` gives what goes to a browser as JSON."""

    upload: str
    """Opaque, for `complete_upload` and `abort_upload`. It can be read, not forged, and is for this key and store only."""
    key: str
    parts: list[UploadPart]
    ordered: bool
    """Whether parts must be sent one after the other."""
    expires_at: int
    """When the URLs end, in ms since the epoch."""


def _upload_plan(found: StoragePlanUploadResult) -> UploadPlan:
    return UploadPlan(found.upload, found.key, [UploadPart(**part) for part in found.parts], found.ordered, found.expires_at)


class Storage(StorageClient):
    """A store of objects."""

    __slots__ = ()

    @property
    def sync(self) -> BlockingStorage:
        """For plain functions."""
        return BlockingStorage(self._name)

    async def read(  # type: ignore[override]
        self,
        key: str,
        *,
        offset: int | None = None,
        length: int | None = None,
        suffix: int | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> bytes:
        """The bytes of an object, or of a part of it; `read_object` also gives what is known of it, `read_stream` its chunks."""
        return (await self.read_object(key, offset=offset, length=length, suffix=suffix, if_match=if_match, if_none_match=if_none_match)).data

    async def read_object(self, key: str, **options: Any) -> StorageReadResult:
        """The bytes of an object together with what is known of it."""
        return await StorageClient.read(self, key, **options)

    def object(
        self, key: str, *, content_type: str | None = None, cache_control: str | None = None, content_disposition: str | None = None
    ) -> ServedObject:
        """An object as the answer of a handler: `return storage.object("reports/1.pdf")`. The core serves it, with ETag, conditions, and ranges; one that is not there is a 404.
        What is given here replaces the object's own."""
        return ServedObject(self, Operation.STORAGE_READ_STREAM, 0, key, content_type, cache_control, content_disposition)

    def accept(
        self,
        key: str,
        *,
        status: int = 201,
        content_type: str | None = None,
        cache_control: str | None = None,
        content_disposition: str | None = None,
    ) -> ServedObject:
        """The body of a request as an object: `return storage.accept("uploads/1")` from a handler with `stream=True` that has not read it. The core stores it as it comes, and answers."""
        return ServedObject(self, Operation.STORAGE_WRITE_STREAM, status, key, content_type, cache_control, content_disposition)

    async def plan_upload(  # type: ignore[override]
        self,
        key: str,
        size: int,
        *,
        part_bytes: int = 8388608,
        content_type: str | None = None,
        cache_control: str | None = None,
        content_disposition: str | None = None,
        metadata: Any = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        origin: str | None = None,
        expires_s: int = 3600,
    ) -> UploadPlan:
        """Lets others, a browser perhaps, upload `size` bytes in parts straight to the store, without credentials: what each part's request is. The object is there once `complete_upload` was called.

        part_bytes: of each part but the last; rounded up to 256 KiB, and to what 10,000 parts need. origin: of the pages whose scripts upload (`gcs:`). expires_s: how long the URLs are good for.
        """
        plan = await StorageClient.plan_upload(
            self,
            key,
            size,
            part_bytes=part_bytes,
            content_type=content_type,
            cache_control=cache_control,
            content_disposition=content_disposition,
            metadata=metadata,
            if_match=if_match,
            if_none_match=if_none_match,
            origin=origin,
            expires_s=expires_s,
        )
        return _upload_plan(plan)

    async def iterate(self, prefix: str = "", *, start_after: str = "") -> AsyncIterator[dict[str, Any]]:
        """All objects below a prefix, page by page."""
        token: str | None = None
        while True:
            page = await self.list(prefix=prefix, start_after=start_after if token is None else "", token=token)
            for entry in page.entries:
                yield entry
            token = page.next
            if token is None:
                return


class ServedObject(Served):
    """See `Storage.object` and `Storage.accept`."""

    __slots__ = ("_arguments", "_client", "_operation", "_status")

    def __init__(self, client: Storage, operation: Operation, status: int, key: str, content_type: str | None, cache_control: str | None, content_disposition: str | None) -> None:
        self._client = client
        self._operation = operation
        self._status = status
        given = {"content_type": content_type, "cache_control": cache_control, "content_disposition": content_disposition}
        self._arguments: dict[str, Any] = {"key": key, **{name: value for name, value in given.items() if value is not None}}

    def _answer(self) -> tuple[int, int, dict[str, Any], int]:
        return self._operation, self._client._where()[1], self._arguments, self._status


class BlockingStorage(BlockingStorageClient):
    """`Storage` for plain functions."""

    __slots__ = ()

    def read(  # type: ignore[override]
        self,
        key: str,
        *,
        offset: int | None = None,
        length: int | None = None,
        suffix: int | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> bytes:
        """The bytes of an object, or of a part of it."""
        return self.read_object(key, offset=offset, length=length, suffix=suffix, if_match=if_match, if_none_match=if_none_match).data

    def read_object(self, key: str, **options: Any) -> StorageReadResult:
        return BlockingStorageClient.read(self, key, **options)

    def plan_upload(  # type: ignore[override]
        self,
        key: str,
        size: int,
        *,
        part_bytes: int = 8388608,
        content_type: str | None = None,
        cache_control: str | None = None,
        content_disposition: str | None = None,
        metadata: Any = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        origin: str | None = None,
        expires_s: int = 3600,
    ) -> UploadPlan:
        """How others upload an object in parts."""
        plan = BlockingStorageClient.plan_upload(
            self,
            key,
            size,
            part_bytes=part_bytes,
            content_type=content_type,
            cache_control=cache_control,
            content_disposition=content_disposition,
            metadata=metadata,
            if_match=if_match,
            if_none_match=if_none_match,
            origin=origin,
            expires_s=expires_s,
        )
        return _upload_plan(plan)


# ---- db


def _parameter(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            return value.isoformat(sep=" ")
        return {"$timestamp": value.isoformat()}
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _FORMS:
        return value
    if isinstance(value, (dict, list, tuple)) or dataclasses.is_dataclass(value) or hasattr(value, "model_dump") or hasattr(value, "__struct_fields__"):
        return {"$json": value}
    return value


_FORMS = ("$int64", "$decimal", "$timestamp", "$bytes", "$json", "$float")


def _parameters(params: Params) -> Any:
    """Python's own types as the forms of spec/operations/db.yaml."""
    if params is None:
        return None
    if isinstance(params, Mapping):
        return {name: _parameter(value) for name, value in params.items()}
    if isinstance(params, (str, bytes)):
        raise TypeError("params must be a list or a mapping")
    return [_parameter(value) for value in params]


_TIMESTAMP = re.compile(r"([^.]*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")


def _timestamp(value: Any) -> Any:
    """A datetime has microseconds: what is finer is cut."""
    m = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if m is None:
        return value
    day, fraction, zone = m.groups()
    return datetime.datetime.fromisoformat(day + (f".{fraction[:6]:0<6}" if fraction else "") + (zone or "").replace("Z", "+00:00"))


_TYPES: dict[str, Callable[[Any], Any]] = {
    "decimal": lambda v: v if isinstance(v, decimal.Decimal) else decimal.Decimal(repr(v) if isinstance(v, float) else v),
    "timestamp": _timestamp,
    "date": lambda v: datetime.date.fromisoformat(v) if isinstance(v, str) else v,
    "time": lambda v: datetime.time.fromisoformat(v) if isinstance(v, str) else v,
    "uuid": lambda v: uuid.UUID(v) if isinstance(v, str) else v,
}


def _own_types(rows: list[Row], columns: Iterable[str], types: Sequence[str]) -> list[Row]:
    """Decimals, instants, dates, times and UUIDs as Python's own, in place."""
    for column, kind in zip(columns, types):
        convert = _TYPES.get(kind)
        if convert is None:
            continue
        for row in rows:
            value = row.get(column)
            if value is not None:
                row[column] = convert(value)
    return rows


class Rows(list[Row]):
    """The rows of a query, with the names and types of its columns."""

    __slots__ = ("columns", "types")

    def __init__(self, rows: list[Row], columns: list[str], types: list[str]) -> None:
        super().__init__(rows)
        self.columns = columns
        self.types = types


class _Awaited:
    """A query that was not run yet."""

    __slots__ = ()

    _client: _Queries
    _options: dict[str, Any]

    def __await__(self) -> Generator[Any, None, Rows]:
        return self._client._rows(**self._options).__await__()


class Query(_Awaited, Served):
    """A query that was not run yet. `await` it for its rows; returned from a handler it is the answer: the rows as a JSON array, read from the database no faster than the
    client takes them, and neither rows nor bytes come to Python."""

    __slots__ = ("_client", "_options")

    def __init__(self, client: Database, sql: str, params: Params, timeout: Seconds | None) -> None:
        self._client = client
        self._options = {"sql": sql, "params": _parameters(params), "timeout": timeout}

    def _answer(self) -> tuple[int, int, dict[str, Any], int]:
        timeout = self._options["timeout"]
        given = {"sql": self._options["sql"], "params": self._options["params"], "timeout_ms": to_ms(timeout)}
        return Operation.DB_QUERY_STREAM, self._client._where()[1], given, 0


class TransactionQuery(_Awaited, StreamingResponse):
    """`Query` of a transaction, which has to be open until the answer's end: that of a dependency is."""

    __slots__ = ("_client", "_options")

    def __init__(self, client: Transaction, sql: str, params: Params, timeout: Seconds | None) -> None:
        super().__init__((), media_type="application/json")
        self._client = client
        self._options = {"sql": sql, "params": _parameters(params), "timeout": timeout}

    async def _prepare(self) -> None:
        """Before the head of the answer: a query that fails is an error, not a broken answer."""
        stream = self._client._json(**self._options)
        first = await anext(stream, b"")

        async def chunks() -> AsyncIterator[bytes]:
            async with stream:
                yield first
                async for chunk in stream:
                    yield chunk

        self.chunks = chunks()


class _Queries:
    """What a database and a transaction have in common."""

    __slots__ = ()

    def _statements(self) -> tuple[DatabaseClient, int | None]:
        raise NotImplementedError

    async def _rows(self, sql: str, params: Any, timeout: Seconds | None) -> Rows:
        client, transaction = self._statements()
        result = await DatabaseClient.query(client, sql, params=params, transaction=transaction, timeout=timeout)
        return Rows(_own_types(result.rows, result.columns, result.types), result.columns, result.types)

    def _json(self, sql: str, params: Any, timeout: Seconds | None) -> Stream[int]:
        client, transaction = self._statements()
        return DatabaseClient.query_stream(client, sql, params=params, transaction=transaction, timeout=timeout)

    async def first(self, sql: str, params: Params = None, *, timeout: Seconds | None = None) -> Row | None:
        """The first row, or None."""
        client, transaction = self._statements()
        result = await DatabaseClient.first(client, sql, params=_parameters(params), transaction=transaction, timeout=timeout)
        if result.row is None:
            return None
        return _own_types([result.row], list(result.row), result.types)[0]

    async def value(self, sql: str, params: Params = None, *, timeout: Seconds | None = None) -> Any:
        """The first column of the first row; None when there is no row."""
        row = await self.first(sql, params, timeout=timeout)
        return None if row is None else next(iter(row.values()))

    async def execute(self, sql: str, params: Params = None, *, timeout: Seconds | None = None) -> int:
        """Runs a statement; how many rows it matched."""
        client, transaction = self._statements()
        return await DatabaseClient.execute(client, sql, params=_parameters(params), transaction=transaction, timeout=timeout)

    async def batch(self, sql: str, params: Iterable[Params], *, timeout: Seconds | None = None) -> int:
        """Runs one statement once for each set of parameters, all of it or nothing; how many rows it matched."""
        client, transaction = self._statements()
        return await DatabaseClient.batch(client, sql, [_parameters(one) for one in params], transaction=transaction, timeout=timeout)

    async def iterate(self, sql: str, params: Params = None, *, at_once: int = 256, timeout: Seconds | None = None) -> AsyncIterator[Row]:
        """The rows one by one, read from the database as they are taken: for more than fit into memory."""
        client, transaction = self._statements()
        opened = await client.open_cursor(sql, params=_parameters(params), transaction=transaction, timeout=timeout)
        done = False
        try:
            while not done:
                page = await client.fetch(opened.cursor, max=at_once)
                done = page.done
                for row in _own_types(page.rows, opened.columns, opened.types):
                    yield row
        finally:
            if not done:
                await client.close_cursor(opened.cursor)

    def query_stream(self, sql: str, params: Params = None, *, format: str = "json", timeout: Seconds | None = None) -> Stream[int]:
        """The rows as JSON text in chunks: `json` is one array, `ndjson` one object a line. `result` is their number."""
        client, transaction = self._statements()
        return DatabaseClient.query_stream(client, sql, params=_parameters(params), format=format, transaction=transaction, timeout=timeout)


class Database(_Queries, DatabaseClient):  # type: ignore[misc]
    """A database. `?`, `$1` and `:name` are placeholders on all of them."""

    __slots__ = ()

    def _statements(self) -> tuple[DatabaseClient, int | None]:
        return self, None

    @property
    def sync(self) -> BlockingDatabase:
        """For plain functions."""
        return BlockingDatabase(self._name)

    def query(self, sql: str, params: Params = None, *, timeout: Seconds | None = None) -> Query:
        """The rows of a statement, as dictionaries; see Query. `params`: a list for `$n` and `?`, a mapping for `:name`."""
        return Query(self, sql, params, timeout)

    def transaction(self, *, isolation: str = "", read_only: bool = False) -> Transaction:
        """`async with db.transaction() as tx`: commits at its end, rolls back when the block raises."""
        return Transaction(self, isolation, read_only)


class Transaction(_Queries):
    """A transaction, or a nested scope of one. Statements, tasks, messages and invalidations in it happen together or not at all."""

    __slots__ = ("_client", "_ended", "_isolation", "_number", "_outer", "_read_only")

    def __init__(self, client: DatabaseClient, isolation: str, read_only: bool, outer: Transaction | None = None) -> None:
        self._client = client
        self._isolation = isolation
        self._read_only = read_only
        self._outer = outer
        self._number: int | None = None
        self._ended = False

    def __spikard_plain__(self) -> int:
        return self.number

    def query(self, sql: str, params: Params = None, *, timeout: Seconds | None = None) -> TransactionQuery:
        """The rows of a statement, as dictionaries; see TransactionQuery."""
        return TransactionQuery(self, sql, params, timeout)

    @property
    def number(self) -> int:
        """By which other operations name it."""
        if self._outer is not None:
            return self._outer.number
        if self._number is None:
            raise OperationError(ErrorKind.NOT_FOUND, "the transaction has not begun, or has ended")
        return self._number

    def _statements(self) -> tuple[DatabaseClient, int | None]:
        return self._client, self.number

    async def __aenter__(self) -> Transaction:
        if self._outer is not None:
            await self._client.savepoint(self.number)
        else:
            self._number = await self._client.begin(isolation=self._isolation, read_only=self._read_only)
        self._ended = False
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._ended:
            return  # by hand
        if error is None:
            await self.commit()
        else:
            try:
                await self.rollback()
            except OperationError:
                pass  # the error that brought us here says more

    async def commit(self) -> None:
        """Before the block's end, where that matters."""
        number, nested = self.number, self._outer is not None
        try:
            await self._client.commit(number, savepoint=nested)
        except OperationError:
            try:
                await self._client.rollback(number, savepoint=nested)
            except OperationError:
                pass
            raise
        finally:
            self._number, self._ended = None, True

    async def rollback(self) -> None:
        number, nested = self.number, self._outer is not None
        self._number, self._ended = None, True
        await self._client.rollback(number, savepoint=nested)

    def savepoint(self) -> Transaction:
        """`async with tx.savepoint()`: a scope that may fail while the transaction goes on."""
        return Transaction(self._client, "", False, self)

    # -- across subsystems

    async def enqueue(self, task: str | Task[Any, Any], *args: Any, **kwargs: Any) -> TasksEnqueueResult:
        """Enqueues a task when the transaction commits. As `Task.enqueue`; a name takes its arguments as one value, and the options of `Tasks.enqueue`."""
        if isinstance(task, str):
            if len(args) > 1:
                raise TypeError("a task by its name takes its arguments as one value")
            return await Tasks().enqueue(task, args=args[0] if args else None, transaction=self.number, **kwargs)
        return await task._enqueue(args, kwargs, self.number)

    async def publish(
        self, topic: str, payload: Any, *, key: str | None = None, headers: Mapping[str, str] | None = None, client: str = "default"
    ) -> None:
        """Publishes a message when the transaction commits (outbox)."""
        await Messaging(client).publish(topic, payload, key=key, headers=headers, transaction=self.number)

    async def invalidate(self, *keys: str, tags: Sequence[str] = (), namespace: str = "", client: str = "default") -> None:
        """Deletes keys, and what has one of the tags, from a cache when the transaction commits."""
        await Cache(client).invalidate(keys=keys, tags=tags, namespace=namespace, transaction=self.number)

    async def inbox(self, source: str, id: str) -> bool:
        """Notes (source, id); False when it was there: what this transaction does was done before."""
        return await self._client.inbox(self.number, source, id)


class BlockingDatabase(BlockingDatabaseClient):
    """`Database` for plain functions."""

    __slots__ = ()

    def query(self, sql: str, params: Params = None, *, transaction: int | None = None, timeout: Seconds | None = None) -> list[Row]:  # type: ignore[override]
        """The rows of a statement, as dictionaries."""
        result = BlockingDatabaseClient.query(self, sql, params=_parameters(params), transaction=transaction, timeout=timeout)
        return _own_types(result.rows, result.columns, result.types)

    def first(self, sql: str, params: Params = None, *, transaction: int | None = None, timeout: Seconds | None = None) -> Row | None:  # type: ignore[override]
        result = BlockingDatabaseClient.first(self, sql, params=_parameters(params), transaction=transaction, timeout=timeout)
        return None if result.row is None else _own_types([result.row], list(result.row), result.types)[0]

    def execute(self, sql: str, params: Params = None, *, transaction: int | None = None, timeout: Seconds | None = None) -> int:
        return BlockingDatabaseClient.execute(self, sql, params=_parameters(params), transaction=transaction, timeout=timeout)

    def batch(self, sql: str, params: Iterable[Params], *, transaction: int | None = None, timeout: Seconds | None = None) -> int:
        return BlockingDatabaseClient.batch(self, sql, [_parameters(one) for one in params], transaction=transaction, timeout=timeout)

    def query_stream(
        self, sql: str, params: Params = None, *, format: str = "json", transaction: int | None = None, timeout: Seconds | None = None
    ) -> BlockingStream[int]:
        return BlockingDatabaseClient.query_stream(self, sql, params=_parameters(params), format=format, transaction=transaction, timeout=timeout)

    def iterate(self, sql: str, params: Params = None, *, at_once: int = 256, timeout: Seconds | None = None) -> Iterator[Row]:
        """The rows one by one, read from the database as they are taken."""
        opened = self.open_cursor(sql, params=_parameters(params), timeout=timeout)
        done = False
        try:
            while not done:
                page = self.fetch(opened.cursor, max=at_once)
                done = page.done
                yield from _own_types(page.rows, opened.columns, opened.types)
        finally:
            if not done:
                self.close_cursor(opened.cursor)

    def transaction(self, *, isolation: str = "", read_only: bool = False) -> BlockingTransaction:
        """`with db.transaction() as tx`: commits at its end, rolls back when the block raises."""
        return BlockingTransaction(self, isolation, read_only)


class BlockingTransaction:
    """`Transaction` for plain functions."""

    __slots__ = ("_client", "_isolation", "_read_only", "number")

    def __init__(self, client: BlockingDatabase, isolation: str, read_only: bool) -> None:
        self._client = client
        self._isolation = isolation
        self._read_only = read_only
        self.number: int = 0

    def __spikard_plain__(self) -> int:
        return self.number

    def __enter__(self) -> BlockingTransaction:
        self.number = self._client.begin(isolation=self._isolation, read_only=self._read_only)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self._client.commit(self.number)
            return
        try:
            self._client.rollback(self.number)
        except OperationError:
            pass

    def query(self, sql: str, params: Params = None) -> list[Row]:
        return self._client.query(sql, params, transaction=self.number)

    def first(self, sql: str, params: Params = None) -> Row | None:
        return self._client.first(sql, params, transaction=self.number)

    def execute(self, sql: str, params: Params = None) -> int:
        return self._client.execute(sql, params, transaction=self.number)

    def batch(self, sql: str, params: Iterable[Params]) -> int:
        return self._client.batch(sql, params, transaction=self.number)


# ---- messaging, tasks, events


class Messaging(MessagingClient):
    """A message broker."""

    __slots__ = ()

    @property
    def sync(self) -> BlockingMessaging:
        """For plain functions."""
        return BlockingMessaging(self._name)

    async def publish(
        self, topic: str, payload: Any = b"", *, key: str | None = None, headers: Mapping[str, str] | None = None, transaction: Any = None
    ) -> int | None:
        """Done when the broker has the message. Text and bytes go as they are, everything else as JSON. The message's position, where the broker tells."""
        return await MessagingClient.publish(self, topic, payload_bytes(payload), key=key, headers=headers, transaction=transaction)

    async def consume(self, topic: str, handler: Callable[..., Any], *, name: str | None = None, **options: Any) -> Consumer:
        """Starts a consumer beside those of the application, with the same handlers and options as `app.consumer`; it runs until `stop()`.

        >>> async with await messaging.consume("orders.*", handle, group="audit"): ...
        """
        binding, _ = self._where()
        plan = message_plan(handler, is_async(handler), hints_of(handler, {}), Plans(), getattr(handler, "__qualname__", repr(handler)))
        user = binding.dynamic_user(plan)
        if plan.schema is not None:
            options.setdefault("schema", plan.schema)
        try:
            number = await self.start_consumer(name or str(getattr(handler, "__name__", topic)), topic, user=user, **options)
        except BaseException:
            binding.dynamic.pop(user, None)
            raise
        return Consumer(self, number, user)

    async def publish_batch(self, messages: Sequence[Mapping[str, Any]]) -> list[int]:
        """Several `{topic, payload, key, headers}` in one go, in this order."""
        return await MessagingClient.publish_batch(self, [{**m, "payload": payload_bytes(m.get("payload", b""))} for m in messages])


class Consumer:
    """A consumer that `Messaging.consume` has started."""

    __slots__ = ("_client", "_number", "_user")

    def __init__(self, client: Messaging, number: int, user: int) -> None:
        self._client = client
        self._number = number
        self._user = user

    async def stop(self, drain_timeout: Seconds = 20) -> MessagingStopConsumerResult:
        """Takes nothing new, waits for its handlers, hands back what is left."""
        try:
            return await self._client.stop_consumer(self._number, drain_timeout=drain_timeout)
        finally:
            self._client._where()[0].dynamic.pop(self._user, None)

    async def kill(self) -> None:
        """For tests: as if its process had died."""
        await self._client.kill_consumer(self._number)

    async def __aenter__(self) -> Consumer:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()


class BlockingMessaging(BlockingMessagingClient):
    """`Messaging` for plain functions."""

    __slots__ = ()

    def publish(
        self, topic: str, payload: Any = b"", *, key: str | None = None, headers: Mapping[str, str] | None = None, transaction: Any = None
    ) -> int | None:
        return BlockingMessagingClient.publish(self, topic, payload_bytes(payload), key=key, headers=headers, transaction=transaction)


class Tasks(TasksClient):
    """A store of tasks. Tasks of this application are enqueued by themselves: `await send.enqueue(...)`."""

    __slots__ = ()

    async def work(self, handlers: Mapping[str, Callable[..., Any]] | Callable[..., Any], *, queue: str = "default", name: str | None = None, **options: Any) -> Worker:
        """Starts a worker beside those of the application; it runs until `stop()`. `handlers`: by the tasks' names, each as `@app.task` takes it; or one for all, which asks its TaskRun
        for the name and arguments."""
        binding, _ = self._where()
        named = {"": handlers} if callable(handlers) else dict(handlers)
        plans = Plans()
        tasks = {
            task: task_plan(fn, is_async(fn), hints_of(fn, {}), plans, getattr(fn, "__qualname__", repr(fn))) for task, fn in named.items()
        }
        user = binding.dynamic_user(Workers(queue, self._name, tasks))
        own = name or queue
        if "" not in tasks:
            options.setdefault("tasks", list(tasks))
        try:
            await self.start_worker(own, queue=queue, user=user, **options)
        except BaseException:
            binding.dynamic.pop(user, None)
            raise
        return Worker(self, own, user)

    @property
    def sync(self) -> BlockingTasks:
        """For plain functions."""
        return BlockingTasks(self._name)


class Worker:
    """A worker that `Tasks.work` has started."""

    __slots__ = ("_client", "_user", "name")

    def __init__(self, client: Tasks, name: str, user: int) -> None:
        self._client = client
        self._user = user
        self.name = name

    async def stop(self, timeout: Seconds = 20) -> TasksStopWorkerResult:
        """Takes nothing new, waits for what runs, hands back what is left."""
        try:
            return await self._client.stop_worker(self.name, timeout=timeout)
        finally:
            self._client._where()[0].dynamic.pop(self._user, None)

    async def kill(self) -> None:
        """For tests: as if its process had died."""
        await self._client.kill_worker(self.name)

    async def __aenter__(self) -> Worker:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()


class BlockingTasks(BlockingTasksClient):
    """`Tasks` for plain functions."""

    __slots__ = ()


class Cron(CronClient):
    """What cron expressions mean."""

    __slots__ = ()

    @property
    def sync(self) -> BlockingCronClient:
        return BlockingCronClient(self._name)


class CloudEvents(CloudEventsClient):
    """Sends events where `services.events` says, and reads and writes messages of them."""

    __slots__ = ()

    @property
    def sync(self) -> BlockingCloudEventsClient:
        return BlockingCloudEventsClient(self._name)


__all__ = [
    "BlockingCache",
    "BlockingDatabase",
    "BlockingMessaging",
    "BlockingStorage",
    "BlockingTasks",
    "BlockingTransaction",
    "Cache",
    "Client",
    "CloudEvents",
    "Consumer",
    "Cron",
    "Database",
    "Messaging",
    "Query",
    "Row",
    "Storage",
    "Tasks",
    "Transaction",
    "TransactionQuery",
    "UploadPart",
    "UploadPlan",
    "Worker",
    "from_ms",
    "payload_bytes",
    "to_ms",
]
