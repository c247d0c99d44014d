"""What the generated clients of the toolbox stand on: operations by number, from coroutines or from threads, and their streams."""

from __future__ import annotations

import asyncio
import datetime
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union, cast, overload

from . import _core
from ._errors import SpikardError
from ._generated.constants import Command
from ._runtime import current, handling

if TYPE_CHECKING:
    from ._server import Binding

T = TypeVar("T")
Seconds = Union[float, datetime.timedelta]
Chunks = Union[AsyncIterable[Union[str, bytes]], Iterable[Union[str, bytes]]]

# What a host may have of a stream that it has not taken; the core's own figure.
CREDIT = 65536


@overload
def to_ms(seconds: Seconds) -> int: ...
@overload
def to_ms(seconds: None) -> None: ...
def to_ms(seconds: Seconds | None) -> int | None:
    """Whole milliseconds; what is more than nothing stays more than nothing."""
    if seconds is None:
        return None
    if isinstance(seconds, datetime.timedelta):
        seconds = seconds.total_seconds()
    ms = round(seconds * 1000)
    return ms if ms != 0 or seconds == 0 else 1 if seconds > 0 else -1


@overload
def from_ms(ms: int) -> float: ...
@overload
def from_ms(ms: None) -> None: ...
def from_ms(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def binding_of(what: str) -> Binding:
    binding = current.get(None)
    if binding is None:
        raise SpikardError(f"{what}: no application runs here; use it in a handler, a task, or between start and stop")
    return binding


class _Client(_core.Client):
    """A client by its name in `services` of the manifest. It belongs to no loop: each use goes to the application that runs where it is used."""

    _group = ""
    __slots__ = ("_name", "_numbers")

    def __init__(self, name: str = "default") -> None:
        self._name = name
        self._numbers: tuple[Binding | None, int] = (None, 0)

    def _resolve(self) -> tuple[Binding, _core.Port, int]:
        """For `_call` of the extension, when it is used in another application than before."""
        binding, number = self._where()
        return binding, binding.port, number

    @property
    def name(self) -> str:
        return self._name

    def _where(self) -> tuple[Binding, int]:
        binding = binding_of(f"{self._group} client {self._name!r}")
        known, number = self._numbers
        if known is not binding:
            number = binding.client_number(self._group, self._name)
            self._numbers = (binding, number)
        return binding, number

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r}>"


class Client(_Client):
    """For coroutines. What completes at once does so without a turn of the event loop: `_call` gives its result, else something to await."""

    __slots__ = ()

    async def _send(self, operation: int, arguments: dict[str, Any], chunks: Chunks) -> dict[str, Any]:
        """An operation with a streamed argument. When the chunks fail, so does the operation, and nothing is written."""
        binding, number = self._where()
        call = StreamCall(binding, operation, number, arguments, writes=True)
        try:
            if hasattr(chunks, "__aiter__"):
                async for chunk in cast("AsyncIterable[str | bytes]", chunks):
                    if call.done():
                        break
                    await call.write(chunk)
            else:
                for chunk in chunks:
                    if call.done():
                        break
                    await call.write(chunk)
            call.end()
            return await call.result()
        except BaseException:
            await call.abort()
            raise
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()


class StreamCall:
    """One streamed operation in progress, on its application's loop."""

    def __init__(self, binding: Binding, operation: int, number: int, arguments: dict[str, Any], *, writes: bool) -> None:
        self._writes = writes
        self._binding = binding
        self._chunks: deque[bytes] = deque()
        self._id: int | None = None
        self._credit = 0
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None
        self.user = binding.start_stream(self, operation, number, arguments, handling.get())
        self._result = cast("asyncio.Future[dict[str, Any]]", binding.waiting[self.user])
        self._result.add_done_callback(self._over)

    # -- events, from the binding

    def on_credit(self, id: int, amount: int) -> None:
        self._id = id
        self._credit += amount
        self._wake()

    def on_chunk(self, id: int, data: bytes) -> None:
        self._id = id
        self._chunks.append(data)
        self._wake()

    def _over(self, _: asyncio.Future[dict[str, Any]]) -> None:
        self._binding.streams.pop(self.user, None)
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = self._binding.loop.create_future()
        await self._waiter

    # -- for users

    def done(self) -> bool:
        return self._result.done()

    async def write(self, chunk: str | bytes) -> None:
        data = chunk.encode() if isinstance(chunk, str) else bytes(chunk)
        while self._credit <= 0 or self._id is None:
            if self.done():
                return
            await self._wait()
        for at in range(0, len(data), CREDIT):
            part = data[at : at + CREDIT]
            self._credit -= len(part)
            self._binding.command(Command.CHUNK, self._id, body=part)
            while self._credit <= 0:
                if self.done():
                    return
                await self._wait()

    def end(self) -> None:
        self._ended = True
        if self._id is not None and not self.done():
            self._binding.command(Command.END, self._id)

    async def abort(self) -> None:
        """Gives up, and waits until that is so."""
        if self.done():
            if not self._result.cancelled():
                self._result.exception()  # seen
            return
        if self._writes and self._id is not None and not self._ended:
            self._binding.command(Command.ABORT, self._id)
        else:
            self._binding.port.cancel(self.user)
        await asyncio.wait([self._result])
        if not self._result.cancelled():
            self._result.exception()

    async def read(self) -> bytes | None:
        """The next chunk, or None at the end. Taking one lets the core send more."""
        while not self._chunks:
            if self.done():
                self._result.result()
                return None
            await self._wait()
        data = self._chunks.popleft()
        if not self.done() and self._id is not None:
            self._binding.command(Command.CREDIT, self._id, len(data))
        return data

    async def result(self) -> dict[str, Any]:
        while self._id is None and not self.done() and self._ended:
            await self._wait()
            if self._id is not None:
                self.end()
        return await self._result


