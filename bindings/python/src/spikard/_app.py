"""The application: decorators and data that become one manifest."""

from __future__ import annotations

import copy
import enum
import functools
import inspect
import itertools
import os
import re
import sys
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload

from . import _core
from ._client import Seconds, to_ms
from ._errors import ConfigError
from ._generated.manifest import ManifestDict
from ._plans import Convert, Plans
from ._runtime import BackgroundTasks, BodyStream, ResponseDraft, json_type
from ._schema import Schemas, constrain, document, is_structured, is_typed_dict, is_union, jsonable, unwrap
from ._server import HookPlan, Plan
from ._toolbox import Cache, CloudEvents, Cron, Database, Messaging, Storage, Tasks
from ._work import Task, Workers, WorkPlan, event_plan, hints_of, is_async, message_plan, task_plan
from .params import MISSING, Marker

if TYPE_CHECKING:
    from .testing import TestClient, TestServer

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R")
Phase = Literal["on_request", "pre_validation", "pre_handler", "on_response", "on_error"]
PHASES: tuple[Phase, ...] = ("on_request", "pre_validation", "pre_handler", "on_response", "on_error")
Scope = Literal["singleton", "request", "transient"]

_PARAM, _JSON, _TEXT, _BYTES, _REQUEST, _DEPENDENCY, _CONTEXT = range(7)
_DIRECT, _COROUTINE, _BLOCKING = range(3)
_PLACES = {"path": "path", "query": "query", "header": "headers", "cookie": "cookies"}
_SEGMENT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([^{}]+))?\}")
_SEGMENT_SCHEMAS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}


class Context(dict[str, Any]):
    """Annotation of a parameter that takes what hooks have set."""


@dataclass
class _Route:
    """One route before the manifest is made."""

    handler: Callable[..., Any]
    data: dict[str, Any]
    untyped: bool
    status: int = 200
    blocking: bool | None = None
    stream: bool = False
    names: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Dependency:
    spec: dict[str, Any]
    value: Any
    id: int
    token: int = 0


@dataclass
class _Work:
    """A handler of messages or events before the manifest is made."""

    fn: Callable[..., Any]
    data: dict[str, Any]
    names: dict[str, Any]


