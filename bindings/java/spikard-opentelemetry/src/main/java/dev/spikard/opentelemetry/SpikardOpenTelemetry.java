package dev.spikard.opentelemetry;

import dev.spikard.App;
import dev.spikard.Telemetry;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.baggage.propagation.W3CBaggagePropagator;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.TracerProvider;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.ContextStorage;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The OpenTelemetry API over the core: libraries that make spans by it add to the same traces, and see the span of the request, message or task in hand as the current one.
 *
 * <p>The SDK is not needed, for the core samples and exports, and times spans itself: start and end times that are given, and links added later, are not taken over. Meters stay the API's own, which do nothing.
 */
public final class SpikardOpenTelemetry implements OpenTelemetry {
  private static final AtomicBoolean STORED = new AtomicBoolean();

  private final TracerProvider tracers;
  private final ContextPropagators propagators = ContextPropagators.create(TextMapPropagator.composite(W3CTraceContextPropagator.getInstance(), W3CBaggagePropagator.getInstance()));

  private SpikardOpenTelemetry(Telemetry telemetry) {
    Tracer tracer = name -> new CoreSpanBuilder(telemetry, name);
    tracers = new TracerProvider() {
      @Override
      public Tracer get(String scope) {
        return tracer;
      }

      @Override
      public Tracer get(String scope, String version) {
        return tracer;
      }
    };
  }

  /** That of an application, for libraries that are handed one. Once before anything of OpenTelemetry is used in this process, or the current span of the API is not that of the core. */
  public static SpikardOpenTelemetry of(App app) {
    Telemetry telemetry = app.telemetry();
    if (STORED.compareAndSet(false, true)) ContextStorage.addWrapper(inner -> new CoreContextStorage(telemetry, inner));
    return new SpikardOpenTelemetry(telemetry);
  }

  /** {@link #of}, and makes it the one of this process ({@link GlobalOpenTelemetry}). Once, at start-up. */
  public static SpikardOpenTelemetry install(App app) {
    SpikardOpenTelemetry made = of(app);
    GlobalOpenTelemetry.set(made);
    return made;
  }

  @Override
  public TracerProvider getTracerProvider() {
    return tracers;
  }

  @Override
  public ContextPropagators getPropagators() {
    return propagators;
  }
}
