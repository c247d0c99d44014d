import dev.spikard.App;
import dev.spikard.BodyStream;
import dev.spikard.Cache;
import dev.spikard.CloudEvent;
import dev.spikard.CloudEvents;
import dev.spikard.Config;
import dev.spikard.Database;
import dev.spikard.Outcome;
import dev.spikard.Problem;
import dev.spikard.Queries;
import dev.spikard.Response;
import dev.spikard.Row;
import dev.spikard.Spikard;
import dev.spikard.Storage;
import dev.spikard.StreamingResponse;
import dev.spikard.TaskRun;
import dev.spikard.Transaction;
import dev.spikard.annotation.Body;
import dev.spikard.annotation.Consumes;
import dev.spikard.annotation.Get;
import dev.spikard.annotation.OnEvent;
import dev.spikard.annotation.Patch;
import dev.spikard.annotation.Post;
import dev.spikard.annotation.Put;
import dev.spikard.annotation.Query;
import dev.spikard.annotation.Scheduled;
import dev.spikard.annotation.Task;
import dev.spikard.Json;
import dev.spikard.validation.Closed;
import dev.spikard.validation.Default;
import dev.spikard.validation.Max;
import dev.spikard.validation.Min;
import dev.spikard.validation.Name;
import dev.spikard.validation.Nullable;
import dev.spikard.validation.Pattern;
import dev.spikard.validation.PositiveOrZero;
import dev.spikard.validation.Size;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;

/** The orders service: ../orders/API.md is its interface, docs/guide/orders.md its story. */
public final class Orders {
  enum Status {
    @Name("new") NEW,
    @Name("confirmed") CONFIRMED,
    @Name("shipped") SHIPPED,
    @Name("cancelled") CANCELLED
  }

  @Closed
  record Item(@Pattern(regexp = "^[A-Z]{3}-[0-9]{4}$") String sku, @Min(1) @Max(1000) int quantity, @PositiveOrZero double price) {}

  @Closed
  record NewOrder(@Size(min = 1, max = 100) String customer, @Size(min = 1, max = 50) List<Item> items, @Nullable @Size(max = 500) String note) {}

  /** What of it was given is asked of the request. */
  @Closed
  record OrderPatch(@Default("\"new\"") Status status, @Nullable @Size(max = 500) String note) {}

  record Attachment(long size, String sha256) {}

  record Order(long id, String customer, Status status, List<Item> items, @Nullable String note, double total, @Nullable Attachment attachment) {
    Order with(Status status, String note, Attachment attachment) {
      return new Order(id, customer, status, items, note, total, attachment);
    }
  }

  record Attached(long order, long size, String sha256) {}

  record Change(String change, Order order) {}

  record OrderList(List<Order> orders, long total) {}

  private static final String COLUMNS = "id, customer, status, items, note, total, attachment";

  private final Database db;
  private final Storage files;
  private final Cache cache;
  private final CloudEvents events;
  private final Set<BlockingQueue<Optional<String>>> watchers = ConcurrentHashMap.newKeySet();

  Orders(App app, String migrations, String eventsUrl) {
    // One file for rows, messages and tasks, so that a transaction holds all three; a folder for objects.
    String file = "sqlite:data/orders.db";
    app.config(Map.of("http", Map.of("limits", Map.of("body_bytes", 100 * 1024 * 1024))));
    db = app.db("default", new Config.DbConfig().url(file).migrations(migrations).migrateOnStart(true));
    app.messaging("default", new Config.MessagingConfig().url(file));
    app.tasks("default", new Config.TasksConfig().url(file));
    files = app.storage("default", new Config.StorageConfig().url("file:data/objects"));
    cache = app.cache();
    events = eventsUrl == null ? null : app.cloudEvents("default", new Config.EventSender().url(eventsUrl).source("/orders"));
    // `orders.confirmed` goes to whoever listens there, as a CloudEvent.
    if (events != null) app.consumer(new Config.Consumer().name("tell_others").topic("orders.confirmed").group("events").deadLetter("orders.dead"), Order.class, this::tellOthers);
  }

  // ---- the orders in SQL

  private static Order order(Row row) {
    return row == null ? null : row.as(Order.class);
  }

  private static Order find(Queries where, long id) {
    return order(where.first("SELECT " + COLUMNS + " FROM orders WHERE id = ?", id));
  }

  /** By the cache: of many who ask at once one loads. */
  private Order cached(long id) {
    byte[] text = cache.getOrLoad("order:" + id, () -> {
      Order found = find(db, id);
      return found == null ? null : Json.write(found);
    }, given -> given.ttl(Duration.ofMinutes(10)));
    return text == null ? null : Json.read(text, Order.class);
  }

