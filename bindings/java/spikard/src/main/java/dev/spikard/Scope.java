package dev.spikard;

import java.util.concurrent.Callable;

/** In whose name code runs on a thread: the application, the handler in hand, the span around it. */
final class Scope {
  private static final ThreadLocal<Scope> CURRENT = new ThreadLocal<>();

  final Binding binding;
  /** Null: nobody's handler. */
  final Work work;
  /** Of the innermost span of the application's own; null: that of the handler. */
  final String traceparent;
  /** Runs for a test: the virtual clock waits for it. */
  final boolean guest;

  Scope(Binding binding, Work work, String traceparent, boolean guest) {
    this.binding = binding;
    this.work = work;
    this.traceparent = traceparent;
    this.guest = guest;
  }

  static Scope current() {
    return CURRENT.get();
  }

  /** The handler's id, 0 for none. */
  long id() {
    return work == null ? 0 : work.id;
  }

  Scope span(String inner) {
    return new Scope(binding, work, inner, guest);
  }

  /** Makes it the current one; what was there is given back to {@link #restore}. */
  static Scope enter(Scope scope) {
    Scope before = CURRENT.get();
    CURRENT.set(scope);
    return before;
  }

  static void restore(Scope before) {
    if (before == null) CURRENT.remove();
    else CURRENT.set(before);
  }

  void run(Runnable fn) {
    Scope before = enter(this);
    try {
      fn.run();
    } finally {
      restore(before);
    }
  }

  <T> T call(Callable<T> fn) throws Exception {
    Scope before = enter(this);
    try {
      return fn.call();
    } finally {
      restore(before);
    }
  }
}
