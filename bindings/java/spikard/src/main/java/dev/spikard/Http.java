package dev.spikard;

import dev.spikard.internal.Abi;
import dev.spikard.internal.Batch;
import dev.spikard.internal.Json;
import dev.spikard.internal.MappingException;
import dev.spikard.internal.Nodes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** Requests, hooks and dependencies: what came is given to the code behind it, and what that says becomes commands. */
final class Http {
  private final Binding binding;

  Http(Binding binding) {
    this.binding = binding;
  }

  // ---- requests

  void request(Port port, Port.Event event) {
    long id = event.id;
    Plan.Route route = binding.plan.route(event.route);
    if (route == null) {
      port.submit(batch -> batch.add(Abi.CMD_FAIL, id));
      return;
    }
    Work work = new Work(port, id);
    Request request = null;
    Object[] arguments;
    try {
      if (route.needsRequest()) request = new Request(binding, route, work, Port.Records.copy(event.rec, event.base));
      arguments = arguments(route, event.rec, event.base, request, work);
    } catch (Throwable error) {
      finish(work, route, null, error instanceof MappingException ? new Problem(422).detail(error.getMessage()) : error);
      return;
    }
    port.owed.put(id, work);
    if (route.mode() == Plan.Mode.LOOP) {
      run(work, route, arguments);
    } else {
      Scope scope = binding.scopeOf(port, work);
      Object[] ready = arguments;
      binding.execute(scope, () -> {
        work.begin();
        run(work, route, ready);
      }, refused -> failed(work, refused));
    }
  }

  private Object[] arguments(Plan.Route route, ByteBuffer record, int base, Request request, Work work) {
    List<Plan.Argument> wanted = route.arguments();
    Object[] out = new Object[wanted.size()];
    int parameters = Port.Records.count(record, base, Abi.AT_REQUEST_PARAMS);
    Nodes nodes = Port.Records.nodes(record, base, Abi.AT_REQUEST_PARAMS);
    int at = 0;
    for (int i = 0; i < out.length; ++i) {
      Plan.Argument argument = wanted.get(i);
      switch (argument.source()) {
        case PARAMETER -> {
          // In the order of the manifest, and so of the arguments.
          for (; at < argument.index(); ++at) nodes.skip();
          out[i] = argument.index() < parameters ? argument.mapper().read(nodes) : argument.mapper().absent();
          ++at;
        }
        case JSON -> out[i] = json(record, base, argument);
        case TEXT -> out[i] = Port.Records.text(record, base, Abi.AT_REQUEST_BODY);
        case BYTES -> out[i] = Port.Records.bytes(record, base, Abi.AT_REQUEST_BODY);
        case REQUEST -> out[i] = request;
        case CONTEXT -> out[i] = request.context();
        case CANCELLATION -> out[i] = work;
        case BODY_STREAM -> out[i] = request.stream();
        case DEPENDENCY -> out[i] = dependency(record, base, argument.index());
        default -> throw new IllegalStateException();
      }
    }
    return out;
  }

  private static Object json(ByteBuffer record, int base, Plan.Argument argument) {
    if (Port.Records.count(record, base, Abi.AT_REQUEST_JSON) == 0) return argument.mapper().absent();
    Nodes nodes = Port.Records.nodes(record, base, Abi.AT_REQUEST_JSON);
    if (argument.member() == null) return argument.mapper().read(nodes);
    int members = nodes.type() == Abi.OBJ ? nodes.enter() : 0;
    for (int i = 0; i < members; ++i) {
      if (nodes.text().equals(argument.member())) return argument.mapper().read(nodes);
      nodes.skip();
    }
    return argument.mapper().absent();
  }

  Object dependency(ByteBuffer record, int base, int index) {
    int n = Port.Records.count(record, base, Abi.AT_REQUEST_DEPS);
    if (index >= n) throw new IllegalStateException("there is no dependency number " + index);
    Object value = binding.tokens.get(record.getLong(base + record.getInt(base + Abi.AT_REQUEST_DEPS) + index * 8));
    return value == NULL ? null : value;
  }

  /** Stands for null where a map has none. */
  static final Object NULL = new Object();

