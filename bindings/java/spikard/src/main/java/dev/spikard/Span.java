package dev.spikard;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A span of the application's own. Closing it ends it; more than once is once. Any thread may use it. */
public final class Span implements AutoCloseable {
  private final Telemetry client;
  private final long number;
  private final String traceparent;
  private final Scope before;
  private final Scope inner;
  private final Map<String, Object> attributes = new LinkedHashMap<>();
  private final List<Object> events = new ArrayList<>();
  private String status;
  private String message;
  private String renamed;
  private boolean ended;

  private Span(Telemetry client, TelemetryOperations.StartSpanResult begun, boolean enter) {
    this.client = client;
    number = begun.span();
    traceparent = begun.traceparent();
    Scope here = Scope.current();
    inner = enter && traceparent != null && here != null ? here.span(traceparent) : null;
    before = inner != null ? Scope.enter(inner) : null;
  }

  static Span begin(Telemetry client, String name, Consumer<? super TelemetryOperations.StartSpanOptions> options) {
    return new Span(client, client.startSpan(name, options), false);
  }

  /** kind: internal, server, client, producer or consumer. parent: a traceparent; null: what is current; "" begins a trace. */
  static Span start(Telemetry client, String name, String kind, Map<String, Object> attributes, String parent, boolean enter) {
    TelemetryOperations.StartSpanResult begun = client.startSpan(name, given -> {
      given.kind(kind);
      if (parent != null) given.traceparent(parent);
      if (!attributes.isEmpty()) given.attributes(attributes);
    });
    return new Span(client, begun, enter);
  }

  /** Its context, to hand on; null when nothing is recorded. */
  public String traceparent() {
    return traceparent;
  }

  public synchronized boolean isRecording() {
    return number != 0 && !ended;
  }

  public synchronized Span setAttribute(String name, Object value) {
    attributes.put(name, value);
    return this;
  }

  public Span addEvent(String name, Map<String, Object> attributes) {
    return addEvent(name, attributes, null);
  }

  /** nanos: when, since 1970 in UTC; null: now. */
  public synchronized Span addEvent(String name, Map<String, Object> attributes, Long nanos) {
    Instant now = Instant.now();
    long at = nanos != null ? nanos : now.getEpochSecond() * 1_000_000_000L + now.getNano();
    Map<String, Object> event = new LinkedHashMap<>();
    event.put("name", name);
    event.put("time_unix_nano", at);
    event.put("attributes", attributes);
    events.add(event);
    return this;
  }

  /** Notes what was thrown; the status becomes error unless it was set. */
  public synchronized Span recordException(Throwable error) {
    recordException(error, Map.of());
    if (status == null) setStatus("error", error.getMessage());
    return this;
  }

  /** As above with further attributes, but leaves the status. */
  public Span recordException(Throwable error, Map<String, Object> more) {
    StringWriter trace = new StringWriter();
    error.printStackTrace(new PrintWriter(trace));
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("exception.type", error.getClass().getName());
    all.put("exception.message", String.valueOf(error.getMessage()));
    all.put("exception.stacktrace", trace.toString());
    all.putAll(more);
    return addEvent("exception", all);
  }

  /** {@code ok} or {@code error}. */
  public synchronized Span setStatus(String status, String message) {
    this.status = status;
    this.message = message;
    return this;
  }

  public synchronized Span rename(String name) {
    renamed = name;
    return this;
  }

  @Override
  public void close() {
    // On another thread there is nothing to give back.
    if (inner != null && Scope.current() == inner) Scope.restore(before);
    synchronized (this) {
      if (ended) return;
      ended = true;
    }
    if (number == 0) return;
    client.endSpan(number, given -> {
      if (renamed != null) given.name(renamed);
      if (!attributes.isEmpty()) given.attributes(attributes);
      if (!events.isEmpty()) given.events(events);
      if (status != null) given.status(status);
      if (message != null) given.message(message);
    });
  }
}
