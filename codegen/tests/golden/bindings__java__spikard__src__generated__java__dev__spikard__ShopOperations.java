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
 * The operations of {@code shop}: each waits for its end, or, as {@code ...Async}, gives a future whose cancellation cancels it.
 *
 * <p>The shop.
 */
public abstract class ShopOperations extends Client {
  ShopOperations(App app, String name) {
    super(app, "shop", name);
  }

  /**
   * What {@code shop.buy} gives.
   *
   * @param id Its number.
   * @param takesMs How long.
   * @param boughtAt When.
   * @param parts Its parts; null for what is missing.
   */
  public record BuyResult(long id, Duration takesMs, long boughtAt, List<byte[]> parts) {}

  /** What {@code shop.buy} may be told besides. */
  public static final class BuyOptions {
    private final Arguments arguments;

    BuyOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Where. */
    public BuyOptions in(List<String> in) {
      arguments.put("in", in);
      return this;
    }

    /** Notes. */
    public BuyOptions byName(Map<String, byte[]> byName) {
      arguments.put("by_name", byName);
      return this;
    }

    /** How long. Null: as long as it takes. */
    public BuyOptions wait(Duration wait) {
      arguments.put("wait_ms", millis(wait));
      return this;
    }

    /** How long it is held. */
    public BuyOptions hold(Duration hold) {
      arguments.put("hold_ms", millis(hold));
      return this;
    }

    /** Wrapped. */
    public BuyOptions gift(boolean gift) {
      arguments.put("gift", gift);
      return this;
    }

    /** A note. */
    public BuyOptions note(byte[] note) {
      arguments.put("note", note);
      return this;
    }
  }

  private static Arguments buyArguments(String what, Consumer<? super BuyOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("what", what);
    if (options != null) options.accept(new BuyOptions(arguments));
    return arguments;
  }

  private static BuyResult buyAnswer(Map<String, Object> result) {
    return new BuyResult(Result.int64(result.get("id")), Result.span(result.get("takes_ms")), Result.int64(result.get("bought_at")), Result.list(result.get("parts"), Result::bytes));
  }

  /**
   * Buys.
   * <p>In full: "a\b".
   *
   * @param what A name, in full.
   * @throws OperationException of kind not_found
   */
  public BuyResult buy(String what) {
    return buyAnswer(call(Abi.OP_SHOP_BUY, buyArguments(what, null)));
  }

  /** As above, with options. */
  public BuyResult buy(String what, Consumer<? super BuyOptions> options) {
    return buyAnswer(call(Abi.OP_SHOP_BUY, buyArguments(what, options)));
  }

  /** {@link #buy} as a future. */
  public CompletableFuture<BuyResult> buyAsync(String what) {
    return start(Abi.OP_SHOP_BUY, buyArguments(what, null), ShopOperations::buyAnswer);
  }

  /** {@link #buy} as a future, with options. */
  public CompletableFuture<BuyResult> buyAsync(String what, Consumer<? super BuyOptions> options) {
    return start(Abi.OP_SHOP_BUY, buyArguments(what, options), ShopOperations::buyAnswer);
  }

  private static Arguments readArguments(String what) {
    Arguments arguments = new Arguments();
    arguments.put("what", what);
    return arguments;
  }

  private static Long readAnswer(Map<String, Object> result) {
    return Result.int64(result.get("size"));
  }

  /**
   * Reads.
   *
   * @param what What.
   * @return How much.
   */
  public ByteStream<Long> read(String what) {
    return new ByteStream<>(this, Abi.OP_SHOP_READ, readArguments(what), ShopOperations::readAnswer);
  }

  /** What {@code shop.write} may be told besides. */
  public static final class WriteOptions {
    private final Arguments arguments;

    WriteOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** Any. */
    public WriteOptions kind(Object kind) {
      arguments.put("kind", kind);
      return this;
    }
  }

  private static Arguments writeArguments(String what, Consumer<? super WriteOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("what", what);
    if (options != null) options.accept(new WriteOptions(arguments));
    return arguments;
  }

  private static Void writeAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Writes.
   *
   * @param what What.
   */
  public void write(String what, Iterable<byte[]> chunks) {
    writeAnswer(send(Abi.OP_SHOP_WRITE, writeArguments(what, null), chunks));
  }

  /** As above, with options. */
  public void write(String what, Iterable<byte[]> chunks, Consumer<? super WriteOptions> options) {
    writeAnswer(send(Abi.OP_SHOP_WRITE, writeArguments(what, options), chunks));
  }
}
