import dev.spikard.App;
import dev.spikard.Database;
import dev.spikard.Errors;
import dev.spikard.Messaging;
import dev.spikard.MessagingOperations;
import dev.spikard.Queries;
import dev.spikard.Rows;
import dev.spikard.RetryClass;
import dev.spikard.Spikard;
import dev.spikard.SpikardException;
import dev.spikard.Tasks;
import dev.spikard.TasksOperations;
import dev.spikard.Transaction;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/** Databases, brokers and task stores of cases. */
final class WorkDrivers {
  private WorkDrivers() {}

  /** Of the case's own on a real server. */
  private interface Place {
    String url();

    void create(Database db);

    void drop(Database db);
  }

  private static final class Schema implements Place {
    private final String name = "spikard_e2e_" + UUID.randomUUID().toString().replace("-", "");

    @Override
    public String url() {
      String postgres = Driver.setting("POSTGRES_URL");
      return postgres + (postgres.contains("?") ? "&" : "?") + "options=-csearch_path%3D" + name;
    }

    @Override
    public void create(Database db) {
      db.execute("CREATE SCHEMA " + name);
    }

    @Override
    public void drop(Database db) {
      try {
        db.execute("DROP SCHEMA " + name + " CASCADE");
      } catch (SpikardException closed) {
        // A case may have closed the database.
      }
    }
  }

  /** There before the application starts, for it connects to it. */
  private static final class MysqlDatabase implements Place {
    private final String name = "spikard_e2e_" + UUID.randomUUID().toString().replace("-", "");
    private final java.net.URI server = java.net.URI.create(Driver.setting("MYSQL_URL"));

    MysqlDatabase() {
      run("CREATE DATABASE " + name);
    }

    private void run(String sql) {
      String[] user = server.getUserInfo().split(":", 2);
      ProcessBuilder program = new ProcessBuilder("mariadb", "--no-defaults", "--host=" + server.getHost(), "--port=" + server.getPort(), "--user=" + user[0], "--execute=" + sql);
      program.environment().put("MYSQL_PWD", user.length > 1 ? user[1] : "");
      try {
        if (program.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() != 0) throw new IllegalStateException("mariadb: " + sql);
      } catch (java.io.IOException | InterruptedException error) {
        throw new IllegalStateException(error);
      }
    }

    @Override
    public String url() {
      String text = server.toString();
      String path = server.getRawPath();
      int at = text.indexOf(path, text.indexOf('@'));
      return text.substring(0, at) + "/" + name + text.substring(at + path.length());
    }

    @Override
    public void create(Database db) {}

    @Override
    public void drop(Database db) {
      run("DROP DATABASE " + name);
    }
  }

  private static Place place(Object kind) {
    if ("postgres".equals(kind) && !Driver.setting("POSTGRES_URL").isEmpty()) return new Schema();
    return "mysql".equals(kind) && !Driver.setting("MYSQL_URL").isEmpty() ? new MysqlDatabase() : null;
  }

  static final class OfDb extends Driver {
    private Database db;
    private Place place;
    private final Map<String, Transaction> open = new HashMap<>();

    OfDb(App app, Map<String, Object> config, Path folder) {
      super(app, config, folder);
    }

    @Override
    Map<String, Object> services() {
      Values.only(config, "driver pool", "db");
      Map<String, String> urls = new LinkedHashMap<>(Map.of("sqlite", "sqlite:FOLDER/test.db"));
      place = place(config.get("driver"));
      if (place != null) urls.put(Values.text(config, "driver"), place.url());
      Map<String, Object> one = Values.of("url", url(Values.text(config, "driver"), urls));
      if (config.containsKey("pool")) one.put("pool", config.get("pool"));
      return Values.of("db", Values.of("default", one));
    }

    @Override
    void open() {
      db = app.db();
      if (place != null) place.create(db);
    }

    @Override
    void close() {
      if (place == null) return;
      open.values().forEach(Transaction::close);
      place.drop(db);
    }

    private static Object[] params(Map<String, Object> args) {
      Object given = args.get("params");
      if (given instanceof Map<?, ?> named) {
        Map<String, Object> out = new LinkedHashMap<>();
        named.forEach((name, value) -> out.put((String) name, Values.parameter(value)));
        return new Object[] {out};
      }
      if (given == null) return new Object[0];
      return ((List<?>) given).stream().map(Values::parameter).toArray();
    }

    private Queries on(Map<String, Object> args) {
      return args.containsKey("tx") ? open.get(Values.text(args, "tx")) : db;
    }

