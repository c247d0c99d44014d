import dev.spikard.App;
import dev.spikard.CloudEvent;
import dev.spikard.Config;
import dev.spikard.Disposable;
import dev.spikard.Factory;
import dev.spikard.Handler;
import dev.spikard.Hook;
import dev.spikard.Problem;
import dev.spikard.Request;
import dev.spikard.Response;
import dev.spikard.Route;
import dev.spikard.Spikard;
import dev.spikard.StreamingResponse;
import dev.spikard.internal.Json;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/** The application of one case, through the binding's public API (fixtures/README.md section 1). */
final class WebCase {
  final List<String> trace = Collections.synchronizedList(new ArrayList<>());
  final List<Object> events = Collections.synchronizedList(new ArrayList<>());
  private final Map<String, Long> counters = new HashMap<>();
  private final Map<String, List<Object>> lists = new HashMap<>();
  private App app;

  private static final Map<String, String> HANDLER_KEYS = Map.of("respond", "kind status headers cookies body", "echo", "kind status parts", "problem", "kind problem", "fail", "kind message", "sleep",
      "kind ms then", "stream", "kind media_type chunks delay_ms fail_after", "background", "kind list field", "background_list", "kind list", "publish", "kind topic payload", "log",
      "kind level message attributes then");

  // ---- what a handler can do

  private static byte[] content(Map<String, Object> content) {
    if (content.containsKey("json")) return Json.write(content.get("json"));
    if (content.containsKey("text")) return Values.text(content, "text").getBytes(StandardCharsets.UTF_8);
    return Base64.getDecoder().decode(Values.text(content, "base64"));
  }

  private static Response response(Map<String, Object> spec) {
    Map<String, Object> body = spec.get("body") == null ? null : Values.map(spec.get("body"));
    Response response;
    if (body == null) response = Response.empty();
    else if (body.containsKey("text")) response = Response.text(Values.text(body, "text"));
    else if (body.containsKey("base64")) response = Response.bytes(content(body));
    else response = Response.json(body.get("json"));
    if (body != null && body.get("media_type") instanceof String type) response.mediaType(type);
    if (spec.containsKey("status")) response.status((int) Values.number(spec.get("status")));
    Values.map(spec, "headers").forEach((name, value) -> {
      for (Object line : value instanceof List<?> lines ? lines : List.of(value)) response.header(name, (String) line);
    });
    for (Object one : Values.list(spec, "cookies")) response.cookie(cookie(Values.map(one)));
    return response;
  }

  private static Response.Cookie cookie(Map<String, Object> spec) {
    Response.Cookie cookie = new Response.Cookie(Values.text(spec, "name"), (String) spec.getOrDefault("value", ""));
    if (spec.containsKey("max_age")) cookie.maxAge(Duration.ofSeconds(Values.number(spec.get("max_age"))));
    if (spec.get("domain") instanceof String domain) cookie.domain(domain);
    if (spec.get("path") instanceof String path) cookie.path(path);
    if (spec.get("same_site") instanceof String policy) cookie.sameSite(policy);
    if (Boolean.TRUE.equals(spec.get("secure"))) cookie.secure();
    if (Boolean.TRUE.equals(spec.get("http_only"))) cookie.httpOnly();
    return cookie;
  }

  private static Response echo(Map<String, Object> route, Request request, Map<String, Object> spec) {
    Map<String, Object> out = new LinkedHashMap<>();
    for (Object part : Values.list(spec, "parts")) {
      switch ((String) part) {
        case "path", "query", "headers", "cookies" -> out.put((String) part, request.parameters().getOrDefault(part, Map.of()));
        case "body" -> out.put("body", Values.shown(request.json()));
        case "auth" -> out.put("auth", request.auth());
        case "context" -> out.put("context", request.context());
        default -> {
          List<Object> named = new ArrayList<>();
          List<Object> names = Values.list(route, "inject");
          for (int i = 0; i < names.size(); ++i) named.add(Values.of("name", names.get(i), "value", request.dependencies().get(i)));
          out.put((String) part, named);
        }
      }
    }
    return Response.json(out).status(spec.containsKey("status") ? (int) Values.number(spec.get("status")) : 200);
  }

