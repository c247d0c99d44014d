package dev.spikard;

import dev.spikard.internal.Arguments;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A client of the toolbox by its name in {@code services} of the manifest. It may be kept anywhere: each use goes to the application that runs where it is used, else to the one that it was asked of.
 *
 * <p>Methods wait for their end, on any thread but a loop's, where only what completes at once can be had. {@code ...Async} methods give futures; what depends on one runs where it was begun: on the
 * loop's thread, else on a thread that may block.
 */
public abstract class Client {
  private final App app;
  private final String group;
  private final String name;
  private volatile Place place;

  private record Place(Binding binding, int number) {}

  Client(App app, String group, String name) {
    this.app = app;
    this.group = group;
    this.name = name;
  }

  public final String name() {
    return name;
  }

  final String group() {
    return group;
  }

  final App app() {
    return app;
  }

  final Binding binding() {
    Scope here = Scope.current();
    Binding found = here != null ? here.binding : app != null ? app.running() : null;
    if (found == null) throw new SpikardException(group + " client '" + name + "': no application runs here; use it in a handler, a task, or between start and stop");
    return found;
  }

  private int number(Binding binding) {
    Place known = place;
    if (known == null || known.binding != binding) {
      known = new Place(binding, binding.clientNumber(group, name));
      place = known;
    }
    return known.number;
  }

  static Scope scope(Binding binding) {
    Scope here = Scope.current();
    return here != null && here.binding == binding ? here : binding.scope;
  }

  /** Arguments that this client gives to each of its operations. */
  void prepare(int operation, Arguments arguments) {}

  /** Gets the result of an operation that was given up and came to its end all the same; null: that holds nothing. On the loop's thread. */
  Consumer<Map<String, Object>> late(int operation) {
    return null;
  }

  final <T> Pending<T> begin(int operation, Arguments arguments, Function<Map<String, Object>, T> answer) {
    Binding binding = binding();
    prepare(operation, arguments);
    return binding.port().call(operation, number(binding), arguments, scope(binding), answer, late(operation));
  }

  final Map<String, Object> call(int operation, Arguments arguments) {
    return begin(operation, arguments, result -> result).await(true);
  }

  /** As {@link #call}, but an interrupt is left for later: for what must be done whatever happens. */
  final Map<String, Object> callUninterrupted(int operation, Arguments arguments) {
    return begin(operation, arguments, result -> result).await(false);
  }

  final <T> CompletableFuture<T> start(int operation, Arguments arguments, Function<Map<String, Object>, T> answer) {
    return begin(operation, arguments, answer);
  }

  final StreamCall open(int operation, Arguments arguments, boolean writes) {
    Binding binding = binding();
    prepare(operation, arguments);
    return new StreamCall(binding.port(), operation, number(binding), arguments, scope(binding), writes);
  }

  /** An operation with a streamed argument. When the chunks fail, so does the operation, and nothing is written. */
  final Map<String, Object> send(int operation, Arguments arguments, Iterable<byte[]> chunks) {
    StreamCall call = open(operation, arguments, true);
    try {
      Iterator<byte[]> each = chunks.iterator();
      while (!call.isDone() && each.hasNext()) call.write(each.next());
      call.end();
      return call.result();
    } catch (Throwable error) {
      call.abort();
      throw error;
    }
  }

  /** Whole milliseconds; what is more than nothing stays more than nothing. Null stays null. */
  static Long millis(Duration span) {
    if (span == null) return null;
    long ms = Math.round(span.getSeconds() * 1000.0 + span.getNano() / 1e6);
    return ms != 0 || span.isZero() ? ms : span.isNegative() ? -1L : 1L;
  }

  @Override
  public String toString() {
    return getClass().getSimpleName() + " '" + name + "'";
  }
}
