// Generated from spec/operations by codegen. Do not edit.
package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import dev.spikard.internal.Result;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * The operations of {@code telemetry}: each waits for its end, or, as {@code ...Async}, gives a future whose cancellation cancels it.
 *
 * <p>Spans, log records and metrics of a host's own code, beside those of the core. There is one client, number 0, also where telemetry is off: then nothing is recorded, and contexts are handed on all the same.
 * <p>A context is {@code traceparent} (null where there is none), and {@code tracestate} and {@code baggage} (null) as HTTP headers carry them. {@code traceparent} as an argument: null means the span of the request, message or task whose handler calls, {@code ''} means none (a new trace).
 * All operations but {@code telemetry.flush} complete at once, on any thread.
 */
public abstract class TelemetryOperations extends Client {
  TelemetryOperations(App app, String name) {
    super(app, "telemetry", name);
  }

  /**
   * What {@code telemetry.context} gives.
   *
   * @param traceparent Null where there is none.
   * @param tracestate As it came.
   * @param baggage As it came.
   */
  public record ContextResult(String traceparent, String tracestate, String baggage) {}

  private static Arguments contextArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static ContextResult contextAnswer(Map<String, Object> result) {
    return new ContextResult((String) result.get("traceparent"), (String) result.get("tracestate"), (String) result.get("baggage"));
  }

  /**
   * The context of the request, message or task whose handler calls.
   *
   */
  public ContextResult context() {
    return contextAnswer(call(Abi.OP_TELEMETRY_CONTEXT, contextArguments()));
  }

  /** {@link #context} as a future. */
  public CompletableFuture<ContextResult> contextAsync() {
    return start(Abi.OP_TELEMETRY_CONTEXT, contextArguments(), TelemetryOperations::contextAnswer);
  }

  /**
   * What {@code telemetry.start_span} gives.
   *
   * @param span Its number for {@code telemetry.end_span}; 0 for one that is not recorded, which need not be ended.
   * @param traceparent Its context, to hand on.
   */
  public record StartSpanResult(long span, String traceparent) {}

  /** What {@code telemetry.start_span} may be told besides. */
  public static final class StartSpanOptions {
    private final Arguments arguments;

    StartSpanOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** {@code internal}, {@code server}, {@code client}, {@code producer} or {@code consumer}. */
    public StartSpanOptions kind(String kind) {
      arguments.put("kind", kind);
      return this;
    }

    /** The parent. */
    public StartSpanOptions traceparent(String traceparent) {
      arguments.put("traceparent", traceparent);
      return this;
    }

    /** Of a parent that is given. */
    public StartSpanOptions tracestate(String tracestate) {
      arguments.put("tracestate", tracestate);
      return this;
    }

    /** Of a parent that is given. */
    public StartSpanOptions baggage(String baggage) {
      arguments.put("baggage", baggage);
      return this;
    }

    /** An object of texts, numbers, booleans and lists of one of them. */
    public StartSpanOptions attributes(Object attributes) {
      arguments.put("attributes", attributes);
      return this;
    }

    /** A list of traceparents. */
    public StartSpanOptions links(Object links) {
      arguments.put("links", links);
      return this;
    }
  }

  private static Arguments startSpanArguments(String name, Consumer<? super StartSpanOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("name", name);
    if (options != null) options.accept(new StartSpanOptions(arguments));
    return arguments;
  }

  private static StartSpanResult startSpanAnswer(Map<String, Object> result) {
    return new StartSpanResult(Result.int64(result.get("span")), (String) result.get("traceparent"));
  }

  /**
   * Begins a span. It must be ended; at most 65536 of an application are open at once, of one more only the context is handed on.
   *
   * @param name What is done, of few different values.
   * @throws OperationException of kind invalid_argument
   */
  public StartSpanResult startSpan(String name) {
    return startSpanAnswer(call(Abi.OP_TELEMETRY_START_SPAN, startSpanArguments(name, null)));
  }

  /** As above, with options. */
  public StartSpanResult startSpan(String name, Consumer<? super StartSpanOptions> options) {
    return startSpanAnswer(call(Abi.OP_TELEMETRY_START_SPAN, startSpanArguments(name, options)));
  }