  private static StreamingResponse stream(Map<String, Object> spec) {
    return new StreamingResponse(Values.text(spec, "media_type"), out -> {
      List<Object> chunks = Values.list(spec, "chunks");
      long fail = spec.get("fail_after") == null ? -1 : Values.number(spec.get("fail_after"));
      for (int i = 0; i < chunks.size() && i != fail; ++i) {
        if (i > 0 && spec.get("delay_ms") != null) Spikard.sleep(Duration.ofMillis(Values.number(spec.get("delay_ms"))));
        out.write(content(Values.map(chunks.get(i))));
      }
      if (fail >= 0 && fail <= chunks.size()) throw new IllegalStateException("the stream fails, as the case says");
    });
  }

  private Object act(Map<String, Object> route, Map<String, Object> spec, Request request) {
    switch (Values.text(spec, "kind")) {
      case "respond":
        return response(spec);
      case "echo":
        return echo(route, request, spec);
      case "problem":
        throw Problem.exactly(Values.map(spec.get("problem")));
      case "stream":
        return stream(spec);
      case "background": {
        Object field = Values.map(request.json()).get(Values.text(spec, "field"));
        request.nonBlockingBackground(() -> { // those of threads run beside each other
          synchronized (lists) {
            lists.computeIfAbsent(Values.text(spec, "list"), key -> new ArrayList<>()).add(field);
          }
        });
        return Response.json(Map.of("queued", true)).status(202);
      }
      case "background_list":
        synchronized (lists) {
          return Values.of(Values.text(spec, "list"), new ArrayList<>(lists.getOrDefault(Values.text(spec, "list"), List.of())));
        }
      case "publish":
        app.messaging().publish(Values.text(spec, "topic"), payload(spec.get("payload")));
        return Response.empty().status(202);
      default:
        throw new IllegalStateException((String) spec.getOrDefault("message", "fail"));
    }
  }

  private static byte[] payload(Object payload) {
    if (payload instanceof String || payload instanceof Map<?, ?> map && map.size() == 1 && (map.containsKey("$text") || map.containsKey("$bytes"))) return Values.bytes(Values.unpacked(payload));
    return Json.write(payload);
  }

  private static void check(Map<String, Object> spec) {
    String kind = Values.text(spec, "kind");
    if (!HANDLER_KEYS.containsKey(kind)) throw new Values.NotBuilt("handler " + kind);
    Values.only(spec, HANDLER_KEYS.get(kind), "handler");
    if (spec.containsKey("then")) check(Values.map(spec.get("then")));
  }

  private Handler handler(Map<String, Object> route, Map<String, Object> spec) {
    check(spec);
    switch (Values.text(spec, "kind")) {
      case "log": {
        Handler then = handler(route, Values.map(spec.get("then")));
        return request -> {
          app.telemetry().log(Values.text(spec, "message"), given -> {
            given.level(Values.text(spec, "level"));
            if (spec.containsKey("attributes")) given.attributes(Values.map(spec.get("attributes")));
          });
          return then.handle(request);
        };
      }
      case "sleep": {
        Handler then = handler(route, Values.map(spec.get("then")));
        Duration span = Duration.ofMillis(Values.number(spec.get("ms")));
        return request -> {
          Spikard.sleep(span);
          return then.handle(request);
        };
      }
      default:
        return request -> act(route, spec, request);
    }
  }

  /** All three ways to run a handler are played: on a thread that may block, on the loop's thread, and as a future. */
  private void route(Map<String, Object> spec) {
    Values.only(spec, "method path parameters body inject inject_types dependencies handler", "route");
    Map<String, Object> data = Values.without(spec, "handler", "dependencies");
    Map<String, Object> behaviour = Values.map(spec.get("handler"));
    Handler handler = handler(data, behaviour);
    String kind = Values.text(behaviour, "kind");
    Route route;
    if (kind.equals("problem") || kind.equals("echo")) {
      route = app.route(data, handler).nonBlocking();
    } else if (kind.equals("sleep") && Values.text(Values.map(behaviour.get("then")), "kind").equals("respond")) {
      Duration span = Duration.ofMillis(Values.number(behaviour.get("ms")));
      Map<String, Object> then = Values.map(behaviour.get("then"));
      route = app.route(data, request -> Spikard.sleepAsync(span).thenApply(nothing -> act(data, then, request))).nonBlocking();
    } else {
      route = app.route(data, handler);
    }
    for (Object one : Values.list(spec, "dependencies")) dependency(Values.map(one), route);
  }