    @Override
    Object op(String name, Map<String, Object> args) {
      String tx = Values.text(args, "tx");
      switch (name) {
        case "execute":
          return Values.of("affected", on(args).execute(Values.text(args, "sql"), params(args)));
        case "query": {
          Rows rows = on(args).query(Values.text(args, "sql"), params(args));
          return Values.of("rows", rows, "columns", rows.columns());
        }
        case "begin":
          Values.only(args, "tx isolation read_only", "begin");
          open.put(tx, db.begin((String) args.getOrDefault("isolation", ""), Boolean.TRUE.equals(args.get("read_only"))));
          return null;
        case "commit":
          open.get(tx).commit();
          return null;
        case "rollback":
          open.get(tx).rollback();
          return null;
        case "drop_transaction":
          open.remove(tx).close();
          return null;
        case "transaction":
          try {
            return db.transaction(scope -> {
              body(scope, Values.list(args, "body"));
              return null;
            });
          } catch (Failed error) {
            throw new Errors.Internal(error.getMessage(), "scope_failed", RetryClass.values()[0]);
          }
        case "close":
          db.close();
          return null;
        default:
          throw unknown(name);
      }
    }

    private static final class Failed extends RuntimeException {
      private static final long serialVersionUID = 1;

      Failed(String message) {
        super(message);
      }
    }

    private static void body(Transaction tx, List<Object> statements) {
      for (Object each : statements) {
        Map<String, Object> statement = Values.map(each);
        if (statement.containsKey("fail")) throw new Failed(String.valueOf(statement.get("fail")));
        if (!statement.containsKey("nested")) {
          tx.execute(Values.text(statement, "sql"), params(statement));
          continue;
        }
        try {
          tx.nested(inner -> {
            body(inner, Values.list(statement, "nested"));
            return null;
          });
        } catch (Failed error) {
          if (!Boolean.TRUE.equals(statement.get("swallow"))) throw error;
        }
      }
    }
  }

  static final class OfMessaging extends Driver {
    private static int places;
    private Messaging messaging;
    private final Map<String, Messaging.Consumption> consumers = new LinkedHashMap<>();
    private final Map<String, Script.Handled> handled = new HashMap<>();
    private final List<CompletableFuture<MessagingOperations.StopConsumerResult>> stopping = new ArrayList<>();

    OfMessaging(App app, Map<String, Object> config, Path folder) {
      super(app, config, folder);
    }

    @Override
    boolean realTime() {
      return List.of("amqp", "kafka", "nats", "redis").contains(config.get("backend")); // of MQTT the delivery store owns the waits
    }

    @Override
    List<String> capabilities() {
      if ("amqp".equals(config.get("backend"))) return List.of("real_time");
      return realTime() ? List.of("replay", "real_time") : "mqtt".equals(config.get("backend")) ? List.of() : List.of("replay");
    }

    @Override
    Map<String, Object> services() {
      Values.only(config, "backend", "messaging");
      Map<String, String> urls = new LinkedHashMap<>(Map.of("memory", "memory:", "sqlite", "sqlite:FOLDER/test.db"));
      String name = "fixture_java_" + ProcessHandle.current().pid() + "_" + ++places;
      if (!setting("AMQP_URL").isEmpty()) urls.put("amqp", setting("AMQP_URL") + "?name=" + name);
      if (!setting("REDIS_URL").isEmpty()) urls.put("redis", setting("REDIS_URL") + "?prefix=" + name);
      if (!setting("NATS_URL").isEmpty()) urls.put("nats", setting("NATS_URL") + "?storage=memory&stream=" + name);
      if (!setting("MQTT_URL").isEmpty()) urls.put("mqtt", setting("MQTT_URL") + "?session_expiry_s=60&prefix=" + name + "/");
      if (!setting("KAFKA_URL").isEmpty()) urls.put("kafka", setting("KAFKA_URL") + "?prefix=" + name + ".");
      Map<String, Object> one = Values.of("url", url(Values.text(config, "backend"), urls));
      if (config.get("backend").equals("mqtt")) one.put("store", "sqlite:" + folder + "/deliveries.db");
      return Values.of("messaging", Values.of("default", one));
    }

    @Override
    void open() {
      messaging = app.messaging();
    }

    @Override
    void close() {
      consumers.values().forEach(Messaging.Consumption::kill);
    }

