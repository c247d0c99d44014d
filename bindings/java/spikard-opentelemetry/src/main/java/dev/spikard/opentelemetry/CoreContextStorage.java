package dev.spikard.opentelemetry;

import dev.spikard.Telemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.ContextStorage;
import io.opentelemetry.context.Scope;

/** The context of the API, in which the current span is that of the core: what was made current here, a {@code telemetry.span} around it, or that of the handler. */
final class CoreContextStorage implements ContextStorage {
  private final Telemetry installed;
  private final ContextStorage inner;

  CoreContextStorage(Telemetry installed, ContextStorage inner) {
    this.installed = installed;
    this.inner = inner;
  }

  @Override
  public Scope attach(Context context) {
    Scope own = inner.attach(context);
    Span span = Span.fromContext(context);
    String text = Contexts.text(span.getSpanContext());
    if (text == null) return own;
    Telemetry.Attached core;
    try {
      core = (span instanceof CoreSpan one ? one.telemetry() : installed).attach(text);
    } catch (dev.spikard.SpikardException nothingRuns) {
      return own;
    }
    return () -> {
      core.close();
      own.close();
    };
  }

  @Override
  public Context current() {
    Context context = inner.current();
    String text = installed.traceparent();
    if (text == null) return context;
    Context known = context == null ? Context.root() : context;
    if (text.equals(Contexts.text(Span.fromContext(known).getSpanContext()))) return context;
    return known.with(Span.wrap(Contexts.of(text)));
  }

  @Override
  public Context root() {
    return inner.root();
  }
}
