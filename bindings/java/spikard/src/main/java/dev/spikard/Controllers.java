package dev.spikard;

import dev.spikard.annotation.Body;
import dev.spikard.annotation.Consumes;
import dev.spikard.annotation.Cookie;
import dev.spikard.annotation.Delete;
import dev.spikard.annotation.Form;
import dev.spikard.annotation.Get;
import dev.spikard.annotation.Header;
import dev.spikard.annotation.Inject;
import dev.spikard.annotation.NonBlocking;
import dev.spikard.annotation.On;
import dev.spikard.annotation.OnEvent;
import dev.spikard.annotation.Patch;
import dev.spikard.annotation.Path;
import dev.spikard.annotation.Post;
import dev.spikard.annotation.Provides;
import dev.spikard.annotation.Put;
import dev.spikard.annotation.Query;
import dev.spikard.annotation.RoutePrefix;
import dev.spikard.annotation.Scheduled;
import dev.spikard.annotation.Task;
import dev.spikard.internal.Json;
import dev.spikard.internal.Mapper;
import dev.spikard.internal.MappingException;
import dev.spikard.internal.Nodes;
import dev.spikard.internal.Schemas;
import java.lang.annotation.Annotation;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** The annotated methods of one object, as what the builder would say. */
final class Controllers {
  private final App app;
  private final Object target;
  private final String prefix;

  Controllers(App app, Object target) {
    this.app = app;
    this.target = target;
    RoutePrefix given = target.getClass().getAnnotation(RoutePrefix.class);
    prefix = given == null ? "" : given.value();
  }

  void add() {
    int found = 0;
    for (Method method : sorted(target.getClass())) {
      if (add(method)) ++found;
    }
    if (found == 0) throw new ConfigException(target.getClass().getName() + " has no annotated method");
  }

  /** In an order that does not change from run to run: the JVM promises none. */
  private static List<Method> sorted(Class<?> type) {
    List<Method> out = new ArrayList<>();
    for (Class<?> c = type; c != null && c != Object.class; c = c.getSuperclass()) {
      List<Method> own = new ArrayList<>(List.of(c.getDeclaredMethods()));
      own.removeIf(method -> method.isBridge() || method.isSynthetic());
      own.sort(java.util.Comparator.comparing(Method::getName).thenComparing(method -> java.util.Arrays.toString(method.getParameterTypes())));
      out.addAll(own);
    }
    return out;
  }

  private boolean add(Method method) {
    boolean any = false;
    for (Annotation one : method.getDeclaredAnnotations()) {
      any = true;
      if (one instanceof Get a) route(method, "GET", a.value(), a.status(), a.timeoutMs(), a.stream());
      else if (one instanceof Post a) route(method, "POST", a.value(), a.status(), a.timeoutMs(), a.stream());
      else if (one instanceof Put a) route(method, "PUT", a.value(), a.status(), a.timeoutMs(), a.stream());
      else if (one instanceof Patch a) route(method, "PATCH", a.value(), a.status(), a.timeoutMs(), a.stream());
      else if (one instanceof Delete a) route(method, "DELETE", a.value(), a.status(), a.timeoutMs(), a.stream());
      else if (one instanceof Consumes a) consumer(method, a);
      else if (one instanceof Task a) task(method, a);
      else if (one instanceof Scheduled a) schedule(method, a);
      else if (one instanceof OnEvent a) app.event(a.value(), a.source(), a.subject(), a.topic().isEmpty() ? a.path() : null, a.topic().isEmpty() ? null : a.topic(), event(method));
      else if (one instanceof Provides a) provides(method, a);
      else if (one instanceof On a) hook(method, a);
      else any = false;
      if (any) return true;
    }
    return false;
  }

  private String where(Method method) {
    return method.getDeclaringClass().getSimpleName() + "." + method.getName();
  }

  private ConfigException wrong(Method method, String what) {
    return new ConfigException(where(method) + ": " + what);
  }

  /** The method, its arguments as one array. */
  private Plan.Code code(Method method) {
    try {
      method.setAccessible(true);
      MethodHandle handle = MethodHandles.lookup().unreflect(method);
      if (!Modifier.isStatic(method.getModifiers())) handle = handle.bindTo(target);
      MethodHandle spread = handle.asType(handle.type().generic().changeReturnType(Object.class)).asSpreader(Object[].class, method.getParameterCount());
      return arguments -> (Object) spread.invokeExact(arguments);
    } catch (IllegalAccessException | RuntimeException error) {
      throw wrong(method, "cannot be called: is its package open to dev.spikard? " + error.getMessage());
    }
  }

