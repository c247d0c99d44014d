package dev.spikard;

import dev.spikard.internal.Json;
import dev.spikard.internal.Mapper;
import dev.spikard.internal.Schemas;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;

/**
 * An application. Nothing is opened until it runs.
 *
 * <pre>{@code
 * App app = new App("hello");
 * app.get("/hello/{name}", request -> "hello " + request.pathText("name"));
 * System.exit(app.run());
 * }</pre>
 *
 * Handlers run on threads that may block, virtual ones on Java 21. One that gives a CompletionStage, or is said to be non-blocking, runs on the loop's thread.
 */
public final class App {
  static final List<String> PHASES = List.of("on_request", "pre_validation", "pre_handler", "on_response", "on_error");

  /** A dependency before the manifest is made. */
  record Dependency(Map<String, Object> spec, Object value, Plan.Mode mode, int id) {}

  private record Work(Map<String, Object> data, Plan.WorkPlan plan) {}

  private record Queue(String client, String queue) {}

  private final String name;
  private final Map<String, Object> config = new LinkedHashMap<>();
  private final List<Route> routes = new ArrayList<>();
  private final List<List<Map.Entry<String, Plan.HookPlan>>> hooks = new ArrayList<>();
  private final Map<String, Dependency> dependencies = new LinkedHashMap<>();
  private final Map<String, Map<String, Map<String, Object>>> services = new LinkedHashMap<>();
  private final List<Work> consumers = new ArrayList<>();
  private final Map<Queue, Map<String, Plan.WorkPlan>> tasks = new LinkedHashMap<>();
  private final Map<Queue, Map<String, Object>> workers = new LinkedHashMap<>();
  private final List<Map<String, Object>> schedules = new ArrayList<>();
  private final List<Plan.WorkPlan> events = new ArrayList<>();
  private final Map<String, Map<String, Object>> eventEndpoints = new LinkedHashMap<>();
  private final Map<String, Map<String, Object>> eventConsumers = new LinkedHashMap<>();
  private final List<Runnable> onStart = new ArrayList<>();
  private final List<Runnable> onStop = new ArrayList<>();
  private int nextDependency;
  private int threads;
  private int ports = 1;
  private ExecutorService executor;
  private Consumer<Throwable> failures;
  private volatile Binding running;

  public App() {
    this("app");
  }

  public App(String name) {
    this.name = name;
    for (int i = 0; i < PHASES.size(); ++i) hooks.add(new ArrayList<>());
  }

  /** Lays a part of the manifest over what the application says: {@link Config.Manifest}, or a Map. */
  @SuppressWarnings("unchecked")
  public App config(PlainData part) {
    return config((Map<String, Object>) part.plain());
  }

  /** As above. */
  @SuppressWarnings("unchecked")
  public App config(Map<String, ?> part) {
    Maps.merge(config, (Map<String, Object>) Maps.plain(part));
    return this;
  }

  /** How many handlers may block at once where there are no virtual threads (256), or in any case when this is called. */
  public App threads(int threads) {
    this.threads = threads;
    return this;
  }

  /** Where handlers run that may block; it is not shut down. */
  public App executor(ExecutorService executor) {
    this.executor = executor;
    return this;
  }

  /** Loops, each with a port and a thread of its own: as many as cores that are to serve. */
  public App ports(int ports) {
    if (ports < 1) throw new ConfigException("ports: expected 1 or more, not " + ports);
    this.ports = ports;
    return this;
  }

  /** Told of every exception that leaves a handler, beside the core's log. */
  public App onFailure(Consumer<Throwable> listener) {
    failures = listener;
    return this;
  }

  // ---- routes

  /** Answers GET, and with it HEAD. */
  public Route get(String path, Handler handler) {
    return route("GET", path, handler);
  }

  public Route post(String path, Handler handler) {
    return route("POST", path, handler);
  }

  public Route put(String path, Handler handler) {
    return route("PUT", path, handler);
  }

  public Route patch(String path, Handler handler) {
    return route("PATCH", path, handler);
  }

  public Route delete(String path, Handler handler) {
    return route("DELETE", path, handler);
  }