class Stream(Generic[T]):
    """A streamed result: iterate over its chunks of bytes. It begins with the first chunk asked for; what it says of itself is `result` after the last.

    >>> async with storage.read_stream("big") as chunks:
    ...     async for chunk in chunks: ...

    Leaving the block (or `aclose()`) before the end cancels it.
    """

    __slots__ = ("_arguments", "_call", "_client", "_make", "_operation", "_result")

    def __init__(self, client: Client, operation: int, arguments: dict[str, Any], make: Callable[[dict[str, Any]], T]) -> None:
        self._client = client
        self._operation = operation
        self._arguments = arguments
        self._make = make
        self._call: StreamCall | None = None
        self._result: T | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._call is None:
            binding, number = self._client._where()
            self._call = StreamCall(binding, self._operation, number, self._arguments, writes=False)
        try:
            chunk = await self._call.read()
        except asyncio.CancelledError:
            await self._call.abort()
            raise
        if chunk is None:
            self._result = self._make(await self._call.result())
            raise StopAsyncIteration
        return chunk

    @property
    def result(self) -> T:
        """What the operation gave at its end."""
        if self._result is None:
            raise SpikardError("a stream has its result when it was read to its end")
        return self._result

    async def read(self) -> bytes:
        """All of it."""
        return b"".join([chunk async for chunk in self])

    async def aclose(self) -> None:
        if self._call is not None:
            await self._call.abort()

    async def __aenter__(self) -> Stream[T]:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()


class BlockingClient(_Client):
    """For plain functions on threads other than the loop's: each call waits for its answer."""

    __slots__ = ()

    def _call(self, operation: int, arguments: dict[str, Any]) -> dict[str, Any]:
        binding, number = self._where()
        return binding.operation_blocking(operation, number, arguments)

    def _send(self, operation: int, arguments: dict[str, Any], chunks: Iterable[str | bytes]) -> dict[str, Any]:
        binding, number = self._where()
        call = binding.run_blocking(_open(binding, operation, number, arguments, True))
        try:
            for chunk in chunks:
                if call.done():
                    break
                binding.run_blocking(call.write(chunk))
            return binding.run_blocking(_finish(call))
        except BaseException:
            binding.run_blocking(call.abort())
            raise


async def _open(binding: Binding, operation: int, number: int, arguments: dict[str, Any], writes: bool) -> StreamCall:
    return StreamCall(binding, operation, number, arguments, writes=writes)


async def _finish(call: StreamCall) -> dict[str, Any]:
    call.end()
    return await call.result()


class BlockingStream(Generic[T]):
    """`Stream` for plain functions."""

    __slots__ = ("_arguments", "_call", "_client", "_make", "_operation", "_result")

    def __init__(self, client: BlockingClient, operation: int, arguments: dict[str, Any], make: Callable[[dict[str, Any]], T]) -> None:
        self._client = client
        self._operation = operation
        self._arguments = arguments
        self._make = make
        self._call: StreamCall | None = None
        self._result: T | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        binding, number = self._client._where()
        if self._call is None:
            self._call = binding.run_blocking(_open(binding, self._operation, number, self._arguments, False))
        chunk = binding.run_blocking(self._call.read())
        if chunk is None:
            self._result = self._make(binding.run_blocking(self._call.result()))
            raise StopIteration
        return chunk

    @property
    def result(self) -> T:
        """What the operation gave at its end."""
        if self._result is None:
            raise SpikardError("a stream has its result when it was read to its end")
        return self._result

    def read(self) -> bytes:
        """All of it."""
        return b"".join(self)

    def close(self) -> None:
        if self._call is not None:
            self._client._where()[0].run_blocking(self._call.abort())

    def __enter__(self) -> BlockingStream[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


__all__ = [
    "BlockingClient",
    "BlockingStream",
    "Chunks",
    "Client",
    "Seconds",
    "Stream",
    "StreamCall",
    "binding_of",
    "from_ms",
    "to_ms",
]