  // ---- hooks

  private static Problem unauthorized(boolean hadToken) {
    return new Problem(401).header("www-authenticate", hadToken ? "Bearer error=\"invalid_token\"" : "Bearer");
  }

  private static Hook hook(Map<String, Object> spec) {
    String key = Values.text(spec, "key");
    switch (Values.text(spec, "kind")) {
      case "set_context":
        Values.only(spec, "kind key value", "hook");
        return (request, response) -> {
          request.context().put(key, spec.get("value"));
          return null;
        };
      case "append_context":
        Values.only(spec, "kind key value", "hook");
        return (request, response) -> {
          Object before = request.context().getOrDefault(key, List.of());
          List<Object> all = new ArrayList<>(before instanceof List<?> list ? list : List.of(before));
          all.add(spec.get("value"));
          request.context().put(key, all);
          return null;
        };
      case "set_response_header":
        Values.only(spec, "kind name value", "hook");
        return (request, response) -> {
          response.setHeader(Values.text(spec, "name"), Values.text(spec, "value"));
          return null;
        };
      case "append_response_header":
        Values.only(spec, "kind name value", "hook");
        return (request, response) -> {
          response.appendHeader(Values.text(spec, "name"), Values.text(spec, "value"));
          return null;
        };
      case "respond":
        Values.only(spec, "kind status headers body", "hook");
        return (request, response) -> CompletableFuture.supplyAsync(() -> response(spec));
      case "fail":
        Values.only(spec, "kind message", "hook");
        return (request, response) -> {
          throw new IllegalStateException((String) spec.getOrDefault("message", "fail"));
        };
      case "require_bearer":
        Values.only(spec, "kind tokens", "hook");
        return (request, response) -> {
          String[] parts = String.valueOf(request.header("authorization")).split(" ", 2);
          if (!parts[0].equalsIgnoreCase("bearer") || parts.length < 2 || parts[1].isEmpty()) throw unauthorized(false);
          Map<String, Object> tokens = Values.map(spec.get("tokens"));
          if (!tokens.containsKey(parts[1])) throw unauthorized(true);
          request.context().putAll(Values.map(tokens.get(parts[1])));
          return null;
        };
      case "require_context":
        Values.only(spec, "kind key equals", "hook");
        return (request, response) -> {
          if (!request.context().containsKey(key) || !java.util.Objects.equals(request.context().get(key), spec.get("equals"))) throw new Problem(403);
          return null;
        };
      case "limit_calls": {
        Values.only(spec, "kind max retry_after", "hook");
        AtomicLong calls = new AtomicLong();
        return (request, response) -> {
          if (calls.incrementAndGet() > Values.number(spec.get("max"))) throw new Problem(429).header("retry-after", String.valueOf(spec.getOrDefault("retry_after", 1L)));
          return null;
        };
      }
      default:
        throw new Values.NotBuilt("hook " + spec.get("kind"));
    }
  }

  // ---- dependencies

  private synchronized Object produce(String name, Object produces) {
    if (produces instanceof Map<?, ?> map) {
      Values.only(Values.map(map), "object", "produces");
      return map.get("object");
    }
    if ("uuid".equals(produces)) return UUID.randomUUID().toString();
    if ("counter".equals(produces)) return Values.of("instance", counters.merge(name, 1L, Long::sum));
    if (produces == null) return null;
    throw new Values.NotBuilt("produces " + produces);
  }

  private Factory factory(Map<String, Object> spec) {
    String name = Values.text(spec, "name");
    java.util.concurrent.Callable<Object> make = () -> {
      trace.add("open:" + name);
      Object value = produce(name, spec.get("produces"));
      return Boolean.TRUE.equals(spec.get("cleanup")) ? new Disposable(value, () -> trace.add("close:" + name)) : value;
    };
    if (!Boolean.TRUE.equals(spec.get("async"))) return needs -> make.call();
    return needs -> CompletableFuture.supplyAsync(() -> {
      try {
        return make.call();
      } catch (RuntimeException error) {
        throw error;
      } catch (Exception error) {
        throw new IllegalStateException(error);
      }
    });
  }