  public Route route(String method, String path, Handler handler) {
    return add(new Route(method, path, handler));
  }

  /** A route as data: a route of the manifest. */
  public Route route(Map<String, Object> route, Handler handler) {
    return add(new Route(route, true, arguments -> handler.handle((Request) arguments[0])));
  }

  Route add(Route route) {
    routes.add(route);
    return route;
  }

  /** Objects whose methods are annotated: routes, consumers, tasks, schedules, events, dependencies and hooks (dev.spikard.annotation). */
  public App controllers(Object... controllers) {
    for (Object one : controllers) new Controllers(this, one).add();
    return this;
  }

  // ---- hooks

  /** After routing and authentication, before the body is read. */
  public App onRequest(Hook hook) {
    return hook("on_request", hook);
  }

  /** After the body was read, before it is validated. */
  public App preValidation(Hook hook) {
    return hook("pre_validation", hook);
  }

  /** After validation, before the handler. */
  public App preHandler(Hook hook) {
    return hook("pre_handler", hook);
  }

  /** After the handler has answered. */
  public App onResponse(Hook hook) {
    return hook("on_response", hook);
  }

  /** Instead of onResponse after an exception; it is {@code request.error()}. */
  public App onError(Hook hook) {
    return hook("on_error", hook);
  }

  /** A hook by its phase's name. */
  public App hook(String phase, Hook hook) {
    return hook(phase, phase, hook, Plan.Mode.BLOCKING);
  }

  /** A hook that never waits: it runs on the loop's own thread. */
  public App nonBlockingHook(String phase, Hook hook) {
    return hook(phase, phase, hook, Plan.Mode.LOOP);
  }

  App hook(String phase, String name, Hook hook, Plan.Mode mode) {
    int at = PHASES.indexOf(phase);
    if (at < 0) throw new ConfigException("'" + phase + "' is no phase of a request; expected one of " + PHASES);
    hooks.get(at).add(Map.entry(name, new Plan.HookPlan(hook, mode)));
    return this;
  }

  /** Before the first request. */
  public App onStart(Runnable fn) {
    onStart.add(fn);
    return this;
  }

  /** After the last request. */
  public App onStop(Runnable fn) {
    onStop.add(fn);
    return this;
  }

  // ---- dependencies

  /** A dependency that is there already. */
  public App value(String name, Object value) {
    return dependency(Maps.of("name", name, "kind", "value"), value);
  }

  /** How long a dependency lives. */
  public enum DependencyScope { SINGLETON, REQUEST, TRANSIENT }

  /** A dependency that is made, from those it needs by their names. */
  public App dependency(String name, DependencyScope scope, Factory factory, String... needs) {
    return dependency(Maps.of("name", name, "kind", "factory", "scope", scope.name().toLowerCase(java.util.Locale.ROOT), "depends_on", List.of(needs)), factory);
  }

  /** A dependency as data: {@code {name, kind: value|factory, scope, depends_on}}, with the value or the {@link Factory}. */
  public App dependency(Map<String, Object> spec, Object value) {
    dependencies.put((String) spec.get("name"), new Dependency(spec, value, Plan.Mode.BLOCKING, nextDependency++));
    return this;
  }

  /** As above, for one route only. */
  public App dependency(Map<String, Object> spec, Object value, Route route) {
    route.dependencies.add(new Dependency(spec, value, Plan.Mode.BLOCKING, nextDependency++));
    return this;
  }

  // ---- the toolbox

  @SuppressWarnings("unchecked")
  private void service(String group, String name, PlainData options) {
    Map<String, Map<String, Object>> known = services.computeIfAbsent(group, key -> new LinkedHashMap<>());
    if (!name.equals("default") || options != null) {
      Map<String, Object> one = known.computeIfAbsent(name, key -> new LinkedHashMap<>());
      if (options != null) Maps.merge(one, (Map<String, Object>) options.plain());
    }
  }

  public Cache cache() {
    return cache("default", null);
  }

  /** A cache by name. Options are laid over those it has; each may be given once more by the environment. Null: none. */
  public Cache cache(String name, Config.CacheConfig options) {
    service("cache", name, options);
    return new Cache(this, name, null);
  }