def _caller_names() -> dict[str, Any]:
    """Local names where the application registers something, for its annotations."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    return dict(frame.f_locals) if frame.f_locals is not frame.f_globals else {}


_SPANS = ("ack_wait", "handler_timeout", "lease", "timeout")


def _wire(options: dict[str, Any]) -> dict[str, Any]:
    """Options as the manifest has them: spans in ms, nothing that was not given."""
    out: dict[str, Any] = {}
    for name, value in options.items():
        if value is None:
            continue
        if name in _SPANS:
            out[f"{name}_ms"] = to_ms(value)
        else:
            out[name] = value
    return out


def _merge(into: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
    return into


def _where(fn: Any) -> str:
    return f"{getattr(fn, '__module__', '?')}.{getattr(fn, '__qualname__', repr(fn))}"


class App:
    """An application. Nothing is opened until it runs.

    >>> app = App()
    >>> @app.get("/users/{id:int}")
    ... async def read(id: int, verbose: bool = False) -> dict[str, object]:
    ...     return {"id": id, "verbose": verbose}

    `config` is merged into the manifest: whatever `spikard.schema.json` allows. `log_to="logging"` sends failures to the logger `spikard` and silences the
    core's own log. `threads`: how many plain `def` handlers may run at once.
    """

    def __init__(
        self,
        name: str = "app",
        *,
        config: ManifestDict | None = None,
        log_to: Literal["core", "logging"] = "core",
        threads: int | None = None,
    ) -> None:
        self.name = name
        self.config: dict[str, Any] = copy.deepcopy(dict(config or {}))
        self.log_to = log_to
        self.threads = threads if threads is not None else min(32, (os.cpu_count() or 1) + 4)
        self._routes: list[_Route] = []
        self._hooks: dict[str, list[tuple[str, Callable[..., Any]]]] = {phase: [] for phase in PHASES}
        self._dependencies: dict[str, _Dependency] = {}
        self._route_dependencies: list[tuple[dict[str, Any], _Dependency]] = []
        self._ids = itertools.count()
        self._tokens = itertools.count(1)
        self._services: dict[str, dict[str, dict[str, Any]]] = {}
        self._consumers: list[_Work] = []
        self._tasks: dict[tuple[str, str, str], tuple[Task[Any, Any], dict[str, Any]]] = {}
        self._workers: dict[tuple[str, str], dict[str, Any]] = {}
        self._schedules: list[dict[str, Any]] = []
        self._events: list[_Work] = []
        self._event_endpoints: dict[str, dict[str, Any]] = {}
        self._event_consumers: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._on_start: list[Callable[[], Any]] = []
        self._on_stop: list[Callable[[], Any]] = []

    # -- routes

    def route(
        self,
        method: str,
        path: str,
        *,
        status: int = 200,
        name: str | None = None,
        blocking: bool | None = None,
        timeout: float | None = None,
        stream: bool = False,
    ) -> Callable[[F], F]:
        """Registers a handler.

        `blocking`: a plain `def` runs on a worker thread (True, the default for them) or on the loop's thread (False: for what never waits). `timeout` in
        seconds. `stream`: the body comes by `request.stream()` while the handler runs.
        """
        names = _caller_names()

        def register(fn: F) -> F:
            if not callable(fn):
                raise TypeError(f"{fn!r} is no handler")
            data: dict[str, Any] = {"method": method.upper(), "path": path, "name": name or getattr(fn, "__name__", "")}
            if timeout is not None:
                data["timeout_ms"] = max(1, round(timeout * 1000))
            self._routes.append(_Route(fn, data, False, status, blocking, stream, names))
            return fn

        return register

    def get(self, path: str, *, status: int = 200, name: str | None = None, blocking: bool | None = None, timeout: float | None = None) -> Callable[[F], F]:
        """`route("GET", ...)`; HEAD comes with it."""
        return self.route("GET", path, status=status, name=name, blocking=blocking, timeout=timeout)

    def post(
        self,
        path: str,
        *,
        status: int = 200,
        name: str | None = None,
        blocking: bool | None = None,
        timeout: float | None = None,
        stream: bool = False,
    ) -> Callable[[F], F]:
        return self.route("POST", path, status=status, name=name, blocking=blocking, timeout=timeout, stream=stream)

    def put(
        self,
        path: str,
        *,
        status: int = 200,
        name: str | None = None,
        blocking: bool | None = None,
        timeout: float | None = None,
        stream: bool = False,
    ) -> Callable[[F], F]:
        return self.route("PUT", path, status=status, name=name, blocking=blocking, timeout=timeout, stream=stream)

    def patch(
        self,
        path: str,
        *,
        status: int = 200,
        name: str | None = None,
        blocking: bool | None = None,
        timeout: float | None = None,
        stream: bool = False,
    ) -> Callable[[F], F]:
        return self.route("PATCH", path, status=status, name=name, blocking=blocking, timeout=timeout, stream=stream)

    def delete(
        self, path: str, *, status: int = 200, name: str | None = None, blocking: bool | None = None, timeout: float | None = None
    ) -> Callable[[F], F]:
        return self.route("DELETE", path, status=status, name=name, blocking=blocking, timeout=timeout)

    def add_route(self, route: dict[str, Any], handler: Callable[[_core.Request], Any], *, blocking: bool | None = None) -> None:
        """A route as data (a route of the manifest). The handler takes the Request and reads what was declared from it."""
        self._routes.append(_Route(handler, route, True, int(route.get("status", 200)), blocking))

    # -- hooks

    def add_hook(self, phase: Phase, fn: Callable[..., Any], name: str | None = None) -> None:
        """A hook as data: `fn(request)` or `fn(request, response)`, plain or async. Plain ones run on the loop's thread."""
        if phase not in self._hooks:
            raise ConfigError(f"{phase!r} is no phase of a request; expected one of {', '.join(PHASES)}")
        self._hooks[phase].append((name or str(getattr(fn, "__name__", phase)), fn))

    def _hook(self, phase: Phase) -> Callable[[F], F]:
        def register(fn: F) -> F:
            self.add_hook(phase, fn)
            return fn

        return register

    def on_request(self, fn: F) -> F:
        """After routing and authentication, before the body is read."""
        return self._hook("on_request")(fn)

    def pre_validation(self, fn: F) -> F:
        """After the body was read, before it is validated."""
        return self._hook("pre_validation")(fn)

    def pre_handler(self, fn: F) -> F:
        """After validation, before the handler."""
        return self._hook("pre_handler")(fn)

    def on_response(self, fn: F) -> F:
        """After the handler has answered."""
        return self._hook("on_response")(fn)

    def on_error(self, fn: F) -> F:
        """Instead of on_response after an exception; it is `request.error`."""
        return self._hook("on_error")(fn)

    def on_start(self, fn: F) -> F:
        """Before the first request, on the loop; plain or async."""
        self._on_start.append(fn)
        return fn

    def on_stop(self, fn: F) -> F:
        """After the last request, on the loop."""
        self._on_stop.append(fn)
        return fn

    # -- dependencies

    def value(self, name: str, value: Any) -> None:
        """A dependency that is there already."""
        self.add_dependency({"name": name, "kind": "value"}, value)

    @overload
    def dependency(self, name: F) -> F: ...
    @overload
    def dependency(self, name: str | None = None, factory: None = None, *, scope: Scope = "request") -> Callable[[F], F]: ...
    @overload
    def dependency(self, name: str, factory: F, *, scope: Scope = "request") -> F: ...
    def dependency(self, name: Any = None, factory: Any = None, *, scope: Scope = "request") -> Any:
        """A dependency that is made: `@app.dependency`, `@app.dependency("db", scope="singleton")` or `app.dependency("db", make_db)`.

        The factory's own parameters are dependencies, by name. Plain, async, generator or async generator: what follows the yield is the clean-up.
        """
        if callable(name):
            self._factory(name.__name__, name, "request")
            return name

        def register(fn: Any) -> Any:
            self._factory(name or fn.__name__, fn, scope)
            return fn

        return register if factory is None else register(factory)

    def _factory(self, name: str, fn: Callable[..., Any], scope: str) -> None:
        needs: list[str] = []
        for parameter in inspect.signature(fn).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            marker = _marker_of(parameter, hints_of(fn, {}).get(parameter.name, Any))
            if marker is not None and marker.place == "depends":
                needs.append(self._depends(marker))
            elif marker is not None and marker.place == "inject":
                needs.append(marker.name or parameter.name)
            else:
                needs.append(parameter.name)
        self.add_dependency({"name": name, "kind": "factory", "scope": scope, "depends_on": needs}, fn)

    def _depends(self, marker: Marker) -> str:
        assert marker.factory is not None
        name = _where(marker.factory)
        known = self._dependencies.get(name)
        if known is None:
            self._factory(name, marker.factory, marker.scope)
        elif known.value is not marker.factory:
            name = f"{name}#{id(marker.factory):x}"
            if name not in self._dependencies:
                self._factory(name, marker.factory, marker.scope)
        return name

    def add_dependency(self, spec: dict[str, Any], value: Any, *, route: dict[str, Any] | None = None) -> None:
        """A dependency as data: `{name, kind: value|factory, scope, depends_on}`, with the value or the factory. `route`: only for this one (the dict given to
        add_route)."""
        dependency = _Dependency(dict(spec), value, next(self._ids))
        if spec.get("kind", "value") == "value":
            dependency.token = next(self._tokens)
        if route is None:
            self._dependencies[spec["name"]] = dependency
        else:
            self._route_dependencies.append((route, dependency))

    # -- the toolbox

    def _service(self, group: str, name: str, config: dict[str, Any]) -> None:
        known = self._services.setdefault(group, {})
        if name != "default" or config:
            _merge(known.setdefault(name, {}), config)

    def cache(self, name: str = "default", **config: Any) -> Cache:
        """A cache: `app.cache()`, `app.cache("sessions", url="memory:", max_entries=10000)`. Options are those of `services.cache` in the manifest; each may
        be given once more by the environment. The client may be kept in a global."""
        self._service("cache", name, config)
        return Cache(name)

    def storage(self, name: str = "default", **config: Any) -> Storage:
        """A store of objects; options are those of `services.storage`."""
        self._service("storage", name, config)
        return Storage(name)

    def db(self, name: str = "default", **config: Any) -> Database:
        """A database; options are those of `services.db`."""
        self._service("db", name, config)
        return Database(name)

    def messaging(self, name: str = "default", **config: Any) -> Messaging:
        """A message broker; options are those of `services.messaging`."""
        self._service("messaging", name, config)
        return Messaging(name)

    def tasks(self, name: str = "default", **config: Any) -> Tasks:
        """A store of tasks; options are those of `services.tasks`."""
        self._service("tasks", name, config)
        return Tasks(name)

    def cron(self) -> Cron:
        """What cron expressions mean."""
        return Cron()

    def cloudevents(self, name: str = "default", **config: Any) -> CloudEvents:
        """Where events are sent; options are those of `services.events`."""
        self._service("events", name, config)
        return CloudEvents(name)

    # -- messages

    def consumer(
        self,
        topic: str,
        *,
        group: str = "",
        name: str | None = None,
        client: str = "default",
        concurrency: int | None = None,
        max_in_flight: int | None = None,
        ordered: bool | None = None,
        max_retries: int | None = None,
        backoff: dict[str, Any] | None = None,
        dead_letter: str | None = None,
        ack_wait: Seconds | None = None,
        handler_timeout: Seconds | None = None,
        start_from: Literal["latest", "earliest"] | None = None,
    ) -> Callable[[F], F]:
        """A consumer of messages: `fn(message: Message)`, `fn(order: Order)` (the payload as JSON, validated by the core before the handler runs: what does not fit
        goes to the dead letter), `bytes` or `str` as it is, or both parameters. Plain functions run on threads.

        What it returns or raises: nothing is Ack; Nack, Retry and Fatal say otherwise; any other exception comes again after the backoff.
        """
        options = _wire(
            {
                "client": client if client != "default" else None,
                "group": group or None,
                "concurrency": concurrency,
                "max_in_flight": max_in_flight,
                "ordered": ordered,
                "max_retries": max_retries,
                "backoff": backoff,
                "dead_letter": dead_letter,
                "ack_wait": ack_wait,
                "handler_timeout": handler_timeout,
                "start_from": start_from,
            }
        )
        names = _caller_names()

        def register(fn: F) -> F:
            self._consumers.append(_Work(fn, {"name": name or getattr(fn, "__name__", topic), "topic": topic, **options}, names))
            self._service("messaging", client, {})
            return fn

        return register

    # -- tasks

    @overload
    def task(self, name: Callable[P, R]) -> Task[P, R]: ...
    @overload
    def task(self, name: str | None = None, *, queue: str = "default", client: str = "default", **options: Any) -> Callable[[Callable[P, R]], Task[P, R]]: ...
    def task(self, name: Any = None, *, queue: str = "default", client: str = "default", **options: Any) -> Any:
        """A task: `@app.task`, `@app.task("invoice", queue="documents", max_attempts=3, timeout=60)`. The function is called as before; `enqueue` lets a worker run it, with the
        same arguments, which are JSON on the way. `options` are those of `Tasks.enqueue`. A parameter annotated TaskRun is the run itself.

        What it returns is the job's result. Retry comes again without using up an attempt, Fatal ends it, any other exception is tried again.
        """
        names = _caller_names()

        def register(fn: Callable[..., Any]) -> Task[..., Any]:
            return self._add_task(fn, name if isinstance(name, str) else fn.__name__, queue, client, options, names)

        return register(name) if callable(name) else register

    def _add_task(self, fn: Callable[P, R], name: str, queue: str, client: str, options: dict[str, Any], names: dict[str, Any]) -> Task[P, R]:
        key = (client, queue, name)
        if key in self._tasks:
            raise ConfigError(f"there are two tasks {name!r} in queue {queue!r}")
        task = Task(fn, name, queue, client, options, hints_of(fn, names))
        self._tasks[key] = (task, names)
        self._service("tasks", client, {})
        return task

    def worker(
        self,
        queue: str = "default",
        *,
        name: str | None = None,
        client: str = "default",
        concurrency: int | None = None,
        lease: Seconds | None = None,
        timeout: Seconds | None = None,
    ) -> None:
        """Options of the worker of a queue. Each queue that has a task has one."""
        self._workers[client, queue] = _wire({"name": name, "concurrency": concurrency, "lease": lease, "timeout": timeout})

    def schedule(
        self,
        cron: str,
        *,
        name: str | None = None,
        timezone: str = "UTC",
        args: Any = None,
        queue: str = "default",
        client: str = "default",
        priority: int | None = None,
        max_attempts: int | None = None,
        timeout: Seconds | None = None,
        misfire: Literal["skip", "once", "all"] | None = None,
        overlap: Literal["allow", "forbid"] | None = None,
    ) -> Callable[[Callable[P, R] | Task[P, R]], Task[P, R]]:
        """Runs a function, or a task that is one already, by the clock: `@app.schedule("0 3 * * *", timezone="Europe/Berlin")`. Each time makes one job for any number of processes;
        a TaskRun knows which (`scheduled_at`)."""
        options = _wire({"args": args, "priority": priority, "max_attempts": max_attempts, "timeout": timeout, "misfire": misfire, "overlap": overlap})
        names = _caller_names()

        def register(fn: Callable[P, R] | Task[P, R]) -> Task[P, R]:
            task = fn if isinstance(fn, Task) else self._add_task(fn, name or fn.__name__, queue, client, {}, names)
            data = {"name": name or task.name, "cron": cron, "task": task.name, "queue": task.queue, **options}
            if timezone != "UTC":
                data["timezone"] = timezone
            if task.client != "default":
                data["client"] = task.client
            self._schedules.append(data)
            return task

        return register

    # -- events

    def event(
        self,
        type: str = "*",
        *,
        source: str = "*",
        subject: str = "*",
        path: str | None = None,
        topic: str | None = None,
        group: str = "",
        client: str = "default",
    ) -> Callable[[F], F]:
        """A handler of CloudEvents by type, source and subject, each exact or with `*`: `fn(event: CloudEvent)`, `fn(data: Order)`, or both. Events come over HTTP at `path` (`/events`;
        see event_endpoint) or from `topic` of a broker. It may answer with an event; else as a consumer does."""
        names = _caller_names()

        def register(fn: F) -> F:
            subscription: dict[str, Any] = {"handler": len(self._events)}
            for key, value in (("type", type), ("source", source), ("subject", subject)):
                if value != "*":
                    subscription[key] = value
            if topic is not None:
                self._event_consumer(topic, group, client).setdefault("subscriptions", []).append(subscription)
            else:
                self._event_endpoints.setdefault(path or "/events", {}).setdefault("subscriptions", []).append(subscription)
            self._events.append(_Work(fn, {}, names))
            return fn

        return register

    def event_endpoint(self, path: str = "/events", **options: Any) -> None:
        """Options of a path that takes events: those of `events` in the manifest (allowed_origins, allowed_rate, max_batch, inbox, ...)."""
        _merge(self._event_endpoints.setdefault(path, {}), options)

    def event_consumer(self, topic: str, *, group: str = "", client: str = "default", **options: Any) -> None:
        """Options of a topic whose messages are events: those of `event_consumers` in the manifest; `consumer` has those of a consumer."""
        _merge(self._event_consumer(topic, group, client), options)

    def _event_consumer(self, topic: str, group: str, client: str) -> dict[str, Any]:
        self._service("messaging", client, {})
        named = _wire({"name": f"events.{topic}", "topic": topic, "group": group or None, "client": client if client != "default" else None})
        return self._event_consumers.setdefault((client, topic, group), {"consumer": named})

    # -- what it becomes

    def manifest(self) -> dict[str, Any]:
        """The whole application as data."""
        return self._plan().manifest

    def _plan(self) -> Plan:
        factories: dict[int, Callable[..., Any]] = {}
        tokens: dict[int, Any] = {}
        plans = Plans()
        routes: list[_core.Route] = []
        route_data: list[dict[str, Any]] = []
        for entry in self._routes:
            data, route = self._untyped(entry) if entry.untyped else self._typed(entry, plans)
            own = [d for owner, d in self._route_dependencies if owner is entry.data]
            if own:
                data["dependencies"] = [self._dependency_data(d, factories, tokens) for d in own]
            routes.append(route)
            route_data.append(data)
        http: dict[str, Any] = {
            "listeners": [],
            "routes": route_data,
            "hooks": {phase: [name for name, _ in hooks] for phase, hooks in self._hooks.items()},
            "dependencies": [self._dependency_data(d, factories, tokens) for d in self._dependencies.values()],
        }
        manifest: dict[str, Any] = {"name": self.name, "handle_signals": False, "http": http}
        if self.log_to == "logging":
            manifest["log"] = {"level": "off"}
        consumers, workers, events = self._work(manifest, plans)
        if (consumers or workers) and not (route_data or manifest.get("events") or "http" in self.config):
            del manifest["http"]  # nothing is served
        _merge(manifest, self.config)
        hooks = [[HookPlan(fn, _takes_response(fn)) for _, fn in self._hooks[phase]] for phase in PHASES]
        return Plan(
            manifest,
            routes,
            hooks,
            factories,
            tokens,
            next_token=1 << 32,
            threads=self.threads,
            log_to_python=self.log_to == "logging",
            consumers=consumers,
            workers=workers,
            events=events,
            on_start=list(self._on_start),
            on_stop=list(self._on_stop),
        )

    def _work(self, manifest: dict[str, Any], plans: Plans) -> tuple[list[WorkPlan], list[Workers], list[WorkPlan]]:
        """The toolbox's part of the manifest, and the handlers by their places in it."""
        services = {group: clients for group, clients in self._services.items() if clients}
        if services:
            manifest["services"] = copy.deepcopy(services)
        consumers: list[WorkPlan] = []
        for entry in self._consumers:
            plan = message_plan(entry.fn, is_async(entry.fn), hints_of(entry.fn, entry.names), plans, _where(entry.fn))
            data = dict(entry.data)
            if plan.schema is not None:
                data["schema"] = plan.schema
            manifest.setdefault("consumers", []).append(data)
            consumers.append(plan)
        queues: dict[tuple[str, str], dict[str, WorkPlan]] = {}
        for (client, queue, name), (task, names) in self._tasks.items():
            plan = task_plan(task._fn, is_async(task._fn), hints_of(task._fn, names), plans, _where(task._fn))
            queues.setdefault((client, queue), {})[name] = plan
        workers: list[Workers] = []
        for (client, queue), tasks in queues.items():
            options = {"name": queue if client == "default" else f"{client}.{queue}", **self._workers.get((client, queue), {})}
            data = {**options, "queue": queue, "tasks": list(tasks)}
            if client != "default":
                data["client"] = client
            manifest.setdefault("workers", []).append(data)
            workers.append(Workers(queue, client, tasks))
        for client, queue in self._workers.keys() - queues.keys():
            raise ConfigError(f"worker: no task is in queue {queue!r} of tasks client {client!r}")
        if self._schedules:
            manifest["schedules"] = copy.deepcopy(self._schedules)
        events = [event_plan(e.fn, is_async(e.fn), hints_of(e.fn, e.names), plans, _where(e.fn)) for e in self._events]
        if self._event_endpoints:
            manifest["events"] = [{"path": path, **copy.deepcopy(options)} for path, options in self._event_endpoints.items()]
        if self._event_consumers:
            manifest["event_consumers"] = copy.deepcopy(list(self._event_consumers.values()))
        return consumers, workers, events

    def _dependency_data(self, dependency: _Dependency, factories: dict[int, Callable[..., Any]], tokens: dict[int, Any]) -> dict[str, Any]:
        data = {key: copy.deepcopy(value) for key, value in dependency.spec.items() if key in ("name", "kind", "scope", "depends_on")}
        data["id"] = dependency.id
        if data.get("kind", "value") == "value":
            data["token"] = dependency.token
            data["type"] = json_type(dependency.value)
            tokens[dependency.token] = dependency.value
        else:
            # The core says when a value is no longer used, so that nothing made for a request outlives it.
            data["cleanup"] = True
            factories[dependency.id] = dependency.value
        return data

    def _mode(self, entry: _Route) -> int:
        if is_async(entry.handler):
            return _COROUTINE
        return _BLOCKING if entry.blocking is None or entry.blocking else _DIRECT

    def _untyped(self, entry: _Route) -> tuple[dict[str, Any], _core.Route]:
        data = {key: copy.deepcopy(value) for key, value in entry.data.items() if key not in ("dependencies", "status")}
        names = tuple(
            (_PLACES[parameter["in"]], parameter["name"].lower() if parameter["in"] == "header" else parameter["name"])
            for parameter in data.get("parameters", [])
        )
        # What only the path names comes after those, in its order.
        names += tuple(("path", name) for name, _ in _SEGMENT.findall(data["path"]) if ("path", name) not in names)
        route = _core.Route(entry.handler, self._mode(entry), entry.status, data["path"], names, ((_REQUEST, 0, None),), None)
        return data, route

    def _typed(self, entry: _Route, plans: Plans) -> tuple[dict[str, Any], _core.Route]:
        builder = _RouteBuilder(self, entry, plans)
        return builder.build(self._mode(entry))

    # -- running

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        workers: int = 1,
        reload: bool = False,
        loop: Literal["auto", "asyncio", "uvloop"] = "auto",
    ) -> None:
        """Serves until SIGTERM or SIGINT, then drains and exits: 0 when nothing was abandoned. `workers`: that many processes, kept alive by the core's
        supervisor. `reload`: start again whenever a source file changes (development). spikard.toml, PORT and SPIKARD_... of the environment are laid over all of it."""
        from ._reload import RELOADED, run_reloading
        from ._server import run

        if reload and RELOADED not in os.environ:
            sys.exit(run_reloading([sys.executable, *sys.orig_argv[1:]]))
        plan = self._plan()
        listen(plan, host, port)
        sys.exit(run(plan, workers=workers, loop=loop))

    def test_server(self, *, loop: Literal["auto", "asyncio", "uvloop"] = "asyncio") -> TestServer:
        """A context manager: serves on a thread, on a free port of the loopback interface."""
        from .testing import TestServer

        return TestServer(self, loop=loop)

    def test_client(self) -> TestClient:
        from .testing import TestClient

        return TestClient(self)