  private static Plan.Mode mode(Method method) {
    boolean loop = method.isAnnotationPresent(NonBlocking.class) || CompletionStage.class.isAssignableFrom(method.getReturnType());
    return loop ? Plan.Mode.LOOP : Plan.Mode.BLOCKING;
  }

  private String name(Method method, Parameter parameter, String given) {
    if (!given.isEmpty()) return given;
    if (!parameter.isNamePresent()) throw wrong(method, "a parameter without a name: compile with -parameters, or name it in the annotation");
    return parameter.getName();
  }

  // ---- routes

  private void route(Method method, String verb, String path, int status, long timeoutMs, boolean stream) {
    Plan.Code code = code(method);
    Map<String, Object> data = Maps.of("method", verb, "path", prefix + path, "name", method.getName());
    if (timeoutMs > 0) data.put("timeout_ms", timeoutMs);
    Route route = new Route(data, false, code).status(status);
    route.mode = mode(method);
    List<Plan.Argument> arguments = new ArrayList<>();
    List<String> segments = new ArrayList<>();
    Map<String, String> kinds = new LinkedHashMap<>();
    java.util.regex.Matcher matcher = Route.SEGMENT.matcher(prefix + path);
    while (matcher.find()) {
      segments.add(matcher.group(1));
      kinds.put(matcher.group(1), matcher.group(2));
    }
    List<String> inject = new ArrayList<>();
    boolean streamed = stream;
    for (Parameter parameter : method.getParameters()) {
      Class<?> type = parameter.getType();
      if (type == Request.class) arguments.add(new Plan.Argument(Plan.Source.REQUEST, 0, null, null));
      else if (type == Cancellation.class) arguments.add(new Plan.Argument(Plan.Source.CANCELLATION, 0, null, null));
      else if (type == BodyStream.class) {
        arguments.add(new Plan.Argument(Plan.Source.BODY_STREAM, 0, null, null));
        streamed = true;
      } else if (parameter.isAnnotationPresent(Inject.class)) {
        inject.add(name(method, parameter, parameter.getAnnotation(Inject.class).value()));
        arguments.add(new Plan.Argument(Plan.Source.DEPENDENCY, inject.size() - 1, null, null));
      } else if (parameter.isAnnotationPresent(Body.class) || parameter.isAnnotationPresent(Form.class)) {
        if (data.containsKey("body")) throw wrong(method, "a request has one body");
        arguments.add(body(method, parameter, route));
      } else {
        arguments.add(parameter(method, parameter, route, segments, kinds));
      }
    }
    if (streamed) {
      if (data.containsKey("body")) throw wrong(method, "a streamed body cannot be a parameter as well");
      route.stream();
    }
    route.inject(inject.toArray(String[]::new));
    route.arguments = arguments;
    app.add(route);
  }

  private Plan.Argument body(Method method, Parameter parameter, Route route) {
    Body given = parameter.getAnnotation(Body.class);
    List<String> types = given == null ? List.of("application/x-www-form-urlencoded") : List.of(given.value());
    boolean required = !Schemas.optional(parameter.getParameterizedType(), parameter, parameter.getAnnotatedType());
    if (given != null && parameter.getType() == byte[].class) {
      route.body(Maps.of("content_types", types.isEmpty() ? List.of("application/octet-stream") : types, "required", required, "as", "raw"), true);
      return new Plan.Argument(Plan.Source.BYTES, 0, null, null);
    }
    boolean text = given != null && parameter.getType() == String.class && !types.isEmpty() && types.stream().noneMatch(type -> type.contains("json"));
    if (text) {
      route.body(Maps.of("content_types", types, "required", required, "as", "raw"), true);
      return new Plan.Argument(Plan.Source.TEXT, 0, null, null);
    }
    Map<String, Object> schema = Schemas.document(parameter.getAnnotatedType(), parameter);
    route.body(Maps.of("content_types", types.isEmpty() ? List.of("application/json") : types, "required", required, "schema", schema, "as", "nodes"), true);
    return new Plan.Argument(Plan.Source.JSON, 0, Mapper.of(parameter.getParameterizedType()), null);
  }