    private Object startConsumer(Map<String, Object> args) {
      Values.only(args, "name topic group handler max_retries dead_letter backoff ack_wait_ms handler_timeout_ms max_concurrency ordered start_from", "start_consumer");
      String name = Values.text(args, "name");
      Script script = new Script(Values.map(args.get("handler")));
      Script.Handled done = new Script.Handled();
      handled.put(name, done);
      consumers.put(name, messaging.consume(name, Values.text(args, "topic"),
          message -> done.run(script.next(message.text()), Values.of("payload", message.payload(), "headers", message.headers(), "delivery_count", message.deliveryCount())), given -> {
            if (args.containsKey("group")) given.group(Values.text(args, "group"));
            if (args.containsKey("max_retries")) given.maxRetries(Values.number(args.get("max_retries")));
            if (args.containsKey("dead_letter")) given.deadLetter(Values.text(args, "dead_letter"));
            if (args.containsKey("backoff")) given.backoff(args.get("backoff"));
            if (args.containsKey("ordered")) given.ordered((Boolean) args.get("ordered"));
            if (args.containsKey("start_from")) given.startFrom(Values.text(args, "start_from"));
            if (args.containsKey("ack_wait_ms")) given.ackWait(ms(args.get("ack_wait_ms")));
            if (args.containsKey("handler_timeout_ms")) given.handlerTimeout(ms(args.get("handler_timeout_ms")));
            if (args.containsKey("max_concurrency")) given.concurrency(Values.number(args.get("max_concurrency")));
          }));
      return null;
    }

    @Override
    Object op(String name, Map<String, Object> args) {
      String consumer = Values.text(args, "consumer");
      switch (name) {
        case "publish":
          Values.only(args, "topic payload key headers", "publish");
          messaging.publish(Values.text(args, "topic"), args.get("payload") == null ? new byte[0] : Values.bytes(args.get("payload")), given -> {
            if (args.get("key") != null) given.key(Values.text(args, "key"));
            if (args.get("headers") != null) given.headers(strings(Values.map(args.get("headers"))));
          });
          return null;
        case "start_consumer":
          return startConsumer(args);
        case "stop_consumer":
          consumers.remove(consumer).close();
          return null;
        case "kill_consumer":
          handled.get(consumer).die();
          consumers.remove(consumer).kill();
          return null;
        case "expect_handled":
          return handled.get(consumer).done();
        case "max_in_flight":
          return handled.get(consumer).most();
        case "expect_dead_letters":
          return messaging.listDeadLetters(Values.text(args, "topic"), given -> given.payloads(true)).messages();
        case "shutdown_begin": {
          Duration limit = ms(args.get("drain_timeout_ms"));
          for (Messaging.Consumption one : consumers.values()) stopping.add(Spikard.async(() -> one.stop(limit)));
          consumers.clear();
          return null;
        }
        case "shutdown_wait": {
          boolean drained = true;
          long unfinished = 0;
          for (CompletableFuture<MessagingOperations.StopConsumerResult> one : stopping) {
            MessagingOperations.StopConsumerResult result = Spikard.join(one);
            drained &= result.drained();
            unfinished += result.unfinished();
          }
          return Values.of("drained", drained, "unfinished", unfinished);
        }
        case "metric":
          return Values.map(Values.packed(messaging.stats())).get(Values.text(args, "name"));
        case "topic_match":
          return messaging.topicMatch(Values.text(args, "style"), Values.text(args, "pattern"), Values.text(args, "topic"));
        default:
          throw unknown(name);
      }
    }
  }

  static final class OfTasks extends Driver {
    private Tasks tasks;
    private Place place;
    private final Map<String, Tasks.Worker> workers = new LinkedHashMap<>();
    private final Map<String, Script.Handled> handled = new HashMap<>();
    private final List<CompletableFuture<TasksOperations.StopWorkerResult>> stopping = new ArrayList<>();
    private final Set<String> running = new HashSet<>();

    OfTasks(App app, Map<String, Object> config, Path folder) {
      super(app, config, folder);
    }

    @Override
    Map<String, Object> services() {
      Values.only(config, "backend clock", "tasks");
      String kind = Values.text(config, "backend");
      Map<String, String> urls = new LinkedHashMap<>(Map.of("memory", "memory:", "sqlite", "sqlite:FOLDER/test.db"));
      if (!setting("REDIS_URL").isEmpty()) urls.put("redis", setting("REDIS_URL") + "?prefix=e2e:" + UUID.randomUUID());
      place = place(kind);
      if (place != null) urls.put(kind, place.url());
      Map<String, Object> out = Values.of("tasks", Values.of("default", Values.of("url", url(kind, urls))));
      if (place instanceof Schema) out.put("db", Values.of("default", Values.of("url", setting("POSTGRES_URL"))));
      return out;
    }

    @Override
    void open() {
      if (place instanceof Schema) place.create(app.db());
      tasks = app.tasks();
    }

    @Override
    void close() {
      workers.values().forEach(Tasks.Worker::kill);
      if (place != null) place.drop(place instanceof Schema ? app.db() : null);
    }

