package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Arguments;
import dev.spikard.internal.Native;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;

/**
 * An application under a virtual clock: its time moves only by {@link #advance}, through everything that comes due, in order. A month of a schedule takes a moment. By default all stores are in memory.
 *
 * <pre>{@code
 * try (TestApp test = TestApp.of(app).start()) {
 *   test.run(() -> app.tasks().enqueueJson("send", "ann"));
 *   test.advance(Duration.ofHours(1));
 * }
 * }</pre>
 */
public final class TestApp extends TestServer {
  private Map<String, ?> services = Map.of();
  private Instant begin;
  private Config.Faults faults;

  private TestApp(App app) {
    super(app, false);
  }

  public static TestApp of(App app) {
    return new TestApp(app);
  }

  /** Replaces the application's services, by group and name: for a test with stores of its own. */
  public TestApp services(Map<String, ?> services) {
    this.services = services;
    return this;
  }

  /** Where the clock begins; else at 2026-01-01T00:00:00Z. */
  public TestApp at(Instant begin) {
    this.begin = begin;
    return this;
  }

  /** Makes operations of the clients fail, by chance but always the same for a seed. */
  public TestApp faults(Config.Faults faults) {
    this.faults = faults;
    return this;
  }

  /** A fault that was made. */
  public record Fault(@dev.spikard.validation.Name("at_ms") long atMs, String client, String operation, String subject, String kind, long n) {}

  /** The faults that were made so far, sorted by time and place: equal for equal runs. */
  public List<Fault> faults() {
    if (faults == null) return List.of();
    List<Fault> out = new ArrayList<>();
    for (Object one : (List<?>) operation(Abi.OP_TEST_FAULTS, new Arguments()).get("faults")) {
      out.add((Fault) dev.spikard.internal.Mapper.of(Fault.class).read(dev.spikard.internal.Json.nodesOf(one)));
    }
    return out;
  }

  @Override
  @SuppressWarnings("unchecked")
  void adjust(Map<String, Object> manifest) {
    super.adjust(manifest);
    manifest.put("clock", "virtual");
    if (faults != null) manifest.put("faults", faults.plain());
    Map<String, Object> all = Maps.child(manifest, "services");
    Map<String, String> urls = new LinkedHashMap<>();
    urls.put("cache", "memory:");
    urls.put("storage", "memory:");
    urls.put("db", "sqlite::memory:");
    urls.put("messaging", "memory:");
    urls.put("tasks", "memory:");
    urls.forEach((group, url) -> {
      Map<String, Object> clients = Maps.child(all, group);
      Map<String, Object> given = (Map<String, Object>) Maps.plain(((Map<String, Object>) services).getOrDefault(group, Map.of()));
      Set<String> names = new LinkedHashSet<>(List.of("default"));
      names.addAll(clients.keySet());
      names.addAll(given.keySet());
      for (String name : names) {
        Map<String, Object> own = new LinkedHashMap<>((Map<String, Object>) clients.getOrDefault(name, Map.of()));
        // What shares a file, and with it transactions, shares it in memory as well.
        boolean shared = (group.equals("messaging") || group.equals("tasks")) && String.valueOf(own.get("url")).startsWith("sqlite:");
        own.put("url", shared ? "sqlite::memory:" : url);
        own.putAll((Map<String, Object>) given.getOrDefault(name, Map.of()));
        clients.put(name, own);
      }
    });
  }

  /** Starts it; consumers and workers are there when this returns. */
  public TestApp start() {
    // The core reads them while it opens: two applications must not open at once.
    synchronized (TestApp.class) {
      Native.setenv("SPIKARD_TEST", "1");
      if (begin != null) Native.setenv("SPIKARD_TEST_START", begin.toString());
      try {
        begin();
      } finally {
        Native.setenv("SPIKARD_TEST", System.getenv("SPIKARD_TEST"));
        Native.setenv("SPIKARD_TEST_START", System.getenv("SPIKARD_TEST_START"));
      }
    }
    settle();
    return this;
  }

  /**
   * Runs something inside the application, to its end and to the end of all that it has begun. What waits for time gets it: the clock moves a millisecond at a time, only as far as it is waited for.
   */
  @Override
  public <T> T run(Callable<T> fn) {
    Binding binding = live();
    Scope scope = new Scope(binding, null, null, true);
    CompletableFuture<T> done = new CompletableFuture<>();
    Thread[] thread = new Thread[1];
    binding.execute(scope, () -> {
      thread[0] = Thread.currentThread();
      try {
        done.complete(fn.call());
      } catch (Throwable error) {
        done.completeExceptionally(error);
      }
    });
    try {
      while (!settled(binding, done)) operation(Abi.OP_TEST_ADVANCE, new Arguments().put("ms", 1));
      settle();
      return done.get();
    } catch (ExecutionException error) {
      throw Pending.rethrown(error.getCause());
    } catch (InterruptedException error) {
      if (thread[0] != null) thread[0].interrupt();
      Thread.currentThread().interrupt();
      throw new CancelledException(CancelReason.REQUESTED);
    }
  }

  /** Lets everything that can run at this time run; whether the code is done then. */
  private boolean settled(Binding binding, CompletableFuture<?> done) throws InterruptedException {
    for (;;) {
      long begun = binding.begun();
      settle();
      while (binding.guests.get() > 0) {
        if (Thread.interrupted()) throw new InterruptedException();
        LockSupport.parkNanos(20_000);
      }
      // An operation that was begun meanwhile may have ended: whoever asked goes on only now.
      if (done.isDone() || binding.begun() == begun + 1) return done.isDone();
    }
  }

  /** An HTTP client of it. */
  public TestClient client() {
    return new TestClient(url());
  }
}
