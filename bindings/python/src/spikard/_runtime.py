"""What runs between the extension and user code: tasks, streams, hooks, dependencies, background jobs. One module, no state of its own."""

from __future__ import annotations

import asyncio
import collections.abc
import contextvars
import dataclasses
import datetime
import decimal
import enum
import inspect
import logging
import os
import pathlib
import queue
import sys
import threading
import traceback
import types
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, cast

from . import _core
from ._encode import classify
from ._errors import ConfigError, OperationError, SpikardError
from ._generated.constants import BodyFormat, Event
from ._generated.errors import ErrorKind
from ._responses import Problem, Response, Served, StreamingResponse, problem_base

if TYPE_CHECKING:
    from ._server import Binding

logger = logging.getLogger("spikard")
current: contextvars.ContextVar[Binding] = contextvars.ContextVar("spikard_binding")
# The request, message or task whose handler runs here: for whom operations are called. 0 for none.
handling: contextvars.ContextVar[int] = contextvars.ContextVar("spikard_handling", default=0)
# The innermost span of the application's own here, as W3C Trace Context writes it. None: that of the handler.
active: contextvars.ContextVar[str | None] = contextvars.ContextVar("spikard_span", default=None)


def enter(binding: Binding) -> None:
    """What runs in this context from here on belongs to `binding`."""
    current.set(binding)
    problem_base.set(binding.problem_base)