  private Plan.Argument parameter(Method method, Parameter parameter, Route route, List<String> segments, Map<String, String> kinds) {
    String in = "query";
    String name;
    if (parameter.isAnnotationPresent(Path.class)) {
      in = "path";
      name = name(method, parameter, parameter.getAnnotation(Path.class).value());
    } else if (parameter.isAnnotationPresent(Header.class)) {
      in = "header";
      String given = parameter.getAnnotation(Header.class).value();
      name = given.isEmpty() ? name(method, parameter, "").replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(java.util.Locale.ROOT) : given;
    } else if (parameter.isAnnotationPresent(Cookie.class)) {
      in = "cookie";
      name = name(method, parameter, parameter.getAnnotation(Cookie.class).value());
    } else if (parameter.isAnnotationPresent(Query.class)) {
      name = name(method, parameter, parameter.getAnnotation(Query.class).value());
    } else {
      name = name(method, parameter, "");
      if (!segments.contains(name)) throw wrong(method, "what is '" + name + "'? Annotate it: @Path, @Query, @Header, @Cookie, @Body, @Form or @Inject");
      in = "path";
    }
    if (in.equals("path") && !segments.contains(name)) throw wrong(method, "'" + name + "' is no parameter of the path '" + route.path() + "'");
    Map<String, Object> schema = new LinkedHashMap<>(Schemas.document(parameter.getAnnotatedType(), parameter));
    Object kind = schema.get("type");
    if (kind instanceof List<?> list) schema.put("type", list.get(0)); // text is never null
    boolean required = in.equals("path") || !Schemas.optional(parameter.getParameterizedType(), parameter, parameter.getAnnotatedType()) && Schemas.defaultOf(parameter) == Schemas.NONE;
    route.parameter(in, name, schema, required);
    return new Plan.Argument(Plan.Source.PARAMETER, route.declared().size() - 1, Mapper.of(parameter.getParameterizedType()), null);
  }

  // ---- hooks and dependencies

  private void hook(Method method, On on) {
    List<Function<Object[], Object>> makers = new ArrayList<>();
    for (Parameter parameter : method.getParameters()) {
      if (parameter.getType() == Request.class) makers.add(given -> given[0]);
      else if (parameter.getType() == ResponseDraft.class) makers.add(given -> given[1]);
      else throw wrong(method, "a hook takes a Request, a ResponseDraft, or both");
    }
    Plan.Code code = code(method);
    app.hook(on.value(), method.getName(), (request, draft) -> call(code, makers, new Object[] {request, draft}), mode(method));
  }

  private static Object call(Plan.Code code, List<Function<Object[], Object>> makers, Object[] given) throws Exception {
    return call(code, made(makers, given));
  }

  private static Object call(Plan.Code code, Object[] arguments) throws Exception {
    try {
      return code.call(arguments);
    } catch (Exception | Error error) {
      throw error;
    } catch (Throwable error) {
      throw new SpikardException(String.valueOf(error.getMessage()), error);
    }
  }

  private void provides(Method method, Provides provides) {
    List<String> needs = new ArrayList<>();
    for (Parameter parameter : method.getParameters()) {
      Inject inject = parameter.getAnnotation(Inject.class);
      needs.add(name(method, parameter, inject == null ? "" : inject.value()));
    }
    Plan.Code code = code(method);
    Factory factory = values -> call(code, values.toArray());
    String name = provides.value().isEmpty() ? method.getName() : provides.value();
    app.dependency(Maps.of("name", name, "kind", "factory", "scope", provides.scope(), "depends_on", needs), factory);
  }

  // ---- messages, tasks, events

  private void consumer(Method method, Consumes given) {
    List<Function<Message, Object>> makers = new ArrayList<>();
    Map<String, Object> schema = null;
    int payloads = 0;
    for (Parameter parameter : method.getParameters()) {
      Class<?> type = parameter.getType();
      if (type == Message.class) {
        makers.add(message -> message);
        continue;
      }
      if (++payloads > 1) throw wrong(method, "a handler of messages takes one payload, and a Message");
      if (type == byte[].class) makers.add(Message::payload);
      else if (type == String.class) makers.add(Message::text);
      else {
        Mapper mapper = Mapper.of(parameter.getParameterizedType());
        if (type != Object.class) schema = Schemas.document(parameter.getAnnotatedType(), parameter);
        makers.add(message -> message.payload().length == 0 ? mapper.absent() : mapper.read(Json.nodes(message.payload())));
      }
    }
    Config.Consumer options = new Config.Consumer().name(given.name().isEmpty() ? method.getName() : given.name()).topic(given.value());
    if (!given.group().isEmpty()) options.group(given.group());
    if (!given.client().equals("default")) options.client(given.client());
    if (given.concurrency() > 0) options.concurrency(given.concurrency());
    if (given.maxRetries() >= 0) options.maxRetries(given.maxRetries());
    if (!given.deadLetter().isEmpty()) options.deadLetter(given.deadLetter());
    if (given.ordered()) options.ordered(true);
    if (!given.startFrom().isEmpty()) options.put("start_from", given.startFrom());
    Plan.Code code = code(method);
    app.consumer(options, new Plan.WorkPlan(subject -> code.call(made(makers, (Message) subject)), mode(method), schema));
  }