  public Storage storage() {
    return storage("default", null);
  }

  public Storage storage(String name, Config.StorageConfig options) {
    service("storage", name, options);
    return new Storage(this, name);
  }

  public Database db() {
    return db("default", null);
  }

  public Database db(String name, Config.DbConfig options) {
    service("db", name, options);
    return new Database(this, name);
  }

  public Messaging messaging() {
    return messaging("default", null);
  }

  public Messaging messaging(String name, Config.MessagingConfig options) {
    service("messaging", name, options);
    return new Messaging(this, name);
  }

  public Tasks tasks() {
    return tasks("default", null);
  }

  public Tasks tasks(String name, Config.TasksConfig options) {
    service("tasks", name, options);
    return new Tasks(this, name);
  }

  public CloudEvents cloudEvents() {
    return cloudEvents("default", null);
  }

  public CloudEvents cloudEvents(String name, Config.EventSender options) {
    service("events", name, options);
    return new CloudEvents(this, name);
  }

  public Cron cron() {
    return new Cron(this, "default");
  }

  public Telemetry telemetry() {
    return new Telemetry(this, "default");
  }

  // ---- messages, tasks, events

  /** A consumer of messages; topic and options as {@link Config.Consumer} has them. */
  public App consumer(Config.Consumer options, Messaging.MessageHandler handler) {
    return consumer(options, new Plan.WorkPlan(subject -> handler.handle((Message) subject), Plan.Mode.BLOCKING, null));
  }

  /** Handles a payload as what it is. */
  @FunctionalInterface
  public interface PayloadHandler<T> {
    Object handle(T payload) throws Exception;
  }

  /** As above; payloads are JSON of this type, checked by the core before the handler runs: what does not fit goes to the dead letters. */
  @SuppressWarnings("unchecked")
  public <T> App consumer(Config.Consumer options, Class<T> type, PayloadHandler<? super T> handler) {
    Mapper.of(type);
    return consumer(options, new Plan.WorkPlan(subject -> handler.handle(((Message) subject).json(type)), Plan.Mode.BLOCKING, Schemas.document(type)));
  }

  App consumer(Config.Consumer options, Plan.WorkPlan plan) {
    Map<String, Object> data = options.plain();
    if (plan.schema() != null) data.put("schema", plan.schema());
    if (!data.containsKey("name")) data.put("name", data.getOrDefault("topic", "consumer") + (data.containsKey("group") ? "." + data.get("group") : ""));
    consumers.add(new Work(data, plan));
    service("messaging", (String) data.getOrDefault("client", "default"), null);
    return this;
  }

  /** A task of the queue {@code default}. */
  public App task(String name, Tasks.TaskHandler handler) {
    return task(name, "default", handler);
  }

  /** A task; each queue that has one has a worker. */
  public App task(String name, String queue, Tasks.TaskHandler handler) {
    return task("default", queue, name, new Plan.WorkPlan(subject -> handler.run((TaskRun) subject), Plan.Mode.BLOCKING, null));
  }

  App task(String client, String queue, String name, Plan.WorkPlan plan) {
    if (tasks.computeIfAbsent(new Queue(client, queue), key -> new LinkedHashMap<>()).putIfAbsent(name, plan) != null) throw new ConfigException("there are two tasks '" + name + "' in queue '" + queue + "'");
    service("tasks", client, null);
    return this;
  }

  /** Options of the worker of a queue. */
  public App worker(Config.Worker options) {
    Map<String, Object> data = options.plain();
    workers.put(new Queue((String) data.getOrDefault("client", "default"), (String) data.getOrDefault("queue", "default")), data);
    return this;
  }

  /** Enqueues a task by the clock. */
  public App schedule(Config.Schedule options) {
    schedules.add(options.plain());
    return this;
  }

  /** Handles an event: null is done, an event is the answer; see {@link Outcome}. */
  @FunctionalInterface
  public interface EventHandler {
    Object handle(CloudEvent event) throws Exception;
  }