  private void run(Work work, Plan.Route route, Object[] arguments) {
    Scope before = Scope.current();
    if (route.mode() == Plan.Mode.LOOP) Scope.enter(new Scope(binding, work, null, false));
    Object value = null;
    Throwable thrown = null;
    try {
      value = route.handler().call(arguments);
      if (value instanceof StreamingResponse stream && route.mode() == Plan.Mode.BLOCKING) {
        write(work, stream);
        return;
      }
    } catch (Throwable error) {
      thrown = error;
    } finally {
      if (route.mode() == Plan.Mode.LOOP) Scope.restore(before);
      else work.leave();
    }
    finish(work, route, value, thrown);
  }

  /** Writes a streamed answer on this thread. */
  private void write(Work work, StreamingResponse stream) {
    Port port = work.port;
    port.submit(batch -> head(batch, batch.add(Abi.CMD_HEAD, work.id), stream));
    try {
      stream.body().writeTo(new StreamingResponse.Out() {
        @Override
        public void write(byte[] bytes) {
          for (int from = 0; from < bytes.length; from += 65536) {
            int offset = from;
            int length = Math.min(65536, bytes.length - from);
            work.takeCredit(length);
            port.submit(batch -> batch.body(batch.add(Abi.CMD_CHUNK, work.id), bytes, offset, length));
          }
        }

        @Override
        public Cancellation cancellation() {
          return work;
        }
      });
      end(work);
      port.submit(batch -> {
        batch.add(Abi.CMD_END, work.id);
        jobs(port, batch, stream.jobs());
        jobs(port, batch, work.background);
      });
    } catch (Throwable error) {
      failed(work, error);
    }
  }

  private void end(Work work) {
    work.finish();
    work.port.owed.remove(work.id, work);
  }

  /** Of a stage that is none itself: one that follows it. */
  static CompletableFuture<?> future(CompletionStage<?> stage) {
    try {
      return stage.toCompletableFuture();
    } catch (UnsupportedOperationException ofAnotherKind) {
      CompletableFuture<Object> out = new CompletableFuture<>();
      stage.whenComplete((value, error) -> {
        if (error != null) out.completeExceptionally(error);
        else out.complete(value);
      });
      return out;
    }
  }

  private void finish(Work work, Plan.Route route, Object value, Throwable thrown) {
    if (thrown == null && value instanceof CompletionStage<?> stage) {
      CompletableFuture<?> future = future(stage);
      work.await(future);
      future.whenComplete((result, error) -> finish(work, route, result, error instanceof CompletionException && error.getCause() != null ? error.getCause() : error));
      return;
    }
    if (thrown == null && value instanceof StreamingResponse stream) {
      // From the loop's thread, or from a future.
      binding.execute(new Scope(binding, work, null, false), () -> {
        work.begin();
        try {
          write(work, stream);
        } finally {
          work.leave();
        }
      }, refused -> failed(work, refused));
      return;
    }
    if (thrown instanceof Problem problem) {
      value = problem;
      thrown = null;
    }
    if (thrown == null) {
      Object answer = value;
      try {
        work.port.submit(batch -> {
          reply(batch, work.id, route, answer);
          if (answer instanceof Response response) jobs(work.port, batch, response.jobs());
          jobs(work.port, batch, work.background);
        });
        end(work);
        return;
      } catch (RuntimeException | Error error) {
        thrown = error;
      }
    }
    failed(work, thrown);
  }

  private void failed(Work work, Throwable error) {
    if (work.isCancelled() && (error instanceof CancelledException || error instanceof InterruptedException || error instanceof java.util.concurrent.CancellationException)) {
      end(work);
      work.port.submit(batch -> batch.add(Abi.CMD_ABORT, work.id));
      return;
    }
    end(work);
    if (onErrorHooks() > 0) errors.put(work.id, error);
    binding.fail(work.port, work.id, error, 0);
  }

  private int onErrorHooks() {
    return binding.plan.hooks.isEmpty() ? 0 : binding.plan.hooks.get(Abi.HOOK_ON_ERROR).size();
  }

  /** What handlers threw, for the hooks of on_error. Where none runs, for the client is gone, the oldest makes room. */
  private final Map<Long, Throwable> errors = Collections.synchronizedMap(new LinkedHashMap<>() {
    private static final long serialVersionUID = 1;

    @Override
    protected boolean removeEldestEntry(Map.Entry<Long, Throwable> eldest) {
      return size() > 1024;
    }
  });

  private void jobs(Port port, Batch batch, List<Work.Job> jobs) {
    if (jobs == null) return;
    for (Work.Job job : jobs) {
      long user = port.users.incrementAndGet();
      port.jobs.put(user, job);
      int at = batch.add(Abi.CMD_CALL, 0);
      batch.user(at, user).arg(at, Abi.OP_BACKGROUND_RUN);
    }
  }