  private static <S> Object[] made(List<Function<S, Object>> makers, S subject) {
    Object[] arguments = new Object[makers.size()];
    for (int i = 0; i < arguments.length; ++i) arguments[i] = makers.get(i).apply(subject);
    return arguments;
  }

  private Plan.WorkPlan taskPlan(Method method) {
    List<Parameter> given = new ArrayList<>();
    for (Parameter parameter : method.getParameters()) {
      if (parameter.getType() != TaskRun.class) given.add(parameter);
    }
    boolean whole = given.size() == 1 && (given.get(0).getType().isRecord() || given.get(0).getType() == Map.class || given.get(0).getType() == Object.class);
    List<Function<TaskRun, Object>> makers = new ArrayList<>();
    for (Parameter parameter : method.getParameters()) {
      if (parameter.getType() == TaskRun.class) {
        makers.add(run -> run);
        continue;
      }
      Mapper mapper = Mapper.of(parameter.getParameterizedType());
      if (whole) {
        makers.add(run -> run.argsJson().length == 0 ? mapper.absent() : mapper.read(Json.nodes(run.argsJson())));
        continue;
      }
      String name = name(method, parameter, "");
      boolean optional = Schemas.optional(parameter.getParameterizedType(), parameter, parameter.getAnnotatedType());
      makers.add(run -> member(run, name, mapper, optional || parameter.getType() == Optional.class));
    }
    Plan.Code code = code(method);
    return new Plan.WorkPlan(subject -> code.call(made(makers, (TaskRun) subject)), mode(method), null);
  }

  private static Object member(TaskRun run, String name, Mapper mapper, boolean optional) {
    if (run.argsJson().length > 0) {
      Nodes nodes = Json.nodes(run.argsJson());
      int members = nodes.type() == dev.spikard.internal.Abi.OBJ ? nodes.enter() : 0;
      for (int i = 0; i < members; ++i) {
        if (nodes.text().equals(name)) return mapper.read(nodes);
        nodes.skip();
      }
    }
    if (!optional) throw new MappingException("'" + name + "' is missing");
    return mapper.absent();
  }

  private void task(Method method, Task given) {
    app.task(given.client(), given.queue(), given.value().isEmpty() ? method.getName() : given.value(), taskPlan(method));
    Scheduled scheduled = method.getAnnotation(Scheduled.class);
    if (scheduled != null) schedule(method, scheduled, given.value().isEmpty() ? method.getName() : given.value(), given.queue(), given.client());
  }

  private void schedule(Method method, Scheduled given) {
    if (method.isAnnotationPresent(Task.class)) {
      task(method, method.getAnnotation(Task.class));
      return;
    }
    app.task("default", "default", method.getName(), taskPlan(method));
    schedule(method, given, method.getName(), "default", "default");
  }

  private void schedule(Method method, Scheduled given, String task, String queue, String client) {
    Config.Schedule schedule = new Config.Schedule().name(task).cron(given.value()).task(task).queue(queue);
    if (!given.timezone().equals("UTC")) schedule.timezone(given.timezone());
    if (!client.equals("default")) schedule.client(client);
    if (!given.misfire().isEmpty()) schedule.put("misfire", given.misfire());
    if (!given.overlap().isEmpty()) schedule.put("overlap", given.overlap());
    app.schedule(schedule);
  }

  private Plan.WorkPlan event(Method method) {
    List<Function<CloudEvent, Object>> makers = new ArrayList<>();
    for (Parameter parameter : method.getParameters()) {
      Class<?> type = parameter.getType();
      if (type == CloudEvent.class) makers.add(event -> event);
      else if (type == byte[].class || type == String.class || type == Object.class) makers.add(event -> event.data() == null ? null : type.cast(event.data()));
      else {
        Mapper mapper = Mapper.of(parameter.getParameterizedType());
        makers.add(event -> {
          Object data = event.data();
          return data == null ? mapper.absent() : mapper.read(data instanceof byte[] bytes ? Json.nodes(bytes) : Json.nodesOf(data));
        });
      }
    }
    Plan.Code code = code(method);
    return new Plan.WorkPlan(subject -> code.call(made(makers, (CloudEvent) subject)), mode(method), null);
  }
}
