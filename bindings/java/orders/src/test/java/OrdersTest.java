import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.spikard.App;
import dev.spikard.Json;
import dev.spikard.TestApp;
import dev.spikard.TestClient;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** examples/orders_java, by its interface (examples/orders/API.md), as examples/orders/orders_test.cpp has it: everything in memory, on a virtual clock. */
class OrdersTest {
  private static final Map<String, Object> ADA = Map.of("customer", "Ada", "items", List.of(Map.of("sku", "ABC-0001", "quantity", 2, "price", 9.5)));

  private App app;
  private TestApp test;
  private TestClient client;

  @BeforeEach
  void start() {
    app = Orders.app().config(Map.of("log", Map.of("level", "off")));
    test = TestApp.of(app).start();
    client = test.client();
  }

  @AfterEach
  void stop() {
    test.close();
  }

  private static Object member(TestClient.Answer answer, String... path) {
    Object value = answer.json();
    for (String name : path) value = ((Map<?, ?>) value).get(name);
    return value;
  }

  private TestClient.Answer send(String method, String path, byte[] body, String... headers) {
    return client.send(method, path, body, builder -> builder.headers(headers));
  }

  @Test
  void createReadListPatch() {
    TestClient.Answer made = client.post("/orders", ADA);
    assertEquals(201, made.status(), made.text());
    assertEquals("/orders/1", made.header("location"));
    assertEquals("{\"id\":1,\"customer\":\"Ada\",\"status\":\"new\",\"items\":[{\"sku\":\"ABC-0001\",\"quantity\":2,\"price\":9.5}],\"note\":null,\"total\":19.0,\"attachment\":null}", made.text());
    test.settle();
    assertEquals("confirmed", member(client.get("/orders/1"), "status"));
    client.post("/orders", ADA);
    test.settle();
    assertEquals(2L, member(client.get("/orders?limit=1"), "total"));
    assertEquals("{\"orders\":[],\"total\":0}", client.get("/orders?status=shipped").text());
    assertEquals(422, client.get("/orders?status=lost").status());
    assertEquals("ring twice", member(client.patch("/orders/2", Map.of("note", "ring twice")), "note"));
    TestClient.Answer shipped = client.patch("/orders/2", Map.of("status", "shipped"));
    assertEquals("ring twice", member(shipped, "note"));
    assertEquals("Order 2 is shipped", member(client.send("PATCH", "/orders/2", "{\"note\":null}".getBytes(StandardCharsets.UTF_8), b -> b.header("content-type", "application/json")), "detail"));
    assertEquals("No order 7", member(client.get("/orders/7"), "detail"));
    assertEquals(404, client.patch("/orders/7", Map.of()).status());
  }

  @Test
  void anOrderIsCountedAndInvoicedAfterTheAnswer() {
    assertEquals(404, client.get("/orders/1/invoice").status());
    client.post("/orders", ADA);
    client.post("/orders", ADA);
    test.settle();
    assertEquals("{\"name\":\"Ada\",\"orders\":2,\"spent\":38.0}", client.get("/customers/Ada").text());
    String link = (String) member(client.get("/orders/1/invoice"), "url");
    String path = link.startsWith("http") ? link.substring(link.indexOf('/', 8)) : link;
    TestClient.Answer invoice = client.get(path);
    assertEquals("text/html; charset=utf-8", invoice.header("content-type"));
    assertTrue(invoice.text().contains("<p>Total: 19.00</p>"), invoice.text());
    assertEquals(403, client.get(path + "0").status());
    test.advance(Duration.ofMinutes(16));
    assertEquals(403, client.get(path).status());
  }

  @Test
  void aMessageThatComesAgainCountsOnce() {
    Object made = client.post("/orders", ADA).json();
    test.settle();
    test.run(() -> {
      app.messaging().publish("orders.created", Json.write(made));
      return null;
    });
    test.settle();
    assertEquals(1L, member(client.get("/customers/Ada"), "orders"));
  }

  @Test
  void aShipmentComesAsACloudEvent() {
    client.post("/orders", ADA);
    test.settle();
    assertEquals("confirmed", member(client.get("/orders/1"), "status"));
    String[] event = {"ce-specversion", "1.0", "ce-type", "com.example.shipment.sent", "ce-source", "/warehouse", "ce-id", "s-1", "content-type", "application/json"};
    assertEquals(204, send("POST", "/events", Json.write(Map.of("order", 1)), event).status());
    assertEquals("shipped", member(client.get("/orders/1"), "status"), "not what the cache held");
    for (Object data : Arrays.asList(Map.of("parcel", 1), Map.of("order", "1"), Map.of("order", 1.5), Map.of("order", true), List.of(1), null)) {
      assertEquals(400, send("POST", "/events", Json.write(data), event).status(), String.valueOf(data));
    }
  }