  private static void head(Batch batch, int at, Response response) {
    batch.status(at, response.status()).headers(at, response.headerLines());
  }

  private void reply(Batch batch, long id, Plan.Route route, Object value) {
    if (value instanceof Problem problem) value = problem.toResponse(binding.problemBase);
    int at = batch.add(Abi.CMD_REPLY, id);
    if (value instanceof Response response) {
      head(batch, at, response);
      switch (response.form()) {
        case BYTES -> batch.format(at, Abi.BODY_RAW).body(at, (byte[]) response.content());
        case TEXT -> batch.format(at, Abi.BODY_TEXT).body(at, ((String) response.content()).getBytes(StandardCharsets.UTF_8));
        case JSON -> batch.format(at, Abi.BODY_NODES).nodes(at, response.content());
        default -> {
        }
      }
    } else if (value instanceof Served served) {
      int client = binding.clientNumber(served.client.group(), served.client.name());
      batch.format(at, Abi.BODY_OPERATION).arg(at, served.operation).client(at, client).status(at, served.status).nodes(at, served.arguments);
    } else if (value == null) {
      batch.status(at, route.status() == 200 ? 204 : route.status());
    } else if (value instanceof String text) {
      batch.status(at, route.status()).format(at, Abi.BODY_TEXT).body(at, text.getBytes(StandardCharsets.UTF_8));
    } else if (value instanceof byte[] bytes) {
      batch.status(at, route.status()).format(at, Abi.BODY_RAW).body(at, bytes);
    } else {
      batch.status(at, route.status()).format(at, Abi.BODY_NODES).nodes(at, value);
    }
  }

  // ---- what is owed beside requests

  /** Runs code that owes a RESULT, on the loop's thread or on one that may block; `done` gets what it gave at its end, `failed` what it threw. */
  private void owe(Port port, long id, Plan.Mode mode, java.util.concurrent.Callable<Object> code, java.util.function.Consumer<Object> done, java.util.function.Consumer<Throwable> failed) {
    Work work = new Work(port, id);
    Work before = id == 0 ? null : port.owed.put(id, work);
    Scope scope = mode == Plan.Mode.BLOCKING ? binding.scopeOf(port, work) : new Scope(binding, work, null, false);
    Runnable over = () -> {
      work.finish();
      if (id == 0) return;
      if (before == null) port.owed.remove(id, work);
      else port.owed.put(id, before);
    };
    Runnable run = () -> {
      if (mode == Plan.Mode.BLOCKING) work.begin();
      Object value;
      try {
        value = code.call();
      } catch (Throwable error) {
        if (mode == Plan.Mode.BLOCKING) work.leave();
        over.run();
        failed.accept(error);
        return;
      }
      if (mode == Plan.Mode.BLOCKING) work.leave();
      if (value instanceof CompletionStage<?> stage) {
        CompletableFuture<?> future = future(stage);
        work.await(future);
        future.whenComplete((result, error) -> {
          over.run();
          if (error == null) settle(() -> done.accept(result), failed);
          else failed.accept(error instanceof CompletionException && error.getCause() != null ? error.getCause() : error);
        });
        return;
      }
      over.run();
      settle(() -> done.accept(value), failed);
    };
    if (mode == Plan.Mode.LOOP) scope.run(run);
    else binding.execute(scope, run, refused -> {
      over.run();
      failed.accept(refused);
    });
  }

  private static void settle(Runnable done, java.util.function.Consumer<Throwable> failed) {
    try {
      done.run();
    } catch (RuntimeException error) {
      failed.accept(error);
    }
  }

  void hook(Port port, Port.Event event) {
    int phase = (int) event.arg;
    long id = event.id;
    Plan.HookPlan plan = binding.plan.hooks.get(phase).get(event.route);
    ByteBuffer record = Port.Records.copy(event.rec, event.base);
    Plan.Route route = binding.plan.route(record.getInt(Abi.AT_REQUEST_ROUTE));
    Work of = new Work(port, id);
    Request request = new Request(binding, route, of, record);
    if (phase == Abi.HOOK_ON_ERROR) request.error(event.route + 1 == onErrorHooks() ? errors.remove(id) : errors.get(id));
    ResponseDraft draft = event.answer == null ? new ResponseDraft(null, List.of())
        : new ResponseDraft(event.answer.getInt(event.answerBase + Abi.AT_RECORD_STATUS), Port.Records.pairs(event.answer, event.answerBase, Abi.AT_RECORD_META));
    owe(port, id, plan.mode(), () -> plan.hook().call(request, draft), value -> result(port, id, request, draft, value), error -> {
      if (error instanceof Problem problem) result(port, id, request, draft, problem);
      else binding.fail(port, id, error, 0);
    });
  }