  /** {@link #startSpan} as a future. */
  public CompletableFuture<StartSpanResult> startSpanAsync(String name) {
    return start(Abi.OP_TELEMETRY_START_SPAN, startSpanArguments(name, null), TelemetryOperations::startSpanAnswer);
  }

  /** {@link #startSpan} as a future, with options. */
  public CompletableFuture<StartSpanResult> startSpanAsync(String name, Consumer<? super StartSpanOptions> options) {
    return start(Abi.OP_TELEMETRY_START_SPAN, startSpanArguments(name, options), TelemetryOperations::startSpanAnswer);
  }

  /** What {@code telemetry.end_span} may be told besides. */
  public static final class EndSpanOptions {
    private final Arguments arguments;

    EndSpanOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** A new name. */
    public EndSpanOptions name(String name) {
      arguments.put("name", name);
      return this;
    }

    /** Further attributes; they replace those of the same name. */
    public EndSpanOptions attributes(Object attributes) {
      arguments.put("attributes", attributes);
      return this;
    }

    /** A list of {@code {name, time_unix_nano, attributes}}; {@code exception} is one by the semantic conventions. */
    public EndSpanOptions events(Object events) {
      arguments.put("events", events);
      return this;
    }

    /** {@code unset}, {@code ok} or {@code error}. */
    public EndSpanOptions status(String status) {
      arguments.put("status", status);
      return this;
    }

    /** Of status error. */
    public EndSpanOptions message(String message) {
      arguments.put("message", message);
      return this;
    }
  }

  private static Arguments endSpanArguments(long span, Consumer<? super EndSpanOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("span", span);
    if (options != null) options.accept(new EndSpanOptions(arguments));
    return arguments;
  }

  private static Void endSpanAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Ends a span. A number that is not open any more is ignored.
   *
   * @param span As {@code telemetry.start_span} gave it.
   * @throws OperationException of kind invalid_argument
   */
  public void endSpan(long span) {
    endSpanAnswer(call(Abi.OP_TELEMETRY_END_SPAN, endSpanArguments(span, null)));
  }

  /** As above, with options. */
  public void endSpan(long span, Consumer<? super EndSpanOptions> options) {
    endSpanAnswer(call(Abi.OP_TELEMETRY_END_SPAN, endSpanArguments(span, options)));
  }

  /** {@link #endSpan} as a future. */
  public CompletableFuture<Void> endSpanAsync(long span) {
    return start(Abi.OP_TELEMETRY_END_SPAN, endSpanArguments(span, null), TelemetryOperations::endSpanAnswer);
  }

  /** {@link #endSpan} as a future, with options. */
  public CompletableFuture<Void> endSpanAsync(long span, Consumer<? super EndSpanOptions> options) {
    return start(Abi.OP_TELEMETRY_END_SPAN, endSpanArguments(span, options), TelemetryOperations::endSpanAnswer);
  }

  /** What {@code telemetry.log} may be told besides. */
  public static final class LogOptions {
    private final Arguments arguments;

    LogOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** {@code trace}, {@code debug}, {@code info}, {@code warn} or {@code error}. */
    public LogOptions level(String level) {
      arguments.put("level", level);
      return this;
    }

    /** As of a span. Values of names that are secret are redacted. */
    public LogOptions attributes(Object attributes) {
      arguments.put("attributes", attributes);
      return this;
    }

    /** The span it belongs to. */
    public LogOptions traceparent(String traceparent) {
      arguments.put("traceparent", traceparent);
      return this;
    }

    /** Off: only the exporter gets it (the host writes the line itself). */
    public LogOptions line(boolean line) {
      arguments.put("line", line);
      return this;
    }
  }

  private static Arguments logArguments(String message, Consumer<? super LogOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("message", message);
    if (options != null) options.accept(new LogOptions(arguments));
    return arguments;
  }

  private static Void logAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * A log record: a line of the application's log with trace and span id, and a record for the exporter.
   *
   * @param message The text. User information in URLs is redacted.
   * @throws OperationException of kind invalid_argument
   */
  public void log(String message) {
    logAnswer(call(Abi.OP_TELEMETRY_LOG, logArguments(message, null)));
  }

