"""One application on one event loop: the port's fd in the loop, dependencies, hooks and background jobs behind it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, Union

from . import _core
from ._errors import ConfigError, SpikardError
from ._generated.constants import AppState, Command, Event, Flag, HookPhase, Operation
from ._responses import PROBLEM_BASE
from ._runtime import ResponseDraft, WorkerPool, active, enter, failure, handling, hook_result, json_type, logger, start_task

from ._client import to_ms
from ._telemetry import LogHandler, traceparent
from ._work import CloudEvent, Fatal, Message, Nack, Outcome, Retry, TaskRun, Workers, WorkPlan, instant

if TYPE_CHECKING:
    from ._client import StreamCall

T = TypeVar("T")
# Groups of operations that another subsystem's clients have.
OWNERS = {"cron": "tasks"}

# `route` of what was started by an operation: its `user` says what it is.
BY_OPERATION = 0xFFFFFFFF

Closer = Union["Generator[Any, None, None]", "AsyncGenerator[Any, None]"]


@dataclass
class HookPlan:
    fn: Callable[..., Any]
    wants_response: bool


@dataclass
class Plan:
    """What an App has become: the manifest and, by its ids, the code behind it."""

    manifest: dict[str, Any]
    routes: list[_core.Route]
    hooks: list[list[HookPlan]]
    factories: dict[int, Callable[..., Any]]
    tokens: dict[int, Any]
    next_token: int
    threads: int
    log_to_python: bool
    consumers: list[WorkPlan] = field(default_factory=list)
    workers: list[Workers] = field(default_factory=list)
    events: list[WorkPlan] = field(default_factory=list)
    on_start: list[Callable[[], Any]] = field(default_factory=list)
    on_stop: list[Callable[[], Any]] = field(default_factory=list)


class Binding:
    """The live side of a Plan. Everything here runs on the loop's thread, but for `operation_blocking` and `run_blocking`."""

    def __init__(self, plan: Plan, app: _core.App, loop: asyncio.AbstractEventLoop) -> None:
        self.plan = plan
        self.app = app
        self.loop = loop
        self.log_to_python = plan.log_to_python
        # From the core: spikard.toml or the environment may have changed what the manifest said.
        info = json.loads(app.info())
        self.problem_base: str = info.get("problem_base", PROBLEM_BASE)
        self.traced: bool = info.get("telemetry", False)
        """Telemetry is on: records of `logging` go to it, and threads are told the span of their handler."""
        self.pool = WorkerPool(plan.threads, self)
        self.tokens: dict[int, Any] = dict(plan.tokens)
        self.closers: dict[int, Closer] = {}
        self.jobs: dict[int, Any] = {}
        self.errors: dict[int, BaseException] | None = {} if plan.hooks[HookPhase.ON_ERROR] else None
        self.thread = threading.get_ident()
        self.waiting: dict[int, asyncio.Future[Any] | concurrent.futures.Future[Any]] = {}
        self.streams: dict[int, StreamCall] = {}
        self.clients: dict[str, list[str]] = info.get("clients", {})
        self.dynamic: dict[int, WorkPlan | Workers] = {}  # what operations started, by the number that they were told
        self._threads: concurrent.futures.ThreadPoolExecutor | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self.owed: dict[int, asyncio.Task[Any]] = {}  # hooks and factories at work, by the request's id
        self.next_token = plan.next_token
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()
        self.stopped = asyncio.Event()
        self.port = _core.Port(app, loop, plan.routes, self.tokens, self.jobs, self.errors, self.pool.submit, self.owed)
        self.fd = self.port.fd()

    # -- owed events

    def _run(self, coroutine: Coroutine[Any, Any, Any], done: Callable[[asyncio.Task[Any]], None], id: int = 0) -> None:
        """Starts a task; with the id of a request, a CANCEL of the request cancels it."""
        task = start_task(self.loop, coroutine)
        if task.done():
            done(task)
            return
        self.tasks.add(task)
        if id != 0:
            self.owed[id] = task

        def over(task: asyncio.Task[Any]) -> None:
            self.tasks.discard(task)
            if self.owed.get(id) is task:
                del self.owed[id]
            done(task)

        task.add_done_callback(over)

    def hook(self, phase: int, index: int, id: int, request: _core.Request, answer: Any) -> None:
        plan = self.plan.hooks[phase][index]
        draft = ResponseDraft(None, []) if answer is None else ResponseDraft(answer[0], answer[1])
        if self.errors is not None and phase == HookPhase.ON_ERROR:
            request._extra = self.errors.get(id)

        def finish(value: Any) -> None:
            self.port.result(id, hook_result(request, draft, value))
            self.port.release(request)

        def fail(error: BaseException) -> None:
            from ._responses import Problem

            if isinstance(error, Problem):
                finish(error)
            else:
                self.port.fail(id, error)
                self.port.release(request)

        try:
            context = contextvars.copy_context()
            value = context.run(plan.fn, request, draft) if plan.wants_response else context.run(plan.fn, request)
            if not inspect.iscoroutine(value):
                finish(value)
                return
        except Exception as error:  # noqa: BLE001 - whatever a hook raises fails the request, not the process
            fail(error)
            return
        finally:
            if self.errors is not None and phase == HookPhase.ON_ERROR:
                self.errors.pop(id, None)

        def done(task: asyncio.Task[Any]) -> None:
            try:
                finish(task.result())
            except (Exception, asyncio.CancelledError) as error:
                fail(error)

        self._run(value, done, id)

    def make(self, dependency: int, id: int, tokens: list[int]) -> None:
        factory = self.plan.factories[dependency]

        def finish(value: Any, closer: Closer | None) -> None:
            token = self.next_token
            self.next_token += 1
            self.tokens[token] = value
            if closer is not None:
                self.closers[token] = closer
            self.port.result(id, json_type(value), token)

        try:
            value: Any = factory(*[self.tokens[token] for token in tokens])
            pending = bool(inspect.iscoroutine(value))
            several = bool(inspect.isasyncgen(value))
            if bool(inspect.isgenerator(value)):
                finish(next(value), value)
                return
            if not pending and not several:
                finish(value, None)
                return
        except Exception as error:  # noqa: BLE001
            self.port.fail(id, error)
            return
        generator: AsyncGenerator[Any, None] | None = value if several else None

        def done(task: asyncio.Task[Any]) -> None:
            try:
                finish(task.result(), generator)
            except (Exception, asyncio.CancelledError) as error:
                self.port.fail(id, error)

        async def first(values: AsyncGenerator[Any, None]) -> Any:
            return await values.__anext__()

        self._run(first(generator) if generator is not None else value, done, id)

    def dispose(self, dependency: int, id: int, token: int) -> None:
        self.tokens.pop(token, None)
        closer = self.closers.pop(token, None)
        arg = token if id == 0 else 0
        if closer is None:
            self.port.result(id, None, arg)
            return
        if inspect.isgenerator(closer):
            try:
                try:
                    next(closer)
                except StopIteration:
                    pass
                else:
                    closer.close()
                self.port.result(id, None, arg)
            except Exception as error:  # noqa: BLE001
                self.port.fail(id, error)
            return

        async def rest(values: Any) -> None:
            try:
                await values.__anext__()
            except StopAsyncIteration:
                return
            await values.aclose()

        def done(task: asyncio.Task[Any]) -> None:
            try:
                task.result()
                self.port.result(id, None, arg)
            except (Exception, asyncio.CancelledError) as error:
                self.port.fail(id, error)

        self._run(rest(closer), done)

    # -- messages, tasks and events

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Work of its own, which nobody waits for. It begins in the loop's next turn: a task begins at once, which it cannot inside another one."""

        def done(task: asyncio.Task[Any]) -> None:
            if not task.cancelled() and task.exception() is not None:
                logger.error("background work failed", exc_info=task.exception())

        self.loop.call_soon(self._run, coroutine, done)

    def dynamic_user(self, plan: WorkPlan | Workers) -> int:
        """Notes a handler for what an operation starts; the number to tell it."""
        user = self.port.next_user()
        self.dynamic[user] = plan
        return user

    async def _in_thread(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._threads is None:
            self._threads = concurrent.futures.ThreadPoolExecutor(self.plan.threads, "spikard-work")
        context = contextvars.copy_context()
        if self.traced and active.get() is None:
            context.run(active.set, traceparent())
        value = await self.loop.run_in_executor(self._threads, lambda: context.run(fn, *args, **kwargs))
        return await value if inspect.isawaitable(value) else value

    def _subject(self, kind: int, route: int, user: int, value: Any) -> tuple[WorkPlan, Any]:
        """Whose handler it is, and what it gets."""
        _, nodes, body, _, attempt, pairs = value
        if kind == Event.CLOUDEVENT:
            return self.plan.events[route], CloudEvent.from_dict(nodes["event"])
        source: Any
        if kind == Event.MESSAGE:
            source = self.dynamic[user] if route == BY_OPERATION else self.plan.consumers[route]
            published = instant(nodes["enqueued_ms"])
            assert published is not None
            return source, Message(nodes["name"], body, nodes["key"], dict(pairs), attempt, nodes["tries"], published, pairs)
        source = self.dynamic[user] if route == BY_OPERATION else self.plan.workers[route]
        plan = source.tasks.get(nodes["name"]) or source.tasks.get("")
        if plan is None:
            raise Fatal(f"there is no task {nodes['name']!r} here")
        run = TaskRun(
            nodes["name"],
            json.loads(body) if body else None,
            nodes["tries"] + 1,
            nodes.get("id", ""),
            nodes.get("queue", source.queue),
            dict(pairs),
            instant(nodes["enqueued_ms"]),
            instant(nodes.get("scheduled_at")),
            nodes.get("lease", 0),
            source.client,
        )
        return plan, run

    def work(self, kind: int, route: int, id: int, user: int, value: Any) -> None:
        def fail(error: BaseException) -> None:
            if isinstance(error, asyncio.CancelledError):
                self.command(Command.NACK, id, 0, Flag.REQUEUE)  # nobody waits for it any more
            elif isinstance(error, Outcome):
                try:
                    answer(error)
                except Exception as wrong:  # noqa: BLE001 - an outcome that cannot be told
                    self.port.fail(id, wrong)
            else:
                self.port.fail(id, error)

        def answer(value: Any) -> None:
            if isinstance(value, Retry):
                self.command(Command.RETRY, id, max(0, to_ms(value.after)))
            elif isinstance(value, Nack):
                self.command(Command.NACK, id, 0, Flag.REQUEUE if value.requeue else Flag(0))
            elif isinstance(value, Fatal):
                self.port.fail(id, value, True)
            elif kind == Event.CLOUDEVENT and isinstance(value, (CloudEvent, dict)):
                self.port.result(id, value if isinstance(value, dict) else value.to_dict())
            elif kind == Event.TASK and value is not None and not isinstance(value, Outcome):
                self.command(Command.ACK, id, 0, Flag(0), _core.dumps(value))
            else:
                self.command(Command.ACK, id)

        try:
            plan, subject = self._subject(kind, route, user, value)
            args, kwargs = plan.arguments(subject, value[2])
            coroutine = plan.fn(*args, **kwargs) if plan.is_async else self._in_thread(plan.fn, args, kwargs)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises fails its work, not the process
            fail(error)
            return

        def done(task: asyncio.Task[Any]) -> None:
            try:
                result = task.result()
            except (Exception, asyncio.CancelledError) as error:
                fail(error)
                return
            try:
                answer(result)
            except Exception as error:  # noqa: BLE001 - a result that is no JSON
                self.port.fail(id, error)

        self._run(coroutine, done, id)

    def background(self, id: int, user: int) -> None:
        fn, args, kwargs = self.jobs.pop(user)
        try:
            if not inspect.iscoroutinefunction(fn):
                # A plain function may block: it gets a thread of its loop's pool.
                async def run() -> None:
                    value = await asyncio.to_thread(fn, *args, **(kwargs or {}))
                    if inspect.isawaitable(value):
                        await value

                coroutine: Coroutine[Any, Any, Any] = run()
            else:
                coroutine = fn(*args, **(kwargs or {}))
        except Exception as error:  # noqa: BLE001
            self.port.fail(id, error)
            return

        def done(task: asyncio.Task[Any]) -> None:
            try:
                task.result()
                self.port.ack(id)
            except (Exception, asyncio.CancelledError) as error:
                self.port.fail(id, error)

        self._run(coroutine, done)

    def done(self, user: int, value: Any) -> None:
        job = self.jobs.pop(user, None)
        if job is not None:
            logger.error("a background task was refused: %s", value[2].decode() if value else "")
            return
        waiter = self.waiting.pop(user, None)
        if waiter is None or waiter.done():
            return
        if value is None or value[0] == 0:
            waiter.set_result(None if value is None else value[1] or {})
        else:
            waiter.set_exception(failure(value[0], value[2].decode("utf-8", "replace"), value[3], value[4]))

    def chunk(self, user: int, id: int, value: Any) -> None:
        stream = self.streams.get(user)
        if stream is not None:
            stream.on_chunk(id, value[2])

    def credit(self, user: int, id: int, amount: int) -> None:
        stream = self.streams.get(user)
        if stream is not None:
            stream.on_credit(id, amount)

    def state(self, state: int) -> None:
        if state == AppState.READY:
            self.ready.set()
        elif state == AppState.DRAINING:
            self.stopping.set()
        elif state == AppState.STOPPED:
            self.stopping.set()
            self.stopped.set()

    # -- operations

    async def _wait(self, user: int) -> Any:
        waiter = self.loop.create_future()
        self.waiting[user] = waiter
        try:
            return await waiter
        except asyncio.CancelledError:
            if self.waiting.pop(user, None) is not None:
                self.port.cancel(user)
            raise

    async def sleep(self, seconds: float, id: int) -> None:
        user = self.port.next_user()
        self.port.timer(max(0, round(seconds * 1000)), user, id)
        await self._wait(user)

    async def call(self, operation: Operation, arguments: Any) -> Any:
        user = self.port.next_user()
        self.port.call(operation, user, arguments)
        return await self._wait(user)

    def client_number(self, group: str, name: str) -> int:
        """The place of a client among those of its subsystem."""
        names = self.clients.get(OWNERS.get(group, group), [])
        if name not in names:
            raise ConfigError(f"there is no {group} client {name!r}; those of the application: {', '.join(names) or 'none'}")
        return names.index(name)

    def operation_blocking(self, operation: int, client: int, arguments: dict[str, Any]) -> dict[str, Any]:
        """Waits for the end. On the loop's own thread only what completes at once can be had."""
        if threading.get_ident() == self.thread:
            at_once = self.port.invoke(operation, client, arguments, handling.get())
            if isinstance(at_once, dict):
                return at_once
            self.port.cancel(at_once)
            raise SpikardError("this would block the event loop; use the client for coroutines, or a plain function on a thread of its own")
        user = self.port.next_user()
        waiter: concurrent.futures.Future[dict[str, Any]] = concurrent.futures.Future()
        self.waiting[user] = waiter
        try:
            result = self.port.invoke(operation, client, arguments, handling.get(), user, 0)
        except BaseException:
            self.waiting.pop(user, None)
            raise
        if isinstance(result, dict):
            self.waiting.pop(user, None)
            return result
        return waiter.result()

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """On any other thread: runs it on the loop, for the handler of this thread."""
        if threading.get_ident() == self.thread:
            coroutine.close()
            raise SpikardError("this would block the event loop; use the client for coroutines, or a plain function on a thread of its own")
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def start_stream(self, stream: StreamCall, operation: int, client: int, arguments: dict[str, Any], id: int) -> int:
        user = self.port.next_user()
        self.waiting[user] = self.loop.create_future()
        self.streams[user] = stream
        try:
            self.port.invoke(operation, client, arguments, id, user, Flag.STREAM)
        except BaseException:
            self.waiting.pop(user).cancel()
            self.streams.pop(user, None)
            raise
        return user

    def command(self, command: Command, id: int, arg: int = 0, flags: int = 0, body: bytes | None = None) -> None:
        self.port.command(command, id, arg, flags, body)

    # -- life

    def _readable(self) -> None:
        try:
            self.port.on_readable()
        except Exception:
            logger.exception("the port failed")
            self.stopped.set()

    def open(self) -> None:
        self.loop.add_reader(self.fd, self._readable)
        self.loop.call_soon(self._readable)  # not from here: a task begins at once, which it cannot inside the one that serves

    async def close(self) -> None:
        self.loop.remove_reader(self.fd)
        for task in list(self.tasks):
            task.cancel()
        self._cancel_waiting()
        self.pool.stop()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        if self.tasks:
            await asyncio.wait(list(self.tasks), timeout=1)
        self.port.close()
        self._cancel_waiting()  # of threads that asked meanwhile; from now on the port refuses

    def _cancel_waiting(self) -> None:
        for waiter in list(self.waiting.values()):
            waiter.cancel()


async def _call_all(functions: list[Callable[[], Any]]) -> None:
    for fn in functions:
        value = fn()
        if inspect.isawaitable(value):
            await value


async def serve(plan: Plan, app: _core.App, *, signals: bool, started: Callable[[Binding], None] | None = None) -> dict[str, Any]:
    """Serves until the drain is over; gives its report. `app` has been started."""
    loop = asyncio.get_running_loop()
    binding = Binding(plan, app, loop)
    enter(binding)
    handled: list[int] = []
    log_handler: LogHandler | None = None
    try:
        if binding.traced:
            log_handler = LogHandler(binding=binding)
            logging.getLogger().addHandler(log_handler)
        if plan.on_start:
            # Its operations are answered while work that comes meanwhile waits.
            binding.port.hold()
            binding.open()
            await _call_all(plan.on_start)
        if signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, app.drain)
                handled.append(number)
        if plan.on_start:
            # Not from here: a handler's task begins at once, which it cannot inside another one.
            loop.call_soon(binding.port.release_held)
        else:
            binding.open()
        if started is not None:
            started(binding)
        await binding.stopped.wait()
        await _call_all(plan.on_stop)
    finally:
        for installed in handled:
            loop.remove_signal_handler(installed)
        if log_handler is not None:
            logging.getLogger().removeHandler(log_handler)
        await binding.close()
    report = json.loads(app.report() or "{}")
    return report if isinstance(report, dict) else {}