  private void dependency(Map<String, Object> spec, Route route) {
    Values.only(spec, "name kind value async depends_on scope produces cleanup", "dependency");
    Map<String, Object> data = new LinkedHashMap<>();
    for (String member : List.of("name", "kind", "scope", "depends_on")) {
      if (spec.containsKey(member)) data.put(member, spec.get(member));
    }
    Object value = "value".equals(spec.get("kind")) ? spec.get("value") : factory(spec);
    if (route == null) app.dependency(data, value);
    else app.dependency(data, value, route);
  }

  // ---- the application

  private void events(Map<String, Object> spec) {
    Values.only(spec, "path handler dispatch allowed_origins allowed_rate", "cloudevents");
    Map<String, Object> handler = Values.map(spec.get("handler"));
    Values.only(handler, "kind event message", "cloudevents.handler");
    String kind = Values.text(handler, "kind");
    if (!List.of("echo_event", "reply_event", "fail").contains(kind)) throw new Values.NotBuilt("handler " + kind);
    String path = Values.text(spec, "path");
    Config.EventEndpoint endpoint = new Config.EventEndpoint().path(path);
    if (spec.containsKey("allowed_origins")) {
      List<String> origins = new ArrayList<>();
      Values.list(spec, "allowed_origins").forEach(one -> origins.add((String) one));
      endpoint.allowedOrigins(origins);
    }
    if (spec.containsKey("allowed_rate")) endpoint.allowedRate(Values.number(spec.get("allowed_rate")));
    app.eventEndpoint(endpoint);
    Map<String, Object> dispatch = new LinkedHashMap<>(Values.map(spec, "dispatch"));
    dispatch.putIfAbsent("*", "default");
    dispatch.forEach((type, name) -> app.event(type, "*", "*", path, event -> {
      events.add(Values.of("event", Values.event(event), "handler", name));
      if (kind.equals("fail")) throw new IllegalStateException((String) handler.getOrDefault("message", "fail"));
      return kind.equals("reply_event") ? CloudEvent.of(Values.map(handler.get("event"))) : null;
    }));
  }

  private void consumer(Map<String, Object> spec) {
    Values.only(spec, "topic group handler", "consumers");
    Script script = new Script(Values.map(spec.get("handler")));
    Script.Handled handled = new Script.Handled();
    Config.Consumer options = new Config.Consumer().topic(Values.text(spec, "topic")).group(Values.text(spec, "group")).name(spec.get("topic") + "." + spec.get("group"));
    app.consumer(options, message -> handled.run(script.next(message.text()), Values.of("payload", message.payload())));
  }

  App make(Map<String, Object> spec) {
    Values.only(spec, "config hooks dependencies routes cloudevents consumers env", "app");
    Map<String, Object> config = new LinkedHashMap<>(Values.map(spec, "config"));
    Values.only(config, "request_id timeout limits telemetry auth cors compression static_files rate_limit", "config");
    app = new App("case");
    Map<String, Object> manifest = Values.of("log", Values.of("level", "warn"), "shutdown", Values.of("timeout_ms", 2000));
    if (config.containsKey("telemetry")) manifest.put("telemetry", config.remove("telemetry"));
    boolean publishes = spec.containsKey("consumers") || Values.list(spec, "routes").stream().anyMatch(route -> "publish".equals(Values.map(Values.map(route).get("handler")).get("kind")));
    if (publishes) manifest.put("services", Values.of("messaging", Values.of("default", Values.of("url", "memory:"))));
    // A case has the routes it names, and no others: no health routes.
    config.put("health", Values.of("enabled", false));
    manifest.put("http", config);
    app.config(manifest);
    if (spec.containsKey("cloudevents")) events(Values.map(spec.get("cloudevents")));
    for (Object one : Values.list(spec, "consumers")) consumer(Values.map(one));
    for (Object one : Values.list(spec, "dependencies")) dependency(Values.map(one), null);
    Map<String, Object> hooks = Values.map(spec, "hooks");
    Values.only(hooks, "on_request pre_validation pre_handler on_response on_error", "hooks");
    // Both ways to run a hook, in turn.
    int number = 0;
    for (String phase : hooks.keySet()) {
      for (Object one : Values.list(hooks, phase)) {
        if (number++ % 2 == 0) app.hook(phase, hook(Values.map(one)));
        else app.nonBlockingHook(phase, hook(Values.map(one)));
      }
    }
    for (Object one : Values.list(spec, "routes")) route(Values.map(one));
    return app;
  }
}