  /** What every change does, in its transaction: the row, a message that says so, and the order out of the cache. */
  private static void save(Transaction tx, String change, Order order) {
    tx.execute("UPDATE orders SET status = ?, note = ?, attachment = ? WHERE id = ?", order.status(), order.note(), order.attachment(), order.id());
    tx.publish("orders." + (change.equals("attached") ? "updated" : change), order, given -> given.key(String.valueOf(order.id())));
    tx.invalidate("order:" + order.id());
  }

  private static Problem none(long id) {
    return new Problem(404).detail("No order " + id);
  }

  // ---- HTTP

  // The row, the message and the task are one transaction: all of them, or none.
  @Post(value = "/orders", status = 201)
  Response create(@Body NewOrder given) {
    double sum = given.items().stream().mapToDouble(item -> item.quantity() * item.price()).sum();
    double total = Math.floor(sum * 100 + 0.5) / 100;
    Order order = db.transaction(tx -> {
      Order made = order(tx.first("INSERT INTO orders (customer, items, note, total, placed_at) VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP) RETURNING " + COLUMNS, given.customer(), given.items(), given.note(), total));
      tx.publish("orders.created", made, options -> options.key(String.valueOf(made.id())));
      tx.enqueue("invoice", Map.of("order", made.id()));
      return made;
    });
    tell("created", order);
    return Response.json(order).status(201).header("location", "/orders/" + order.id());
  }

  @Get("/orders")
  OrderList list(@Query @Nullable Status status, @Query @Default("20") @Min(1) @Max(100) int limit, @Query @Default("0") @Min(0) long offset) {
    List<Order> orders = db.query("SELECT " + COLUMNS + " FROM orders WHERE status = COALESCE($1, status) ORDER BY id LIMIT $2 OFFSET $3", status, limit, offset).as(Order.class);
    Object total = db.value("SELECT count(*) FROM orders WHERE status = COALESCE($1, status)", new Object[] {status});
    return new OrderList(orders, (Long) total);
  }

  @Get("/orders/{id:int}")
  Order read(long id) {
    Order order = cached(id);
    if (order == null) throw none(id);
    return order;
  }

  @Patch("/orders/{id:int}")
  Order change(long id, @Body OrderPatch change, dev.spikard.Request request) {
    Map<?, ?> given = (Map<?, ?>) Json.parse(request.body());
    Order changed = db.transaction(tx -> {
      Order order = find(tx, id);
      if (order == null) throw none(id);
      if (order.status() == Status.SHIPPED || order.status() == Status.CANCELLED) throw new Problem(409).detail("Order " + id + " is " + order.status().name().toLowerCase(Locale.ROOT));
      order = order.with(given.containsKey("status") ? change.status() : order.status(), given.containsKey("note") ? change.note() : order.note(), order.attachment());
      save(tx, "updated", order);
      return order;
    });
    tell("updated", changed);
    return changed;
  }

  // Streamed into the store; nothing of it is seen before all of it is there.
  @Put("/orders/{id:int}/attachment")
  Attached attach(long id, BodyStream body) throws Exception {
    if (cached(id) == null) throw none(id);
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    long[] size = {0};
    files.writeStream("attachments/" + id, () -> new java.util.Iterator<>() {
      private final java.util.Iterator<byte[]> chunks = body.iterator();

      @Override
      public boolean hasNext() {
        return chunks.hasNext();
      }

      @Override
      public byte[] next() {
        byte[] chunk = chunks.next();
        digest.update(chunk);
        size[0] += chunk.length;
        return chunk;
      }
    });
    Attachment attachment = new Attachment(size[0], HexFormat.of().formatHex(digest.digest()));
    Order changed = db.transaction(tx -> {
      Order order = find(tx, id);
      if (order == null) throw none(id);
      order = order.with(order.status(), order.note(), attachment);
      save(tx, "attached", order);
      return order;
    });
    tell("attached", changed);
    return new Attached(id, attachment.size(), attachment.sha256());
  }

  // A link that works for fifteen minutes without any credentials.
  @Get("/orders/{id:int}/invoice")
  Map<String, String> invoiceLink(long id) {
    if (!files.exists(invoiceKey(id))) throw new Problem(404).detail("No invoice for order " + id + " yet");
    return Map.of("url", files.presign("GET", invoiceKey(id), given -> given.expiresS(900)).url());
  }

  @Get("/customers/{name}")
  Row customer(String name) {
    Row row = db.first("SELECT name, orders, spent FROM customers WHERE name = ?", name);
    if (row == null) throw new Problem(404).detail("No customer " + name);
    return row;
  }

  /** To everyone who follows the feed of this process. One that falls a thousand events behind is closed. */
  private void tell(String change, Order order) {
    if (watchers.isEmpty()) return;
    String event = "event: order\ndata: " + Json.text(new Change(change, order)) + "\n\n";
    for (BlockingQueue<Optional<String>> watcher : watchers) watcher.add(watcher.size() < 1000 ? Optional.of(event) : Optional.empty());
  }