  /** As above, with options. */
  public void log(String message, Consumer<? super LogOptions> options) {
    logAnswer(call(Abi.OP_TELEMETRY_LOG, logArguments(message, options)));
  }

  /** {@link #log} as a future. */
  public CompletableFuture<Void> logAsync(String message) {
    return start(Abi.OP_TELEMETRY_LOG, logArguments(message, null), TelemetryOperations::logAnswer);
  }

  /** {@link #log} as a future, with options. */
  public CompletableFuture<Void> logAsync(String message, Consumer<? super LogOptions> options) {
    return start(Abi.OP_TELEMETRY_LOG, logArguments(message, options), TelemetryOperations::logAnswer);
  }

  /** What {@code telemetry.add} may be told besides. */
  public static final class AddOptions {
    private final Arguments arguments;

    AddOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** A number, not below nought where it only grows; null is 1. */
    public AddOptions value(Object value) {
      arguments.put("value", value);
      return this;
    }

    /** The sum goes both ways. */
    public AddOptions upDown(boolean upDown) {
      arguments.put("up_down", upDown);
      return this;
    }

    /** By UCUM: {@code s}, {@code By}, {@code {order}}. */
    public AddOptions unit(String unit) {
      arguments.put("unit", unit);
      return this;
    }

    /** For people. */
    public AddOptions description(String description) {
      arguments.put("description", description);
      return this;
    }

    /** As of a span; of few different values. */
    public AddOptions attributes(Object attributes) {
      arguments.put("attributes", attributes);
      return this;
    }
  }

  private static Arguments addArguments(String name, Consumer<? super AddOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("name", name);
    if (options != null) options.accept(new AddOptions(arguments));
    return arguments;
  }

  private static Void addAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Adds to a sum.
   *
   * @param name The instrument, {@code shop.orders.created}. It is made with the first call.
   * @throws OperationException of kind invalid_argument
   */
  public void add(String name) {
    addAnswer(call(Abi.OP_TELEMETRY_ADD, addArguments(name, null)));
  }

  /** As above, with options. */
  public void add(String name, Consumer<? super AddOptions> options) {
    addAnswer(call(Abi.OP_TELEMETRY_ADD, addArguments(name, options)));
  }

  /** {@link #add} as a future. */
  public CompletableFuture<Void> addAsync(String name) {
    return start(Abi.OP_TELEMETRY_ADD, addArguments(name, null), TelemetryOperations::addAnswer);
  }

  /** {@link #add} as a future, with options. */
  public CompletableFuture<Void> addAsync(String name, Consumer<? super AddOptions> options) {
    return start(Abi.OP_TELEMETRY_ADD, addArguments(name, options), TelemetryOperations::addAnswer);
  }

  /** What {@code telemetry.record} may be told besides. */
  public static final class RecordOptions {
    private final Arguments arguments;

    RecordOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** By UCUM. */
    public RecordOptions unit(String unit) {
      arguments.put("unit", unit);
      return this;
    }

    /** For people. */
    public RecordOptions description(String description) {
      arguments.put("description", description);
      return this;
    }

    /** Upper bounds of the buckets, ascending; null for those that are advised for seconds. */
    public RecordOptions boundaries(Object boundaries) {
      arguments.put("boundaries", boundaries);
      return this;
    }

    /** As of a span; of few different values. */
    public RecordOptions attributes(Object attributes) {
      arguments.put("attributes", attributes);
      return this;
    }
  }

  private static Arguments recordArguments(String name, Object value, Consumer<? super RecordOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("name", name);
    arguments.put("value", value);
    if (options != null) options.accept(new RecordOptions(arguments));
    return arguments;
  }

  private static Void recordAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Records a value of a distribution.
   *
   * @param name The instrument. It is made with the first call.
   * @param value A number.
   * @throws OperationException of kind invalid_argument
   */
  public void record(String name, Object value) {
    recordAnswer(call(Abi.OP_TELEMETRY_RECORD, recordArguments(name, value, null)));
  }

  /** As above, with options. */
  public void record(String name, Object value, Consumer<? super RecordOptions> options) {
    recordAnswer(call(Abi.OP_TELEMETRY_RECORD, recordArguments(name, value, options)));
  }