def start_task_captured(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """A real Task whose first step runs now (before 3.12, where asyncio has eager_start).

    The task asks the loop to call its first step soon; for this one moment the loop hands the step to us. So the coroutine runs as this very task from
    its first line: current_task(), asyncio.timeout, TaskGroup and anyio see one task before and after the first suspension.
    """
    steps: list[tuple[Callable[..., Any], tuple[Any, ...], contextvars.Context | None]] = []

    def capture(callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None) -> None:
        steps.append((callback, args, context))

    patched: Any = loop
    patched.call_soon = capture
    try:
        task = asyncio.Task(coroutine, loop=loop)
    finally:
        del patched.call_soon
    for callback, args, context in steps:
        if context is None:
            callback(*args)
        else:
            context.run(callback, *args)
    return task


def start_task(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    if sys.version_info >= (3, 12):
        return asyncio.Task(coroutine, loop=loop, eager_start=True)
    return start_task_captured(loop, coroutine)


class BodyStream:
    """A request body chunk by chunk: `async for chunk in request.stream()`. Taking a chunk lets the client send more."""

    __slots__ = ("_request",)

    def __init__(self, request: _core.Request) -> None:
        self._request = request

    def __aiter__(self) -> BodyStream:
        return self

    async def __anext__(self) -> bytes:
        while True:
            chunk = self._request._next_chunk()
            if chunk is None:
                await _wait(self._request)
            elif chunk is False:
                raise StopAsyncIteration
            else:
                return cast(bytes, chunk)

    async def read(self) -> bytes:
        """All of it."""
        return b"".join([chunk async for chunk in self])


class BackgroundTasks:
    """Work that is done after the answer. Take one as a parameter of a handler."""

    __slots__ = ("_request",)

    def __init__(self, request: _core.Request) -> None:
        self._request = request

    def add(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._request.background(fn, *args, **kwargs)


async def _wait(request: _core.Request) -> None:
    waiter = asyncio.get_running_loop().create_future()
    request._waiter = waiter
    await waiter


async def run_stream(request: _core.Request, response: StreamingResponse) -> None:
    """Sends a streamed answer; the extension starts it as a task and fails the request with what it raises."""
    prepare = getattr(response, "_prepare", None)
    if prepare is not None:
        await prepare()
    request._start(response)
    chunks = response.chunks
    for job in response.background or ():
        request.background(job[0], *job[1], **job[2])
    try:
        if hasattr(chunks, "__aiter__"):
            async for chunk in chunks:
                if not request._write(chunk):
                    await _credit(request)
        else:
            for chunk in chunks:
                if not request._write(chunk):
                    await _credit(request)
                elif request.cancelled:
                    raise asyncio.CancelledError
        request._end()
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
        else:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()


async def _credit(request: _core.Request) -> None:
    while not request._may_write:
        await _wait(request)


async def request_sleep(request: _core.Request, seconds: float) -> None:
    await current.get().sleep(seconds, request.id)


async def sleep(seconds: float) -> None:
    """Waits by the application's clock: a virtual one knows that the handler is at rest meanwhile."""
    await current.get().sleep(seconds, handling.get())


def stopping() -> asyncio.Event:
    """Set when the graceful end begins: a stream without an end of its own ends then, or the drain waits for it until its limit. On the loop's thread only."""
    return current.get().stopping


_HERE = __file__.rsplit("/", 1)[0] + "/"


def _user_frames(trace: types.TracebackType | None) -> types.TracebackType | None:
    """The traceback from the user's first line on."""
    frame = trace
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(_HERE):
        frame = frame.tb_next
    return frame if frame is not None else trace


def describe(error: BaseException) -> dict[str, str]:
    """What is logged of a failure. Clients never see it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    lines = traceback.format_exception(kind, error, _user_frames(error.__traceback__))
    text = "".join(lines)
    binding = current.get(None)
    if binding is not None and binding.log_to_python:
        logger.error("%s: %s\n%s", name, error, text.rstrip())
    return {"type": name, "message": str(error), "trace": text}


class WorkerPool:
    """Threads for plain `def` handlers, started when there is work for them. Handlers run in a copy of the context each."""

    def __init__(self, limit: int, binding: Binding) -> None:
        self._limit = limit
        self._binding = binding
        self._queue: queue.SimpleQueue[_core.Request | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)

    def submit(self, request: _core.Request) -> None:
        if self._binding.traced:
            from ._telemetry import traceparent

            request._variables.run(active.set, traceparent())  # only the loop's thread can ask for it
        self._queue.put(request)
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._limit:
            thread = threading.Thread(target=self._work, name=f"spikard-worker-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        enter(self._binding)
        pid = os.getpid()
        while True:
            request = self._queue.get()
            if request is None:
                return
            try:
                request._run()
            except BaseException as error:  # noqa: BLE001 - a worker must not die of one request
                if os.getpid() == pid:
                    logger.exception("a worker could not finish a request")
                elif isinstance(error, SystemExit):
                    os._exit(error.code if isinstance(error.code, int) else error.code is not None)
                else:
                    traceback.print_exc()
                    os._exit(1)
            if os.getpid() != pid:
                os._exit(0)  # a handler has forked and its child has come back here
            del request
            self._idle.release()

    def stop(self) -> None:
        for _ in self._threads:
            self._queue.put(None)


class ResponseDraft:
    """The answer as a hook sees it. Before the handler there is no status yet; headers set here are put on whatever is answered."""

    __slots__ = ("_append", "_set", "headers", "status")

    def __init__(self, status: int | None, headers: list[tuple[str, str]]) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self._set: list[list[str]] = []
        self._append: list[list[str]] = []

    def set_header(self, name: str, value: str) -> None:
        self.headers[name.lower()] = value
        self._set.append([name, value])

    def append_header(self, name: str, value: str) -> None:
        before = self.headers.get(name.lower())
        self.headers[name.lower()] = value if before is None else f"{before}, {value}"
        self._append.append([name, value])


def answer_of(value: Any, draft: ResponseDraft) -> dict[str, Any] | None:
    """A hook's return value as the `answer` of its result."""
    if value is None:
        return None
    if isinstance(value, Problem):
        value = value.to_response()
    elif not isinstance(value, Response):
        value = Response(value, draft.status or 200)
    content = value.content
    headers = [[name, text] for name, text in value.header_list or ()]
    if value.media_type is not None and not any(pair[0].lower() == "content-type" for pair in headers):
        headers.append(["content-type", value.media_type])
    if content is None:
        kind, body = int(BodyFormat.RAW), b""
    elif isinstance(content, (bytes, bytearray, memoryview)):
        kind, body = int(BodyFormat.RAW), bytes(content)
    elif isinstance(content, str):
        kind, body = int(BodyFormat.TEXT), content.encode()
    else:
        kind, body = int(BodyFormat.JSON), _core.dumps(content)
    return {"status": value.status, "format": kind, "headers": headers, "body": body}


def hook_result(request: _core.Request, draft: ResponseDraft, value: Any) -> dict[str, Any] | None:
    result: dict[str, Any] = {}
    if request._context:
        result["context"] = request._context
    if draft._set:
        result["set"] = draft._set
    if draft._append:
        result["append"] = draft._append
    answer = answer_of(value, draft)
    if answer is not None:
        result["answer"] = answer
    return result or None


def json_type(value: Any) -> str | None:
    """The JSON type of a dependency's value; None for what is not JSON's."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (list, tuple)):
        return "array"
    if isinstance(value, dict):
        return "object"
    return None


def dispatch(
    port: _core.Port, kind: int, route: int, id: int, arg: int, user: int, request: _core.Request | None, value: Any
) -> None:
    """Events that are no requests, from the extension."""
    binding = current.get()
    if kind == Event.HOOK:
        assert request is not None
        binding.hook(arg, route, id, request, value)
    elif kind == Event.FACTORY:
        binding.make(route, id, value[1] or [])
    elif kind == Event.DISPOSE:
        binding.dispose(route, id, arg)
    elif kind == Event.DONE:
        binding.done(user, value)
    elif kind == Event.CHUNK:
        binding.chunk(user, id, value)
    elif kind == Event.CREDIT:
        binding.credit(user, id, arg)
    elif kind == Event.TASK and value is None:
        binding.background(id, user)
    elif kind == Event.MESSAGE or kind == Event.TASK or kind == Event.CLOUDEVENT:
        binding.work(kind, route, id, user, value)
    elif kind == Event.STATE:
        binding.state(arg)


def failure(status: int, message: str, detail: str, retry: int) -> OperationError:
    try:
        kind = ErrorKind(status)
    except ValueError:
        kind = ErrorKind.INTERNAL
    return OperationError(kind, message, detail, retry)


def to_plain(value: Any) -> Any:
    """What arguments of operations may hold beside plain data, as that; what is none of it is not implemented."""
    plain = getattr(value, "__spikard_plain__", None)
    if plain is not None:
        return plain()
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.metadata.get("name", f.name): getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise TypeError("a datetime without a time zone is no instant")
        text = value.isoformat()
        return text[:-6] + "Z" if text.endswith("+00:00") else text
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (uuid.UUID, decimal.Decimal, pathlib.PurePath)):
        return str(value)
    if isinstance(value, datetime.timedelta):
        return round(value.total_seconds() * 1000)
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, collections.deque)):
        return list(value)
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json", by_alias=True)
    fields = getattr(value, "__struct_fields__", None)
    if fields is not None:
        return {name: getattr(value, name) for name in fields}
    return NotImplemented


Closer = "Generator[Any, None, None] | AsyncGenerator[Any, None]"


def install() -> None:
    """Tells the extension what it cannot know by itself. Once an interpreter."""
    _core.configure(
        error=SpikardError,
        config_error=ConfigError,
        problem_type=Problem,
        response_type=Response,
        streaming_type=StreamingResponse,
        classify=classify,
        describe=describe,
        task_factory=None if sys.version_info >= (3, 12) else start_task_captured,
        task_type=asyncio.Task,
        stream_runner=run_stream,
        dispatch=dispatch,
        cancelled_error=asyncio.CancelledError,
        body_stream=BodyStream,
        sleep=request_sleep,
        failure=failure,
        to_plain=to_plain,
        handling=handling,
        current=current,
        span=active,
        served_type=Served,
    )


install()

__all__ = ["AsyncIterator", "BackgroundTasks", "BodyStream", "ResponseDraft", "WorkerPool", "current", "enter", "inspect", "sleep", "start_task"]
