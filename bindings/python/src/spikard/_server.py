"""One application on one event loop: the port's fd in the loop, dependencies, hooks and background jobs behind it."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any, Union

from . import _core
from ._errors import OperationError
from ._generated.constants import AppState, HookPhase, Operation
from ._generated.errors import ErrorKind
from ._responses import PROBLEM_BASE
from ._runtime import ResponseDraft, WorkerPool, enter, hook_result, json_type, logger, start_task

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
    on_start: list[Callable[[], Any]] = field(default_factory=list)
    on_stop: list[Callable[[], Any]] = field(default_factory=list)


class Binding:
    """The live side of a Plan. Everything here runs on the loop's thread."""

    def __init__(self, plan: Plan, app: _core.App, loop: asyncio.AbstractEventLoop) -> None:
        self.plan = plan
        self.app = app
        self.loop = loop
        self.log_to_python = plan.log_to_python
        # From the core: spikard.toml or the environment may have changed what the manifest said.
        self.problem_base: str = json.loads(app.info()).get("problem_base", PROBLEM_BASE)
        self.pool = WorkerPool(plan.threads, self)
        self.tokens: dict[int, Any] = dict(plan.tokens)
        self.closers: dict[int, Closer] = {}
        self.jobs: dict[int, Any] = {}
        self.errors: dict[int, BaseException] | None = {} if plan.hooks[HookPhase.ON_ERROR] else None
        self.waiting: dict[int, asyncio.Future[Any]] = {}
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
            logger.error("a background task was refused: %s", value[2] if value else "")
            return
        waiter = self.waiting.pop(user, None)
        if waiter is None or waiter.done():
            return
        if value is None or value[0] == 0:
            waiter.set_result(None if value is None else value[1])
        else:
            waiter.set_exception(OperationError(ErrorKind(value[0]), value[2]))

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

    # -- life

    def _readable(self) -> None:
        try:
            self.port.on_readable()
        except Exception:
            logger.exception("the port failed")
            self.stopped.set()

    def open(self) -> None:
        self.loop.add_reader(self.fd, self._readable)
        self._readable()

    async def close(self) -> None:
        self.loop.remove_reader(self.fd)
        for task in list(self.tasks):
            task.cancel()
        for waiter in self.waiting.values():
            if not waiter.done():
                waiter.cancel()
        self.pool.stop()
        if self.tasks:
            await asyncio.wait(list(self.tasks), timeout=1)
        self.port.close()


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
    try:
        await _call_all(plan.on_start)
        if signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, app.drain)
                handled.append(number)
        binding.open()
        if started is not None:
            started(binding)
        await binding.stopped.wait()
        await _call_all(plan.on_stop)
    finally:
        for installed in handled:
            loop.remove_signal_handler(installed)
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
    """Serves in this process, or in `workers` of them. The exit code: 0 when nothing was abandoned."""
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