  /** A handler of CloudEvents of a type (exact or with *) that come to {@code /events}. */
  public App event(String type, EventHandler handler) {
    return event(type, "*", "*", "/events", handler);
  }

  /** As above, by type, source and subject, at a path. */
  public App event(String type, String source, String subject, String path, EventHandler handler) {
    return event(type, source, subject, path, null, new Plan.WorkPlan(subject_ -> handler.handle((CloudEvent) subject_), Plan.Mode.BLOCKING, null));
  }

  /** A handler of CloudEvents that come as messages of a topic. */
  public App eventFrom(String topic, String type, EventHandler handler) {
    return event(type, "*", "*", null, topic, new Plan.WorkPlan(subject -> handler.handle((CloudEvent) subject), Plan.Mode.BLOCKING, null));
  }

  @SuppressWarnings("unchecked")
  App event(String type, String source, String subject, String path, String topic, Plan.WorkPlan plan) {
    Map<String, Object> subscription = Maps.of("handler", events.size());
    if (!type.equals("*")) subscription.put("type", type);
    if (!source.equals("*")) subscription.put("source", source);
    if (!subject.equals("*")) subscription.put("subject", subject);
    Map<String, Object> owner = topic != null ? eventConsumer(topic) : eventEndpoints.computeIfAbsent(path, key -> new LinkedHashMap<>());
    ((List<Object>) owner.computeIfAbsent("subscriptions", key -> new ArrayList<>())).add(subscription);
    events.add(plan);
    return this;
  }

  private Map<String, Object> eventConsumer(String topic) {
    service("messaging", "default", null);
    return eventConsumers.computeIfAbsent(topic, key -> Maps.of("consumer", Maps.of("name", "events." + topic, "topic", topic)));
  }

  /** Options of a path that takes events. */
  public App eventEndpoint(Config.EventEndpoint options) {
    Map<String, Object> data = options.plain();
    Maps.merge(eventEndpoints.computeIfAbsent((String) data.getOrDefault("path", "/events"), key -> new LinkedHashMap<>()), data);
    return this;
  }

  /** Options of a topic whose messages are events. */
  public App eventConsumer(String topic, Config.EventConsumer options) {
    Maps.merge(eventConsumer(topic), options.plain());
    return this;
  }

  // ---- what it becomes

  /** The whole application as data. */
  public Map<String, Object> manifest() {
    return plan().manifest;
  }

  /** The manifest as JSON. */
  public String manifestJson() {
    return Json.text(manifest());
  }

  Plan plan() {
    Map<String, Object> manifest = new LinkedHashMap<>();
    Plan plan = new Plan(manifest);
    manifest.put("name", name);
    manifest.put("handle_signals", false);
    Map<String, Object> http = new LinkedHashMap<>();
    http.put("listeners", new ArrayList<>());
    List<Object> routeData = new ArrayList<>();
    long[] token = {1};
    for (Route route : routes) {
      Map<String, Object> data = new LinkedHashMap<>();
      plan.routes.add(route.plan(data));
      if (!route.dependencies.isEmpty()) {
        List<Object> own = new ArrayList<>();
        for (Dependency one : route.dependencies) own.add(dependency(one, plan, token));
        data.put("dependencies", own);
      }
      routeData.add(data);
    }
    http.put("routes", routeData);
    Map<String, Object> hookNames = new LinkedHashMap<>();
    for (int i = 0; i < PHASES.size(); ++i) {
      List<Object> names = new ArrayList<>();
      List<Plan.HookPlan> plans = new ArrayList<>();
      for (Map.Entry<String, Plan.HookPlan> hook : hooks.get(i)) {
        names.add(hook.getKey());
        plans.add(hook.getValue());
      }
      hookNames.put(PHASES.get(i), names);
      plan.hooks.add(plans);
    }
    http.put("hooks", hookNames);
    List<Object> all = new ArrayList<>();
    for (Dependency one : dependencies.values()) all.add(dependency(one, plan, token));
    http.put("dependencies", all);
    manifest.put("http", http);
    work(plan);
    boolean works = !plan.consumers.isEmpty() || !plan.workers.isEmpty();
    if (works && routeData.isEmpty() && !manifest.containsKey("events") && !config.containsKey("http")) manifest.remove("http"); // nothing is served
    Maps.merge(manifest, config);
    plan.onStart = List.copyOf(onStart);
    plan.onStop = List.copyOf(onStop);
    plan.threads = threads;
    plan.executor = executor;
    plan.failures = failures;
    return plan;
  }

