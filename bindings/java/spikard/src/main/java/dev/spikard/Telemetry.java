package dev.spikard;

import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

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

  /** Begins a span that is not made the current one, for code that hands it on itself; options as {@link #startSpan} has them. */
  public Span begin(String name, Consumer<? super StartSpanOptions> options) {
    return Span.begin(this, name, options);
  }

  /** What ends when it is closed, on the thread that began it. */
  public interface Attached extends AutoCloseable {
    @Override
    void close();
  }

  /** Makes a context the current one of this thread until it is closed: what is begun meanwhile is below it. */
  public Attached attach(String traceparent) {
    Scope inner = scope(binding()).span(traceparent);
    Scope before = Scope.enter(inner);
    return () -> {
      if (Scope.current() == inner) Scope.restore(before);
    };
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
    if (here == null) return null;
    if (here.traceparent != null) return here.traceparent;
    return here.work == null ? null : context().traceparent();
  }
}
