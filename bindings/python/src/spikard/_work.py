"""Messages, tasks and events: what their handlers get, what they may say, and how a function becomes one."""

from __future__ import annotations

import copy
import datetime
import functools
import inspect
import json
import logging
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from ._client import Seconds, to_ms
from ._errors import ConfigError
from ._generated.clients import TasksEnqueueResult
from ._schema import document, is_structured, is_union, unwrap
from .params import MISSING, Marker

if TYPE_CHECKING:
    from ._plans import Plans

P = ParamSpec("P")
R = TypeVar("R")
Handler = Callable[..., Any]


# ---- outcomes


class Outcome(Exception):
    """What becomes of a message or task, returned or raised by its handler. Nothing, or any other value, is Ack; any other exception is tried again after the backoff."""


class Ack(Outcome):
    """Done."""


class Nack(Outcome):
    """Not done: comes again at once, or, without `requeue`, goes to the dead letters."""

    def __init__(self, requeue: bool = True) -> None:
        super().__init__(f"requeue={requeue}")
        self.requeue = requeue


class Retry(Outcome):
    """Comes again after this many seconds."""

    def __init__(self, after: Seconds) -> None:
        super().__init__(f"after={after}")
        self.after = after


class Fatal(Outcome):
    """Trying again is of no use: a message goes to the dead letters, a task is discarded."""

    def __init__(self, message: str = "fatal") -> None:
        super().__init__(message)


# ---- what handlers get


@dataclass
class Message:
    """A message in hand."""

    topic: str
    payload: bytes
    key: str | None
    headers: dict[str, str]
    delivery_count: int
    """This one included, whatever the causes were."""
    tries: int
    """Used up before this one."""
    published: datetime.datetime
    header_list: list[tuple[str, str]] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        return self.payload.decode()

    def json(self) -> Any:
        return json.loads(self.payload)


@dataclass
class TaskRun:
    """A run of a task."""

    name: str
    args: Any
    attempt: int
    """Counts the first run; one that a shutdown interrupted does not count."""
    id: str
    queue: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    enqueued: datetime.datetime | None = None
    scheduled_at: datetime.datetime | None = None
    """The time of the schedule that this job stands for."""
    lease: int = field(default=0, repr=False)
    """The run's fencing token."""
    _client: str = field(default="default", repr=False)

    async def progress(self, value: Any) -> None:
        """What others see of this run (`Tasks.job`)."""
        from ._toolbox import Tasks

        await Tasks(self._client).progress(self.id, self.lease, value)

    async def heartbeat(self) -> bool:
        """Whether this run still holds its job: to ask before what cannot be undone. Leases are renewed without it."""
        from ._toolbox import Tasks

        return await Tasks(self._client).heartbeat(self.id, self.lease)


@dataclass
class CloudEvent:
    """An event: its attributes and data. `extensions` are all attributes that the specification does not name."""

    type: str
    source: str
    id: str = ""
    data: Any = None
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    specversion: str = "1.0"
    extensions: dict[str, Any] = field(default_factory=dict)
    has_data: bool = field(default=False, compare=False, repr=False)
    """Tells a `data` of None (null) from none at all."""

    @classmethod
    def from_dict(cls, event: Mapping[str, Any]) -> CloudEvent:
        """From the JSON format. `data_base64` is bytes in `data`."""
        import base64

        known = {name: event[name] for name in _ATTRIBUTES if name in event}
        data = event.get("data")
        if "data_base64" in event:
            data = base64.b64decode(event["data_base64"])
        extensions = {name: value for name, value in event.items() if name not in _ATTRIBUTES and name not in ("data", "data_base64")}
        return cls(data=data, extensions=extensions, has_data="data" in event or data is not None, **known)

    def to_dict(self) -> dict[str, Any]:
        """The JSON format; bytes stay bytes in `data`, which the core takes as they are."""
        out: dict[str, Any] = {name: value for name in _ATTRIBUTES if (value := getattr(self, name)) not in (None, "")}
        out.update(self.extensions)
        if self.data is not None or self.has_data:
            out["data"] = self.data
        return out

    def __spikard_plain__(self) -> dict[str, Any]:
        return self.to_dict()


_ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema")


# ---- handlers


