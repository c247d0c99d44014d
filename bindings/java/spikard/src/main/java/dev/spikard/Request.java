package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Json;
import dev.spikard.internal.Mapper;
import dev.spikard.internal.Nodes;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A request: what was sent, read when it is asked for, and what the core made of it. It may be kept as long as one likes. */
public final class Request {
  private static final String[] METHODS = {"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", ""};

  private final Binding binding;
  private final Plan.Route route;
  private final Work work;
  private final ByteBuffer record;
  private List<Map.Entry<String, String>> headers;
  private Map<String, Map<String, Object>> parameters;
  private Map<String, Object> context;
  private Throwable error;

  Request(Binding binding, Plan.Route route, Work work, ByteBuffer record) {
    this.binding = binding;
    this.route = route;
    this.work = work;
    this.record = record;
  }

  /** GET, POST, ...; empty for one that is not among the known. */
  public String method() {
    int number = record.get(Abi.AT_REQUEST_METHOD) & 0xff;
    return number < METHODS.length ? METHODS[number] : "";
  }

  /** As sent, without the query. */
  public String path() {
    return Port.Records.text(record, 0, Abi.AT_REQUEST_PATH);
  }

  /** The path of the route, as the application has it. */
  public String route() {
    return route == null ? "" : route.path();
  }

  /** The query as sent, without {@code ?}. */
  public String queryString() {
    return Port.Records.text(record, 0, Abi.AT_REQUEST_QUERY);
  }

  /** The address of the client. */
  public String peer() {
    return Port.Records.text(record, 0, Abi.AT_REQUEST_PEER);
  }

  /** Lines in their order, names in lower case. */
  public List<Map.Entry<String, String>> headerLines() {
    if (headers == null) headers = Port.Records.pairs(record, 0, Abi.AT_REQUEST_HEADERS);
    return Collections.unmodifiableList(headers);
  }

  /** A header's value, several lines joined with ", "; null when there is none. */
  public String header(String name) {
    StringBuilder found = null;
    for (Map.Entry<String, String> line : headerLines()) {
      if (!line.getKey().equalsIgnoreCase(name)) continue;
      if (found == null) found = new StringBuilder(line.getValue());
      else found.append(", ").append(line.getValue());
    }
    return found == null ? null : found.toString();
  }

  /** The body's bytes; empty when it is streamed. */
  public byte[] body() {
    return Port.Records.bytes(record, 0, Abi.AT_REQUEST_BODY);
  }

  public String text() {
    return new String(body(), StandardCharsets.UTF_8);
  }

  /** The validated body: null, Boolean, Long, Double, BigInteger, BigDecimal, String, List or Map; null when there is none. */
  public Object json() {
    return Port.Records.value(record, 0, Abi.AT_REQUEST_JSON);
  }

  /** The validated body as a record, or another type that {@link Handler arguments} may have. */
  public <T> T json(Class<T> type) {
    return type.cast(json((Type) type));
  }

  Object json(Type type) {
    Mapper mapper = Mapper.of(type);
    if (Port.Records.count(record, 0, Abi.AT_REQUEST_JSON) == 0) return mapper.absent();
    return mapper.read(Port.Records.nodes(record, 0, Abi.AT_REQUEST_JSON));
  }

  /** All declared parameters, checked and coerced, by their place (path, query, headers, cookies) and name. */
  public Map<String, Map<String, Object>> parameters() {
    if (parameters == null) {
      Map<String, Map<String, Object>> found = new LinkedHashMap<>();
      if (route != null) {
        int n = Port.Records.count(record, 0, Abi.AT_REQUEST_PARAMS);
        Nodes nodes = Port.Records.nodes(record, 0, Abi.AT_REQUEST_PARAMS);
        for (int i = 0; i < n && i < route.parameters().size(); ++i) {
          Plan.Parameter parameter = route.parameters().get(i);
          found.computeIfAbsent(parameter.place(), place -> new LinkedHashMap<>()).put(parameter.name(), nodes.value());
        }
      }
      parameters = found;
    }
    return parameters;
  }

  private Object parameter(String place, String name) {
    Map<String, Object> of = parameters().getOrDefault(place, Map.of());
    if (!of.containsKey(name)) throw new IllegalArgumentException("'" + name + "' is no declared parameter of " + place + " of " + route());
    return of.get(name);
  }

  /** A parameter of the path. */
  public String pathText(String name) {
    return String.valueOf(parameter("path", name));
  }

  /** An integer of the path: {@code {name:int}}. */
  public long pathLong(String name) {
    if (parameter("path", name) instanceof Long number) return number;
    throw new IllegalArgumentException("'" + name + "' is no integer; declare it as {" + name + ":int}");
  }

  /** A declared parameter of the path, as a type: {@code request.path("id", UUID.class)}. */
  public <T> T path(String name, Class<T> type) {
    return as(parameter("path", name), type);
  }

  /** A declared parameter of the query; null when it was not sent and has no default. */
  public <T> T query(String name, Class<T> type) {
    return as(parameter("query", name), type);
  }

  /** A declared cookie. */
  public <T> T cookie(String name, Class<T> type) {
    return as(parameter("cookies", name), type);
  }

  /** A declared header. */
  public <T> T header(String name, Class<T> type) {
    return as(parameter("headers", name.toLowerCase(java.util.Locale.ROOT)), type);
  }

  @SuppressWarnings("unchecked")
  private static <T> T as(Object value, Class<T> type) {
    if (value == null || type.isInstance(value)) return (T) value;
    return (T) Mapper.of(type).read(Json.nodesOf(value));
  }

  /** What hooks have set. A hook's changes are told to those after it. */
  @SuppressWarnings("unchecked")
  public Map<String, Object> context() {
    if (context == null) {
      Object value = Port.Records.value(record, 0, Abi.AT_REQUEST_CONTEXT);
      context = value instanceof Map<?, ?> map ? (Map<String, Object>) map : new LinkedHashMap<>();
    }
    return context;
  }

  Map<String, Object> changedContext() {
    return context;
  }

  /** The injected dependencies of a route that was given as data. */
  public List<Object> dependencies() {
    int n = Port.Records.count(record, 0, Abi.AT_REQUEST_DEPS);
    List<Object> out = new ArrayList<>(n);
    for (int i = 0; i < n; ++i) {
      Object value = binding.tokens.get(record.getLong(record.getInt(Abi.AT_REQUEST_DEPS) + i * 8));
      out.add(value == Http.NULL ? null : value);
    }
    return out;
  }

  /** Who it is, as the middleware of authentication found it; null for nobody. */
  public Object auth() {
    return Port.Records.value(record, 0, Abi.AT_REQUEST_AUTH);
  }

  /** The body as it comes, of a route with {@code stream}. */
  public BodyStream stream() {
    return new BodyStream(work);
  }

  /** Runs something after the answer, on a thread that may block, beside other such jobs; the drain waits for it. It is not durable. */
  public void background(Runnable job) {
    background(new Work.Job(job, false));
  }

  /** As above for what never waits: on the loop's thread, one after another in the order in which they were queued. */
  public void nonBlockingBackground(Runnable job) {
    background(new Work.Job(job, true));
  }

  private void background(Work.Job job) {
    if (work.background == null) work.background = new ArrayList<>();
    work.background.add(job);
  }

  /** Whether anybody still waits for the answer. */
  public Cancellation cancellation() {
    return work;
  }

  /** In a hook of on_error: what the handler threw. Null elsewhere. */
  public Throwable error() {
    return error;
  }

  void error(Throwable thrown) {
    error = thrown;
  }

  @Override
  public String toString() {
    return method() + " " + path();
  }
}
