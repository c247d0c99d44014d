package dev.spikard.opentelemetry;

import dev.spikard.Telemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import java.util.concurrent.TimeUnit;

/** A span of the core. */
final class CoreSpan implements Span {
  private final Telemetry telemetry;
  private final dev.spikard.Span inner;
  private final SpanContext context;

  CoreSpan(Telemetry telemetry, dev.spikard.Span inner) {
    this.telemetry = telemetry;
    this.inner = inner;
    context = Contexts.of(inner.traceparent());
  }

  Telemetry telemetry() {
    return telemetry;
  }

  @Override
  public <T> Span setAttribute(AttributeKey<T> key, T value) {
    if (value != null && !key.getKey().isEmpty()) inner.setAttribute(key.getKey(), value);
    return this;
  }

  @Override
  public Span addEvent(String name, Attributes attributes) {
    inner.addEvent(name, Contexts.plain(attributes));
    return this;
  }

  @Override
  public Span addEvent(String name, Attributes attributes, long timestamp, TimeUnit unit) {
    inner.addEvent(name, Contexts.plain(attributes), unit.toNanos(timestamp));
    return this;
  }

  @Override
  public Span setStatus(StatusCode code, String description) {
    if (code != StatusCode.UNSET) inner.setStatus(code == StatusCode.OK ? "ok" : "error", code == StatusCode.OK || description.isEmpty() ? null : description);
    return this;
  }

  @Override
  public Span recordException(Throwable error, Attributes more) {
    inner.recordException(error, Contexts.plain(more));
    return this;
  }

  @Override
  public Span updateName(String name) {
    inner.rename(name);
    return this;
  }

  @Override
  public void end() {
    inner.close();
  }

  @Override
  public void end(long timestamp, TimeUnit unit) {
    inner.close();
  }

  @Override
  public SpanContext getSpanContext() {
    return context;
  }

  @Override
  public boolean isRecording() {
    return inner.isRecording();
  }
}
