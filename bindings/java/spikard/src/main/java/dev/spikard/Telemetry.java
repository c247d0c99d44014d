package dev.spikard;

import java.util.Map;
import java.util.concurrent.Callable;

/** Spans, log records and metrics of the application's own code, beside those of the core. */
public final class Telemetry extends TelemetryOperations {
  Telemetry(App app, String name) {
    super(app, name);
  }

  /** Begins a span inside the one here, or that of the request, message or task in hand, and makes it the current one of this thread until it is closed. */
  public Span span(String name) {
    return span(name, Map.of());
  }

  /** As above, with attributes. */
  public Span span(String name, Map<String, Object> attributes) {
    return Span.start(this, name, "internal", attributes, null, true);
  }

  /** Runs something in a span; what it throws is noted, and the span's status is error. */
  public <T> T inSpan(String name, Callable<T> body) throws Exception {
    try (Span span = span(name)) {
      try {
        return body.call();
      } catch (Exception error) {
        span.recordException(error);
        throw error;
      }
    }
  }

  /** The context of the innermost span here, as the header {@code traceparent} carries it; null where there is none. */
  public String traceparent() {
    Scope here = Scope.current();
    if (here != null && here.traceparent != null) return here.traceparent;
    return context().traceparent();
  }
}