def listen(plan: Plan, host: str | None, port: int | None) -> None:
    """What the program says about its first listener. The configuration of the process is laid over it by the core, and 127.0.0.1:8000 is its default."""
    if host is None and port is None:
        return
    if "http" not in plan.manifest:
        raise ConfigError("host, port: expected an application that serves HTTP; this one has no routes, no event endpoints and no `http` in its config")
    listeners = plan.manifest["http"]["listeners"] or [{"address": "127.0.0.1", "port": 8000}]
    first = dict(listeners[0])
    if host is not None:
        first["address"] = host
    if port is not None:
        first["port"] = port
    plan.manifest["http"]["listeners"] = [first, *listeners[1:]]


def _takes_response(fn: Callable[..., Any]) -> bool:
    try:
        parameters = [p for p in inspect.signature(fn).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        return False
    return len([p for p in parameters if p.default is p.empty]) >= 2 or len(parameters) >= 2 and parameters[1].name == "response"


def _marker_of(parameter: inspect.Parameter, hint: Any) -> Marker | None:
    """The marker of a parameter, from its annotation or default; constraints alone are none."""
    _, metadata = unwrap(hint)
    for item in metadata:
        if isinstance(item, Marker) and item.place != "field":
            marker = copy.copy(item)
            if parameter.default is not parameter.empty and marker.default is MISSING:
                marker.default = parameter.default
            return marker
    return parameter.default if isinstance(parameter.default, Marker) else None


class _RouteBuilder:
    """One typed handler: its signature as parameters, body and injections, and as the plan of its arguments."""

    def __init__(self, app: App, entry: _Route, plans: Plans) -> None:
        self.app = app
        self.entry = entry
        self.plans = plans
        self.where = _where(entry.handler)
        path = entry.data["path"]
        self.segments: dict[str, str] = {match.group(1): match.group(2) or "" for match in _SEGMENT.finditer(path)}
        self.parameters: list[dict[str, Any]] = []
        self.names: list[tuple[str, str]] = []
        self.inject: list[str] = []
        self.arguments: list[tuple[int, int, Convert | None]] = []
        self.keywords: list[str] = []
        self.bodies: list[tuple[int, str, Any, Marker | None, bool]] = []
        self.forms: list[tuple[int, str, Any, Marker, bool]] = []
        self.stream = entry.stream

    def build(self, mode: int) -> tuple[dict[str, Any], _core.Route]:
        handler = self.entry.handler
        hints = hints_of(handler, self.entry.names)
        signature = inspect.signature(handler)
        taken: set[str] = set()
        for parameter in signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            taken.add(parameter.name)
            if parameter.kind is parameter.KEYWORD_ONLY:
                self.keywords.append(parameter.name)
            self.argument(parameter, hints.get(parameter.name, parameter.empty))
        for name, kind in self.segments.items():
            if not any(p["in"] == "path" and p["name"] == name for p in self.parameters):
                if taken and name in taken:
                    raise ConfigError(f"{self.where}: {name!r} is in the path and must be a path parameter")
                self.parameters.append({"in": "path", "name": name, "required": True, "schema": _SEGMENT_SCHEMAS.get(kind, {"type": "string"})})
                self.names.append(("path", name))
        data = dict(self.entry.data)
        data["parameters"] = self.parameters
        body = self.body()
        if body is not None:
            data["body"] = body
        if self.inject:
            data["inject"] = self.inject
        route = _core.Route(
            handler, mode, self.entry.status, data["path"], tuple(self.names), tuple(self.arguments), tuple(self.keywords) or None
        )
        return data, route

    def argument(self, parameter: inspect.Parameter, hint: Any) -> None:
        marker = _marker_of(parameter, hint)
        base, _ = unwrap(hint)
        name = parameter.name
        if marker is None:
            if base is _core.Request or (hint is parameter.empty and name == "request"):
                return self.take(_REQUEST, 0, None)
            if base is BackgroundTasks:
                return self.take(_REQUEST, 0, BackgroundTasks)
            if base is BodyStream:
                self.stream = True
                return self.take(_REQUEST, 0, BodyStream)
            if base is Context:
                return self.take(_CONTEXT, 0, None)
            if name in self.segments:
                marker = Marker("path")
            elif name in self.app._dependencies:
                marker = Marker("inject")
            elif hint is not parameter.empty and is_structured(hint):
                marker = Marker("body")
            else:
                marker = Marker("query")
            if parameter.default is not parameter.empty:
                marker.default = parameter.default
        if marker.place == "depends":
            return self.injected(self.app._depends(marker))
        if marker.place == "inject":
            return self.injected(marker.name or name)
        hint = typing.Any if hint is parameter.empty and marker.place in ("body", "form") else str if hint is parameter.empty else hint
        required = marker.default is MISSING
        if marker.place == "body":
            self.bodies.append((len(self.arguments), name, hint, marker, required))
            return self.take(_JSON, 0, None)
        if marker.place == "form":
            self.forms.append((len(self.arguments), marker.name or name, hint, marker, required))
            return self.take(_JSON, 0, None)
        self.parameter(marker, name, hint, required, parameter.annotation is parameter.empty)

    def take(self, source: int, index: int, convert: Convert | None) -> None:
        self.arguments.append((source, index, convert))

    def injected(self, name: str) -> None:
        self.inject.append(name)
        self.take(_DEPENDENCY, len(self.inject) - 1, None)

    def parameter(self, marker: Marker, name: str, hint: Any, required: bool, untyped: bool) -> None:
        public = marker.name or (name.replace("_", "-") if marker.place == "header" else name)
        if marker.place == "path":
            if public not in self.segments:
                raise ConfigError(f"{self.where}: {public!r} is no parameter of the path {self.entry.data['path']!r}")
            required = True
            schema = dict(_SEGMENT_SCHEMAS.get(self.segments[public], {"type": "string"})) if untyped else document(hint)
        else:
            schema = document(_present(hint))
        schema = constrain(schema, marker.constraints)
        if not required:
            default = marker.default.value if isinstance(marker.default, enum.Enum) else marker.default
            if default is not None:
                if not jsonable(default):
                    raise ConfigError(f"{self.where}: the default of {name!r} must be a value of JSON, or None")
                schema = {**schema, "default": list(default) if isinstance(default, tuple) else default}
        data: dict[str, Any] = {"in": marker.place, "name": public, "required": required, "schema": schema}
        if marker.style is not None:
            data["style"] = marker.style
        if marker.explode is not None:
            data["explode"] = marker.explode
        self.take(_PARAM, len(self.parameters), None if untyped else self.plans.parameter(hint))
        self.parameters.append(data)
        self.names.append((_PLACES[marker.place], public.lower() if marker.place == "header" else public))

    def body(self) -> dict[str, Any] | None:
        if self.stream:
            if self.bodies or self.forms:
                raise ConfigError(f"{self.where}: a streamed body cannot be a parameter as well; read it by request.stream()")
            return {"mode": "stream", "required": False, "content_types": ["*/*"], "as": "raw"}
        if self.bodies and self.forms:
            raise ConfigError(f"{self.where}: Body and Form in one handler; a request has one body")
        if self.forms:
            return self.form()
        if not self.bodies:
            return None
        embed = len(self.bodies) > 1 or any(marker is not None and marker.embed for *_, marker, _ in self.bodies)
        content_types: Sequence[str] | None = next((m.content_types for *_, m, _ in self.bodies if m is not None and m.content_types), None)
        if embed:
            return self.embedded([(i, n, h, m, r) for i, n, h, m, r in self.bodies], list(content_types or ["application/json"]))
        index, _, hint, marker, required = self.bodies[0]
        base, _ = unwrap(hint)
        if base is bytes:
            self.arguments[index] = (_BYTES, 0, None)
            return {"content_types": list(content_types or ["application/octet-stream"]), "required": required, "as": "raw"}
        if base is str and content_types and all("json" not in kind for kind in content_types):
            self.arguments[index] = (_TEXT, 0, None)
            return {"content_types": list(content_types), "required": required, "as": "raw"}
        data: dict[str, Any] = {"content_types": list(content_types or ["application/json"]), "required": required, "schema": document(hint)}
        raw = self.plans.raw(hint) if all("json" in kind for kind in data["content_types"]) else None
        if raw is not None:
            data["as"] = "raw"
            self.arguments[index] = (_BYTES, 0, _or_default(raw, marker, required))
        else:
            data["as"] = "nodes"
            self.arguments[index] = (_JSON, 0, self.plans.document(hint))
        return data

    def embedded(self, parts: list[tuple[int, str, Any, Marker | None, bool]], content_types: list[str]) -> dict[str, Any]:
        schemas = Schemas()
        properties: dict[str, Any] = {}
        for index, name, hint, marker, required in parts:
            schema = constrain(schemas.of(hint), marker.constraints if marker is not None else {})
            default = MISSING if marker is None else marker.default
            if default is not MISSING and default is not None and jsonable(default):
                schema = {**schema, "default": default}
            properties[name] = schema
            self.arguments[index] = (_JSON, 0, _member(name, self.plans.document(hint), None if required else default))
        schema = {"type": "object", "properties": properties}
        names = [name for _, name, _, _, required in parts if required]
        if names:
            schema["required"] = names
        if schemas.definitions:
            schema["$defs"] = schemas.definitions
        return {"content_types": content_types, "required": bool(names), "schema": schema, "as": "nodes"}

    def form(self) -> dict[str, Any]:
        kind = ["application/x-www-form-urlencoded"]
        if len(self.forms) == 1:
            index, _, hint, _, required = self.forms[0]
            base, _ = unwrap(hint)
            if isinstance(base, type) and is_structured(base) and (hasattr(base, "__dataclass_fields__") or is_typed_dict(base) or base is dict):
                self.arguments[index] = (_JSON, 0, self.plans.document(hint))
                return {"content_types": kind, "required": required, "schema": document(hint), "as": "nodes"}
        return self.embedded([(i, n, h, m, r) for i, n, h, m, r in self.forms], kind)


def _present(hint: Any) -> Any:
    """A parameter's type when it was sent: text is never null, so `X | None` is X."""
    base, metadata = unwrap(hint)
    if is_union(base):
        arms = tuple(arm for arm in typing.get_args(base) if arm is not type(None))
        hint = typing.Union[arms]
        for item in metadata:
            hint = typing.Annotated[hint, item]
    return hint


def _member(name: str, convert: Convert | None, default: Any) -> Convert:
    def member(value: Any) -> Any:
        item = value.get(name, MISSING)
        if item is MISSING:
            return default
        return item if convert is None or item is None else convert(item)

    return member


def _or_default(convert: Convert, marker: Marker | None, required: bool) -> Convert:
    if required or marker is None or marker.default is None:
        return convert

    def some(value: Any) -> Any:
        made = convert(value)
        return marker.default if made is None else made

    return some


__all__ = ["App", "Context", "ResponseDraft", "listen"]
