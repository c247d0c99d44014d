package dev.spikard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.spikard.internal.Json;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ToolboxTest {
  private static App quiet() {
    return new App("test").config(new Config.Manifest().log(new Config.Log().level(Config.LogLevel.OFF)));
  }

  record Thing(long id, String name) {}

  @Test
  void transactionsHoldRowsTasksAndMessagesTogether() {
    App app = quiet();
    List<String> seen = Collections.synchronizedList(new ArrayList<>());
    Database db = app.db();
    app.consumer(new Config.Consumer().topic("things").group("g"), Thing.class, thing -> seen.add("message " + thing.name()));
    app.task("work", run -> seen.add("task " + run.args()));
    String file = "sqlite::memory:";
    try (TestApp test = TestApp.of(app).services(Map.of("messaging", Map.of("default", Map.of("url", file)), "tasks", Map.of("default", Map.of("url", file)))).start()) {
      test.run(() -> {
        db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)");
        try (Transaction tx = db.begin()) {
          tx.execute("INSERT INTO things (name) VALUES (?)", "dropped");
        }
        db.transaction(tx -> {
          tx.execute("INSERT INTO things (name) VALUES (:name)", Map.of("name", "kept"));
          tx.publish("things", new Thing(1, "kept"));
          tx.enqueue("work", 7);
          return null;
        });
        return null;
      });
      test.advance(Duration.ofSeconds(5));
      List<Thing> things = test.run(() -> db.query("SELECT id, name FROM things").as(Thing.class));
      assertEquals(List.of(new Thing(1, "kept")), things);
      assertTrue(seen.contains("message kept"), seen.toString());
      assertTrue(seen.contains("task 7"), seen.toString());
    }
  }

  @Test
  void errorsHaveKindsAndClasses() {
    App app = quiet();
    Storage storage = app.storage();
    try (TestApp test = TestApp.of(app).start()) {
      Errors.NotFound error = assertThrows(Errors.NotFound.class, () -> test.run(() -> storage.read("nothing")));
      assertEquals(ErrorKind.NOT_FOUND, error.kind());
      assertThrows(Errors.InvalidArgument.class, () -> test.run(() -> storage.write("/wrong", "x")));
    }
  }

  @Test
  void aFailedLoadHasItsCause() {
    App app = quiet();
    Cache cache = app.cache();
    IllegalStateException cause = new IllegalStateException("no");
    try (TestApp test = TestApp.of(app).start()) {
      OperationException error = assertThrows(OperationException.class, () -> test.run(() -> cache.getOrLoad("k", () -> {
        throw cause;
      })));
      assertEquals("load_failed", error.detail());
      assertSame(cause, error.getCause());
      assertArrayEquals("v".getBytes(StandardCharsets.UTF_8), test.run(() -> cache.getOrLoad("k", () -> "v".getBytes(StandardCharsets.UTF_8))));
      assertNull(test.run(() -> cache.getAsync("none").get()));
    }
  }

  @Test
  void aCancelledFutureEndsItsOperation() {
    App app = quiet();
    try (TestApp test = TestApp.of(app).start()) {
      assertTrue(test.run(() -> {
        CompletableFuture<Void> sleep = Spikard.sleepAsync(Duration.ofDays(365));
        return sleep.cancel(true) && sleep.isCancelled();
      }));
    }
  }

  @Test
  void clientsAreRefusedWithoutAnApplication() {
    App app = quiet();
    Cache cache = app.cache();
    assertThrows(SpikardException.class, () -> cache.get("k"));
    try (TestApp test = TestApp.of(app).start()) {
      assertNull(test.run(() -> cache.get("k")));
    }
    assertThrows(SpikardException.class, () -> cache.get("k"));
  }

  @Test
  void columnsHaveJavasTypes() {
    App app = quiet();
    Database db = app.db();
    try (TestApp test = TestApp.of(app).start()) {
      Instant now = Instant.parse("2026-01-02T03:04:05.678Z");
      Row row = test.run(() -> {
        db.execute("CREATE TABLE t (a TIMESTAMP, b DECIMAL_TEXT, c BLOB)");
        db.execute("INSERT INTO t VALUES (?, ?, ?)", now, new BigDecimal("1.10"), new byte[] {1, 2});
        return db.first("SELECT a, b, c FROM t");
      });
      assertEquals(now, row.getInstant("a"));
      assertEquals(new BigDecimal("1.10"), row.getDecimal("b"));
      assertArrayEquals(new byte[] {1, 2}, row.getBytes("c"));
      assertThrows(IllegalArgumentException.class, () -> row.get("nothing"));
    }
  }

  @Test
  void jsonIsReadAndWrittenAsItIs() {
    String text = "{\"a\":[1,-2.5,true,null,\"\\u00e4\\n\\ud83d\\ude00\"],\"big\":123456789012345678901234567890,\"x\":{}}";
    assertEquals("{\"a\":[1,-2.5,true,null,\"ä\\n😀\"],\"big\":123456789012345678901234567890,\"x\":{}}", Json.text(Json.parse(text)));
    assertEquals(new BigInteger("123456789012345678901234567890"), ((Map<?, ?>) Json.parse(text)).get("big"));
    for (String wrong : List.of("", "{", "[1,]", "01", "\"\u0001\"", "nul", "1 2", "{\"a\" 1}", "\"\\x\"")) {
      assertThrows(IllegalArgumentException.class, () -> Json.parse(wrong), wrong);
    }
  }

  /** What a given up operation has made in spite of that is not left behind. */
  @Test
  void aResultThatComesTooLateIsGivenBack() {
    App app = quiet();
    try (TestApp test = TestApp.of(app).start()) {
      List<Map<String, Object>> late = new ArrayList<>();
      Port port = new Port(test.binding, false);
      Pending<Object> pending = new Pending<>(port, 1, test.binding.scope, result -> result, late::add);
      port.waiting.put(1L, pending);
      assertTrue(pending.cancel(true));
      pending.done(Map.of("transaction", 7L), null);
      assertEquals(List.of(Map.of("transaction", 7L)), late);
      Pending<Object> ended = new Pending<>(port, 2, test.binding.scope, result -> result, late::add);
      ended.done(Map.of("transaction", 8L), null);
      assertFalse(ended.cancel(true));
      assertEquals(1, late.size());
    }
  }

  /** Of one connection: whoever comes after the transaction gets it only if it was given back. */
  @Test
  void aCancelledBeginHoldsNoConnection() {
    App app = quiet();
    Database db = app.db("default", new Config.DbConfig().url("sqlite::memory:"));
    try (TestApp test = TestApp.of(app).start()) {
      for (int i = 0; i < 50; ++i) {
        test.run(() -> {
          CompletableFuture<Long> begun = db.operations().beginAsync();
          if (!begun.cancel(true)) db.operations().rollback(begun.get()); // it was faster
          return null;
        });
      }
      assertEquals((Object) 1L, test.run(() -> db.transaction(tx -> tx.value("SELECT 1"))));
      assertEquals(0L, (long) test.run(() -> db.stats().transactions()));
    }
  }

  /** Many threads at once: those that block, and virtual ones where there are any. */
  @Test
  void manyThreadsCallAtOnce() throws Exception {
    App app = quiet();
    Cache cache = app.cache();
    Database db = app.db();
    try (TestServer server = TestServer.start(app.config(Map.of("services", Map.of("db", Map.of("default", Map.of("url", "sqlite::memory:"))))))) {
      List<CompletableFuture<Long>> sums = new ArrayList<>();
      for (int t = 0; t < 16; ++t) {
        int thread = t;
        sums.add(server.run(() -> Spikard.async(() -> {
          long sum = 0;
          for (int i = 0; i < 200; ++i) {
            String key = thread + ":" + i;
            cache.set(key, key);
            if (new String(cache.get(key), StandardCharsets.UTF_8).equals(key)) ++sum;
            if (i % 20 == 0) sum += (Long) db.value("SELECT 1");
          }
          return sum;
        })));
      }
      for (CompletableFuture<Long> sum : sums) assertEquals(210, sum.get(60, java.util.concurrent.TimeUnit.SECONDS));
      assertEquals(3200, (long) server.run(cache::count));
      assertEquals(0, server.binding.held());
    }
  }

  /** What has not come to its end when the application ends is told so. */
  @Test
  void theEndCompletesWhatWaits() throws Exception {
    App app = quiet();
    TestServer server = TestServer.start(app.config(Map.of("clock", "real")));
    CompletableFuture<Void> sleep = server.run(() -> Spikard.sleepAsync(Duration.ofDays(1)));
    server.stop(true);
    java.util.concurrent.ExecutionException error = assertThrows(java.util.concurrent.ExecutionException.class, () -> sleep.get(20, java.util.concurrent.TimeUnit.SECONDS));
    assertEquals(CancelReason.SHUTDOWN, ((CancelledException) error.getCause()).reason());
  }

  @Test
  void secretsAreNotInTexts() {
    Config.DbConfig config = new Config.DbConfig().url("postgres://u:hidden@h/d");
    assertFalse(config.toString().contains("hidden"), config.toString());
    App app = quiet();
    app.db("default", new Config.DbConfig().url("postgres://u:hidden@127.0.0.1:1/d?sslmode=nonsense"));
    RuntimeException error = assertThrows(RuntimeException.class, () -> TestServer.start(app));
    assertFalse(error.getMessage().contains("hidden"), error.getMessage());
  }

  /** Cancellation and completion race from two threads: exactly one of them is what the future says, and nothing stays behind. */
  @Test
  void cancellationRacesCompletion() throws Exception {
    App app = quiet();
    Database db = app.db("default", new Config.DbConfig().url("sqlite::memory:"));
    try (TestServer server = TestServer.start(app)) {
      int cancelled = 0;
      for (int i = 0; i < 400; ++i) {
        int spin = i * 50;
        CompletableFuture<?> one = server.run(() -> db.operations().statsAsync());
        CompletableFuture<Long> begun = server.run(() -> db.operations().beginAsync());
        boolean won = server.run(() -> Spikard.async(() -> {
          for (int n = 0; n < spin; ++n) Thread.onSpinWait();
          one.cancel(true);
          return begun.cancel(true);
        })).get(20, java.util.concurrent.TimeUnit.SECONDS);
        if (won) ++cancelled;
        else server.run(() -> {
          db.operations().rollback(begun.get());
          return null;
        });
        assertEquals(won, begun.isCancelled());
      }
      // The connection is free again: there is one.
      for (int i = 0; i < 2; ++i) assertEquals((Object) 1L, server.run(() -> db.transaction(tx -> tx.value("SELECT 1"))));
      assertEquals(0L, (long) server.run(() -> db.stats().transactions()), cancelled + " were cancelled");
      assertEquals(0, server.binding.held());
    }
  }

  /** A thread that was cancelled on its way to a wait has yet to hear of it: the virtual clock must not take it for at rest. */
  @Test
  void whoIsInterruptedDoesNotRest() {
    App app = quiet();
    try (TestApp test = TestApp.of(app).start()) {
      Work work = new Work(new Port(test.binding, false), 1);
      work.begin();
      work.rest();
      assertFalse(work.rests(), "it was not cancelled");
      work.cancel(CancelReason.DEADLINE);
      work.rest();
      assertFalse(work.rests());
      assertTrue(Thread.interrupted());
      work.rest(); // on its way out it waits once more
      assertTrue(work.rests());
      work.leave();
    }
  }
}
