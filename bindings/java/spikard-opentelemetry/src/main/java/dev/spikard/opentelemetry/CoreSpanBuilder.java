package dev.spikard.opentelemetry;

import dev.spikard.SpikardException;
import dev.spikard.Telemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

final class CoreSpanBuilder implements SpanBuilder {
  private final Telemetry telemetry;
  private final String name;
  private final Map<String, Object> attributes = new LinkedHashMap<>();
  private final List<String> links = new ArrayList<>();
  private Context parent;
  private SpanKind kind = SpanKind.INTERNAL;

  CoreSpanBuilder(Telemetry telemetry, String name) {
    this.telemetry = telemetry;
    this.name = name == null || name.isEmpty() ? "<unspecified span name>" : name;
  }

  @Override
  public SpanBuilder setParent(Context context) {
    if (context != null) parent = context;
    return this;
  }

  @Override
  public SpanBuilder setNoParent() {
    parent = Context.root();
    return this;
  }

  @Override
  public SpanBuilder addLink(SpanContext context) {
    String text = Contexts.text(context);
    if (text != null) links.add(text);
    return this;
  }

  @Override
  public SpanBuilder addLink(SpanContext context, Attributes attributes) {
    return addLink(context);
  }

  @Override
  public SpanBuilder setAttribute(String key, String value) {
    return value == null ? this : put(key, value);
  }

  @Override
  public SpanBuilder setAttribute(String key, long value) {
    return put(key, value);
  }

  @Override
  public SpanBuilder setAttribute(String key, double value) {
    return put(key, value);
  }

  @Override
  public SpanBuilder setAttribute(String key, boolean value) {
    return put(key, value);
  }

  @Override
  public <T> SpanBuilder setAttribute(AttributeKey<T> key, T value) {
    return value == null ? this : put(key.getKey(), value);
  }

  private SpanBuilder put(String key, Object value) {
    if (key != null && !key.isEmpty()) attributes.put(key, value);
    return this;
  }

  @Override
  public SpanBuilder setSpanKind(SpanKind kind) {
    if (kind != null) this.kind = kind;
    return this;
  }

  @Override
  public SpanBuilder setStartTimestamp(long timestamp, TimeUnit unit) {
    return this;
  }

  @Override
  public Span startSpan() {
    SpanContext above = Span.fromContext(parent == null ? Context.current() : parent).getSpanContext();
    String text = Contexts.text(above);
    try {
      return new CoreSpan(telemetry, telemetry.begin(name, given -> {
        given.kind(kind.name().toLowerCase(Locale.ROOT)).traceparent(text == null ? "" : text);
        String state = Contexts.text(above.getTraceState());
        if (state != null) given.tracestate(state);
        if (!attributes.isEmpty()) given.attributes(attributes);
        if (!links.isEmpty()) given.links(links);
      }));
    } catch (SpikardException nothingRuns) { // telemetry never fails what it observes
      return Span.wrap(above);
    }
  }
}