  /** {@link #record} as a future. */
  public CompletableFuture<Void> recordAsync(String name, Object value) {
    return start(Abi.OP_TELEMETRY_RECORD, recordArguments(name, value, null), TelemetryOperations::recordAnswer);
  }

  /** {@link #record} as a future, with options. */
  public CompletableFuture<Void> recordAsync(String name, Object value, Consumer<? super RecordOptions> options) {
    return start(Abi.OP_TELEMETRY_RECORD, recordArguments(name, value, options), TelemetryOperations::recordAnswer);
  }

  /** What {@code telemetry.flush} may be told besides. */
  public static final class FlushOptions {
    private final Arguments arguments;

    FlushOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The longest it may take. */
    public FlushOptions timeout(Duration timeout) {
      arguments.put("timeout_ms", millis(timeout));
      return this;
    }
  }

  private static Arguments flushArguments(Consumer<? super FlushOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new FlushOptions(arguments));
    return arguments;
  }

  private static Boolean flushAnswer(Map<String, Object> result) {
    return Result.bool(result.get("flushed"));
  }

  /**
   * Exports what waits now. Done when the collector has it or it was given up.
   *
   * @return Whether everything was taken by the collector.
   */
  public boolean flush() {
    return flushAnswer(call(Abi.OP_TELEMETRY_FLUSH, flushArguments(null)));
  }

  /** As above, with options. */
  public boolean flush(Consumer<? super FlushOptions> options) {
    return flushAnswer(call(Abi.OP_TELEMETRY_FLUSH, flushArguments(options)));
  }

  /** {@link #flush} as a future. */
  public CompletableFuture<Boolean> flushAsync() {
    return start(Abi.OP_TELEMETRY_FLUSH, flushArguments(null), TelemetryOperations::flushAnswer);
  }

  /** {@link #flush} as a future, with options. */
  public CompletableFuture<Boolean> flushAsync(Consumer<? super FlushOptions> options) {
    return start(Abi.OP_TELEMETRY_FLUSH, flushArguments(options), TelemetryOperations::flushAnswer);
  }

  /**
   * What {@code telemetry.statistics} gives.
   *
   * @param spans {@code {ended, exported, dropped, failed, waiting}}: dropped did not fit into the queue, failed were given up by the exporter.
   * @param logs The same of log records.
   */
  public record StatisticsResult(Object spans, Object logs) {}

  private static Arguments statisticsArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static StatisticsResult statisticsAnswer(Map<String, Object> result) {
    return new StatisticsResult(result.get("spans"), result.get("logs"));
  }

  /**
   * What became of spans and log records since the start.
   *
   */
  public StatisticsResult statistics() {
    return statisticsAnswer(call(Abi.OP_TELEMETRY_STATISTICS, statisticsArguments()));
  }

  /** {@link #statistics} as a future. */
  public CompletableFuture<StatisticsResult> statisticsAsync() {
    return start(Abi.OP_TELEMETRY_STATISTICS, statisticsArguments(), TelemetryOperations::statisticsAnswer);
  }

  private static Arguments takeSpansArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static Object takeSpansAnswer(Map<String, Object> result) {
    return result.get("spans");
  }

  /**
   * The spans that ended since the last call, of exporter {@code memory}.
   *
   * @return A list of {@code {name, kind, status, status_message, trace_id, span_id, parent_span_id, trace_state, start_unix_nano, end_unix_nano, attributes, events, links, resource}}.
   * @throws OperationException of kind unsupported
   */
  public Object takeSpans() {
    return takeSpansAnswer(call(Abi.OP_TELEMETRY_TAKE_SPANS, takeSpansArguments()));
  }

  /** {@link #takeSpans} as a future. */
  public CompletableFuture<Object> takeSpansAsync() {
    return start(Abi.OP_TELEMETRY_TAKE_SPANS, takeSpansArguments(), TelemetryOperations::takeSpansAnswer);
  }

  private static Arguments takeLogsArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static Object takeLogsAnswer(Map<String, Object> result) {
    return result.get("logs");
  }

  /**
   * The log records since the last call, of exporter {@code memory}.
   *
   * @return A list of {@code {time_unix_nano, severity, body, attributes, trace_id, span_id}}.
   * @throws OperationException of kind unsupported
   */
  public Object takeLogs() {
    return takeLogsAnswer(call(Abi.OP_TELEMETRY_TAKE_LOGS, takeLogsArguments()));
  }

  /** {@link #takeLogs} as a future. */
  public CompletableFuture<Object> takeLogsAsync() {
    return start(Abi.OP_TELEMETRY_TAKE_LOGS, takeLogsArguments(), TelemetryOperations::takeLogsAnswer);
  }

  private static Arguments collectMetricsArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static Object collectMetricsAnswer(Map<String, Object> result) {
    return result.get("metrics");
  }

  /**
   * All metrics now, whatever the exporter.
   *
   * @return A list of {@code {name, unit, description, type, points, boundaries}}.
   */
  public Object collectMetrics() {
    return collectMetricsAnswer(call(Abi.OP_TELEMETRY_COLLECT_METRICS, collectMetricsArguments()));
  }

  /** {@link #collectMetrics} as a future. */
  public CompletableFuture<Object> collectMetricsAsync() {
    return start(Abi.OP_TELEMETRY_COLLECT_METRICS, collectMetricsArguments(), TelemetryOperations::collectMetricsAnswer);
  }

  private static Arguments parseTraceparentArguments(String value) {
    Arguments arguments = new Arguments();
    arguments.put("value", value);
    return arguments;
  }

  private static Object parseTraceparentAnswer(Map<String, Object> result) {
    return result.get("value");
  }

  /**
   * Reads a traceparent (W3C Trace Context).
   *
   * @param value The header's text.
   * @return {@code {trace_id, parent_id, sampled}}, or null where it is not valid.
   */
  public Object parseTraceparent(String value) {
    return parseTraceparentAnswer(call(Abi.OP_TELEMETRY_PARSE_TRACEPARENT, parseTraceparentArguments(value)));
  }

  /** {@link #parseTraceparent} as a future. */
  public CompletableFuture<Object> parseTraceparentAsync(String value) {
    return start(Abi.OP_TELEMETRY_PARSE_TRACEPARENT, parseTraceparentArguments(value), TelemetryOperations::parseTraceparentAnswer);
  }

  private static Arguments parseTracestateArguments(Object values) {
    Arguments arguments = new Arguments();
    arguments.put("values", values);
    return arguments;
  }

  private static Object parseTracestateAnswer(Map<String, Object> result) {
    return result.get("value");
  }

  /**
   * Reads a tracestate (W3C Trace Context).
   *
   * @param values The texts of all header lines, in order.
   * @return A list of pairs; empty when anything in it is invalid.
   * @throws OperationException of kind invalid_argument
   */
  public Object parseTracestate(Object values) {
    return parseTracestateAnswer(call(Abi.OP_TELEMETRY_PARSE_TRACESTATE, parseTracestateArguments(values)));
  }

  /** {@link #parseTracestate} as a future. */
  public CompletableFuture<Object> parseTracestateAsync(Object values) {
    return start(Abi.OP_TELEMETRY_PARSE_TRACESTATE, parseTracestateArguments(values), TelemetryOperations::parseTracestateAnswer);
  }

  private static Arguments parseBaggageArguments(Object values) {
    Arguments arguments = new Arguments();
    arguments.put("values", values);
    return arguments;
  }

  private static Object parseBaggageAnswer(Map<String, Object> result) {
    return result.get("value");
  }

  /**
   * Reads baggage (W3C Baggage).
   *
   * @param values The texts of all header lines, in order.
   * @return A list of {@code {key, value, properties}}, {@code properties} only where there are some; what is invalid is left out.
   * @throws OperationException of kind invalid_argument
   */
  public Object parseBaggage(Object values) {
    return parseBaggageAnswer(call(Abi.OP_TELEMETRY_PARSE_BAGGAGE, parseBaggageArguments(values)));
  }

  /** {@link #parseBaggage} as a future. */
  public CompletableFuture<Object> parseBaggageAsync(Object values) {
    return start(Abi.OP_TELEMETRY_PARSE_BAGGAGE, parseBaggageArguments(values), TelemetryOperations::parseBaggageAnswer);
  }
}