@dataclass
class WorkPlan:
    """One handler: how its arguments are made of what came."""

    fn: Handler
    is_async: bool
    arguments: Callable[[Any, bytes], tuple[tuple[Any, ...], dict[str, Any]]]
    schema: dict[str, Any] | None = None
    name: str = ""


def is_async(fn: Any) -> bool:
    while isinstance(fn, functools.partial):
        fn = fn.func
    return inspect.iscoroutinefunction(fn) or (
        not inspect.isfunction(fn) and inspect.iscoroutinefunction(getattr(fn, "__call__", None))
    )


def hints_of(fn: Callable[..., Any], names: dict[str, Any]) -> dict[str, Any]:
    target: Any = fn
    while isinstance(target, functools.partial):
        target = target.func
    if not inspect.isroutine(target) and not isinstance(target, type) and hasattr(target, "__call__"):
        target = target.__call__
    local = dict(names)
    code = getattr(inspect.unwrap(target), "__code__", None)
    for name, cell in zip(getattr(code, "co_freevars", ()), getattr(inspect.unwrap(target), "__closure__", None) or ()):
        try:
            local[name] = cell.cell_contents
        except ValueError:
            continue
    try:
        hints = typing.get_type_hints(target, localns=local, include_extras=True)
        return {name: _hoisted(hint) for name, hint in hints.items()}
    except NameError as error:
        raise ConfigError(f"{getattr(fn, '__qualname__', fn)}: {error} in its annotations") from error


def _hoisted(hint: Any) -> Any:
    """`Optional[Annotated[X, marker]]`, which Python 3.10 makes of a default of None, as `Annotated[Optional[X], marker]`."""
    if is_union(hint):
        arms = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        if len(arms) == 1 and len(typing.get_args(hint)) == 2 and typing.get_origin(arms[0]) is typing.Annotated:
            inner, *metadata = typing.get_args(arms[0])
            if any(isinstance(item, Marker) and item.place != "field" for item in metadata):
                return typing.Annotated.__class_getitem__((typing.Optional[inner], *metadata))  # type: ignore[attr-defined,unused-ignore]
    return hint


def _present(value: Any, convert: Callable[[Any], Any] | None) -> Any:
    return value if convert is None or value is None else convert(value)


@dataclass
class Workers:
    """The tasks of one worker, by name; "" is for all others."""

    queue: str
    client: str
    tasks: dict[str, WorkPlan]


def _payload_reader(hint: Any, plans: Plans) -> tuple[Callable[[bytes], Any], dict[str, Any] | None]:
    """How the payload becomes a value of this type, and the schema that it must fit."""
    base, _ = unwrap(hint)
    if base is bytes:
        return lambda payload: payload, None
    if base is str:
        return lambda payload: payload.decode(), None
    schema = None if hint is Any else document(hint)
    convert = None if hint is Any else plans.document(hint)
    return lambda payload: _present(json.loads(payload) if payload else None, convert), schema


def message_plan(fn: Handler, is_async: bool, hints: Mapping[str, Any], plans: Plans, where: str) -> WorkPlan:
    """`fn(message: Message)`, `fn(payload)` by its type, or both in any order."""
    makers: list[tuple[str, bool, Callable[[Message], Any]]] = []
    schema: dict[str, Any] | None = None
    payloads = 0
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        hint = hints.get(parameter.name, parameter.empty)
        base = None if hint is parameter.empty else unwrap(hint)[0]
        if base is Message or (hint is parameter.empty and parameter.name in ("message", "msg")):
            makers.append((parameter.name, parameter.kind is parameter.KEYWORD_ONLY, lambda message: message))
            continue
        if parameter.default is not parameter.empty:
            continue
        payloads += 1
        if payloads > 1:
            raise ConfigError(f"{where}: a handler of messages takes one payload, and a Message")
        read, schema = _payload_reader(Any if hint is parameter.empty else hint, plans)
        makers.append((parameter.name, parameter.kind is parameter.KEYWORD_ONLY, lambda message, read=read: read(message.payload)))  # type: ignore[misc]

    def arguments(message: Message, _: bytes) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return tuple(make(message) for _, named, make in makers if not named), {name: make(message) for name, named, make in makers if named}

    return WorkPlan(fn, is_async, arguments, schema)