def run_loop(main: Coroutine[Any, Any, Any], kind: str) -> Any:
    """asyncio.run on uvloop when it is there (`auto`), or as said."""
    if kind not in ("auto", "asyncio", "uvloop"):
        raise ValueError(f"loop: {kind!r}; expected auto, asyncio or uvloop")
    if kind != "asyncio":
        try:
            import uvloop
        except ImportError:
            if kind == "uvloop":
                raise
        else:
            if sys.version_info >= (3, 11):
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    return runner.run(main)
            uvloop.install()
    return asyncio.run(main)


def open_app(manifest: dict[str, Any], *, configured: bool = False) -> _core.App:
    return _core.App(json.dumps(manifest, ensure_ascii=False), configured)


def run(plan: Plan, *, workers: int, loop: str) -> int:
    """Serves in this process, or in `workers` of them. The exit code: 0 when nothing was abandoned. With SPIKARD_PRINT_MANIFEST=1 prints the manifest instead."""
    if os.environ.get("SPIKARD_PRINT_MANIFEST") == "1":
        sys.stdout.write(json.dumps(plan.manifest, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return 0
    app = open_app(plan.manifest, configured=True)
    if workers > 1:
        worker, code = app.supervise(workers)
        if worker is None:
            app.close()
            return int(code or 0)
    app.start()
    try:
        report = run_loop(serve(plan, app, signals=True), loop)
    finally:
        app.close()
    return int(report.get("exit_code", 0))
