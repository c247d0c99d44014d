"""Spans, log records and metrics of the application's own code, beside those of the core."""

from __future__ import annotations

import contextvars
import logging
import time
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._generated.clients import BlockingTelemetryClient, TelemetryClient
from ._generated.constants import Operation
from ._runtime import active, current, handling

if TYPE_CHECKING:
    from ._server import Binding


def _now(binding: Binding, operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
    """An operation that completes at once, on any thread."""
    result = binding.port.invoke(operation, 0, arguments, handling.get())
    return result if isinstance(result, dict) else {}


class Telemetry(TelemetryClient):
    """Metrics of the application's own, and what became of its telemetry."""

    __slots__ = ()

    @property
    def sync(self) -> BlockingTelemetryClient:
        """For plain functions."""
        return BlockingTelemetryClient(self._name)


class span:  # noqa: N801 - used like a function
    """A span of the application's own: `with spikard.span("charge", attributes={"shop.items": 3}) as charge:`. Its parent is the span around it, or that of the request, message or task
    in hand. An exception that leaves the block is noted and makes its status error. Does nothing where no application runs."""

    __slots__ = ("_attributes", "_binding", "_events", "_kind", "_links", "_message", "_name", "_number", "_renamed", "_status", "_token", "_traceparent")

    def __init__(self, name: str, *, kind: str = "internal", attributes: Mapping[str, Any] | None = None, links: list[str] | None = None) -> None:
        self._name = name
        self._kind = kind
        self._attributes: dict[str, Any] = dict(attributes or {})
        self._links = links
        self._events: list[dict[str, Any]] = []
        self._status = "unset"
        self._message: str | None = None
        self._renamed: str | None = None
        self._number = 0
        self._traceparent: str | None = None
        self._binding: Binding | None = None
        self._token: contextvars.Token[str | None] | None = None

    @property
    def traceparent(self) -> str | None:
        """Its context, to hand on."""
        return self._traceparent

    @property
    def recording(self) -> bool:
        return self._number != 0

    def set_attribute(self, name: str, value: Any) -> None:
        self._attributes[name] = value

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, time_unix_nano: int | None = None) -> None:
        self._events.append({"name": name, "time_unix_nano": time.time_ns() if time_unix_nano is None else time_unix_nano, "attributes": dict(attributes or {})})

    def record_exception(self, error: BaseException, attributes: Mapping[str, Any] | None = None, time_unix_nano: int | None = None) -> None:
        kind = type(error)
        self.add_event(
            "exception",
            {
                "exception.type": kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
                "exception.message": str(error),
                "exception.stacktrace": "".join(traceback.format_exception(kind, error, error.__traceback__)),
                **(attributes or {}),
            },
            time_unix_nano,
        )

    def set_status(self, status: str, message: str | None = None) -> None:
        """`ok` or `error`."""
        self._status = status
        self._message = message

    def rename(self, name: str) -> None:
        self._renamed = name

    def start(self, parent: str | None = None, tracestate: str | None = None) -> span:
        """Begins it without making it the current one. `parent`: a traceparent; "" begins a trace."""
        self._binding = current.get(None)
        if self._binding is None:
            return self
        arguments: dict[str, Any] = {"name": self._name, "kind": self._kind}
        if parent is not None:
            arguments["traceparent"] = parent
        if tracestate is not None:
            arguments["tracestate"] = tracestate
        if self._attributes:
            arguments["attributes"] = self._attributes
        if self._links:
            arguments["links"] = self._links
        begun = _now(self._binding, Operation.TELEMETRY_START_SPAN, arguments)
        self._attributes = {}
        self._number = begun.get("span", 0)
        self._traceparent = begun.get("traceparent")
        return self

    def end(self) -> None:
        """Ends it; more than once is once."""
        number, self._number = self._number, 0
        if number == 0 or self._binding is None:
            return
        arguments: dict[str, Any] = {"span": number}
        if self._renamed is not None:
            arguments["name"] = self._renamed
        if self._attributes:
            arguments["attributes"] = self._attributes
        if self._events:
            arguments["events"] = self._events
        if self._status != "unset":
            arguments["status"] = self._status
        if self._message is not None:
            arguments["message"] = self._message
        _now(self._binding, Operation.TELEMETRY_END_SPAN, arguments)

    def __enter__(self) -> span:
        self.start(active.get())
        if self._traceparent is not None:
            self._token = active.set(self._traceparent)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._token is not None:
            active.reset(self._token)
            self._token = None
        if error is not None and isinstance(error, Exception):
            self.record_exception(error)
            if self._status == "unset":
                self.set_status("error", str(error))
        self.end()


def traceparent() -> str | None:
    """The context of the innermost span here, as the header `traceparent` carries it: for calls to other services."""
    inner = active.get()
    if inner is not None:
        return inner
    binding = current.get(None)
    return None if binding is None else _now(binding, Operation.TELEMETRY_CONTEXT, {}).get("traceparent")


_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warn"), (logging.INFO, "info"), (logging.DEBUG, "debug"))
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogHandler(logging.Handler):
    """Hands records of `logging` to the core's telemetry, each with the trace and span that it belongs to. `extra` are its attributes. An application whose telemetry is on has one on the
    root logger; the lines themselves are written by whoever else handles the record."""

    def __init__(self, level: int = logging.NOTSET, *, binding: Binding | None = None) -> None:
        super().__init__(level)
        self._binding = binding

    def emit(self, record: logging.LogRecord) -> None:
        here = current.get(None)
        binding = here or self._binding
        if binding is None or self._binding not in (None, binding):
            return  # that of another application, which has a handler of its own
        try:
            attributes: dict[str, Any] = {name: value for name, value in vars(record).items() if name not in _OWN and isinstance(value, (str, int, float, bool))}
            attributes["logger.name"] = record.name
            if record.exc_info is not None and record.exc_info[0] is not None:
                kind, error, trace = record.exc_info
                attributes["exception.type"] = kind.__qualname__
                attributes["exception.message"] = str(error)
                attributes["exception.stacktrace"] = "".join(traceback.format_exception(kind, error, trace))
            arguments: dict[str, Any] = {
                "message": record.getMessage(),
                "level": next((name for level, name in _LEVELS if record.levelno >= level), "trace"),
                "attributes": attributes,
                "line": False,
            }
            inner = active.get()
            if inner is not None:
                arguments["traceparent"] = inner
            _now(binding, Operation.TELEMETRY_LOG, arguments)
        except Exception:  # noqa: BLE001 - logging must not fail its caller
            self.handleError(record)


__all__ = ["LogHandler", "Telemetry", "active", "span", "traceparent"]