    private Object enqueue(Map<String, Object> args) {
      Values.only(args, "queue task args delay_ms run_at priority max_attempts backoff timeout_ms unique_key", "enqueue");
      return tasks.enqueue(Values.text(args, "task"), given -> {
        if (args.containsKey("queue")) given.queue(Values.text(args, "queue"));
        if (args.containsKey("args")) given.args(args.get("args"));
        if (args.containsKey("delay_ms")) given.delay(ms(args.get("delay_ms")));
        if (args.containsKey("run_at")) given.runAt(args.get("run_at"));
        if (args.containsKey("priority")) given.priority((int) Values.number(args.get("priority")));
        if (args.containsKey("max_attempts")) given.maxAttempts(Values.number(args.get("max_attempts")));
        if (args.containsKey("backoff")) given.backoff(args.get("backoff"));
        if (args.containsKey("timeout_ms")) given.timeout(ms(args.get("timeout_ms")));
        if (args.containsKey("unique_key")) given.uniqueKey(Values.text(args, "unique_key"));
      });
    }

    private Object startWorker(Map<String, Object> args) {
      Values.only(args, "name queue handler max_concurrency lease_ms", "start_worker");
      String name = Values.text(args, "name");
      Map<String, Object> behaviour = Values.map(args.get("handler"));
      Script script = new Script(behaviour);
      Script.Handled done = new Script.Handled();
      Tasks.TaskHandler handler = run -> done.run(script.next(run.name()), Values.of("task", run.name(), "attempt", run.attempt()));
      Map<String, Tasks.TaskHandler> handlers = new LinkedHashMap<>();
      if (behaviour.containsKey("known")) Values.list(behaviour, "known").forEach(task -> handlers.put((String) task, handler));
      else handlers.put("", handler);
      handled.put(name, done);
      workers.put(name, tasks.work(name, handlers, given -> {
        given.queue(Values.text(args, "queue"));
        if (args.containsKey("lease_ms")) given.lease(ms(args.get("lease_ms")));
        if (args.containsKey("max_concurrency")) given.concurrency(Values.number(args.get("max_concurrency")));
      }));
      return null;
    }

    /** Each instance is one scheduler; the first runs at once. */
    private void startScheduler(String instance) {
      String name = instance == null ? "default" : instance;
      if (running.add(name)) tasks.startScheduler(given -> given.name(name));
    }

    @Override
    Object op(String name, Map<String, Object> args) {
      String worker = Values.text(args, "worker");
      switch (name) {
        case "enqueue":
          return enqueue(args);
        case "start_worker":
          return startWorker(args);
        case "kill_worker":
          handled.get(worker).die();
          workers.remove(worker).kill();
          return null;
        case "expect_runs":
          return handled.get(worker).done();
        case "max_in_flight":
          return handled.get(worker).most();
        case "cancellations_seen":
          return handled.get(worker).cancellations();
        case "job":
          return tasks.job(Values.text(args, "id"));
        case "retry_job":
          return tasks.retry(Values.text(args, "id"));
        case "cancel":
          return tasks.cancel(Values.text(args, "id"));
        case "pending_count":
          return tasks.pendingCount(given -> given.queue(Values.text(args, "queue")));
        case "schedule":
          Values.only(args, "name cron timezone queue task misfire overlap instance", "schedule");
          tasks.schedule(Values.text(args, "name"), Values.text(args, "cron"), Values.text(args, "task"), given -> {
            if (args.containsKey("timezone")) given.timezone(Values.text(args, "timezone"));
            if (args.containsKey("queue")) given.queue(Values.text(args, "queue"));
            if (args.containsKey("misfire")) given.misfire(Values.text(args, "misfire"));
            if (args.containsKey("overlap")) given.overlap(Values.text(args, "overlap"));
          });
          startScheduler(Values.text(args, "instance"));
          return null;
        case "start_scheduler":
          startScheduler(null);
          return null;
        case "stop_scheduler":
          for (String one : List.copyOf(running)) {
            running.remove(one);
            tasks.stopScheduler(given -> given.name(one));
          }
          return null;
        case "expect_scheduled": {
          List<Object> times = new ArrayList<>();
          for (Object job : (List<?>) tasks.list(given -> given.schedule(Values.text(args, "name")).limit(1000))) {
            Object at = Values.map(job).get("scheduled_at");
            times.add(at == null ? null : Instant.ofEpochMilli(Values.number(at)).toString());
          }
          return times;
        }
        case "shutdown_begin": {
          Duration limit = ms(args.get("drain_timeout_ms"));
          for (Tasks.Worker one : workers.values()) stopping.add(Spikard.async(() -> one.stop(limit)));
          workers.clear();
          return null;
        }
        case "shutdown_wait": {
          boolean drained = true;
          long unfinished = 0;
          for (CompletableFuture<TasksOperations.StopWorkerResult> one : stopping) {
            TasksOperations.StopWorkerResult result = Spikard.join(one);
            drained &= result.drained();
            unfinished += result.unfinished();
          }
          return Values.of("drained", drained, "unfinished", unfinished);
        }
        default:
          throw unknown(name);
      }
    }
  }
}
