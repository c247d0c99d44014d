package dev.spikard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.spikard.annotation.Body;
import dev.spikard.annotation.Get;
import dev.spikard.annotation.Inject;
import dev.spikard.annotation.NonBlocking;
import dev.spikard.annotation.Post;
import dev.spikard.annotation.Provides;
import dev.spikard.annotation.Query;
import dev.spikard.annotation.RoutePrefix;
import dev.spikard.validation.Default;
import dev.spikard.validation.Min;
import dev.spikard.validation.Nullable;
import dev.spikard.validation.Size;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class HttpTest {
  record Item(@Size(min = 1) String sku, @Min(1) int quantity) {}

  record NewOrder(@Size(min = 1, max = 10) String customer, @Size(min = 1) List<Item> items, @Nullable String note) {}

  record Order(long id, String customer, List<Item> items, String note) {}

  @RoutePrefix("/orders")
  static final class Orders {
    @Post(value = "", status = 201)
    Order create(@Body NewOrder order) {
      return new Order(1, order.customer(), order.items(), order.note());
    }

    @Get("/{id:int}")
    @NonBlocking
    Map<String, Object> read(long id, @Query @Default("false") boolean verbose, @Query @Nullable Integer limit) {
      return Maps.of("id", id, "verbose", verbose, "limit", limit == null ? -1 : limit);
    }

    @Provides(scope = "singleton")
    String greeting() {
      return "hello";
    }

    @Get("/greeting")
    CompletableFuture<String> greet(@Inject String greeting) {
      return CompletableFuture.completedFuture(greeting);
    }
  }

  private static App quiet() {
    return new App("test").config(new Config.Manifest().log(new Config.Log().level(Config.LogLevel.OFF)));
  }

  @Test
  void controllersTakeTypedArguments() {
    try (TestServer server = TestServer.start(quiet().controllers(new Orders()))) {
      TestClient client = new TestClient(server.url());
      TestClient.Answer made = client.post("/orders", Map.of("customer", "Ada", "items", List.of(new Item("A", 2))));
      assertEquals(201, made.status(), made.text());
      assertEquals(new Order(1, "Ada", List.of(new Item("A", 2)), null), made.json(Order.class));
      TestClient.Answer wrong = client.post("/orders", Map.of("customer", "", "items", List.of(Map.of("sku", "A", "quantity", 0))));
      assertEquals(422, wrong.status());
      assertEquals("application/problem+json", wrong.header("content-type"));
      assertEquals(2, ((List<?>) ((Map<?, ?>) wrong.json()).get("errors")).size(), wrong.text());
      assertEquals("{\"id\":7,\"verbose\":true,\"limit\":-1}", client.get("/orders/7?verbose=1").text());
      assertEquals(422, client.get("/orders/7?limit=x").status());
      assertEquals("hello", client.get("/orders/greeting").text());
    }
  }

  @Test
  void anExceptionIsAProblemThatTellsNothing() {
    AtomicReference<Throwable> told = new AtomicReference<>();
    App app = quiet().onFailure(told::set);
    app.get("/fail", request -> {
      throw new IllegalStateException("the password is 1234");
    });
    app.get("/problem", request -> {
      throw new Problem(404).detail("No order 7");
    });
    try (TestServer server = TestServer.start(app)) {
      TestClient client = new TestClient(server.url());
      TestClient.Answer failed = client.get("/fail");
      assertEquals(500, failed.status());
      assertFalse(failed.text().contains("1234"));
      assertInstanceOf(IllegalStateException.class, told.get());
      assertTrue(client.get("/problem").text().contains("No order 7"));
    }
  }

  @Test
  void answersMayComeInAnyOrder() throws Exception {
    CompletableFuture<String> first = new CompletableFuture<>();
    CountDownLatch waiting = new CountDownLatch(1);
    App app = quiet();
    app.get("/first", request -> {
      waiting.countDown();
      return first;
    }).nonBlocking();
    app.get("/second", request -> "second");
    try (TestServer server = TestServer.start(app)) {
      TestClient client = new TestClient(server.url());
      CompletableFuture<String> slow = CompletableFuture.supplyAsync(() -> new TestClient(server.url()).get("/first").text());
      assertTrue(waiting.await(20, TimeUnit.SECONDS));
      assertEquals("second", client.get("/second").text());
      assertFalse(slow.isDone());
      first.complete("first");
      assertEquals("first", slow.get(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void aClientThatIsGoneInterruptsItsHandler() throws Exception {
    CompletableFuture<CancelReason> reason = new CompletableFuture<>();
    App app = quiet();
    app.get("/endless", request -> new StreamingResponse("text/plain", out -> {
      try {
        for (;;) out.write(new byte[4096]);
      } catch (CancelledException error) {
        reason.complete(error.reason());
        throw error;
      }
    }));
    try (TestServer server = TestServer.start(app)) {
      try (InputStream in = new TestClient(server.url()).stream("GET", "/endless", null, null).body()) {
        assertEquals(4096, in.readNBytes(4096).length);
      }
      assertEquals(CancelReason.CLIENT_GONE, reason.get(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void bodiesAreStreamedBothWays() {
    App app = quiet();
    app.post("/echo", request -> {
      byte[] all = request.stream().readAll();
      return new StreamingResponse("application/octet-stream", out -> out.write(all));
    }).stream();
    // It reads on while it answers.
    app.post("/through", request -> new StreamingResponse("application/octet-stream", out -> {
      for (byte[] chunk : request.stream()) out.write(chunk);
    })).stream();
    byte[] sent = new byte[1 << 20];
    for (int i = 0; i < sent.length; ++i) sent[i] = (byte) (i * 31);
    try (TestServer server = TestServer.start(app)) {
      assertArrayEquals(sent, new TestClient(server.url()).send("POST", "/echo", sent, null).body());
      assertArrayEquals(sent, new TestClient(server.url()).send("POST", "/through", sent, null).body());
    }
  }

  @Test
  void whatIsWrongIsSaidBeforeTheStart() {
    App app = quiet();
    app.get("/x/{id:nothing}", request -> "");
    assertThrows(ConfigException.class, () -> TestServer.start(app));
    assertThrows(ConfigException.class, () -> new App().hook("nowhere", (request, response) -> null));
    assertThrows(ConfigException.class, () -> new App().controllers(new Object()));
  }

  @Test
  void severalPortsServeOneApplication() {
    App app = quiet().ports(3);
    app.get("/thread", request -> Thread.currentThread().getName()).nonBlocking();
    try (TestServer server = TestServer.start(app)) {
      for (int i = 0; i < 20; ++i) assertTrue(new TestClient(server.url()).get("/thread").text().startsWith("spikard-port-"));
    }
  }

  /** Whatever goes wrong with an answer, there is one. */
  @Test
  void anAnswerThatCannotBeGivenIsAFailure() {
    List<Throwable> told = Collections.synchronizedList(new ArrayList<>());
    App app = quiet().onFailure(error -> {
      told.add(error);
      throw new IllegalStateException("a listener that fails");
    });
    app.get("/object", request -> Map.of("x", new Object()));
    app.get("/header", request -> Response.text("x").header("a", "b\r\nc: d"));
    app.get("/error", request -> {
      throw new StackOverflowError();
    });
    app.get("/loop", request -> Map.of("x", new Object())).nonBlocking();
    app.get("/stage", request -> new OwnStage());
    java.util.logging.Logger log = java.util.logging.Logger.getLogger("dev.spikard");
    log.setLevel(java.util.logging.Level.OFF); // it would tell of the listener
    try (TestServer server = TestServer.start(app)) {
      TestClient client = new TestClient(server.url());
      for (String path : List.of("/object", "/header", "/error", "/loop")) {
        TestClient.Answer answer = client.get(path);
        assertEquals(500, answer.status(), path);
        assertEquals("application/problem+json", answer.header("content-type"), path);
        assertNull(answer.header("c"), path);
      }
      assertEquals(3, told.size(), told.toString());
      assertEquals("of its own", client.get("/stage").text());
    } finally {
      log.setLevel(null);
    }
  }

  /** A CompletionStage that is no CompletableFuture and gives none. */
  private static final class OwnStage extends CompletableFuture<Object> {
    private final CompletableFuture<Object> inner = CompletableFuture.completedFuture("of its own");

    @Override
    public CompletableFuture<Object> toCompletableFuture() {
      throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Object> whenComplete(java.util.function.BiConsumer<? super Object, ? super Throwable> fn) {
      return inner.whenComplete(fn);
    }
  }

  @Test
  void anExecutorThatIsFullIsAFailure() {
    java.util.concurrent.ExecutorService full = java.util.concurrent.Executors.newSingleThreadExecutor();
    full.shutdown();
    App app = quiet().executor(full);
    app.get("/", request -> "never");
    app.get("/loop", request -> "here").nonBlocking();
    app.onError((request, draft) -> null);
    try (TestServer server = TestServer.start(app)) {
      assertEquals(500, new TestClient(server.url()).get("/").status());
      assertEquals("here", new TestClient(server.url()).get("/loop").text());
    }
  }

  @Test
  void everyHookOfOnErrorSeesWhatWasThrown() {
    List<String> seen = Collections.synchronizedList(new ArrayList<>());
    App app = quiet();
    app.get("/", request -> {
      throw new IllegalStateException("no");
    });
    for (int i = 0; i < 3; ++i) {
      app.onError((request, draft) -> {
        seen.add(request.error().getMessage());
        return null;
      });
    }
    try (TestServer server = TestServer.start(app)) {
      assertEquals(500, new TestClient(server.url()).get("/").status());
    }
    assertEquals(List.of("no", "no", "no"), seen);
  }

  /** Those that have begun are answered in full, those that come later are refused, and nothing is abandoned. */
  @Test
  void theDrainLetsRequestsEnd() throws Exception {
    int clients = 16;
    CountDownLatch begun = new CountDownLatch(clients);
    CountDownLatch drains = new CountDownLatch(1);
    App app = quiet();
    app.get("/", request -> {
      begun.countDown();
      if (!drains.await(20, TimeUnit.SECONDS)) return "the drain never began";
      return "x".repeat(100_000);
    });
    app.onStart(() -> Spikard.stopping().thenRun(drains::countDown));
    TestServer server = TestServer.start(app);
    List<CompletableFuture<String>> answers = new ArrayList<>();
    for (int i = 0; i < clients; ++i) {
      CompletableFuture<String> answer = new CompletableFuture<>();
      answers.add(answer);
      new Thread(() -> {
        try {
          answer.complete(new TestClient(server.url()).get("/").text());
        } catch (Throwable error) {
          answer.completeExceptionally(error);
        }
      }).start();
    }
    assertTrue(begun.await(20, TimeUnit.SECONDS));
    Map<String, Object> report = server.stop();
    for (CompletableFuture<String> answer : answers) assertEquals(100_000, answer.get(20, TimeUnit.SECONDS).length());
    assertEquals(0L, report.get("exit_code"), report.toString());
    assertThrows(RuntimeException.class, () -> new TestClient(server.url()).get("/"));
  }

  /** At the drain's limit handlers are interrupted, and what they wait for in the toolbox throws. */
  @Test
  void aForcedEndCancelsHandlers() throws Exception {
    CompletableFuture<Object> first = new CompletableFuture<>();
    CompletableFuture<Object> second = new CompletableFuture<>();
    CountDownLatch begun = new CountDownLatch(2);
    App app = quiet();
    app.get("/latch", request -> {
      begun.countDown();
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException interrupted) {
        first.complete(request.cancellation().reason());
        throw interrupted;
      }
      return null;
    });
    app.get("/sleep", request -> {
      begun.countDown();
      try {
        Spikard.sleep(Duration.ofHours(1));
      } catch (CancelledException cancelled) {
        second.complete(cancelled.reason());
        throw cancelled;
      }
      return null;
    });
    TestServer server = TestServer.start(app);
    for (String path : List.of("/latch", "/sleep")) {
      Thread client = new Thread(() -> {
        try {
          new TestClient(server.url()).get(path);
        } catch (RuntimeException cut) {
          // The connection ends without an answer.
        }
      });
      client.setDaemon(true);
      client.start();
    }
    assertTrue(begun.await(20, TimeUnit.SECONDS));
    server.stop(true);
    assertEquals(CancelReason.SHUTDOWN, first.get(20, TimeUnit.SECONDS));
    assertEquals(CancelReason.SHUTDOWN, second.get(20, TimeUnit.SECONDS));
  }

  /** Every handler whose client is gone hears of it, however it waits, and nothing of it stays behind. */
  @Test
  void clientsThatAreGoneLeaveNothing() throws Exception {
    int clients = 60;
    java.util.concurrent.Semaphore begun = new java.util.concurrent.Semaphore(0);
    java.util.concurrent.LinkedBlockingQueue<CancelReason> reasons = new java.util.concurrent.LinkedBlockingQueue<>();
    App app = quiet();
    app.get("/wait", request -> {
      begun.release();
      try {
        new CountDownLatch(1).await();
      } finally {
        reasons.add(request.cancellation().reason());
      }
      return null;
    });
    app.get("/sleep", request -> {
      begun.release();
      try {
        Spikard.sleep(Duration.ofHours(1));
      } finally {
        reasons.add(request.cancellation().reason());
      }
      return null;
    });
    app.get("/cancel", request -> {
      request.cancellation().onCancel(() -> reasons.add(request.cancellation().reason()));
      begun.release();
      return new CompletableFuture<>();
    }).nonBlocking();
    try (TestServer server = TestServer.start(app)) {
      List<java.net.Socket> sockets = new ArrayList<>();
      List<String> paths = List.of("/wait", "/sleep", "/cancel");
      for (int i = 0; i < clients; ++i) {
        java.net.Socket socket = new java.net.Socket("127.0.0.1", server.port());
        socket.getOutputStream().write(("GET " + paths.get(i % paths.size()) + " HTTP/1.1\r\nHost: t\r\n\r\n").getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        sockets.add(socket);
      }
      assertTrue(begun.tryAcquire(clients, 20, TimeUnit.SECONDS));
      for (java.net.Socket socket : sockets) socket.close();
      for (int i = 0; i < clients; ++i) assertEquals(CancelReason.CLIENT_GONE, reasons.poll(20, TimeUnit.SECONDS));
      Map<String, Object> report = server.stop();
      assertEquals(0L, report.get("exit_code"), report.toString());
      assertNull(reasons.poll());
    }
  }

  @Test
  void jobsRunAfterTheAnswerAndTheDrainWaitsForThem() throws Exception {
    CountDownLatch answered = new CountDownLatch(1);
    List<String> ran = Collections.synchronizedList(new ArrayList<>());
    App app = quiet();
    app.get("/", request -> {
      request.background(() -> {
        try {
          if (answered.await(20, TimeUnit.SECONDS)) ran.add("blocking " + Spikard.cancellation().isCancelled());
        } catch (InterruptedException error) {
          ran.add("interrupted");
        }
      });
      for (int i = 0; i < 5; ++i) {
        int n = i;
        request.nonBlockingBackground(() -> ran.add(n + " " + Thread.currentThread().getName()));
      }
      request.nonBlockingBackground(() -> {
        throw new IllegalStateException("logged, and nothing else");
      });
      return Response.text("x").background(() -> ran.add("of the response"));
    });
    TestServer server = TestServer.start(app);
    assertEquals("x", new TestClient(server.url()).get("/").text());
    answered.countDown();
    server.stop();
    assertTrue(ran.containsAll(List.of("blocking false", "of the response")), ran.toString());
    assertEquals(List.of("0 spikard-port-0", "1 spikard-port-0", "2 spikard-port-0", "3 spikard-port-0", "4 spikard-port-0"), ran.stream().filter(one -> one.contains("port")).toList());
  }
}