  @Test
  void aMonthOfNightlyReports() {
    client.post("/orders", ADA);
    test.settle();
    test.advance(Duration.ofDays(30));
    for (int day = 1; day <= 30; ++day) {
      String key = String.format("reports/2026-01-%02d.json", day);
      assertEquals("[{\"name\":\"Ada\",\"orders\":1,\"spent\":19.0}]", test.run(() -> new String(app.storage().read(key).data(), StandardCharsets.UTF_8)));
    }
  }

  @Test
  void validationNamesEveryViolation() {
    TestClient.Answer bad = client.post("/orders", Map.of("customer", "", "items", List.of(Map.of("sku", "x", "quantity", 0, "price", -1)), "more", 1));
    assertEquals(422, bad.status());
    assertEquals(5, ((List<?>) member(bad, "errors")).size(), bad.text());
    assertEquals(422, client.send("PATCH", "/orders/1", "{\"status\":null}".getBytes(StandardCharsets.UTF_8), b -> b.header("content-type", "application/json")).status());
    assertEquals(422, client.get("/orders?limit=101").status());
    assertEquals(405, client.delete("/orders/1").status());
  }

  @Test
  void anAttachmentIsStreamed() throws Exception {
    client.post("/orders", ADA);
    byte[] data = "0123456789abcdef".repeat(65536 * 2).getBytes(StandardCharsets.US_ASCII);
    String digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    assertEquals(Map.of("order", 1L, "size", (long) data.length, "sha256", digest), send("PUT", "/orders/1/attachment", data, "content-type", "application/octet-stream").json());
    assertArrayEquals(data, test.run(() -> app.storage().read("attachments/1").data()));
    assertEquals(digest, member(client.get("/orders/1"), "attachment", "sha256"));
    assertEquals(404, send("PUT", "/orders/9/attachment", new byte[] {1}, "content-type", "application/octet-stream").status());
  }

  @Test
  void theFeedTellsChangesAndEndsWithTheService() throws Exception {
    try (BufferedReader feed = new BufferedReader(new InputStreamReader(client.stream("GET", "/orders/feed", null, null).body(), StandardCharsets.UTF_8))) {
      assertEquals(": connected", feed.readLine());
      Object made = client.post("/orders", ADA).json();
      List<Object> told = new ArrayList<>();
      while (told.size() < 2) {
        String line = feed.readLine();
        if (line.startsWith("data: ")) told.add(Json.parse(line.substring(6).getBytes(StandardCharsets.UTF_8)));
      }
      assertEquals(Map.of("change", "created", "order", made), told.get(0));
      assertEquals("confirmed", ((Map<?, ?>) told.get(1)).get("change"));
      assertEquals(0L, test.stop().get("exit_code"));
      StringBuilder rest = new StringBuilder();
      for (String line; (line = feed.readLine()) != null; ) rest.append(line);
      assertEquals("retry: 1000", rest.toString());
    }
  }

  @Test
  void confirmedOrdersGoOutAsCloudEvents() throws Exception {
    CompletableFuture<Map<String, List<String>>> came = new CompletableFuture<>();
    HttpServer receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    receiver.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      exchange.sendResponseHeaders(204, -1);
      came.complete(Map.copyOf(exchange.getRequestHeaders()));
    });
    receiver.start();
    App telling = new App("orders").config(Map.of("log", Map.of("level", "off")));
    String migrations = System.getProperty("orders.migrations", Path.of("examples", "orders", "migrations").toAbsolutePath().toString());
    telling.controllers(new Orders(telling, migrations, "http://127.0.0.1:" + receiver.getAddress().getPort() + "/"));
    try (TestApp other = TestApp.of(telling).start()) {
      other.client().post("/orders", ADA);
      Map<String, List<String>> headers = came.get(20, TimeUnit.SECONDS);
      assertEquals(List.of("order-1-confirmed"), headers.get("Ce-id"));
      assertEquals(List.of("com.example.order.confirmed"), headers.get("Ce-type"));
    } finally {
      receiver.stop(0);
    }
  }
}
