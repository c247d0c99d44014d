package dev.spikard;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A span of the application's own. Closing it ends it; more than once is once. */
public final class Span implements AutoCloseable {
  private final Telemetry client;
  private final long number;
  private final String traceparent;
  private final Scope before;
  private final boolean entered;
  private final Map<String, Object> attributes = new LinkedHashMap<>();
  private final List<Object> events = new ArrayList<>();
  private String status;
  private String message;
  private String renamed;
  private boolean ended;

  private Span(Telemetry client, long number, String traceparent, boolean enter) {
    this.client = client;
    this.number = number;
    this.traceparent = traceparent;
    entered = enter && traceparent != null && Scope.current() != null;
    before = entered ? Scope.enter(Scope.current().span(traceparent)) : null;
  }

  /** kind: internal, server, client, producer or consumer. parent: a traceparent; null: what is current; "" begins a trace. */
  static Span start(Telemetry client, String name, String kind, Map<String, Object> attributes, String parent, boolean enter) {
    TelemetryOperations.StartSpanResult begun = client.startSpan(name, given -> {
      given.kind(kind);
      if (parent != null) given.traceparent(parent);
      if (!attributes.isEmpty()) given.attributes(attributes);
    });
    return new Span(client, begun.span(), begun.traceparent(), enter);
  }

  /** Its context, to hand on; null when nothing is recorded. */
  public String traceparent() {
    return traceparent;
  }

  public boolean isRecording() {
    return number != 0 && !ended;
  }

  public Span setAttribute(String name, Object value) {
    attributes.put(name, value);
    return this;
  }

  public Span addEvent(String name, Map<String, Object> attributes) {
    return addEvent(name, attributes, null);
  }

  Span addEvent(String name, Map<String, Object> attributes, Long nanos) {
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
  public Span recordException(Throwable error) {
    StringWriter trace = new StringWriter();
    error.printStackTrace(new PrintWriter(trace));
    addEvent("exception", Map.of("exception.type", error.getClass().getName(), "exception.message", String.valueOf(error.getMessage()), "exception.stacktrace", trace.toString()));
    if (status == null) setStatus("error", error.getMessage());
    return this;
  }

  /** {@code ok} or {@code error}. */
  public Span setStatus(String status, String message) {
    this.status = status;
    this.message = message;
    return this;
  }

  public Span rename(String name) {
    renamed = name;
    return this;
  }

  @Override
  public void close() {
    if (entered && !ended) Scope.restore(before);
    if (ended) return;
    ended = true;
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
