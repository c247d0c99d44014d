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
 * The operations of {@code cron}: each waits for its end, or, as {@code ...Async}, gives a future whose cancellation cancels it.
 *
 * <p>Cron expressions, without any store (docs/guide/tasks.md). Any client of {@code services.tasks} answers them.
 */
public abstract class CronOperations extends Client {
  CronOperations(App app, String name) {
    super(app, "cron", name);
  }

  /** What {@code cron.next} may be told besides. */
  public static final class NextOptions {
    private final Arguments arguments;

    NextOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** A name of the IANA data base. */
    public NextOptions timezone(String timezone) {
      arguments.put("timezone", timezone);
      return this;
    }

    /** An instant: RFC 3339 text or ms since the epoch. Null: now. */
    public NextOptions after(Object after) {
      arguments.put("after", after);
      return this;
    }

    /** How many. */
    public NextOptions count(long count) {
      arguments.put("count", count);
      return this;
    }
  }

  private static Arguments nextArguments(String expr, Consumer<? super NextOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("expr", expr);
    if (options != null) options.accept(new NextOptions(arguments));
    return arguments;
  }

  private static List<String> nextAnswer(Map<String, Object> result) {
    return Result.<String>list(result.get("times"));
  }

  /**
   * The next times of an expression, strictly after {@code after}; fewer when there are no more. Result: {@code times}, RFC 3339 text in UTC.
   *
   * @param expr Five or six fields, or a macro such as {@code @daily}.
   * @return Instants, RFC 3339 in UTC.
   * @throws OperationException of kind invalid_argument
   */
  public List<String> next(String expr) {
    return nextAnswer(call(Abi.OP_CRON_NEXT, nextArguments(expr, null)));
  }

  /** As above, with options. */
  public List<String> next(String expr, Consumer<? super NextOptions> options) {
    return nextAnswer(call(Abi.OP_CRON_NEXT, nextArguments(expr, options)));
  }

  /** {@link #next} as a future. */
  public CompletableFuture<List<String>> nextAsync(String expr) {
    return start(Abi.OP_CRON_NEXT, nextArguments(expr, null), CronOperations::nextAnswer);
  }

  /** {@link #next} as a future, with options. */
  public CompletableFuture<List<String>> nextAsync(String expr, Consumer<? super NextOptions> options) {
    return start(Abi.OP_CRON_NEXT, nextArguments(expr, options), CronOperations::nextAnswer);
  }
}
