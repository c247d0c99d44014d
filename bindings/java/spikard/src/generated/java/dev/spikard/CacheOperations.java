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
 * The operations of {@code cache}: each waits for its end, or, as {@code ...Async}, gives a future whose cancellation cancels it.
 *
 * <p>Caches. Keys are text of at most 16384 bytes, values are bytes (text is its UTF-8). Every operation of {@code memory:} completes at once, on any thread; only {@code cache.get_or_begin_load} may wait, for another caller's load.
 * <p>Every operation takes {@code namespace}: keys of one namespace are other keys than those of another, and {@code cache.clear} and {@code cache.count} mean one namespace. {@code ttl_ms} null is the cache's {@code default_ttl_ms} (without one: for ever), {@code forever} is no
 * time limit whatever the default; both together are invalid_argument.
 * <p>A binding builds {@code get_or_load(key, loader)} from two operations and nothing else:
 * <p><pre>r = cache.get_or_begin_load(key, options)           # errors are raised as they are
 * if r.state == "value":
 *     if r.flight is not null:                        # it is old enough to be loaded again before it is needed
 *         start in the background: finish(r.flight)   # its errors are dropped
 *     return r.value                                  # null: known not to exist
 * return finish(r.flight)
 * <p>finish(flight):
 *     v = loader()
 *         on cancellation:   cache.end_load(flight, outcome: "given_up"), and go on being cancelled
 *         on an exception e: return cache.end_load(flight, outcome: "failed", message: text of e).value, an error of it having e as its cause
 *     return cache.end_load(flight, outcome: "value" or, for nothing, "absent", value: v).value</pre>
 * <p>At most one caller of a process loads a key at a time; the others wait inside {@code cache.get_or_begin_load} (each as long as its {@code wait_ms} and its own cancellation allow, which end nobody else's wait). A caller that gives up its load, or takes longer than
 * {@code load_timeout_ms}, hands it to one of those that wait.
 */
public abstract class CacheOperations extends Client {
  CacheOperations(App app, String name) {
    super(app, "cache", name);
  }

  /** What {@code cache.get} may be told besides. */
  public static final class GetOptions {
    private final Arguments arguments;

    GetOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The namespace. */
    public GetOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments getArguments(String key, Consumer<? super GetOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new GetOptions(arguments));
    return arguments;
  }

  private static byte[] getAnswer(Map<String, Object> result) {
    return Result.bytes(result.get("value"));
  }

  /**
   * The value of a key; null for a miss.
   *
   * @param key The key.
   * @return Null for a miss.
   * @throws OperationException of kind invalid_argument, unavailable, timeout
   */
  public byte[] get(String key) {
    return getAnswer(call(Abi.OP_CACHE_GET, getArguments(key, null)));
  }

  /** As above, with options. */
  public byte[] get(String key, Consumer<? super GetOptions> options) {
    return getAnswer(call(Abi.OP_CACHE_GET, getArguments(key, options)));
  }

  /** {@link #get} as a future. */
  public CompletableFuture<byte[]> getAsync(String key) {
    return start(Abi.OP_CACHE_GET, getArguments(key, null), CacheOperations::getAnswer);
  }

  /** {@link #get} as a future, with options. */
  public CompletableFuture<byte[]> getAsync(String key, Consumer<? super GetOptions> options) {
    return start(Abi.OP_CACHE_GET, getArguments(key, options), CacheOperations::getAnswer);
  }

  /** What {@code cache.set} may be told besides. */
  public static final class SetOptions {
    private final Arguments arguments;

    SetOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** How long it lives. Null: as long as the cache's default says. */
    public SetOptions ttl(Duration ttl) {
      arguments.put("ttl_ms", millis(ttl));
      return this;
    }

    /** No time limit, whatever the default. */
    public SetOptions forever(boolean forever) {
      arguments.put("forever", forever);
      return this;
    }

    /** What {@code cache.invalidate_tags} finds it by. */
    public SetOptions tags(List<String> tags) {
      arguments.put("tags", tags);
      return this;
    }

    /** What it counts towards the cache's limit, in its unit (entries or bytes). 0: one entry, or its bytes. */
    public SetOptions weight(long weight) {
      arguments.put("weight", weight);
      return this;
    }

    /** The namespace. */
    public SetOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments setArguments(String key, byte[] value, Consumer<? super SetOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    arguments.put("value", value);
    if (options != null) options.accept(new SetOptions(arguments));
    return arguments;
  }

  private static Void setAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Sets a key, whatever was there.
   *
   * @param key The key.
   * @param value The value.
   * @throws OperationException of kind invalid_argument, too_large, unavailable, timeout
   */
  public void set(String key, byte[] value) {
    setAnswer(call(Abi.OP_CACHE_SET, setArguments(key, value, null)));
  }

  /** As above, with options. */
  public void set(String key, byte[] value, Consumer<? super SetOptions> options) {
    setAnswer(call(Abi.OP_CACHE_SET, setArguments(key, value, options)));
  }

  /** As above, for text: its UTF-8. */
  public void set(String key, String value) {
    set(key, value.getBytes(StandardCharsets.UTF_8));
  }

  /** As above, for text: its UTF-8. */
  public void set(String key, String value, Consumer<? super SetOptions> options) {
    set(key, value.getBytes(StandardCharsets.UTF_8), options);
  }

  /** {@link #set} as a future. */
  public CompletableFuture<Void> setAsync(String key, byte[] value) {
    return start(Abi.OP_CACHE_SET, setArguments(key, value, null), CacheOperations::setAnswer);
  }

  /** {@link #set} as a future, with options. */
  public CompletableFuture<Void> setAsync(String key, byte[] value, Consumer<? super SetOptions> options) {
    return start(Abi.OP_CACHE_SET, setArguments(key, value, options), CacheOperations::setAnswer);
  }

  /** What {@code cache.delete} may be told besides. */
  public static final class DeleteOptions {
    private final Arguments arguments;

    DeleteOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The namespace. */
    public DeleteOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments deleteArguments(String key, Consumer<? super DeleteOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new DeleteOptions(arguments));
    return arguments;
  }

  private static Boolean deleteAnswer(Map<String, Object> result) {
    return Result.bool(result.get("value"));
  }

  /**
   * Deletes a key.
   *
   * @param key The key.
   * @return Whether it was there.
   * @throws OperationException of kind invalid_argument, unavailable, timeout
   */
  public boolean delete(String key) {
    return deleteAnswer(call(Abi.OP_CACHE_DELETE, deleteArguments(key, null)));
  }

  /** As above, with options. */
  public boolean delete(String key, Consumer<? super DeleteOptions> options) {
    return deleteAnswer(call(Abi.OP_CACHE_DELETE, deleteArguments(key, options)));
  }

  /** {@link #delete} as a future. */
  public CompletableFuture<Boolean> deleteAsync(String key) {
    return start(Abi.OP_CACHE_DELETE, deleteArguments(key, null), CacheOperations::deleteAnswer);
  }

  /** {@link #delete} as a future, with options. */
  public CompletableFuture<Boolean> deleteAsync(String key, Consumer<? super DeleteOptions> options) {
    return start(Abi.OP_CACHE_DELETE, deleteArguments(key, options), CacheOperations::deleteAnswer);
  }

  /** What {@code cache.exists} may be told besides. */
  public static final class ExistsOptions {
    private final Arguments arguments;

    ExistsOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The namespace. */
    public ExistsOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments existsArguments(String key, Consumer<? super ExistsOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new ExistsOptions(arguments));
    return arguments;
  }

  private static Boolean existsAnswer(Map<String, Object> result) {
    return Result.bool(result.get("value"));
  }

  /**
   * Whether a key is there. Counts as no use of it.
   *
   * @param key The key.
   * @return Whether it is there.
   * @throws OperationException of kind invalid_argument, unavailable, timeout
   */
  public boolean exists(String key) {
    return existsAnswer(call(Abi.OP_CACHE_EXISTS, existsArguments(key, null)));
  }

  /** As above, with options. */
  public boolean exists(String key, Consumer<? super ExistsOptions> options) {
    return existsAnswer(call(Abi.OP_CACHE_EXISTS, existsArguments(key, options)));
  }

  /** {@link #exists} as a future. */
  public CompletableFuture<Boolean> existsAsync(String key) {
    return start(Abi.OP_CACHE_EXISTS, existsArguments(key, null), CacheOperations::existsAnswer);
  }

  /** {@link #exists} as a future, with options. */
  public CompletableFuture<Boolean> existsAsync(String key, Consumer<? super ExistsOptions> options) {
    return start(Abi.OP_CACHE_EXISTS, existsArguments(key, options), CacheOperations::existsAnswer);
  }

  /** What {@code cache.touch} may be told besides. */
  public static final class TouchOptions {
    private final Arguments arguments;

    TouchOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** How long it lives from now. Null: as long as the cache's default says. */
    public TouchOptions ttl(Duration ttl) {
      arguments.put("ttl_ms", millis(ttl));
      return this;
    }

    /** No time limit, whatever the default. */
    public TouchOptions forever(boolean forever) {
      arguments.put("forever", forever);
      return this;
    }

    /** The namespace. */
    public TouchOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments touchArguments(String key, Consumer<? super TouchOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new TouchOptions(arguments));
    return arguments;
  }

  private static Boolean touchAnswer(Map<String, Object> result) {
    return Result.bool(result.get("value"));
  }

  /**
   * Gives a key a new time to live, from now.
   *
   * @param key The key.
   * @return Whether it is there.
   * @throws OperationException of kind invalid_argument, unavailable, timeout
   */
  public boolean touch(String key) {
    return touchAnswer(call(Abi.OP_CACHE_TOUCH, touchArguments(key, null)));
  }

  /** As above, with options. */
  public boolean touch(String key, Consumer<? super TouchOptions> options) {
    return touchAnswer(call(Abi.OP_CACHE_TOUCH, touchArguments(key, options)));
  }

  /** {@link #touch} as a future. */
  public CompletableFuture<Boolean> touchAsync(String key) {
    return start(Abi.OP_CACHE_TOUCH, touchArguments(key, null), CacheOperations::touchAnswer);
  }

  /** {@link #touch} as a future, with options. */
  public CompletableFuture<Boolean> touchAsync(String key, Consumer<? super TouchOptions> options) {
    return start(Abi.OP_CACHE_TOUCH, touchArguments(key, options), CacheOperations::touchAnswer);
  }

  /** What {@code cache.ttl} may be told besides. */
  public static final class TtlOptions {
    private final Arguments arguments;

    TtlOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The namespace. */
    public TtlOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments ttlArguments(String key, Consumer<? super TtlOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new TtlOptions(arguments));
    return arguments;
  }

  private static Duration ttlAnswer(Map<String, Object> result) {
    return Result.span(result.get("value"));
  }

  /**
   * How long a key has left. A miss is not_found.
   *
   * @param key The key.
   * @return Null: for ever.
   * @throws OperationException of kind not_found, invalid_argument, unavailable, timeout
   */
  public Duration ttl(String key) {
    return ttlAnswer(call(Abi.OP_CACHE_TTL, ttlArguments(key, null)));
  }

  /** As above, with options. */
  public Duration ttl(String key, Consumer<? super TtlOptions> options) {
    return ttlAnswer(call(Abi.OP_CACHE_TTL, ttlArguments(key, options)));
  }

  /** {@link #ttl} as a future. */
  public CompletableFuture<Duration> ttlAsync(String key) {
    return start(Abi.OP_CACHE_TTL, ttlArguments(key, null), CacheOperations::ttlAnswer);
  }

  /** {@link #ttl} as a future, with options. */
  public CompletableFuture<Duration> ttlAsync(String key, Consumer<? super TtlOptions> options) {
    return start(Abi.OP_CACHE_TTL, ttlArguments(key, options), CacheOperations::ttlAnswer);
  }

  /** What {@code cache.increment} may be told besides. */
  public static final class IncrementOptions {
    private final Arguments arguments;

    IncrementOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** What to add; may be negative. */
    public IncrementOptions by(long by) {
      arguments.put("by", by);
      return this;
    }

    /** How long it lives if this makes it. Null: as long as the cache's default says. */
    public IncrementOptions ttl(Duration ttl) {
      arguments.put("ttl_ms", millis(ttl));
      return this;
    }

    /** No time limit if this makes it. */
    public IncrementOptions forever(boolean forever) {
      arguments.put("forever", forever);
      return this;
    }

    /** The namespace. */
    public IncrementOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments incrementArguments(String key, Consumer<? super IncrementOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new IncrementOptions(arguments));
    return arguments;
  }

  private static Long incrementAnswer(Map<String, Object> result) {
    return Result.int64(result.get("value"));
  }

  /**
   * Adds to an integer that is kept as decimal text, from nought where there is none. The time to live stays. A value that is no integer of 64 bits is invalid_argument with detail not_an_integer, a result that is none out_of_range; both leave the value.
   *
   * @param key The key.
   * @return The new value.
   * @throws OperationException of kind invalid_argument, unavailable, timeout
   */
  public long increment(String key) {
    return incrementAnswer(call(Abi.OP_CACHE_INCREMENT, incrementArguments(key, null)));
  }

  /** As above, with options. */
  public long increment(String key, Consumer<? super IncrementOptions> options) {
    return incrementAnswer(call(Abi.OP_CACHE_INCREMENT, incrementArguments(key, options)));
  }

  /** {@link #increment} as a future. */
  public CompletableFuture<Long> incrementAsync(String key) {
    return start(Abi.OP_CACHE_INCREMENT, incrementArguments(key, null), CacheOperations::incrementAnswer);
  }

  /** {@link #increment} as a future, with options. */
  public CompletableFuture<Long> incrementAsync(String key, Consumer<? super IncrementOptions> options) {
    return start(Abi.OP_CACHE_INCREMENT, incrementArguments(key, options), CacheOperations::incrementAnswer);
  }

  /** What {@code cache.set_if_absent} may be told besides. */
  public static final class SetIfAbsentOptions {
    private final Arguments arguments;

    SetIfAbsentOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** How long it lives. Null: as long as the cache's default says. */
    public SetIfAbsentOptions ttl(Duration ttl) {
      arguments.put("ttl_ms", millis(ttl));
      return this;
    }

    /** No time limit, whatever the default. */
    public SetIfAbsentOptions forever(boolean forever) {
      arguments.put("forever", forever);
      return this;
    }

    /** What {@code cache.invalidate_tags} finds it by. */
    public SetIfAbsentOptions tags(List<String> tags) {
      arguments.put("tags", tags);
      return this;
    }

    /** As in {@code cache.set}. */
    public SetIfAbsentOptions weight(long weight) {
      arguments.put("weight", weight);
      return this;
    }

    /** The namespace. */
    public SetIfAbsentOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments setIfAbsentArguments(String key, byte[] value, Consumer<? super SetIfAbsentOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    arguments.put("value", value);
    if (options != null) options.accept(new SetIfAbsentOptions(arguments));
    return arguments;
  }

  private static Boolean setIfAbsentAnswer(Map<String, Object> result) {
    return Result.bool(result.get("value"));
  }

  /**
   * Sets a key that is not there.
   *
   * @param key The key.
   * @param value The value.
   * @return Whether it was set.
   * @throws OperationException of kind invalid_argument, too_large, unavailable, timeout
   */
  public boolean setIfAbsent(String key, byte[] value) {
    return setIfAbsentAnswer(call(Abi.OP_CACHE_SET_IF_ABSENT, setIfAbsentArguments(key, value, null)));
  }

  /** As above, with options. */
  public boolean setIfAbsent(String key, byte[] value, Consumer<? super SetIfAbsentOptions> options) {
    return setIfAbsentAnswer(call(Abi.OP_CACHE_SET_IF_ABSENT, setIfAbsentArguments(key, value, options)));
  }

  /** As above, for text: its UTF-8. */
  public boolean setIfAbsent(String key, String value) {
    return setIfAbsent(key, value.getBytes(StandardCharsets.UTF_8));
  }

  /** As above, for text: its UTF-8. */
  public boolean setIfAbsent(String key, String value, Consumer<? super SetIfAbsentOptions> options) {
    return setIfAbsent(key, value.getBytes(StandardCharsets.UTF_8), options);
  }

  /** {@link #setIfAbsent} as a future. */
  public CompletableFuture<Boolean> setIfAbsentAsync(String key, byte[] value) {
    return start(Abi.OP_CACHE_SET_IF_ABSENT, setIfAbsentArguments(key, value, null), CacheOperations::setIfAbsentAnswer);
  }

  /** {@link #setIfAbsent} as a future, with options. */
  public CompletableFuture<Boolean> setIfAbsentAsync(String key, byte[] value, Consumer<? super SetIfAbsentOptions> options) {
    return start(Abi.OP_CACHE_SET_IF_ABSENT, setIfAbsentArguments(key, value, options), CacheOperations::setIfAbsentAnswer);
  }

  /** What {@code cache.delete_if} may be told besides. */
  public static final class DeleteIfOptions {
    private final Arguments arguments;

    DeleteIfOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The namespace. */
    public DeleteIfOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments deleteIfArguments(String key, byte[] equals, Consumer<? super DeleteIfOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    arguments.put("equals", equals);
    if (options != null) options.accept(new DeleteIfOptions(arguments));
    return arguments;
  }

  private static Boolean deleteIfAnswer(Map<String, Object> result) {
    return Result.bool(result.get("value"));
  }

  /**
   * Deletes a key if it has this value.
   *
   * @param key The key.
   * @param equals The value it must have.
   * @return Whether it was deleted.
   * @throws OperationException of kind invalid_argument, unavailable, timeout
   */
  public boolean deleteIf(String key, byte[] equals) {
    return deleteIfAnswer(call(Abi.OP_CACHE_DELETE_IF, deleteIfArguments(key, equals, null)));
  }

  /** As above, with options. */
  public boolean deleteIf(String key, byte[] equals, Consumer<? super DeleteIfOptions> options) {
    return deleteIfAnswer(call(Abi.OP_CACHE_DELETE_IF, deleteIfArguments(key, equals, options)));
  }

  /** As above, for text: its UTF-8. */
  public boolean deleteIf(String key, String equals) {
    return deleteIf(key, equals.getBytes(StandardCharsets.UTF_8));
  }

  /** As above, for text: its UTF-8. */
  public boolean deleteIf(String key, String equals, Consumer<? super DeleteIfOptions> options) {
    return deleteIf(key, equals.getBytes(StandardCharsets.UTF_8), options);
  }

  /** {@link #deleteIf} as a future. */
  public CompletableFuture<Boolean> deleteIfAsync(String key, byte[] equals) {
    return start(Abi.OP_CACHE_DELETE_IF, deleteIfArguments(key, equals, null), CacheOperations::deleteIfAnswer);
  }

  /** {@link #deleteIf} as a future, with options. */
  public CompletableFuture<Boolean> deleteIfAsync(String key, byte[] equals, Consumer<? super DeleteIfOptions> options) {
    return start(Abi.OP_CACHE_DELETE_IF, deleteIfArguments(key, equals, options), CacheOperations::deleteIfAnswer);
  }

  /** What {@code cache.get_many} may be told besides. */
  public static final class GetManyOptions {
    private final Arguments arguments;

    GetManyOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The namespace. */
    public GetManyOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments getManyArguments(List<String> keys, Consumer<? super GetManyOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("keys", keys);
    if (options != null) options.accept(new GetManyOptions(arguments));
    return arguments;
  }

  private static List<byte[]> getManyAnswer(Map<String, Object> result) {
    return Result.list(result.get("value"), Result::bytes);
  }

  /**
   * The values of keys, in their order; a key may be there twice. At most 65536 keys.
   *
   * @param keys The keys.
   * @return One for each key; null for a miss.
   * @throws OperationException of kind invalid_argument, unavailable, timeout
   */
  public List<byte[]> getMany(List<String> keys) {
    return getManyAnswer(call(Abi.OP_CACHE_GET_MANY, getManyArguments(keys, null)));
  }

  /** As above, with options. */
  public List<byte[]> getMany(List<String> keys, Consumer<? super GetManyOptions> options) {
    return getManyAnswer(call(Abi.OP_CACHE_GET_MANY, getManyArguments(keys, options)));
  }

  /** {@link #getMany} as a future. */
  public CompletableFuture<List<byte[]>> getManyAsync(List<String> keys) {
    return start(Abi.OP_CACHE_GET_MANY, getManyArguments(keys, null), CacheOperations::getManyAnswer);
  }

  /** {@link #getMany} as a future, with options. */
  public CompletableFuture<List<byte[]>> getManyAsync(List<String> keys, Consumer<? super GetManyOptions> options) {
    return start(Abi.OP_CACHE_GET_MANY, getManyArguments(keys, options), CacheOperations::getManyAnswer);
  }

  /** What {@code cache.set_many} may be told besides. */
  public static final class SetManyOptions {
    private final Arguments arguments;

    SetManyOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** How long they live. Null: as long as the cache's default says. */
    public SetManyOptions ttl(Duration ttl) {
      arguments.put("ttl_ms", millis(ttl));
      return this;
    }

    /** No time limit, whatever the default. */
    public SetManyOptions forever(boolean forever) {
      arguments.put("forever", forever);
      return this;
    }

    /** What {@code cache.invalidate_tags} finds them by. */
    public SetManyOptions tags(List<String> tags) {
      arguments.put("tags", tags);
      return this;
    }

    /** The namespace. */
    public SetManyOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments setManyArguments(Map<String, byte[]> items, Consumer<? super SetManyOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("items", items);
    if (options != null) options.accept(new SetManyOptions(arguments));
    return arguments;
  }

  private static Void setManyAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Sets many keys, one after the other; not atomic. At most 65536.
   *
   * @param items Values by key.
   * @throws OperationException of kind invalid_argument, too_large, unavailable, timeout
   */
  public void setMany(Map<String, byte[]> items) {
    setManyAnswer(call(Abi.OP_CACHE_SET_MANY, setManyArguments(items, null)));
  }

  /** As above, with options. */
  public void setMany(Map<String, byte[]> items, Consumer<? super SetManyOptions> options) {
    setManyAnswer(call(Abi.OP_CACHE_SET_MANY, setManyArguments(items, options)));
  }

  /** {@link #setMany} as a future. */
  public CompletableFuture<Void> setManyAsync(Map<String, byte[]> items) {
    return start(Abi.OP_CACHE_SET_MANY, setManyArguments(items, null), CacheOperations::setManyAnswer);
  }

  /** {@link #setMany} as a future, with options. */
  public CompletableFuture<Void> setManyAsync(Map<String, byte[]> items, Consumer<? super SetManyOptions> options) {
    return start(Abi.OP_CACHE_SET_MANY, setManyArguments(items, options), CacheOperations::setManyAnswer);
  }

  /** What {@code cache.clear} may be told besides. */
  public static final class ClearOptions {
    private final Arguments arguments;

    ClearOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The namespace. */
    public ClearOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments clearArguments(Consumer<? super ClearOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new ClearOptions(arguments));
    return arguments;
  }

  private static Void clearAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Deletes every key of the namespace.
   * @throws OperationException of kind invalid_argument, unavailable, timeout
   */
  public void clear() {
    clearAnswer(call(Abi.OP_CACHE_CLEAR, clearArguments(null)));
  }

  /** As above, with options. */
  public void clear(Consumer<? super ClearOptions> options) {
    clearAnswer(call(Abi.OP_CACHE_CLEAR, clearArguments(options)));
  }

  /** {@link #clear} as a future. */
  public CompletableFuture<Void> clearAsync() {
    return start(Abi.OP_CACHE_CLEAR, clearArguments(null), CacheOperations::clearAnswer);
  }

  /** {@link #clear} as a future, with options. */
  public CompletableFuture<Void> clearAsync(Consumer<? super ClearOptions> options) {
    return start(Abi.OP_CACHE_CLEAR, clearArguments(options), CacheOperations::clearAnswer);
  }

  /** What {@code cache.count} may be told besides. */
  public static final class CountOptions {
    private final Arguments arguments;

    CountOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The namespace. */
    public CountOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments countArguments(Consumer<? super CountOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new CountOptions(arguments));
    return arguments;
  }

  private static Long countAnswer(Map<String, Object> result) {
    return Result.int64(result.get("value"));
  }

  /**
   * How many keys the namespace has. Looks at every entry of the cache.
   *
   * @return How many.
   * @throws OperationException of kind invalid_argument, unavailable, timeout
   */
  public long count() {
    return countAnswer(call(Abi.OP_CACHE_COUNT, countArguments(null)));
  }

  /** As above, with options. */
  public long count(Consumer<? super CountOptions> options) {
    return countAnswer(call(Abi.OP_CACHE_COUNT, countArguments(options)));
  }

  /** {@link #count} as a future. */
  public CompletableFuture<Long> countAsync() {
    return start(Abi.OP_CACHE_COUNT, countArguments(null), CacheOperations::countAnswer);
  }

  /** {@link #count} as a future, with options. */
  public CompletableFuture<Long> countAsync(Consumer<? super CountOptions> options) {
    return start(Abi.OP_CACHE_COUNT, countArguments(options), CacheOperations::countAnswer);
  }

  private static Arguments invalidateTagsArguments(List<String> tags) {
    Arguments arguments = new Arguments();
    arguments.put("tags", tags);
    return arguments;
  }

  private static Void invalidateTagsAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Deletes every key of any namespace that was set with one of these tags.
   *
   * @param tags The tags.
   * @throws OperationException of kind invalid_argument, unsupported, unavailable, timeout
   */
  public void invalidateTags(List<String> tags) {
    invalidateTagsAnswer(call(Abi.OP_CACHE_INVALIDATE_TAGS, invalidateTagsArguments(tags)));
  }

  /** {@link #invalidateTags} as a future. */
  public CompletableFuture<Void> invalidateTagsAsync(List<String> tags) {
    return start(Abi.OP_CACHE_INVALIDATE_TAGS, invalidateTagsArguments(tags), CacheOperations::invalidateTagsAnswer);
  }

  /**
   * What {@code cache.get_or_begin_load} gives.
   *
   * @param state {@code value}, or {@code load}: the caller must load and call {@code cache.end_load}.
   * @param value With {@code value}: the value; null is known not to exist.
   * @param flight What to give to {@code cache.end_load}; with {@code value}: load in the background.
   */
  public record GetOrBeginLoadResult(String state, byte[] value, Long flight) {}

  /** What {@code cache.get_or_begin_load} may be told besides. */
  public static final class GetOrBeginLoadOptions {
    private final Arguments arguments;

    GetOrBeginLoadOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** How long the loaded value lives. Null: as long as the cache's default says. */
    public GetOrBeginLoadOptions ttl(Duration ttl) {
      arguments.put("ttl_ms", millis(ttl));
      return this;
    }

    /** No time limit for the loaded value. */
    public GetOrBeginLoadOptions forever(boolean forever) {
      arguments.put("forever", forever);
      return this;
    }

    /** How long it is remembered that the loader found nothing. 0: not at all. */
    public GetOrBeginLoadOptions negativeTtl(Duration negativeTtl) {
      arguments.put("negative_ttl_ms", millis(negativeTtl));
      return this;
    }

    /** How long past its time the loaded value is kept, to be answered when a load fails. */
    public GetOrBeginLoadOptions staleIfError(Duration staleIfError) {
      arguments.put("stale_if_error_ms", millis(staleIfError));
      return this;
    }

    /** A hit with less than this left makes one caller load it again in the background. */
    public GetOrBeginLoadOptions earlyRefresh(Duration earlyRefresh) {
      arguments.put("early_refresh_ms", millis(earlyRefresh));
      return this;
    }

    /** How long to wait for another caller's load; then timeout. Null: as long as it takes. */
    public GetOrBeginLoadOptions wait(Duration wait) {
      arguments.put("wait_ms", millis(wait));
      return this;
    }

    /** A load that takes longer is given to another caller; its result is then thrown away. */
    public GetOrBeginLoadOptions loadTimeout(Duration loadTimeout) {
      arguments.put("load_timeout_ms", millis(loadTimeout));
      return this;
    }

    /** Tags of the loaded value. */
    public GetOrBeginLoadOptions tags(List<String> tags) {
      arguments.put("tags", tags);
      return this;
    }

    /** Weight of the loaded value, as in {@code cache.set}. */
    public GetOrBeginLoadOptions weight(long weight) {
      arguments.put("weight", weight);
      return this;
    }

    /** The namespace. */
    public GetOrBeginLoadOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }
  }

  private static Arguments getOrBeginLoadArguments(String key, Consumer<? super GetOrBeginLoadOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("key", key);
    if (options != null) options.accept(new GetOrBeginLoadOptions(arguments));
    return arguments;
  }

  private static GetOrBeginLoadResult getOrBeginLoadAnswer(Map<String, Object> result) {
    return new GetOrBeginLoadResult((String) result.get("state"), Result.bytes(result.get("value")), Result.optionalInt64(result.get("flight")));
  }

  /**
   * The value of a key, or the duty to load it. See above for what a binding makes of it. A load that another caller has begun is waited for; it fails as that one failed (internal, detail load_failed).
   *
   * @param key The key.
   * @throws OperationException of kind invalid_argument, timeout, cancelled, unavailable, internal
   */
  public GetOrBeginLoadResult getOrBeginLoad(String key) {
    return getOrBeginLoadAnswer(call(Abi.OP_CACHE_GET_OR_BEGIN_LOAD, getOrBeginLoadArguments(key, null)));
  }

  /** As above, with options. */
  public GetOrBeginLoadResult getOrBeginLoad(String key, Consumer<? super GetOrBeginLoadOptions> options) {
    return getOrBeginLoadAnswer(call(Abi.OP_CACHE_GET_OR_BEGIN_LOAD, getOrBeginLoadArguments(key, options)));
  }

  /** {@link #getOrBeginLoad} as a future. */
  public CompletableFuture<GetOrBeginLoadResult> getOrBeginLoadAsync(String key) {
    return start(Abi.OP_CACHE_GET_OR_BEGIN_LOAD, getOrBeginLoadArguments(key, null), CacheOperations::getOrBeginLoadAnswer);
  }

  /** {@link #getOrBeginLoad} as a future, with options. */
  public CompletableFuture<GetOrBeginLoadResult> getOrBeginLoadAsync(String key, Consumer<? super GetOrBeginLoadOptions> options) {
    return start(Abi.OP_CACHE_GET_OR_BEGIN_LOAD, getOrBeginLoadArguments(key, options), CacheOperations::getOrBeginLoadAnswer);
  }

  /** What {@code cache.end_load} may be told besides. */
  public static final class EndLoadOptions {
    private final Arguments arguments;

    EndLoadOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** With {@code value}: what was loaded. */
    public EndLoadOptions value(byte[] value) {
      arguments.put("value", value);
      return this;
    }

    /** With {@code failed}: why, for the callers' errors. */
    public EndLoadOptions message(String message) {
      arguments.put("message", message);
      return this;
    }
  }

  private static Arguments endLoadArguments(long flight, String outcome, Consumer<? super EndLoadOptions> options) {
    Arguments arguments = new Arguments();
    arguments.put("flight", flight);
    arguments.put("outcome", outcome);
    if (options != null) options.accept(new EndLoadOptions(arguments));
    return arguments;
  }

  private static byte[] endLoadAnswer(Map<String, Object> result) {
    return Result.bytes(result.get("value"));
  }

  /**
   * Ends a load. {@code failed} answers the old value where one was kept ({@code stale_if_error_ms}), else internal with detail load_failed and the message; so it does for all who wait. {@code given_up} makes one of those who wait the loader. A flight that is over ({@code load_timeout_ms}) takes no result: the value is answered to its caller, but not kept.
   *
   * @param flight From {@code cache.get_or_begin_load}.
   * @param outcome {@code value}, {@code absent} (there is nothing), {@code failed} or {@code given_up}.
   * @return What the caller answers.
   * @throws OperationException of kind invalid_argument, internal, unavailable
   */
  public byte[] endLoad(long flight, String outcome) {
    return endLoadAnswer(call(Abi.OP_CACHE_END_LOAD, endLoadArguments(flight, outcome, null)));
  }

  /** As above, with options. */
  public byte[] endLoad(long flight, String outcome, Consumer<? super EndLoadOptions> options) {
    return endLoadAnswer(call(Abi.OP_CACHE_END_LOAD, endLoadArguments(flight, outcome, options)));
  }

  /** {@link #endLoad} as a future. */
  public CompletableFuture<byte[]> endLoadAsync(long flight, String outcome) {
    return start(Abi.OP_CACHE_END_LOAD, endLoadArguments(flight, outcome, null), CacheOperations::endLoadAnswer);
  }

  /** {@link #endLoad} as a future, with options. */
  public CompletableFuture<byte[]> endLoadAsync(long flight, String outcome, Consumer<? super EndLoadOptions> options) {
    return start(Abi.OP_CACHE_END_LOAD, endLoadArguments(flight, outcome, options), CacheOperations::endLoadAnswer);
  }

  /**
   * What {@code cache.stats} gives.
   *
   * @param hits Reads that found a value.
   * @param misses Reads that found none.
   * @param evictions Entries that had to go for want of room.
   * @param expirations Entries removed because their time was over.
   * @param loads Loads that succeeded, those that found nothing included.
   * @param loadFailures Loads that failed.
   * @param entries Entries present, expired ones that are not yet removed included.
   * @param weight Their weight, in the unit of the limit.
   * @param maxWeight The limit: entries, or bytes.
   */
  public record StatsResult(long hits, long misses, long evictions, long expirations, long loads, long loadFailures, long entries, long weight, long maxWeight) {}

  private static Arguments statsArguments() {
    Arguments arguments = new Arguments();
    return arguments;
  }

  private static StatsResult statsAnswer(Map<String, Object> result) {
    return new StatsResult(Result.int64(result.get("hits")), Result.int64(result.get("misses")), Result.int64(result.get("evictions")), Result.int64(result.get("expirations")), Result.int64(result.get("loads")), Result.int64(result.get("load_failures")), Result.int64(result.get("entries")), Result.int64(result.get("weight")), Result.int64(result.get("max_weight")));
  }

  /**
   * What the cache counted since it was opened, over all namespaces, in this process.
   *
   * @throws OperationException of kind unavailable
   */
  public StatsResult stats() {
    return statsAnswer(call(Abi.OP_CACHE_STATS, statsArguments()));
  }

  /** {@link #stats} as a future. */
  public CompletableFuture<StatsResult> statsAsync() {
    return start(Abi.OP_CACHE_STATS, statsArguments(), CacheOperations::statsAnswer);
  }

  /** What {@code cache.invalidate} may be told besides. */
  public static final class InvalidateOptions {
    private final Arguments arguments;

    InvalidateOptions(Arguments arguments) {
      this.arguments = arguments;
    }

    /** The keys. */
    public InvalidateOptions keys(List<String> keys) {
      arguments.put("keys", keys);
      return this;
    }

    /** The tags, of any namespace. */
    public InvalidateOptions tags(List<String> tags) {
      arguments.put("tags", tags);
      return this;
    }

    /** The namespace of the keys. */
    public InvalidateOptions namespace(String namespace) {
      arguments.put("namespace", namespace);
      return this;
    }

    /** The transaction of {@code db}. */
    public InvalidateOptions transaction(Long transaction) {
      arguments.put("transaction", transaction);
      return this;
    }
  }

  private static Arguments invalidateArguments(Consumer<? super InvalidateOptions> options) {
    Arguments arguments = new Arguments();
    if (options != null) options.accept(new InvalidateOptions(arguments));
    return arguments;
  }

  private static Void invalidateAnswer(Map<String, Object> result) {
    return null;
  }

  /**
   * Deletes keys, and what was set with one of the tags; in a transaction of {@code db} when it commits, and not at all when it does not.
   * @throws OperationException of kind invalid_argument, not_found, unsupported, unavailable, timeout
   */
  public void invalidate() {
    invalidateAnswer(call(Abi.OP_CACHE_INVALIDATE, invalidateArguments(null)));
  }

  /** As above, with options. */
  public void invalidate(Consumer<? super InvalidateOptions> options) {
    invalidateAnswer(call(Abi.OP_CACHE_INVALIDATE, invalidateArguments(options)));
  }

  /** {@link #invalidate} as a future. */
  public CompletableFuture<Void> invalidateAsync() {
    return start(Abi.OP_CACHE_INVALIDATE, invalidateArguments(null), CacheOperations::invalidateAnswer);
  }

  /** {@link #invalidate} as a future, with options. */
  public CompletableFuture<Void> invalidateAsync(Consumer<? super InvalidateOptions> options) {
    return start(Abi.OP_CACHE_INVALIDATE, invalidateArguments(options), CacheOperations::invalidateAnswer);
  }
}