  private void result(Port port, long id, Request request, ResponseDraft draft, Object value) {
    Map<String, Object> result = new LinkedHashMap<>();
    Map<String, Object> context = request.changedContext();
    if (context != null && !context.isEmpty()) result.put("context", context);
    if (!draft.set.isEmpty()) result.put("set", draft.set);
    if (!draft.append.isEmpty()) result.put("append", draft.append);
    if (value != null) result.put("answer", answer(value, draft));
    port.submit(batch -> {
      int at = batch.add(Abi.CMD_RESULT, id);
      if (!result.isEmpty()) batch.nodes(at, result);
    });
  }

  private Map<String, Object> answer(Object value, ResponseDraft draft) {
    Response response;
    if (value instanceof Problem problem) response = problem.toResponse(binding.problemBase);
    else if (value instanceof Response given) response = given;
    else response = Response.of(value).status(draft.status() == null ? 200 : draft.status());
    List<List<String>> headers = new ArrayList<>();
    response.headerLines().forEach(line -> headers.add(List.of(line.getKey(), line.getValue())));
    Object body = response.content();
    int format = Abi.BODY_RAW;
    switch (response.form()) {
      case TEXT -> {
        format = Abi.BODY_TEXT;
        body = ((String) body).getBytes(StandardCharsets.UTF_8);
      }
      case JSON -> {
        format = Abi.BODY_JSON;
        body = Json.write(body);
      }
      case EMPTY -> body = new byte[0];
      default -> {
      }
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("status", response.status());
    out.put("format", format);
    out.put("headers", headers);
    out.put("body", body);
    return out;
  }

  void factory(Port port, Port.Event event) {
    long id = event.id;
    Plan.FactoryPlan plan = binding.plan.factories.get(event.route);
    List<Object> needs = new ArrayList<>();
    Object tokens = Port.Records.value(event.rec, event.base, Abi.AT_RECORD_NODES);
    if (tokens instanceof List<?> list) {
      for (Object token : list) {
        Object value = binding.tokens.get(((Number) token).longValue());
        needs.add(value == NULL ? null : value);
      }
    }
    owe(port, id, plan.mode(), () -> plan.factory().make(needs), made -> {
      Object value = made instanceof Disposable disposable ? disposable.value() : made;
      AutoCloseable closer = made instanceof Disposable disposable ? disposable.cleanup() : made instanceof AutoCloseable closeable ? closeable : null;
      long token = binding.nextToken.getAndIncrement();
      binding.tokens.put(token, value == null ? NULL : value);
      if (closer != null) binding.closers.put(token, closer);
      String type = jsonType(value);
      port.submit(batch -> {
        int at = batch.add(Abi.CMD_RESULT, id);
        batch.arg(at, token);
        if (type != null) batch.nodes(at, type);
      });
    }, error -> binding.fail(port, id, error, 0));
  }

  void dispose(Port port, Port.Event event) {
    long id = event.id;
    long token = event.arg;
    long arg = id == 0 ? token : 0;
    binding.tokens.remove(token);
    AutoCloseable closer = binding.closers.remove(token);
    if (closer == null) {
      port.submit(batch -> batch.arg(batch.add(Abi.CMD_RESULT, id), arg));
      return;
    }
    owe(port, id, Plan.Mode.BLOCKING, () -> {
      closer.close();
      return null;
    }, done -> port.submit(batch -> batch.arg(batch.add(Abi.CMD_RESULT, id), arg)), error -> binding.fail(port, id, error, 0));
  }

  /** The JSON type of a value; null for what is not JSON's. */
  static String jsonType(Object value) {
    if (value == null) return "null";
    if (value instanceof Boolean) return "boolean";
    if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte || value instanceof java.math.BigInteger) return "integer";
    if (value instanceof Number) return "number";
    if (value instanceof CharSequence) return "string";
    if (value instanceof Map<?, ?>) return "object";
    if (value instanceof List<?>) return "array";
    return null;
  }
}
