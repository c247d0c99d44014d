package dev.spikard.opentelemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.spikard.App;
import dev.spikard.TestApp;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class OpenTelemetryTest {
  private static final App APP = new App("t").config(Map.of("log", Map.of("level", "off"), "telemetry", Map.of("exporter", "memory", "sampler", "always_on")));
  private static final Tracer TRACER = SpikardOpenTelemetry.install(APP).getTracer("test");

  private static String server;
  private static CompletableFuture<Void> elsewhere;

  static {
    APP.get("/", request -> {
      Span handler = Span.current();
      assertTrue(handler.getSpanContext().isValid());
      Span outer = TRACER.spanBuilder("otel").setSpanKind(SpanKind.CLIENT).setAttribute("a", 1).setAttribute(AttributeKey.stringArrayKey("b"), List.of("x", "y")).addLink(handler.getSpanContext()).startSpan();
      try (Scope entered = outer.makeCurrent()) {
        outer.addEvent("happened", Attributes.of(AttributeKey.longKey("n"), 2L), 5, TimeUnit.SECONDS);
        try (dev.spikard.Span own = APP.telemetry().span("own")) {
          Span innermost = TRACER.spanBuilder("innermost").startSpan();
          innermost.recordException(new IllegalStateException("no")).setStatus(StatusCode.ERROR, "it failed").updateName("renamed");
          innermost.end();
          innermost.end();
        }
        assertEquals(outer.getSpanContext(), Span.current().getSpanContext());
        Runnable task = Context.current().wrap(() -> TRACER.spanBuilder("elsewhere").startSpan().end());
        elsewhere = CompletableFuture.runAsync(task);
      }
      outer.end();
      assertEquals(handler.getSpanContext(), Span.current().getSpanContext());
      TRACER.spanBuilder("alone").setNoParent().startSpan().end();
      server = handler.getSpanContext().getSpanId();
      elsewhere.get(20, TimeUnit.SECONDS);
      return server;
    });
    // On the loop's own thread.
    APP.get("/loop", request -> Span.current().getSpanContext().getSpanId()).nonBlocking();
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Map<String, Object>> spans(TestApp test) {
    Map<String, Map<String, Object>> out = new HashMap<>();
    for (Object one : (List<?>) test.run(APP.telemetry()::takeSpans)) out.put((String) ((Map<String, Object>) one).get("name"), (Map<String, Object>) one);
    return out;
  }

  @Test
  void spansOfTheApiAreSpansOfTheCore() {
    try (TestApp test = TestApp.of(APP).start()) {
      assertEquals(16, test.client().get("/").text().length());
      test.settle();
      Map<String, Map<String, Object>> spans = spans(test);
      assertEquals(server, spans.get("GET /").get("span_id"));
      Map<String, Object> outer = spans.get("otel");
      assertEquals(server, outer.get("parent_span_id"));
      assertEquals(1L, ((Map<?, ?>) outer.get("attributes")).get("a"));
      assertEquals(List.of("x", "y"), ((Map<?, ?>) outer.get("attributes")).get("b"));
      assertEquals(outer.get("span_id"), spans.get("own").get("parent_span_id"));
      assertEquals(spans.get("own").get("span_id"), spans.get("renamed").get("parent_span_id"));
      assertEquals(outer.get("span_id"), spans.get("elsewhere").get("parent_span_id"));
      assertFalse(outer.get("trace_id").equals(spans.get("alone").get("trace_id")));
      assertTrue(spans.get("renamed").toString().contains("it failed"), spans.get("renamed").toString());
      assertTrue(spans.get("renamed").toString().contains("IllegalStateException"));
    }
  }

  @Test
  void theLoopsThreadSeesTheHandlersSpan() {
    try (TestApp test = TestApp.of(APP).start()) {
      String seen = test.client().get("/loop").text();
      test.settle();
      assertEquals(spans(test).get("GET /loop").get("span_id"), seen);
    }
  }

  @Test
  void whereNothingRunsNothingIsRecorded() {
    Span span = GlobalOpenTelemetry.getTracer("test").spanBuilder("nowhere").startSpan();
    try (Scope entered = span.makeCurrent()) {
      assertFalse(span.isRecording());
    }
    span.end();
    assertNull(Contexts.text(span.getSpanContext()));
  }
}