def event_plan(fn: Handler, is_async: bool, hints: Mapping[str, Any], plans: Plans, where: str) -> WorkPlan:
    """`fn(event: CloudEvent)`, `fn(data)` by its type, or both in any order."""
    makers: list[tuple[str, bool, Callable[[CloudEvent], Any]]] = []
    found = 0
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        hint = hints.get(parameter.name, parameter.empty)
        base = None if hint is parameter.empty else unwrap(hint)[0]
        if base is CloudEvent or (hint is parameter.empty and parameter.name in ("event", "ce")):
            makers.append((parameter.name, parameter.kind is parameter.KEYWORD_ONLY, lambda event: event))
            continue
        if parameter.default is not parameter.empty:
            continue
        found += 1
        if found > 1:
            raise ConfigError(f"{where}: a handler of events takes its data, and a CloudEvent")
        convert = None if hint is parameter.empty or base in (bytes, str, Any) else plans.document(hint)
        makers.append((parameter.name, parameter.kind is parameter.KEYWORD_ONLY, lambda event, convert=convert: _present(event.data, convert)))  # type: ignore[misc]

    def arguments(event: CloudEvent, _: bytes) -> tuple[tuple[Any, ...], dict[str, Any]]:
        try:
            return tuple(make(event) for _, named, make in makers if not named), {name: make(event) for name, named, make in makers if named}
        except Exception as error:  # data that is not of its type: it will not be when it comes again
            logging.getLogger("spikard").info("%s: event %r of %r refused: %s", where, event.id, event.source, error)
            raise Nack(requeue=False) from error

    return WorkPlan(fn, is_async, arguments)


def _is_run(parameter: inspect.Parameter, hint: Any) -> bool:
    return hint is not parameter.empty and unwrap(hint)[0] is TaskRun


def whole_argument(fn: Handler, hints: Mapping[str, Any]) -> inspect.Parameter | None:
    """The one structured parameter that is the task's arguments as a whole, as with the body of a request."""
    parameters = [
        p
        for p in inspect.signature(fn).parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and not _is_run(p, hints.get(p.name, p.empty))
    ]
    if len(parameters) != 1:
        return None
    hint = hints.get(parameters[0].name, parameters[0].empty)
    return parameters[0] if hint is not parameters[0].empty and is_structured(hint) else None


def task_plan(fn: Handler, is_async: bool, hints: Mapping[str, Any], plans: Plans, where: str) -> WorkPlan:
    """The arguments by name from a JSON object, or as a whole for one structured parameter; a TaskRun where one is asked for."""
    whole = whole_argument(fn, hints)
    taken: list[tuple[str, bool, Callable[[TaskRun, Any], Any]]] = []
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        hint = hints.get(parameter.name, parameter.empty)
        named = parameter.kind is parameter.KEYWORD_ONLY
        if _is_run(parameter, hint):
            taken.append((parameter.name, named, lambda run, args: run))
            continue
        base = None if hint is parameter.empty else unwrap(hint)[0]
        convert = None if hint is parameter.empty or base is Any else plans.document(hint)
        if whole is not None:
            taken.append((parameter.name, named, lambda run, args, convert=convert: _present(args, convert)))  # type: ignore[misc]
            continue
        default = MISSING if parameter.default is parameter.empty else parameter.default

        def member(run: TaskRun, args: Any, name: str = parameter.name, convert: Any = convert, default: Any = default) -> Any:
            value = args.get(name, MISSING) if isinstance(args, dict) else MISSING
            if value is MISSING:
                if default is MISSING:
                    raise Fatal(f"invalid arguments: {name!r} is missing")
                return default
            return _present(value, convert)

        taken.append((parameter.name, named, member))

    def arguments(run: TaskRun, _: bytes) -> tuple[tuple[Any, ...], dict[str, Any]]:
        try:
            return (
                tuple(make(run, run.args) for _, named, make in taken if not named),
                {name: make(run, run.args) for name, named, make in taken if named},
            )
        except Outcome:
            raise
        except Exception as error:
            raise Fatal(f"invalid arguments: {error}") from error

    return WorkPlan(fn, is_async, arguments)


