package dev.spikard;

import dev.spikard.internal.Schemas;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A route being said: {@code app.post("/orders", handler).body(NewOrder.class).status(201)}. */
public final class Route {
  static final Pattern SEGMENT = Pattern.compile("\\{([A-Za-z_][A-Za-z0-9_]*)(?::([^{}]+))?\\}");
  private static final Map<String, Map<String, Object>> SEGMENTS = Map.of("int", Maps.of("type", "integer"), "float", Maps.of("type", "number"), "bool", Maps.of("type", "boolean"), "uuid",
      Maps.of("type", "string", "format", "uuid"), "date", Maps.of("type", "string", "format", "date"), "datetime", Maps.of("type", "string", "format", "date-time"));
  static final Map<String, String> PLACES = Map.of("path", "path", "query", "query", "header", "headers", "cookie", "cookies");

  private final Map<String, Object> data;
  private final boolean exact;
  Plan.Code code;
  List<Plan.Argument> arguments;
  Plan.Mode mode = Plan.Mode.BLOCKING;
  int status = 200;
  final List<App.Dependency> dependencies = new ArrayList<>();
  private final List<Map<String, Object>> parameters = new ArrayList<>();
  private final List<String> inject = new ArrayList<>();

  Route(String method, String path, Handler handler) {
    this(new LinkedHashMap<>(), false, arguments -> handler.handle((Request) arguments[0]));
    data.put("method", method.toUpperCase(Locale.ROOT));
    data.put("path", path);
  }

  Route(Map<String, Object> data, boolean exact, Plan.Code code) {
    this.data = data;
    this.exact = exact;
    this.code = code;
    arguments = List.of(new Plan.Argument(Plan.Source.REQUEST, 0, null, null));
  }

  String path() {
    return (String) data.get("path");
  }

  Map<String, Object> members() {
    return data;
  }

  List<Map<String, Object>> declared() {
    return parameters;
  }

  /** The status of what the handler gives, unless it says its own. */
  public Route status(int status) {
    this.status = status;
    return this;
  }

  /** Its name, in telemetry and logs. */
  public Route name(String name) {
    data.put("name", name);
    return this;
  }

  public Route timeout(Duration timeout) {
    data.put("timeout_ms", Client.millis(timeout));
    return this;
  }

  /** The handler never waits: it runs on the loop's own thread. */
  public Route nonBlocking() {
    mode = Plan.Mode.LOOP;
    return this;
  }

  /** A parameter of the query that must be sent, checked and coerced by the core. */
  public Route query(String name, Type type) {
    return parameter("query", name, Schemas.document(type), true);
  }

  /** A parameter of the query that need not be sent; null: then it is null. */
  public Route query(String name, Type type, Object defaultValue) {
    return optional("query", name, type, defaultValue);
  }

  public Route header(String name, Type type) {
    return parameter("header", name, Schemas.document(type), true);
  }

  public Route header(String name, Type type, Object defaultValue) {
    return optional("header", name, type, defaultValue);
  }

  public Route cookie(String name, Type type) {
    return parameter("cookie", name, Schemas.document(type), true);
  }

  public Route cookie(String name, Type type, Object defaultValue) {
    return optional("cookie", name, type, defaultValue);
  }

  private Route optional(String in, String name, Type type, Object defaultValue) {
    Map<String, Object> schema = new LinkedHashMap<>(Schemas.document(type));
    if (defaultValue != null) schema.put("default", defaultValue);
    return parameter(in, name, schema, false);
  }

  Route parameter(String in, String name, Map<String, Object> schema, boolean required) {
    parameters.add(Maps.of("in", in, "name", name, "required", required, "schema", schema));
    return this;
  }

  /** The body is JSON of this type: {@code request.json(NewOrder.class)}. */
  public Route body(Type type) {
    return body(Schemas.document(type));
  }

  /** The body is JSON that fits a schema. */
  public Route body(Map<String, Object> schema) {
    data.put("body", Maps.of("content_types", List.of("application/json"), "required", true, "schema", schema, "as", "nodes"));
    return this;
  }

  Route body(Map<String, Object> body, boolean raw) {
    data.put("body", body);
    return this;
  }

  /** The body comes while the handler runs: {@code request.stream()}. */
  public Route stream() {
    data.put("body", Maps.of("mode", "stream", "required", false, "content_types", List.of("*/*"), "as", "raw"));
    return this;
  }

  /** Dependencies that the handler takes: {@code request.dependencies()}. */
  public Route inject(String... names) {
    inject.addAll(List.of(names));
    return this;
  }

  /** What it becomes in the manifest. */
  Plan.Route plan(Map<String, Object> out) {
    out.putAll(Maps.merge(new LinkedHashMap<>(), data));
    List<Plan.Parameter> names = new ArrayList<>();
    List<Map<String, Object>> all = new ArrayList<>();
    if (exact) {
      out.remove("dependencies");
      out.remove("status");
      if (data.get("parameters") instanceof List<?> given) {
        for (Object one : given) {
          @SuppressWarnings("unchecked")
          Map<String, Object> parameter = (Map<String, Object>) one;
          all.add(parameter);
        }
      }
    } else {
      all.addAll(parameters);
    }
    for (Map<String, Object> parameter : all) {
      String in = (String) parameter.get("in");
      String name = (String) parameter.get("name");
      names.add(new Plan.Parameter(PLACES.getOrDefault(in, in), in.equals("header") ? name.toLowerCase(Locale.ROOT) : name));
    }
    // What only the path names comes after those, in its order.
    Matcher segments = SEGMENT.matcher(path());
    while (segments.find()) {
      Plan.Parameter parameter = new Plan.Parameter("path", segments.group(1));
      if (names.contains(parameter)) continue;
      names.add(parameter);
      if (!exact) all.add(Maps.of("in", "path", "name", segments.group(1), "required", true, "schema", segment(segments.group(2))));
    }
    if (!exact) {
      if (!all.isEmpty()) out.put("parameters", all);
      if (!inject.isEmpty()) out.put("inject", List.copyOf(inject));
    }
    return new Plan.Route(code, mode, status, path(), names, arguments);
  }

  static Map<String, Object> segment(String kind) {
    return SEGMENTS.getOrDefault(kind == null ? "" : kind, Maps.of("type", "string"));
  }
}
