"""opentelemetry-api over the core: `spikard.otel.install()` at start-up. Libraries that make spans by that API then add to the same traces, and see the span of the request, message or task
in hand as the current one. Needs the package `opentelemetry-api`; the SDK is not needed, for the core samples and exports, and times
spans itself: `start_time` and `end_time` are not taken over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace.propagation import set_span_in_context

from ._telemetry import active, span, traceparent

_KINDS = {
    trace.SpanKind.INTERNAL: "internal",
    trace.SpanKind.SERVER: "server",
    trace.SpanKind.CLIENT: "client",
    trace.SpanKind.PRODUCER: "producer",
    trace.SpanKind.CONSUMER: "consumer",
}


def _text(context: trace.SpanContext) -> str | None:
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _span_context(text: str | None) -> trace.SpanContext:
    if text is None:
        return trace.INVALID_SPAN_CONTEXT
    _, trace_id, span_id, flags = text.split("-")[:4]
    return trace.SpanContext(int(trace_id, 16), int(span_id, 16), False, trace.TraceFlags(int(flags, 16)))


class Span(trace.Span):
    """A span of the core."""

    def __init__(self, inner: span) -> None:
        self._inner = inner
        self._context = _span_context(inner.traceparent)

    def get_span_context(self) -> trace.SpanContext:
        return self._context

    def is_recording(self) -> bool:
        return self._inner.recording

    def set_attribute(self, key: str, value: Any) -> None:
        self._inner.set_attribute(key, list(value) if isinstance(value, tuple) else value)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        self._inner.add_event(name, attributes, timestamp)

    def update_name(self, name: str) -> None:
        self._inner.rename(name)

    def set_status(self, status: trace.Status | trace.StatusCode, description: str | None = None) -> None:
        code = status.status_code if isinstance(status, trace.Status) else status
        text = status.description if isinstance(status, trace.Status) else description
        self._inner.set_status(code.name.lower(), text)

    def record_exception(
        self, exception: BaseException, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None, escaped: bool = False
    ) -> None:
        self._inner.record_exception(exception, attributes, timestamp)

    def end(self, end_time: int | None = None) -> None:
        self._inner.end()


class Tracer(trace.Tracer):
    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        parent = trace.get_current_span(context).get_span_context()
        linked = [text for link in links or () if (text := _text(link.context)) is not None]
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in (attributes or {}).items()}
        inner = span(name, kind=_KINDS[kind], attributes=plain, links=linked or None)
        state = parent.trace_state.to_header() if parent.is_valid and parent.trace_state else None
        return Span(inner.start(_text(parent) or "", state))

    @contextmanager
    def start_as_current_span(  # type: ignore[override,unused-ignore]
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[Span]:
        begun = self.start_span(name, context, kind, attributes, links)
        with trace.use_span(begun, end_on_exit, record_exception, set_status_on_exception):
            yield begun


class TracerProvider(trace.TracerProvider):
    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Tracer:
        return Tracer()


class RuntimeContext(ContextVarsRuntimeContext):
    """The context of opentelemetry-api, in which the current span is that of the core: what was attached here, a `spikard.span` around it, or that of the handler."""

    def attach(self, context: Context) -> Any:
        token = super().attach(context)
        text = _text(trace.get_current_span(context).get_span_context())
        return (token, active.set(text) if text is not None else None)

    def get_current(self) -> Context:
        context = super().get_current()
        text = traceparent()
        if text is None or text == _text(trace.get_current_span(context).get_span_context()):
            return context
        return set_span_in_context(trace.NonRecordingSpan(_span_context(text)), context)

    def detach(self, token: Any) -> None:
        own, inner = token
        if inner is not None:
            active.reset(inner)
        super().detach(own)


def install() -> None:
    """Makes the core the provider of spans for opentelemetry-api in this process. Once, at start-up."""
    runtime: Any = otel_context
    runtime._RUNTIME_CONTEXT = RuntimeContext()
    trace.set_tracer_provider(TracerProvider())


__all__ = ["RuntimeContext", "Span", "Tracer", "TracerProvider", "install"]