  @Get("/orders/feed")
  StreamingResponse feed() {
    return (StreamingResponse) new StreamingResponse("text/event-stream", out -> {
      BlockingQueue<Optional<String>> watcher = new LinkedBlockingQueue<>();
      watchers.add(watcher);
      Spikard.stopping().thenRun(() -> watcher.add(Optional.empty()));
      try {
        out.write(": connected\n\n");
        for (Optional<String> event; (event = watcher.take()).isPresent(); ) out.write(event.get());
        out.write("retry: 1000\n\n");
      } finally {
        watchers.remove(watcher);
      }
    }).header("cache-control", "no-cache");
  }

  // ---- what follows from an order, after the answer

  // Who has ordered what. The inbox makes it once, however often the message comes.
  @Consumes(value = "orders.created", group = "customers", startFrom = "earliest", deadLetter = "orders.dead")
  void countCustomer(Order order) {
    db.transaction(tx -> {
      if (tx.inbox("customers", String.valueOf(order.id()))) {
        tx.execute("INSERT INTO customers (name, orders, spent) VALUES ($1, 1, $2) ON CONFLICT (name) DO UPDATE SET orders = customers.orders + 1, spent = customers.spent + excluded.spent", order.customer(), order.total());
      }
      return null;
    });
  }

  private static String invoiceKey(long id) {
    return "invoices/" + id + ".html";
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;").replace("'", "&#x27;");
  }

  private static String render(Order order) {
    StringBuilder rows = new StringBuilder();
    for (Item item : order.items()) rows.append(String.format(Locale.ROOT, "<tr><td>%s</td><td>%d</td><td>%.2f</td></tr>%n", escaped(item.sku()), item.quantity(), item.price()));
    String title = "Invoice " + order.id();
    return "<!doctype html><meta charset=\"utf-8\"><title>" + title + "</title>\n<h1>" + title + "</h1>\n<p>" + escaped(order.customer()) + "</p>\n<table>\n" + rows + "</table>\n"
        + String.format(Locale.ROOT, "<p>Total: %.2f</p>\n", order.total());
  }

  // Renders the invoice, then confirms the order. Run twice it does the same again.
  @Task
  String invoice(long order) {
    String key = invoiceKey(order);
    Order found = cached(order);
    if (found == null) throw new IllegalStateException("no order " + order);
    files.write(key, render(found), given -> given.contentType("text/html; charset=utf-8").cacheControl("private, max-age=3600"));
    Order confirmed = db.transaction(tx -> {
      Order now = find(tx, order);
      if (now == null || now.status() != Status.NEW) return null;
      now = now.with(Status.CONFIRMED, now.note(), now.attachment());
      save(tx, "confirmed", now);
      return now;
    });
    if (confirmed != null) tell("confirmed", confirmed);
    return key;
  }

  // Every night: what was sold, by customer, as an object of its own.
  @Task
  @Scheduled("0 3 * * *")
  String report(TaskRun run) {
    byte[] rows = Json.write(db.query("SELECT name, orders, spent FROM customers ORDER BY spent DESC, name"));
    Instant when = run.scheduledAt() == null ? Instant.now() : run.scheduledAt();
    String key = "reports/" + when.atOffset(ZoneOffset.UTC).toLocalDate() + ".json";
    files.write(key, rows, given -> given.contentType("application/json"));
    return key;
  }

  @OnEvent("com.example.shipment.sent")
  Object shipped(CloudEvent event) {
    // Expected {"order": id}: anything else comes to nothing, however often it is sent.
    if (!(event.data() instanceof Map<?, ?> data) || !(data.get("order") instanceof Long id)) return Outcome.nack(false);
    Order changed = db.transaction(tx -> {
      Order order = find(tx, id);
      if (order == null || order.status() == Status.SHIPPED) return null;
      order = order.with(Status.SHIPPED, order.note(), order.attachment());
      save(tx, "updated", order);
      return order;
    });
    if (changed != null) tell("updated", changed);
    return null;
  }

  private Object tellOthers(Order order) {
    events.send(new CloudEvent("com.example.order.confirmed", "/orders").withId("order-" + order.id() + "-confirmed").withSubject("orders/" + order.id()).withData(order));
    return null;
  }

  static App app() {
    App app = new App("orders");
    String migrations = System.getProperty("orders.migrations", Path.of("examples", "orders", "migrations").toAbsolutePath().toString());
    return app.controllers(new Orders(app, migrations, System.getenv("ORDERS_EVENTS_URL")));
  }

  public static void main(String[] args) {
    System.exit(app().run());
  }
}