  private Map<String, Object> dependency(Dependency one, Plan plan, long[] nextToken) {
    Map<String, Object> data = new LinkedHashMap<>();
    for (String member : List.of("name", "kind", "scope", "depends_on")) {
      if (one.spec.containsKey(member)) data.put(member, one.spec.get(member));
    }
    data.put("id", one.id);
    if ("value".equals(data.getOrDefault("kind", "value"))) {
      long token = nextToken[0]++;
      data.put("token", token);
      String type = Http.jsonType(one.value);
      if (type != null) data.put("type", type);
      plan.tokens.put(token, one.value == null ? Http.NULL : one.value);
    } else {
      // The core says when a value is no longer used, so that nothing made for a request outlives it.
      data.put("cleanup", true);
      plan.factories.put(one.id, new Plan.FactoryPlan((Factory) one.value, one.mode));
    }
    return data;
  }

  /** The toolbox's part of the manifest, and the handlers by their places in it. */
  private void work(Plan plan) {
    Map<String, Object> manifest = plan.manifest;
    Map<String, Object> clients = new LinkedHashMap<>();
    services.forEach((group, known) -> {
      if (!known.isEmpty()) clients.put(group, Maps.plain(known));
    });
    if (!clients.isEmpty()) manifest.put("services", clients);
    List<Object> consumerData = new ArrayList<>();
    for (Work one : consumers) {
      consumerData.add(Maps.plain(one.data));
      plan.consumers.add(new Plan.WorkSource("", "", Map.of("", one.plan)));
    }
    if (!consumerData.isEmpty()) manifest.put("consumers", consumerData);
    List<Object> workerData = new ArrayList<>();
    tasks.forEach((queue, handlers) -> {
      Map<String, Object> data = new LinkedHashMap<>();
      data.put("name", queue.client.equals("default") ? queue.queue : queue.client + "." + queue.queue);
      Maps.merge(data, workers.getOrDefault(queue, Map.of()));
      data.put("queue", queue.queue);
      data.put("tasks", new ArrayList<>(handlers.keySet()));
      if (!queue.client.equals("default")) data.put("client", queue.client);
      workerData.add(data);
      plan.workers.add(new Plan.WorkSource(queue.queue, queue.client, handlers));
    });
    for (Queue queue : workers.keySet()) {
      if (!tasks.containsKey(queue)) throw new ConfigException("worker: no task is in queue '" + queue.queue + "' of tasks client '" + queue.client + "'");
    }
    if (!workerData.isEmpty()) manifest.put("workers", workerData);
    if (!schedules.isEmpty()) manifest.put("schedules", Maps.plain(schedules));
    plan.events.addAll(events);
    List<Object> endpoints = new ArrayList<>();
    eventEndpoints.forEach((path, options) -> {
      Map<String, Object> data = Maps.of("path", path);
      endpoints.add(Maps.merge(data, options));
    });
    if (!endpoints.isEmpty()) manifest.put("events", endpoints);
    if (!eventConsumers.isEmpty()) manifest.put("event_consumers", Maps.plain(new ArrayList<>(eventConsumers.values())));
  }

  // ---- running

  Binding running() {
    return running;
  }

  void running(Binding binding) {
    running = binding;
  }

  int portCount() {
    return ports;
  }

  /** Serves until SIGTERM or SIGINT, then drains. The exit code: 0 when nothing was abandoned. What the program says of listeners is in its config; 127.0.0.1:8000 is the core's default. */
  public int run() {
    return Runtime.run(this, null, null);
  }

  /** As above, at an address. spikard.toml, PORT and SPIKARD_... of the environment are laid over it. */
  public int run(String host, int port) {
    return Runtime.run(this, host, port);
  }
}