class Task(Generic[P, R]):
    """A task of the application. Calling it runs the function here and now; `enqueue` lets a worker run it.

    >>> @app.task(queue="mail")
    ... async def send(to: str, subject: str = "") -> None: ...
    >>> await send.enqueue("ann@example.com", subject="Hi")
    >>> await send.options(delay=60, priority=5).enqueue("bob@example.com")
    """

    def __init__(self, fn: Callable[P, R], name: str, queue: str, client: str, options: dict[str, Any], hints: Mapping[str, Any]) -> None:
        self._fn = fn
        whole = whole_argument(fn, hints)
        self._whole = None if whole is None else whole.name
        self._options = options
        self.name = name
        self.queue = queue
        self.client = client
        self._signature = inspect.signature(fn)
        self._runs = {name for name, parameter in self._signature.parameters.items() if _is_run(parameter, hints.get(name, parameter.empty))}
        self.__name__ = getattr(fn, "__name__", name)
        self.__qualname__ = getattr(fn, "__qualname__", name)
        self.__doc__ = fn.__doc__
        self.__wrapped__ = fn

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._fn(*args, **kwargs)

    def options(self, **options: Any) -> Task[P, R]:
        """The same task with further options of `Tasks.enqueue`: delay, run_at, priority, max_attempts, backoff, timeout, unique_key, depends_on, ..."""
        other = copy.copy(self)
        other._options = {**self._options, **options}
        return other

    def arguments(self, *args: Any, **kwargs: Any) -> Any:
        """What is enqueued: the arguments by name, or the one that is all of them."""
        bound = self._signature.bind_partial(*args, **kwargs).arguments
        if self._whole is not None:
            if self._whole not in bound:
                raise TypeError(f"{self.name}: {self._whole!r} is missing")
            return bound[self._whole]
        extra: dict[str, Any] = {}
        for name, parameter in self._signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                extra.update(bound.pop(name, {}))
            elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL and name not in bound:
                if name not in self._runs:
                    raise TypeError(f"{self.name}: {name!r} is missing")
        return {**bound, **extra}

    async def enqueue(self, *args: Any, **kwargs: Any) -> TasksEnqueueResult:
        """With the arguments of the function, but for a TaskRun. Gives `id` and `created` (False: a job of this unique_key is there)."""
        return await self._enqueue(args, kwargs, None)

    async def _enqueue(self, args: tuple[Any, ...], kwargs: dict[str, Any], transaction: Any) -> TasksEnqueueResult:
        from ._toolbox import Tasks

        options = dict(self._options)
        if transaction is not None:
            options["transaction"] = transaction
        return await Tasks(self.client).enqueue(self.name, queue=self.queue, args=self.arguments(*args, **kwargs), **options)

    def enqueue_sync(self, *args: Any, **kwargs: Any) -> TasksEnqueueResult:
        """`enqueue` for plain functions."""
        from ._toolbox import BlockingTasks

        return BlockingTasks(self.client).enqueue(self.name, queue=self.queue, args=self.arguments(*args, **kwargs), **self._options)

    async def enqueue_many(self, calls: Sequence[Mapping[str, Any] | tuple[Any, ...]]) -> list[TasksEnqueueResult]:
        """One job for each of these arguments (mappings by name, or tuples by position), all of them or none."""
        from ._toolbox import Tasks

        jobs = []
        for one in calls:
            args = self.arguments(**one) if isinstance(one, Mapping) else self.arguments(*one)
            jobs.append({"task": self.name, "queue": self.queue, "args": args, **wire_options(self._options)})
        return [TasksEnqueueResult(job["id"], job["created"]) for job in await Tasks(self.client).enqueue_many(jobs)]

    def __repr__(self) -> str:
        return f"<Task {self.name!r} of queue {self.queue!r}>"


_SPANS = ("delay", "timeout", "retention")


def wire_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `Tasks.enqueue` as a job in data has them."""
    return {(f"{name}_ms" if name in _SPANS else name): (to_ms(value) if name in _SPANS else value) for name, value in options.items()}


def instant(ms: Any) -> datetime.datetime | None:
    if ms is None:
        return None
    return datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(milliseconds=int(ms))


__all__ = [
    "Ack",
    "CloudEvent",
    "Fatal",
    "Message",
    "Nack",
    "Outcome",
    "Retry",
    "Task",
    "TaskRun",
    "WorkPlan",
    "Workers",
    "event_plan",
    "hints_of",
    "instant",
    "is_async",
    "message_plan",
    "task_plan",
    "whole_argument",
    "wire_options",
]
