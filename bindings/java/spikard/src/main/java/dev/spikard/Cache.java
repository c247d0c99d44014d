package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/** A cache. Values are bytes; text is its UTF-8. */
public final class Cache extends CacheOperations {
  private static final Set<Integer> WITHOUT_NAMESPACE = Set.of(Abi.OP_CACHE_INVALIDATE_TAGS, Abi.OP_CACHE_END_LOAD, Abi.OP_CACHE_STATS);
  private final String namespace;

  Cache(App app, String name, String namespace) {
    super(app, name);
    this.namespace = namespace;
  }

  /** The same cache, with keys that are other keys than those of another namespace. */
  public Cache namespaced(String namespace) {
    return new Cache(app(), name(), namespace);
  }

  @Override
  void prepare(int operation, Arguments arguments) {
    if (namespace != null && !arguments.has("namespace") && !WITHOUT_NAMESPACE.contains(operation)) arguments.put("namespace", namespace);
  }

  /** {@link #getOrLoad(String, Callable, Consumer)} without options. */
  public byte[] getOrLoad(String key, Callable<byte[]> loader) {
    return getOrLoad(key, loader, null);
  }

  /**
   * The value, loaded when it is not there. One caller loads a key at a time, the others wait for it.
   *
   * @param loader gives the value, or null when there is nothing to find; it runs on this thread
   * @return null when it is known that there is nothing
   * @throws Errors.Internal with the detail load_failed and the loader's exception as its cause
   */
  public byte[] getOrLoad(String key, Callable<byte[]> loader, Consumer<? super GetOrBeginLoadOptions> options) {
    GetOrBeginLoadResult begun = getOrBeginLoad(key, options == null ? given -> {} : options);
    if (!begun.state().equals("value")) return load(begun.flight(), loader);
    if (begun.flight() != null) {
      Binding binding = binding();
      binding.execute(scope(binding), () -> {
        try {
          load(begun.flight(), loader);
        } catch (OperationException dropped) {
          // The old value is good enough.
        }
      });
    }
    return begun.value();
  }

  private byte[] load(long flight, Callable<byte[]> loader) {
    byte[] value;
    try {
      value = loader.call();
    } catch (CancelledException | InterruptedException cancelled) {
      giveUp(flight);
      if (cancelled instanceof CancelledException same) throw same;
      Thread.currentThread().interrupt();
      throw new CancelledException(CancelReason.REQUESTED);
    } catch (Exception failed) {
      String message = failed.getMessage() == null ? failed.getClass().getName() : failed.getMessage();
      try {
        return endLoad(flight, "failed", given -> given.message(message));
      } catch (OperationException error) {
        error.initCause(failed);
        throw error;
      }
    } catch (Error fatal) {
      giveUp(flight);
      throw fatal;
    }
    return value == null ? endLoad(flight, "absent") : endLoad(flight, "value", given -> given.value(value));
  }

  private static Arguments givenUp(Object flight) {
    return new Arguments().put("flight", flight).put("outcome", "given_up");
  }

  private void giveUp(long flight) {
    callUninterrupted(Abi.OP_CACHE_END_LOAD, givenUp(flight));
  }

  @Override
  Consumer<Map<String, Object>> late(int operation) {
    if (operation != Abi.OP_CACHE_GET_OR_BEGIN_LOAD) return null;
    return result -> {
      if (result.get("flight") != null) begin(Abi.OP_CACHE_END_LOAD, givenUp(result.get("flight")), none -> none);
    };
  }
}
