package dev.spikard.opentelemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import java.util.LinkedHashMap;
import java.util.Map;

/** Contexts and attributes of the API as the core has them, and back. */
final class Contexts {
  private Contexts() {}

  /** As the header {@code traceparent} carries it; null for one that is not valid. */
  static String text(SpanContext context) {
    return context.isValid() ? "00-" + context.getTraceId() + "-" + context.getSpanId() + "-" + context.getTraceFlags().asHex() : null;
  }

  static SpanContext of(String traceparent) {
    if (traceparent == null || traceparent.length() < 55) return SpanContext.getInvalid();
    return SpanContext.create(traceparent.substring(3, 35), traceparent.substring(36, 52), TraceFlags.fromHex(traceparent, 53), TraceState.getDefault());
  }

  static String text(TraceState state) {
    if (state.isEmpty()) return null;
    StringBuilder out = new StringBuilder();
    state.forEach((key, value) -> out.append(out.length() == 0 ? "" : ",").append(key).append('=').append(value));
    return out.toString();
  }

  static Map<String, Object> plain(Attributes attributes) {
    Map<String, Object> out = new LinkedHashMap<>();
    attributes.forEach((AttributeKey<?> key, Object value) -> out.put(key.getKey(), value));
    return out;
  }
}
